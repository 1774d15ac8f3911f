# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # status, out and err are latch's
# apply: as udev calls it (--new), and for what is there already.

HELPERS+=(pf_only udev a_vf_to_fail left_to_the_kernel drivers_of the_kernel_finishes nothing_was_bound
	waiting_call)

pf_only()
{
	new_system
	pf 0000:41:00.0 "$1"
}

# As udev does it for each of these.
udev()
{
	local address

	for address in "$@"; do
		latch_is 0 apply --new "$address"
	done
}

# drivers_of PF COUNT: of its VFs, in order
drivers_of()
{
	local n

	for ((n = 0; n < $2; n++)); do
		driver_of "$(vf "$1" "$n")"
	done | uniq -c | awk '{ print $1, $2 }'
}

a_new_pf_of_matching_vfs_loses_autoprobe()
{
	pf_only 8
	udev 0000:41:00.0
	is "$(attribute 0000:41:00.0 sriov_drivers_autoprobe)" 0
}

a_new_pf_of_other_vfs_keeps_autoprobe()
{
	pf_only 8
	echo 1889 >"$(sys 0000:41:00.0)/sriov_vf_device"
	udev 0000:41:00.0
	is "$(attribute 0000:41:00.0 sriov_drivers_autoprobe)" 1
}

a_new_pf_keeps_autoprobe_when_the_section_is_off()
{
	pf_only 8
	printf '[mlx5-vfs]\nenabled = no\n' | drop_in off.conf
	udev 0000:41:00.0
	is "$(attribute 0000:41:00.0 sriov_drivers_autoprobe)" 1
}

a_new_pf_keeps_autoprobe_when_all_its_vfs_are_left_to_their_usual_driver()
{
	pf_only 8
	printf '[x]\nid = 15b3:101e\ndriver = usual\n' | config
	udev 0000:41:00.0
	is "$(attribute 0000:41:00.0 sriov_drivers_autoprobe)" 1
}

# Below, each of these sections may mean one of the VFs.
vfs_by_address_range_group_and_netdev_cost_the_pf_autoprobe()
{
	local match

	for match in "address = 0000:41:00.3" "vf = 7" "iommu_group = 40" "pf_netdev = ens1np0" \
		"pf = 41:00.0" "id = 15b3:101e:1111:2222"; do
		pf_only 8
		printf '[x]\n%s\ndriver = vfio-pci\n' "$match" | config
		udev 0000:41:00.0
		is "$match $(attribute 0000:41:00.0 sriov_drivers_autoprobe)" "$match 0"
	done
}

vfs_of_unknown_numbering_may_be_any_address()
{
	pf_only 8
	echo 0 >"$(sys 0000:41:00.0)/sriov_offset"
	printf '[x]\naddress = 0000:41:02.0\ndriver = vfio-pci\n' | config
	udev 0000:41:00.0
	is "$(attribute 0000:41:00.0 sriov_drivers_autoprobe)" 0
}

vfs_that_the_pf_cannot_have_do_not()
{
	local match

	for match in "address = 0000:41:02.0" "vf = 8-9" "pf = 0000:42:00.0" "id = 15b3:101c"; do
		pf_only 8
		printf '[x]\n%s\ndriver = vfio-pci\n' "$match" | config
		udev 0000:41:00.0
		is "$match $(attribute 0000:41:00.0 sriov_drivers_autoprobe)" "$match 1"
	done
}

# left_to_the_kernel WHY: VFs keep the driver that they would have without us
left_to_the_kernel()
{
	complains "0000:41:00.0: VFs of section [mlx5-vfs] get their usual driver: $1" \
		0 apply --new 0000:41:00.0
	is "$(attribute 0000:41:00.0 sriov_drivers_autoprobe)" 1
}

a_new_pf_keeps_autoprobe_when_there_is_no_module_for_its_vfs()
{
	pf_only 8
	rm -r "$VFIO_LATCH_ROOT/model/modules/mlx5_vfio_pci"
	left_to_the_kernel "there is no module mlx5_vfio_pci for this kernel"
}

a_new_pf_keeps_autoprobe_when_the_module_may_not_be_loaded()
{
	local module

	pf_only 8
	module=$VFIO_LATCH_ROOT/model/modules/mlx5_vfio_pci
	mkdir -p "$VFIO_LATCH_ROOT/sys/kernel/security"
	echo "none [integrity] confidentiality" >"$VFIO_LATCH_ROOT/sys/kernel/security/lockdown"
	left_to_the_kernel "this kernel loads signed modules only (lockdown), and mlx5_vfio_pci is not signed"
	echo "a machine" >"$module/signer"
	echo "1d7a I------ 1 perm 1f030000 0 0 asymmetri a machine in the next room: 7b5c: X509.rsa 5d []" \
		>"$VFIO_LATCH_ROOT/proc/keys"
	left_to_the_kernel "this kernel loads signed modules only (lockdown), and mlx5_vfio_pci is signed with an unknown key, of a machine"
	echo "1d7b I------ 1 perm 1f030000 0 0 asymmetri Acme: a machine: 7b5d: X509.rsa 5d []" \
		>>"$VFIO_LATCH_ROOT/proc/keys"
	udev 0000:41:00.0
	is "$(attribute 0000:41:00.0 sriov_drivers_autoprobe)" 0
}

