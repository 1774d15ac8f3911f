# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # variables of lib.sh and rebooted
# A PF that is stuck: its driver removes a VF that a program has open, and nobody gets the PF's lock.

# More VFs than udev handles events at a time, here.
many=48

# stick_pf: until let_go_pf or the end of the promise
stick_pf()
{
	hold_device "${vfs[0]}"
	trap let_go_pf EXIT
	echo 0 >"$sys/$pf/sriov_numvfs" &
	removal=$!
	# No event tells that a driver has been asked.
	timeout 200 sh -c "while [ -e '$sys/${vfs[0]}/driver' ]; do sleep 0.2; done"
}

let_go_pf()
{
	trap - EXIT
	let_go_device
	wait "$removal"
	udevadm settle --timeout=180
}

# The VFs have no driver. A call of udev for one of them waits for the PF; if all did, they would keep
# udev from the NIC.
while_a_pf_is_stuck_udev_handles_other_devices()
{
	local before

	add_section <<-END
	[ports]
	enabled = no

	[nic]
	id = 8086:10d3
	driver = vfio-pci
	END
	remove_vfs
	create_vfs $many
	have_driver mlx5_vfio_pci $many "${vfs[@]}"
	for vf in "${vfs[@]:1}"; do
		echo "$vf" >"$sys/$vf/driver/unbind"
	done
	echo "$nic" >"$sys/$nic/driver/unbind"
	udevadm settle --timeout=180
	stick_pf
	before=$EPOCHREALTIME
	for vf in "${vfs[@]:1}"; do
		echo add >"$sys/$vf/uevent"
	done
	udevadm trigger --settle --action=add "$sys/$nic"
	have_driver vfio-pci 1 "$nic"
	note "while a PF was stuck: a NIC was bound $(((${EPOCHREALTIME/./} - ${before/./}) / 1000)) ms" \
		"after the events of $((many - 1)) VFs and its own began"
	status_is 0 vfio-latch list
	grep -E "^$nic +vfio-pci " said
	kill -0 "$removal"
	let_go_pf
	[[ ! -e $sys/${vfs[0]} ]]
	# What has gone waits no more.
	[[ -z $(find /run/vfio-latch -name 'new-*') ]]
	vfio-latch unbind "$nic"
	rm "$drop_in"
	vfio-latch apply
	find_vfs
	have_driver mlx5_vfio_pci 8 "${vfs[@]}"
}
