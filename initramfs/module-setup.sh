#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2154 # dracut's variables
# For dracut: the command and its configuration, if a section has a line "initramfs".

check()
{
	local root=${dracutsysrootdir-}

	require_binaries vfio-latch || return 1
	# 255: only if somebody asks for this module by its name.
	"$root/usr/lib/vfio-latch/initramfs-wanted" "$root" || return 255
}

install()
{
	local root=${dracutsysrootdir-} file

	inst_multiple vfio-latch
	for file in "$root"/etc/vfio-latch.conf "$root"/etc/vfio-latch.conf.d/*.conf \
			"$root"/var/lib/vfio-latch/last-good.conf; do
		if [[ -f $file ]]; then
			inst_simple "${file#"$root"}"
		fi
	done
	inst_hook pre-udev 10 "$moddir/vfio-latch-claim.sh"
	if dracut_module_included systemd; then
		inst_simple "$moddir/modules-load.conf" \
			"$systemdsystemunitdir/systemd-modules-load.service.d/vfio-latch.conf"
	fi
}