a_pf_gets_autoprobe_back_when_the_module_has_gone()
{
	pf_only 8
	udev 0000:41:00.0
	is "$(attribute 0000:41:00.0 sriov_drivers_autoprobe)" 0
	rm -r "$VFIO_LATCH_ROOT/model/modules/mlx5_vfio_pci"
	left_to_the_kernel "there is no module mlx5_vfio_pci for this kernel"
}

# The others of the PF are no worse off for it.
a_section_that_cannot_load_its_module_costs_only_its_own_vfs_their_driver()
{
	local order

	for order in "broken good" "good broken"; do
		pf_only 4
		loaded mlx5_core
		for section in $order; do
			case $section in
			broken) printf '[broken]\nvf = 0-1\ndriver = uio_pci_generic\n' ;;
			good) printf '[good]\nvf = 2-3\ndriver = mlx5_vfio_pci\n' ;;
			esac
		done | config
		complains "0000:41:00.0: VFs of section [broken] get their usual driver: there is no module uio_pci_generic for this kernel" \
			0 apply --new 0000:41:00.0
		is "$(attribute 0000:41:00.0 sriov_drivers_autoprobe)" 0
		vfs 0000:41:00.0 4
		latch_is 1 apply --new 0000:41:00.{1,2,3,4}
		is "$(drivers_of 0000:41:00.0 4)" "2 mlx5_core
2 mlx5_vfio_pci"
		is "$(stores | grep -c 'probe 0000:41:00.[34] < mlx5_core' || :)" 0
	done
}

new_vfs_are_bound_without_a_probe_by_the_usual_driver()
{
	pf_only 8
	loaded mlx5_core
	udev 0000:41:00.0
	vfs 0000:41:00.0 8
	udev 0000:41:0{0.1,0.2,0.3,0.4,0.5,0.6,0.7,1.0}
	is "$(drivers_of 0000:41:00.0 8)" "8 mlx5_vfio_pci"
	is "$(stores | grep -c 'probe .* < mlx5_core' || :)" 0
}

new_vfs_beyond_the_range_get_their_usual_driver()
{
	pf_only 4
	printf '[mlx5-vfs]\nvf = 1-2\n' | drop_in range.conf
	udev 0000:41:00.0
	vfs 0000:41:00.0 4
	udev 0000:41:00.{1,2,3,4}
	is "$(drivers_of 0000:41:00.0 4)" "1 mlx5_core
2 mlx5_vfio_pci
1 mlx5_core"
	is "$(attribute 0000:41:00.1 driver_override)" ""
}

a_section_may_leave_some_vfs_to_their_usual_driver()
{
	pf_only 4
	printf '[host]\nvf = 0\npf_netdev = ens*\ndriver = usual\n' | drop_in host.conf
	netdev 0000:41:00.0 ens1np0 0x1003
	udev 0000:41:00.0
	vfs 0000:41:00.0 4
	udev 0000:41:00.{1,2,3,4}
	is "$(drivers_of 0000:41:00.0 4)" "1 mlx5_core
3 mlx5_vfio_pci"
}

an_administrators_autoprobe_off_is_respected()
{
	pf_only 4
	echo 0 >"$(sys 0000:41:00.0)/sriov_drivers_autoprobe"
	printf '[mlx5-vfs]\nvf = 1-2\n' | drop_in range.conf
	udev 0000:41:00.0
	vfs 0000:41:00.0 4
	udev 0000:41:00.{1,2,3,4}
	is "$(drivers_of 0000:41:00.0 4)" "1 none
2 mlx5_vfio_pci
1 none"
	latch_is 0 apply --off
	is "$(attribute 0000:41:00.0 sriov_drivers_autoprobe)" 0
}

udev_never_takes_a_device_from_a_driver()
{
	pf_only 4
	vfs 0000:41:00.0 1
	driver 0000:41:00.1 mlx5_core
	udev 0000:41:00.1
	is "$(driver_of 0000:41:00.1)" mlx5_core
	is "$(stores)" ""
}

# Its driver was loaded already, and had it before udev told us.
a_hotplugged_device_is_taken_from_its_usual_driver_if_it_is_idle()
{
	pf_only 4
	loaded mlx5_core
	vfs 0000:41:00.0 2
	driver 0000:41:00.1 mlx5_core
	driver 0000:41:00.2 mlx5_core
	netdev 0000:41:00.2 ens1v1 0x1003
	latch_is 0 apply --new --hotplug 0000:41:00.1
	is "$(driver_of 0000:41:00.1)" mlx5_vfio_pci
	complains "0000:41:00.2: left with mlx5_core, in use: network interface ens1v1 is up" \
		5 apply --new --hotplug 0000:41:00.2
	is "$(driver_of 0000:41:00.2)" mlx5_core
}

a_hotplugged_device_that_others_have_decided_about_is_left_alone()
{
	pf_only 4
	vfs 0000:41:00.0 2
	driver 0000:41:00.1 uio_pci_generic
	driver 0000:41:00.2 mlx5_core
	echo mlx5_core >"$(sys 0000:41:00.2)/driver_override"
	latch_is 0 apply --new --hotplug 0000:41:00.1 0000:41:00.2
	is "$(driver_of 0000:41:00.1) $(driver_of 0000:41:00.2)" "uio_pci_generic mlx5_core"
	is "$(stores | grep -c '0000:41:00.[12]' || :)" 0
}

