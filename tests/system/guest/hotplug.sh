# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # variables of lib.sh and rebooted
# Devices that are removed and found again. Their usual drivers are loaded, and the kernel offers a
# device to drivers before udev hears of it.

remove_and_rescan()
{
	echo 1 >"$sys/$1/remove"
	[[ ! -e $sys/$1 ]]
	echo 1 >/sys/bus/pci/rescan
}

section_for_the_nic()
{
	add_section <<-'END'
	[nic]
	id = 8086:10d3
	driver = vfio-pci
	END
	vfio-latch apply "$nic"
	have_driver vfio-pci 1 "$nic"
}

a_device_that_its_usual_driver_takes_at_a_rescan_is_taken_over()
{
	section_for_the_nic
	mark rescan
	for function in "$nic" "$disk" "$shared_disk"; do
		remove_and_rescan "$function"
		udevadm settle --timeout=180
		have_driver vfio-pci 1 "$function"
	done
	log_since rescan | probed e1000e "$nic"
	vfio-latch unbind "$nic"
}

a_device_that_is_in_use_after_a_rescan_keeps_its_driver_and_one_line_says_why()
{
	section_for_the_nic
	# udev hears of it when it is in use.
	trap 'udevadm control --start-exec-queue' EXIT
	udevadm control --stop-exec-queue
	remove_and_rescan "$nic"
	interface=$(ls "$sys/$nic/net")
	ip link set "$interface" up
	udevadm control --start-exec-queue
	udevadm settle --timeout=180
	have_driver e1000e 1 "$nic"
	[[ $(logged "$nic: left with e1000e, in use: network interface $interface is up") -eq 1 ]]
	ip link set "$interface" down
	vfio-latch apply "$nic"
	have_driver vfio-pci 1 "$nic"
	vfio-latch unbind "$nic"
}
