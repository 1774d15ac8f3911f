# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # variables of lib.sh and rebooted
# What is set by devlink before VFs are made. The model has no eswitch, so the kernel refuses.

vfs_that_cannot_be_declared_migratable_are_not_made_and_the_kernels_reason_is_told()
{
	add_section <<-'END'
	[ports]
	eswitch_mode = switchdev
	migratable = yes
	END
	remove_vfs
	status_is 1 vfio-latch apply
	grep -E "^vfio-latch: $pf: no VFs are made, $drop_in:2 says eswitch_mode = switchdev: .*Operation not (supported|permitted)" said
	[[ $(<"$sys/$pf/sriov_numvfs") -eq 0 ]]
	rm "$drop_in"
	vfio-latch apply
	find_vfs
	have_driver mlx5_vfio_pci 8 "${vfs[@]}"
}