a_driver_that_takes_a_new_device_while_it_is_bound_does_not_keep_it()
{
	local up

	for up in 0x1002 0x1003; do
		pf_only 4
		loaded mlx5_core
		loaded mlx5_vfio_pci
		vfs 0000:41:00.0 1
		netdev 0000:41:00.1 ens1v0 $up
		echo mlx5_core >"$VFIO_LATCH_ROOT/model/faster"
		latch 'apply' --new --hotplug 0000:41:00.1
		case $up in
		0x1002) is "$status $err $(driver_of 0000:41:00.1)" "0  mlx5_vfio_pci" ;;
		*) is "$err $(driver_of 0000:41:00.1)" "vfio-latch: 0000:41:00.1: left with mlx5_core, in use: network interface ens1v0 is up mlx5_core" ;;
		esac
	done
}

udev_respects_anothers_driver_override()
{
	pf_only 4
	vfs 0000:41:00.0 1
	echo uio_pci_generic >"$(sys 0000:41:00.1)/driver_override"
	udev 0000:41:00.1
	is "$(driver_of 0000:41:00.1)" none
	is "$(attribute 0000:41:00.1 driver_override)" uio_pci_generic
}

udev_leaves_usual_drivers_of_other_devices_to_the_kernel()
{
	new_system
	device 0000:05:00.0 15b3:1021
	printf '[x]\naddress = 0000:05:00.0\ndriver = usual\n' | config
	udev 0000:05:00.0
	is "$(stores)" ""
}

any_device_is_bound_by_rule_before_its_usual_driver()
{
	new_system
	device 0000:05:00.0 15b3:1021
	printf '[x]\naddress = 0000:05:00.0\ndriver = vfio-pci\ndisable_vga = on\n' | config
	udev 0000:05:00.0
	is "$(driver_of 0000:05:00.0)" vfio-pci
	is "$(attribute 0000:05:00.0 vfio_pci/policy_source | sed -n 2p)" \
		"disable_vga 0000:05:00.0/disable_vga=1"
}

a_device_without_a_section_is_left_alone()
{
	new_system
	device 0000:05:00.0 1234:11e8
	udev 0000:05:00.0
	is "$(stores)" ""
}

a_new_device_that_has_gone_again_is_nobodys_fault()
{
	new_system
	udev 0000:05:00.0
}

# a_vf_to_fail: autoprobe is off by now, and what was there is no more
a_vf_to_fail()
{
	pf_only 1
	udev 0000:41:00.0
	vfs 0000:41:00.0 1
	is "$(attribute 0000:41:00.0 sriov_drivers_autoprobe)" 0
}

a_new_vf_whose_module_does_not_load_or_probe_gets_its_usual_driver()
{
	local new mended="has its usual driver, mlx5_core, instead; when this is mended: vfio-latch apply 0000:41:00.1"

	for new in --new ""; do
		a_vf_to_fail
		rm -r "$VFIO_LATCH_ROOT/model/modules/mlx5_vfio_pci"
		complains "0000:41:00.1: there is no module mlx5_vfio_pci for this kernel
vfio-latch: 0000:41:00.1: $mended" 1 apply $new 0000:41:00.1
		is "$(driver_of 0000:41:00.1)" mlx5_core
		is "$(attribute 0000:41:00.1 driver_override)" ""

		a_vf_to_fail
		echo 22 >"$VFIO_LATCH_ROOT/model/fail/mlx5_vfio_pci"
		latch_is 1 apply $new 0000:41:00.1
		is "$(tail -n 1 <<<"$err")" "vfio-latch: 0000:41:00.1: $mended"
		is "$(driver_of 0000:41:00.1)" mlx5_core
		rm "$VFIO_LATCH_ROOT/model/fail/mlx5_vfio_pci"
		latch_is 0 apply 0000:41:00.1
		is "$(driver_of 0000:41:00.1)" mlx5_vfio_pci
	done
}

a_new_vf_that_gets_no_driver_at_all_is_told_with_what_to_do()
{
	local section

	a_vf_to_fail
	echo 22 | tee "$VFIO_LATCH_ROOT/model/fail/"{mlx5_vfio_pci,mlx5_core} >/dev/null
	for section in "" "driver = usual"; do
		printf '[mlx5-vfs]\n%s\n' "$section" | drop_in x.conf
		latch_is 1 apply --new 0000:41:00.1
		is "$(tail -n 2 <<<"$err")" "vfio-latch: 0000:41:00.1: its usual driver cannot be bound: No such device
vfio-latch: 0000:41:00.1: has no driver; when this is mended: vfio-latch apply 0000:41:00.1"
		is "$(driver_of 0000:41:00.1)" none
	done
}

