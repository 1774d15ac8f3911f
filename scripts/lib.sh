# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What the scripts of this tree share. Sourced, with TOP set to the top of the tree.

VFIO_LATCH_CACHE=${VFIO_LATCH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/vfio-latch}
# shellcheck disable=SC2034 # for those who source this
ROOTS=$VFIO_LATCH_CACHE/roots

progress()
{
	printf '==> %s\n' "$*" >&2
}

die()
{
	printf 'vfio-latch: %s\n' "$*" >&2
	exit 1
}

# debian_arch NAME: what Debian calls the architecture NAME of uname or of the kernel
debian_arch()
{
	case $1 in
	aarch64 | arm64) echo arm64 ;;
	x86_64 | x86 | amd64) echo amd64 ;;
	*) echo "$1" ;;
	esac
}

# kernel_arch DIR: the architecture that the kernel prepared in DIR is for
kernel_arch()
{
	if grep -q '^CONFIG_ARM64=y' "$1/include/config/auto.conf"; then
		echo arm64
	elif grep -q '^CONFIG_X86_64=y' "$1/include/config/auto.conf"; then
		echo amd64
	else
		echo unknown
	fi
}

# kernel_headers RELEASE: where the headers of a kernel are that this system's compiler builds
# modules for: installed ones, or those of a kernel of tests/vm/debug-kernel
kernel_headers()
{
	local dir

	for dir in "/lib/modules/$1/build" "/usr/src/linux-headers-$1" \
			"$VFIO_LATCH_CACHE/debug-kernels"/*/"lib/modules/$1/build"; do
		if [[ -e $dir/Makefile ]]; then
			echo "$dir"
			return
		fi
	done
	return 1
}
