# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # variables of lib.sh and rebooted
# Functions that share an IOMMU group, and what only looks.

mapfile -t pair < <(lspci -Dnd 8086:100e | cut -d' ' -f1)

functions_of_the_same_group_are_named_and_bound_with_it()
{
	have_driver e1000 2 "${pair[@]}"
	[[ $(group_node "${pair[0]}") == "$(group_node "${pair[1]}")" ]]
	status_is 0 vfio-latch bind --driver=vfio-pci "${pair[0]}"
	grep -E "^vfio-latch: ${pair[0]}: nobody can open it while ${pair[1]} of its IOMMU group [0-9]+ has e1000: " said
	have_driver e1000 1 "${pair[1]}"
	no opens "${pair[0]}"
	status_is 0 vfio-latch bind --group "${pair[0]}"
	[[ ! -s said ]]
	have_driver vfio-pci 2 "${pair[@]}"
	opens "${pair[0]}"
	opens "${pair[1]}"
	vfio-latch unbind --group "${pair[1]}"
	have_driver e1000 2 "${pair[@]}"
}

# What commands change.
state()
{
	for function in "$sys"/*; do
		echo "$function $(readlink "$function/driver")"
		grep -s . "$function"/{driver_override,sriov_numvfs,sriov_drivers_autoprobe} \
			"$function"/vfio_pci/policy_source
	done
	grep . /sys/module/*vfio_pci/parameters/policy
	stat -c "%n %U %G %a" /dev/vfio/*
}

a_dry_run_says_what_would_be_done_and_does_nothing()
{
	add_section <<-'END'
	[mlx5-vfs]
	driver = vfio-pci

	[nic]
	id = 8086:10d3
	driver = vfio-pci
	group = daemon
	END
	state >before || :
	status_is 0 vfio-latch bind --dry-run "$nic"
	grep -x "$nic: would go from e1000e to vfio-pci" said
	status_is 0 vfio-latch bind --dry-run --group "${pair[0]}"
	[[ $(grep -c ": would go from e1000 to vfio-pci$" said) -eq 2 ]]
	status_is 0 vfio-latch unbind --dry-run "${vfs[@]}"
	[[ $(grep -c ": would go from mlx5_vfio_pci to its usual driver$" said) -eq 8 ]]
	status_is 0 vfio-latch apply --dry-run
	[[ $(grep -c ": would go from mlx5_vfio_pci to vfio-pci$" said) -eq 8 ]]
	grep -x "$nic: would go from e1000e to vfio-pci" said
	hold "$(group_node "${vfs[0]}")"
	status_is 5 vfio-latch unbind --dry-run "${vfs[0]}"
	let_go
	state >after || :
	[[ $(grep -c mlx5_vfio_pci before) -ge 8 ]]
	diff before after
}