# Who has switched autoprobe off, or set a driver_override, wants no usual driver.
a_vf_that_fails_gets_no_usual_driver_where_others_have_decided_that()
{
	a_vf_to_fail
	rm "$VFIO_LATCH_ROOT/run/vfio-latch/autoprobe-0000:41:00.0"
	echo 22 >"$VFIO_LATCH_ROOT/model/fail/mlx5_vfio_pci"
	latch_is 1 apply --new 0000:41:00.1
	is "$(tail -n 1 <<<"$err")" \
		"vfio-latch: 0000:41:00.1: has no driver; when this is mended: vfio-latch apply 0000:41:00.1"
	is "$(driver_of 0000:41:00.1)" none
	a_vf_to_fail
	echo 22 >"$VFIO_LATCH_ROOT/model/fail/mlx5_vfio_pci"
	echo none >"$(sys 0000:41:00.1)/driver_override"
	latch_is 1 apply 0000:41:00.1
	is "$(driver_of 0000:41:00.1) $(attribute 0000:41:00.1 driver_override)" "none none"
}

# The read of sriov_numvfs waits for what the kernel is doing: here, a FIFO.
the_kernel_finishes()
{
	local numvfs

	numvfs=$(sys 0000:41:00.0)/sriov_numvfs
	rm "$numvfs"
	mkfifo "$numvfs"
	{
		exec 3>"$numvfs"
		"$@"
		# Who asks again does not wait.
		rm "$numvfs"
		echo 1 >"$numvfs"
		echo 1 >&3
	} &
	# Nobody may have asked: then it still waits for a reader.
	# shellcheck disable=SC2064 # this process
	trap "kill $! 2>/dev/null || :" EXIT
}

a_vf_that_the_kernel_is_still_adding_is_bound_when_it_is_done()
{
	pf_only 1
	udev 0000:41:00.0
	vfs 0000:41:00.0 1
	touch "$VFIO_LATCH_ROOT/model/adding/0000:41:00.1"
	the_kernel_finishes rm "$VFIO_LATCH_ROOT/model/adding/0000:41:00.1"
	udev 0000:41:00.1
	is "$(driver_of 0000:41:00.1)" mlx5_vfio_pci
}

nothing_was_bound()
{
	is "$(stores | grep -cE '/(bind|driver_override) <' || :)" 0
	touch "$VFIO_LATCH_ROOT/nothing-was-bound"
}

# mlx5_core knows of VFs when all are there; one that was bound before cannot be migrated.
a_vf_is_bound_when_the_kernel_has_added_all_of_them()
{
	pf_only 2
	udev 0000:41:00.0
	vfs 0000:41:00.0 1
	the_kernel_finishes nothing_was_bound
	udev 0000:41:00.1
	[[ -e $VFIO_LATCH_ROOT/nothing-was-bound ]]
	is "$(driver_of 0000:41:00.1)" mlx5_vfio_pci
}

a_vf_that_is_not_linked_with_its_pf_yet_is_known_by_its_number()
{
	pf_only 4
	udev 0000:41:00.0
	vfs 0000:41:00.0 4
	rm "$(sys 0000:41:00.3)/physfn" "$(sys 0000:41:00.0)/virtfn2"
	the_kernel_finishes link_vf 0000:41:00.0 2
	printf '[x]\nvf = 2\ndriver = vfio-pci\n' | drop_in x.conf
	udev 0000:41:00.3
	is "$(driver_of 0000:41:00.3)" vfio-pci
}

a_vf_of_a_strange_numbering_is_known_by_its_pfs_links()
{
	pf_only 4
	echo 0 >"$(sys 0000:41:00.0)/sriov_offset"
	vfs 0000:41:00.0 4
	printf '[x]\nvf = 2\ndriver = vfio-pci\n' | drop_in x.conf
	udev 0000:41:00.3
	is "$(driver_of 0000:41:00.3)" vfio-pci
}

# waiting_call VF: in the background, and until it waits for the PF to be done with its VFs
waiting_call()
{
	local numvfs

	numvfs=$(sys 0000:41:00.0)/sriov_numvfs
	rm "$numvfs"
	mkfifo "$numvfs"
	# Nothing waits for ever, whatever is wrong.
	# shellcheck disable=SC2064
	trap "rm -f '$numvfs'" EXIT
	"$TOP/build/tests-tools/vfio-latch" apply --new --hotplug "$1" 2>"$VFIO_LATCH_ROOT/waiting" &
	exec 3>"$numvfs"
}

# udev has not many calls under way at a time, and other devices' events are to come, too.
while_a_pf_is_stuck_one_call_waits_and_binds_the_vfs_of_the_others_later()
{
	pf_only 8
	udev 0000:41:00.0
	vfs 0000:41:00.0 8
	waiting_call 0000:41:00.1
	for vf in 0000:41:00.{2,3,4,5}; do
		latch_is 0 apply --new --hotplug --timeout=2 "$vf"
	done
	is "$(drivers_of 0000:41:00.0 8)" "8 none"
	rm "$(sys 0000:41:00.0)/sriov_numvfs"
	echo 8 | tee "$(sys 0000:41:00.0)/sriov_numvfs" >&3
	exec 3>&-
	wait $!
	is "$(cat "$VFIO_LATCH_ROOT/waiting")" ""
	is "$(drivers_of 0000:41:00.0 8)" "5 mlx5_vfio_pci
3 none"
	is "$(find "$VFIO_LATCH_ROOT/run/vfio-latch" -name 'new-*')" ""
}

