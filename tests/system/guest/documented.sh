# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # variables of lib.sh
# Examples of docs/ that need a running host.

single_rules_come_and_go_as_documented()
{
	modprobe vfio-pci
	sh -eux examples/single-rules >said
	cat said
	grep -x 0000:41:00.0/disable_vga=1 said
	[[ -z $(</sys/module/vfio_pci/parameters/policy) ]]
}

a_reload_as_documented_binds_again_what_was_bound()
{
	fresh
	create_vfs 2
	have_driver mlx5_vfio_pci 2 "${vfs[@]}"
	modprobe vfio-pci
	sh -eux examples/reload
	have_driver mlx5_vfio_pci 2 "${vfs[@]}"
	[[ -e /sys/module/vfio_pci/parameters/policy ]]
}
