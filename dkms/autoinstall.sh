# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154 # dkms.conf's
# Part of dkms.conf: what dkms autoinstall had better not try, since apt would fail with it.

# The kernel that autoinstall is for is not the one that dkms.conf is read for: it stands in
# the variable that dkms has hidden under a local one.
asked_kernel=$(unset kernelver && echo "${kernelver-}")
asked_arch=$(unset arch && echo "${arch-}")
asked_config=/lib/modules/$asked_kernel/build/.config

# dkms 3.0.10 (Debian 12) counts an excluded kernel as failed. There, it must not see AUTOINSTALL.
if [[ -e $asked_config ]]; then
	[[ $asked_kernel =~ $BUILD_EXCLUSIVE_KERNEL ]] || AUTOINSTALL=""
	[[ ${asked_arch:-$(uname -m)} =~ $BUILD_EXCLUSIVE_ARCH ]] || AUTOINSTALL=""
	for option in $BUILD_EXCLUSIVE_CONFIG; do
		grep -q "^$option=[ym]" "$asked_config" || AUTOINSTALL=""
	done
fi

# A kernel that is being installed is ours before it is dkms's (dkms/kernel-hook). Where we
# failed, there is a log, and dkms would only fail again.
[[ ! -e /var/log/vfio-latch/$asked_kernel.log ]] || AUTOINSTALL=""