# Each is named, and nothing was begun.
vfs_of_a_pf_that_stays_stuck_are_told_by_one_call()
{
	local left="within the 1 seconds of this call; vfio-latch.service does that when it is started or reloaded, or: vfio-latch apply"

	pf_only 8
	udev 0000:41:00.0
	vfs 0000:41:00.0 3
	waiting_call 0000:41:00.1
	kill $!
	wait $! || :
	# What a call that was killed has left waits still.
	complains "0000:41:00.0: its driver is still at work on its VFs after the 1 seconds of this call; see the kernel log
vfio-latch: 0000:41:00.1: not given to mlx5_vfio_pci $left 0000:41:00.1
vfio-latch: 0000:41:00.3: not given to mlx5_vfio_pci $left 0000:41:00.3" \
		6 apply --new --hotplug --timeout=1 0000:41:00.3
	exec 3>&-
	is "$(drivers_of 0000:41:00.0 3)" "3 none"
	is "$(stores | grep -cE '/(uevent|driver_override) <' || :)" 0
}

# udev ends a call that takes too long. So what is left after half that time gets another one.
a_vf_that_is_stuck_leaves_the_others_of_its_pf_to_another_call()
{
	pf_only 8
	udev 0000:41:00.0
	vfs 0000:41:00.0 3
	hangs probe
	touch "$VFIO_LATCH_ROOT/run/vfio-latch/new-0000:41:00.0-0000:41:00."{2,3} "$(sys 0000:41:00.2)/uevent"
	complains "0000:41:00.1: mlx5_vfio_pci has not taken it within the 1 seconds of this call; see the kernel log
vfio-latch: 0000:41:00.1: not given to mlx5_vfio_pci within the 1 seconds of this call; vfio-latch.service does that when it is started or reloaded, or: vfio-latch apply 0000:41:00.1" \
		6 apply --new --hotplug --timeout=1 0000:41:00.1
	is "$(stores | grep uevent)" "devices/0000:41:00.2/uevent < add"
	let_go probe
	udev 0000:41:00.2
	is "$(drivers_of 0000:41:00.0 3)" "3 mlx5_vfio_pci"
}

# A kernel that offers it to others would be faster.
a_vf_that_the_kernel_offers_to_drivers_does_not_wait_for_its_turn()
{
	pf_only 8
	vfs 0000:41:00.0 2
	waiting_call 0000:41:00.1
	latch_is 6 apply --new --timeout=1 0000:41:00.2
	is "$(find "$VFIO_LATCH_ROOT/run/vfio-latch" -name 'new-*')" ""
	kill $!
	wait $! || :
	exec 3>&-
}

sixty_four_vfs_at_once_get_their_own_tunables()
{
	local n address pids=() policy

	pf_only 64
	printf '[mlx5-vfs]\ndisable_idle_d3 = yes\ndisable_vga = yes\nnointxmask = yes\n' | drop_in x.conf
	udev 0000:41:00.0
	vfs 0000:41:00.0 64
	for ((n = 0; n < 64; n++)); do
		"$TOP/build/tests-tools/vfio-latch" apply --new "$(vf 0000:41:00.0 "$n")" &
		pids+=($!)
	done
	for n in "${pids[@]}"; do
		wait "$n"
	done
	is "$(drivers_of 0000:41:00.0 64)" "64 mlx5_vfio_pci"
	for ((n = 0; n < 64; n++)); do
		address=$(vf 0000:41:00.0 "$n")
		is "$(attribute "$address" vfio_pci/policy_source)" "disable_idle_d3 $address/disable_idle_d3=1
disable_vga $address/disable_vga=1
nointxmask $address/nointxmask=1"
	done
	policy=$VFIO_LATCH_ROOT/sys/module/mlx5_vfio_pci/parameters/policy
	is "$(cat "$policy")" ""
	is "$(stores | grep -c '^load < mlx5_vfio_pci')" 1
}

apply_binds_idle_devices_and_says_so()
{
	pf_only 4
	vfs 0000:41:00.0 2
	driver 0000:41:00.1 mlx5_core
	latch_is 0 apply
	is "$out" "0000:41:00.1: went from mlx5_core to mlx5_vfio_pci
0000:41:00.2: went from no driver to mlx5_vfio_pci"
	is "$(attribute 0000:41:00.0 sriov_drivers_autoprobe)" 0
	latch_is 0 apply
	is "$out" ""
}

apply_leaves_devices_in_use_and_does_the_others()
{
	pf_only 4
	vfs 0000:41:00.0 2
	driver 0000:41:00.1 mlx5_core
	netdev 0000:41:00.1 ens1v0 0x1003
	complains "0000:41:00.1: left with mlx5_core, in use: network interface ens1v0 is up" 5 apply
	is "$(drivers_of 0000:41:00.0 2)" "1 mlx5_core
1 mlx5_vfio_pci"
	latch_is 0 apply --force 0000:41:00.1
	is "$(driver_of 0000:41:00.1)" mlx5_vfio_pci
}

apply_binds_again_for_other_tunables()
{
	pf_only 4
	vfs 0000:41:00.0 1
	latch_is 0 apply
	printf '[mlx5-vfs]\nnointxmask = yes\n' | drop_in x.conf
	latch_is 0 apply
	is "$out" "0000:41:00.1: went from mlx5_vfio_pci to mlx5_vfio_pci"
	is "$(attribute 0000:41:00.1 vfio_pci/nointxmask)" 1
}

