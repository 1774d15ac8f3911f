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
