# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # variables of lib.sh and rebooted
# A kernel for which mlx5-vfio-pci was not built.

modules=/lib/modules/$(uname -r)

# As depmod leaves it: see tests/system/suite.
take_module_away()
{
	remove_vfs
	rmmod mlx5_vfio_pci
	mkdir away
	mv "$modules"/updates/dkms/mlx5?vfio?pci.ko* away/
	cp /without-module/modules.* "$modules/"
	trap bring_module_back EXIT
	no modinfo mlx5-vfio-pci
}

bring_module_back()
{
	trap - EXIT
	mv away/* "$modules/updates/dkms/"
	cp /with-module/modules.* "$modules/"
	rmdir away
}

no_vfs_of_their_own()
{
	add_section <<-'END'
	[ports]
	enabled = no
	END
}

vfs_go_to_their_usual_driver_on_a_kernel_without_our_module()
{
	no_vfs_of_their_own
	take_module_away
	status_is 0 vfio-latch apply
	grep -F "$pf: VFs of section [mlx5-vfs] get their usual driver: there is no module mlx5_vfio_pci for this kernel" said
	[[ $(<"$sys/$pf/sriov_drivers_autoprobe") -eq 1 ]]
	create_vfs 2
	have_driver mlx5_core 2 "${vfs[@]}"
	for vf in "${vfs[@]}"; do
		[[ $(logged "$vf: there is no module mlx5_vfio_pci for this kernel") -eq 1 ]]
	done
	bring_module_back
	vfio-latch apply
	have_driver mlx5_vfio_pci 2 "${vfs[@]}"
}

# The kernel offered them to no driver.
vfs_get_their_usual_driver_if_our_module_goes_away_before_they_come()
{
	no_vfs_of_their_own
	remove_vfs
	vfio-latch apply
	take_module_away
	[[ $(<"$sys/$pf/sriov_drivers_autoprobe") -eq 0 ]]
	create_vfs 2
	have_driver mlx5_core 2 "${vfs[@]}"
	for vf in "${vfs[@]}"; do
		[[ $(logged "$vf: has its usual driver, mlx5_core, instead; when this is mended: vfio-latch apply $vf") -ge 1 ]]
	done
	bring_module_back
	vfio-latch apply "${vfs[@]}"
	have_driver mlx5_vfio_pci 2 "${vfs[@]}"
}