apply_of_one_device_touches_no_other()
{
	pf_only 4
	vfs 0000:41:00.0 2
	latch_is 0 apply 0000:41:00.2
	is "$(drivers_of 0000:41:00.0 2)" "1 none
1 mlx5_vfio_pci"
	is "$(attribute 0000:41:00.0 sriov_drivers_autoprobe)" 1
}

apply_leaves_devices_that_no_section_is_for()
{
	pf_only 4
	vfs 0000:41:00.0 1
	latch_is 0 apply
	printf '[mlx5-vfs]\nenabled = no\n' | drop_in off.conf
	latch_is 0 apply
	is "$(driver_of 0000:41:00.1)" mlx5_vfio_pci
	is "$(attribute 0000:41:00.0 sriov_drivers_autoprobe)" 1
}

# As an installation does it.
apply_to_all_as_if_new_takes_no_device_from_a_driver()
{
	pf_only 4
	vfs 0000:41:00.0 2
	driver 0000:41:00.1 mlx5_core
	latch_is 0 apply --new
	is "$(drivers_of 0000:41:00.0 2)" "1 mlx5_core
1 mlx5_vfio_pci"
	is "$(attribute 0000:41:00.0 sriov_drivers_autoprobe)" 0
}

dry_run_says_and_does_nothing()
{
	pf_only 4
	vfs 0000:41:00.0 1
	driver 0000:41:00.1 mlx5_core
	latch_is 0 apply --dry-run
	is "$out" "0000:41:00.1: would go from mlx5_core to mlx5_vfio_pci
0000:41:00.0: would switch off the probing of its VFs by the kernel"
	is "$(stores)" ""
	latch_is 0 apply
	latch_is 0 apply --off --dry-run
	is "$out" "0000:41:00.0: would switch on the probing of its VFs by the kernel"
}

off_gives_pfs_their_autoprobe_back_whatever_the_configuration_is()
{
	pf_only 4
	vfs 0000:41:00.0 1
	latch_is 0 apply
	echo nonsense | config
	latch_is 0 apply --off
	is "$(attribute 0000:41:00.0 sriov_drivers_autoprobe)" 1
	is "$(driver_of 0000:41:00.1)" mlx5_vfio_pci
	is "$(find "$VFIO_LATCH_ROOT/run" -name 'autoprobe*')" ""
}

with_a_malformed_configuration_apply_changes_nothing()
{
	pf_only 4
	vfs 0000:41:00.0 1
	echo nonsense | drop_in z.conf
	complains "/etc/vfio-latch.conf.d/z.conf:1: neither [section] nor key = value" 3 apply
	is "$(stores)" ""
}

# As a machine boots whose configuration was mistyped since.
with_a_fault_the_last_good_configuration_holds_for_new_devices()
{
	pf_only 4
	printf '[mlx5-vfs]\nvf = 1-2, 3\nnointxmask = yes\n[host]\nvf = 3\ndriver = usual\n' | drop_in x.conf
	latch_is 0 apply
	rm -r "$VFIO_LATCH_ROOT/run/vfio-latch"
	echo 1 >"$(sys 0000:41:00.0)/sriov_drivers_autoprobe"
	printf '[mlx5-vfs]\nvf = 1-\n' | drop_in x.conf
	complains "/etc/vfio-latch.conf.d/x.conf:2: vf: \"1-\" is not a number or a range FIRST-LAST; until this is mended, the last good configuration holds" \
		0 apply --new 0000:41:00.0
	is "$(attribute 0000:41:00.0 sriov_drivers_autoprobe)" 0
	vfs 0000:41:00.0 4
	# And the fault was told.
	udev 0000:41:00.{1,2,3,4}
	is "$(drivers_of 0000:41:00.0 4)" "1 mlx5_core
2 mlx5_vfio_pci
1 mlx5_core"
	is "$(attribute 0000:41:00.2 vfio_pci/nointxmask)" 1
}

a_fault_is_told_again_when_it_was_mended_in_between()
{
	local times

	pf_only 4
	for times in once again; do
		latch_is 0 apply
		echo nonsense | drop_in x.conf
		complains "/etc/vfio-latch.conf.d/x.conf:1: neither [section] nor key = value; until this is mended, the last good configuration holds" \
			0 apply --new 0000:41:00.0
		rm "$VFIO_LATCH_ROOT/etc/vfio-latch.conf.d/x.conf"
	done
	is "$times" again
}

with_a_fault_vfs_that_are_there_at_boot_get_what_the_last_good_configuration_says()
{
	pf_only 4
	latch_is 0 apply
	vfs 0000:41:00.0 1
	driver 0000:41:00.1 mlx5_core
	echo nonsense | drop_in x.conf
	latch_is 3 apply --last-good
	is "$(driver_of 0000:41:00.1)" mlx5_vfio_pci
}

