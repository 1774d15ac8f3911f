# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What each kernel is checked for, of whatever architecture. Sourced after tests/tap.sh.

builds()
{
	"$TOP/scripts/build-modules" "$1"
	ls "$TOP/build/modules/$1/"{vfio-latch,vfio-pci,mlx5-vfio-pci}.ko
}

has_what_we_know()
{
	sed -n 's/^#define HAVE_\([^ ]*\) 1$/\1/p' "$TOP/build/kbuild/$2/compat/have.h" |
		sort | diff -u "$TOP/tests/kernels/$1.have" -
}

# check_kernel SUITE RELEASE
check_kernel()
{
	promise "modules_build_without_warnings_for_$1 ($2)" builds "$2"
	promise "probes_know_the_kernel_of_$1 ($2)" has_what_we_know "$1" "$2"
}
