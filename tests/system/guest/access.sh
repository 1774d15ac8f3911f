# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # variables of lib.sh and rebooted
# Who may open a device.

# as USER GROUP COMMAND...: USER has GROUP as his other one
as()
{
	setpriv --reuid="$1" --regid=nogroup --groups="$2" "${@:3}"
}

# nodes_are OWNER GROUP MODE...: of the first VFs
nodes_are()
{
	local n=0

	while [[ $# -gt 0 ]]; do
		[[ $(stat -c "%U %G %a" "$(group_node "${vfs[n]}")") == "$1 $2 $3" ]]
		shift 3
		((++n))
	done
}

the_user_of_a_section_opens_its_devices_without_root_and_nobody_else_does()
{
	grep -q ^vmm: /etc/passwd || echo vmm:x:1500:1500::/:/bin/sh >>/etc/passwd
	grep -q ^vmms: /etc/group || echo vmms:x:1500: >>/etc/group
	# Opening the container asks for it, and does not wait.
	modprobe vfio_iommu_type1
	# Somebody else's rule, which udev applies at each event.
	mkdir -p /run/udev/rules.d
	echo 'SUBSYSTEM=="vfio", OWNER="daemon", GROUP="daemon", MODE="0600"' >/run/udev/rules.d/99-other.rules
	udevadm control --reload
	add_section <<-END
	[owned]
	pf = $pf
	vf = 0
	driver = mlx5_vfio_pci
	owner = vmm

	[shared]
	pf = $pf
	vf = 1
	driver = mlx5_vfio_pci
	group = vmms

	[public]
	pf = $pf
	vf = 2
	driver = mlx5_vfio_pci
	owner = vmm
	group = vmms
	mode = 0666
	END
	nodes_are root root 600 root root 600 root root 600
	no opens "${vfs[0]}" as vmm vmms
	vfio-latch apply
	nodes_are vmm root 600 root vmms 660 vmm vmms 666
	udevadm trigger --settle --action=change --subsystem-match=vfio
	nodes_are vmm root 600 root vmms 660 vmm vmms 666
	opens "${vfs[0]}" as vmm nogroup
	opens "${vfs[1]}" as vmm vmms
	opens "${vfs[2]}" as nobody nogroup
	no opens "${vfs[0]}" as nobody vmms
	no opens "${vfs[1]}" as vmm nogroup
	rm "$drop_in" /run/udev/rules.d/99-other.rules
	udevadm control --reload
	vfio-latch apply
	nodes_are root root 600 root root 600 root root 600
	no opens "${vfs[2]}" as vmm vmms
}