# Which VFs are meant cannot be read; of one PF it can be that it has none of them.
with_a_fault_and_no_good_configuration_vfs_that_may_be_meant_stay_out_of_the_host()
{
	local wrong

	for wrong in "vf = 1-" "driver = a/b" "drvier = x" "enabled = perhaps"; do
		pf_only 4
		pf 0000:42:00.0 4
		echo 1889 >"$(sys 0000:42:00.0)/sriov_vf_device"
		loaded mlx5_core
		printf '[x]\nid = 15b3:101e\n%s\n' "$wrong" | config
		latch 'apply' --new 0000:41:00.0
		is "$status" 0
		is "${err#*; }" "until this is mended, new VFs that it may match get no driver: there is no good configuration"
		udev 0000:42:00.0
		is "$(attribute 0000:41:00.0 sriov_drivers_autoprobe)" 0
		is "$(attribute 0000:42:00.0 sriov_drivers_autoprobe)" 1
		vfs 0000:41:00.0 1
		udev 0000:41:00.1
		is "$(driver_of 0000:41:00.1)" none
	done
	config <"$TOP/tools/vfio-latch.conf"
	latch_is 0 apply
	is "$(driver_of 0000:41:00.1)" mlx5_vfio_pci
}

# What cannot be read may have been about VFs, as little as is left of it.
with_a_fault_that_is_no_sections_all_vfs_stay_out_of_the_host()
{
	local wrong

	for wrong in '[mlx5-vfs\nid = 15b3:101e\ndriver = mlx5_vfio_pci\n' 'id = 15b3:101e\n' \
		'[x]\nid 15b3:101e\n' '[x]\nid = 15b3:1016\nid 15b3:101e\ndriver = vfio-pci\n' \
		'[]\n' '[M\374ller]\nid = 15b3:101e\ndriver = vfio-pci\n' unreadable; do
		pf_only 4
		device 0000:05:00.0 1234:11e8
		: | config
		if [[ $wrong == unreadable ]]; then
			mkdir -p "$VFIO_LATCH_ROOT/etc/vfio-latch.conf.d/x.conf"
		else
			# shellcheck disable=SC2059 # it has escapes
			printf "$wrong" | drop_in x.conf
		fi
		latch 'apply' --new 0000:41:00.0
		is "$wrong $status $(attribute 0000:41:00.0 sriov_drivers_autoprobe)" "$wrong 0 0"
		is "${err#*; }" "until this is mended, new VFs that it may match get no driver: there is no good configuration"
		# It has no VFs.
		udev 0000:05:00.0
		vfs 0000:41:00.0 1
		udev 0000:41:00.1
		is "$(driver_of 0000:41:00.1)" none
	done
}

# As after a crash of a file system that keeps no order.
a_last_good_configuration_that_is_cut_short_or_changed_does_not_hold()
{
	local file damage

	# shellcheck disable=SC2016 # sed's
	for damage in 's/^\[other.*//' '$d' '4d' 's/101e/101c/' 'd' '$a [y]'; do
		pf_only 4
		printf '[other]\nid = 8086:10d3\ndriver = vfio-pci\n' | drop_in other.conf
		latch_is 0 apply
		latch_is 0 apply
		file=$VFIO_LATCH_ROOT/var/lib/vfio-latch/last-good.conf
		echo nonsense | drop_in x.conf
		latch 'apply' --new 0000:41:00.0
		is "${err#*; }" "until this is mended, the last good configuration holds"
		sed -i "$damage" "$file"
		latch 'apply' --new 0000:41:00.0
		is "$damage ${err#*; }" "$damage until this is mended, new VFs that it may match get no driver: /var/lib/vfio-latch/last-good.conf is damaged"
		is "$(attribute 0000:41:00.0 sriov_drivers_autoprobe)" 0
	done
}

# Each waits for the others, and for who has the lock now.
a_last_good_configuration_is_written_by_one_at_a_time()
{
	local locks writer

	pf_only 4
	locks=$VFIO_LATCH_ROOT/run/vfio-latch
	mkdir -p "$locks"
	exec 9>"$locks/last-good"
	flock 9
	"$TOP/build/tests-tools/vfio-latch" apply 9>&- &
	writer=$!
	# It waits for us, or has come to its end.
	until grep -q -- "-> FLOCK .* $writer " /proc/locks || ! kill -0 "$writer" 2>/dev/null; do
		:
	done
	kill -0 "$writer"
	is "$(ls "$VFIO_LATCH_ROOT/var/lib/vfio-latch")" ""
	flock -u 9
	wait "$writer"
	is "$(ls "$VFIO_LATCH_ROOT/var/lib/vfio-latch")" last-good.conf
}

# The card at the address is swapped while the command waits for somebody's lock, or for a module.
another_card_does_not_get_what_the_one_before_was_to_have()
{
	local what lock pid inode hang

	for what in lock load; do
		pf_only 1
		device 0000:c2:00.0 144d:a80a
		printf '[disk]\nid = 144d:a80a\ndriver = vfio-pci\ngroup = daemon\n' | drop_in disk.conf
		lock=$VFIO_LATCH_ROOT/run/vfio-latch/device-0000:c2:00.0
		mkdir -p "$VFIO_LATCH_ROOT/run/vfio-latch" "$VFIO_LATCH_ROOT/model/hang"
		[[ $what == lock ]] || mkfifo "$VFIO_LATCH_ROOT/model/hang/load"
		exec 9>"$lock"
		[[ $what == load ]] || flock 9
		inode=$(stat -c %i "$lock")
		"$TOP/build/tests-tools/vfio-latch" apply 0000:c2:00.0 9>&- 2>"$VFIO_LATCH_ROOT/err" &
		pid=$!
		# It waits for us, or has come to its end.
		if [[ $what == lock ]]; then
			until grep -q -- "-> FLOCK .*:$inode " /proc/locks || ! kill -0 "$pid" 2>/dev/null; do
				:
			done
		else
			exec {hang}>"$VFIO_LATCH_ROOT/model/hang/load"
		fi
		kill -0 "$pid"
		echo 0x1c5c >"$(sys 0000:c2:00.0)/vendor"
		exec 9>&-
		[[ $what == lock ]] || exec {hang}>&-
		status=0
		wait "$pid" || status=$?
		is "$status $(<"$VFIO_LATCH_ROOT/err")" \
			"4 vfio-latch: 0000:c2:00.0: left as it is: another device is there now, or none"
		is "$(driver_of 0000:c2:00.0) $(attribute 0000:c2:00.0 driver_override)" "none (null)"
	done
}

