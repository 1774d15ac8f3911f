# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # variables of lib.sh and rebooted
# What is in use stays with its driver, and who uses it is named.

# stays FUNCTION DRIVER WHY: neither bind nor unbind takes it from DRIVER
stays()
{
	status_is 5 vfio-latch bind --driver=none "$1"
	grep -F "$1: left with $2, in use: $3" said
	have_driver "$2" 1 "$1"
}

# is_idle FUNCTION DRIVER: and comes back from none
is_idle()
{
	vfio-latch bind --driver=none "$1"
	vfio-latch bind --driver="$2" "$1"
	have_driver "$2" 1 "$1"
}

# stays_while_its_disk_is_used SERIAL: of the QEMU disk
stays_while_its_disk_is_used()
{
	local controller disk function node

	disk=/dev/disk/by-id/nvme-QEMU_NVMe_Ctrl_$1
	udevadm wait --timeout=180 "$disk"
	disk=$(realpath "$disk")
	controller=$(grep -lE "^$1 *$" /sys/class/nvme/*/serial | cut -d/ -f5)
	function=$(<"/sys/class/nvme/$controller/address")

	is_idle "$function" nvme
	udevadm wait --timeout=180 "$disk"
	for node in "/dev/$controller" "$disk"; do
		hold "$node"
		stays "$function" nvme "process $holder ("
		let_go
	done
	./busybox mke2fs "$disk"
	mkdir -p mounted
	mount -t ext4 "$disk" mounted
	stays "$function" nvme "block device ${disk#/dev/} is in use"
	umount mounted
	mkswap "$disk"
	swapon "$disk"
	stays "$function" nvme "block device ${disk#/dev/} is in use"
	swapoff "$disk"
}

a_disk_with_an_open_node_or_mounted_stays_with_its_driver()
{
	vfio-latch unbind "$disk"
	stays_while_its_disk_is_used data
	vfio-latch apply "$disk"
	have_driver vfio-pci 1 "$disk"
}

# The kernel has it below the subsystem, not below the controller.
so_does_one_that_several_controllers_can_have()
{
	vfio-latch unbind "$shared_disk"
	stays_while_its_disk_is_used multipath
	vfio-latch apply "$shared_disk"
	have_driver vfio-pci 1 "$shared_disk"
}

a_network_interface_that_is_up_or_has_an_open_clock_stays_with_its_driver()
{
	interface=$(ls "$sys/$nic/net")
	ip link set "$interface" up
	stays "$nic" e1000e "network interface $interface is up"
	ip link set "$interface" down
	hold "/dev/$(ls "$sys/$nic/ptp")"
	stays "$nic" e1000e "process $holder ("
	let_go
	is_idle "$nic" e1000e
}

## Who holds a VF

a_vf_whose_group_is_open_stays_with_its_driver()
{
	hold "$(group_node "${vfs[0]}")"
	status_is 5 vfio-latch unbind "${vfs[0]}"
	grep -F "${vfs[0]}: left with mlx5_vfio_pci, in use: process $holder (" said
	let_go
	have_driver mlx5_vfio_pci 1 "${vfs[0]}"
}

unbind_of_a_vf_that_is_held_ends_in_time_and_names_the_holder()
{
	vf=${vfs[0]}
	hold_device "$vf"
	status_is 5 vfio-latch unbind "$vf"
	grep -F "in use: process $holder_PID (perl) has it open" said
	status_is 6 vfio-latch unbind --force --timeout=2 "$vf"
	grep -E "^vfio-latch: $vf: mlx5_vfio_pci has not let it go .*: process $holder_PID \(perl\) has it open" said
	# Nor does journald get stuck on what the kernel is still at, or another command.
	timeout 60 journalctl --sync
	status_is 6 vfio-latch bind --timeout=2 "$vf"
	grep -F "$vf: another vfio-latch has been at work on it" said
	vfio-latch list | grep "^$vf "
	let_go_device
	vfio-latch apply "$vf"
	have_driver mlx5_vfio_pci 1 "$vf"
	opens "$vf"
}