# The last good configuration is root's word at the next fault.
nobody_else_may_write_what_root_leaves_behind()
{
	pf_only 1
	loaded mlx5_core
	node 0000:41:00.1 vfio-dev/vfio0 1:3
	ln -s /dev/null "$VFIO_LATCH_ROOT/dev/vfio/0"
	printf '[mlx5-vfs]\nowner = daemon\n' | drop_in owner.conf
	device 0000:c2:00.0 144d:a80a
	printf '[disk]\nid = 144d:a80a\ndriver = vfio-pci\n' | drop_in disk.conf
	(umask 0; latch_is 0 claim; latch_is 0 apply)
	[[ -e $VFIO_LATCH_ROOT/var/lib/vfio-latch/last-good.conf ]]
	is "$(find "$VFIO_LATCH_ROOT"/{run,var/lib}/vfio-latch -perm /022)" ""
	# A stricter mask stays.
	rm -r "$VFIO_LATCH_ROOT/var/lib/vfio-latch"
	(umask 077; latch_is 0 apply)
	is "$(find "$VFIO_LATCH_ROOT/var/lib/vfio-latch" -perm /077)" ""
}

# A tunable that means nothing there: the other sections have no part in it.
a_fault_of_one_section_leaves_the_others_in_force()
{
	local fault='/etc/vfio-latch.conf.d/x.conf:3: driver: tunables are for a VFIO driver, not for "uio_pci_generic"'

	pf_only 4
	loaded mlx5_core
	module uio_pci_generic uio_pci_generic
	printf '[uio]\nvf = 0\ndriver = uio_pci_generic\ndisable_vga = yes\n' | drop_in x.conf
	complains "$fault; until this is mended, section [uio] binds nothing" 0 apply --new 0000:41:00.0
	is "$(attribute 0000:41:00.0 sriov_drivers_autoprobe)" 0
	vfs 0000:41:00.0 2
	udev 0000:41:00.{1,2}
	is "$(driver_of 0000:41:00.1) $(driver_of 0000:41:00.2)" "none mlx5_vfio_pci"
	complains "$fault" 3 apply
	is "$(driver_of 0000:41:00.1)" none
	is "$(ls "$VFIO_LATCH_ROOT/var/lib")" ""
	complains "0000:41:00.1: section [uio] has a fault: see vfio-latch check" 3 bind 0000:41:00.1
	latch_is 0 bind 0000:41:00.2
	latch_is 0 bind --driver=uio_pci_generic 0000:41:00.1
	latch_is 3 check
	is "$err" "vfio-latch: $fault"
	is "$out" "[mlx5-vfs] mlx5_vfio_pci: 0000:41:00.1 ([uio] decides) 0000:41:00.2
[uio] binds nothing"
	latch_is 3 list --json
	is "$(grep -c '"as_configured": false' <<<"$out")" 1
	latch_is 1 doctor 0000:41:00.1
	is "$(grep configur <<<"$out")" ""
	grep -qF "system: problem: $fault" <<<"$out"
	is "$(grep -c "^0000:41:00.1: problem: it has" <<<"$out" || :)" 0
}

a_vf_of_such_a_section_gets_its_usual_driver_if_that_is_what_it_names()
{
	pf_only 4
	printf '[host]\nvf = 0\ndriver = usual\ndisable_vga = yes\n' | drop_in x.conf
	latch 'apply' --new 0000:41:00.0
	vfs 0000:41:00.0 1
	udev 0000:41:00.1
	is "$(driver_of 0000:41:00.1)" mlx5_core
}

a_last_good_configuration_that_cannot_be_written_is_told()
{
	pf_only 4
	vfs 0000:41:00.0 1
	rmdir "$VFIO_LATCH_ROOT/var/lib"
	complains "/var/lib/vfio-latch/last-good.conf: No such file or directory" 0 apply
	is "$(driver_of 0000:41:00.1)" mlx5_vfio_pci
}

autoprobe_that_cannot_be_switched_is_told()
{
	pf_only 4
	chmod a-w "$(sys 0000:41:00.0)/sriov_drivers_autoprobe"
	complains "0000:41:00.0: sriov_drivers_autoprobe: Permission denied" 1 apply
	pf_only 4
	echo >"$VFIO_LATCH_ROOT/run/vfio-latch"
	complains "/run/vfio-latch/last-good: Not a directory
vfio-latch: 0000:41:00.0: sriov_drivers_autoprobe: Not a directory" 1 apply
	is "$(attribute 0000:41:00.0 sriov_drivers_autoprobe)" 1
}
