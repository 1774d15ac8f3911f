# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # status, out and err are latch's
# claim: before udev finds the devices that are there, and in the initramfs.

HELPERS+=(two_disks gpu override_of has claimed kernels_own)

# Two of a model, one of which is for a guest, and the driver that they share.
two_disks()
{
	new_system
	module nvme nvme 144d:a80a
	device 0000:c1:00.0 144d:a80a
	device 0000:c2:00.0 144d:a80a
	drop_in storage.conf <<-'END'
	[storage]
	id = 144d:a80a
	address = 0000:c2:00.0
	driver = vfio-pci
	END
}

gpu()
{
	new_system
	module amdgpu amdgpu 1002:744c
	device 0000:03:00.0 1002:744c
	config </dev/null
	printf '%s\n' "[gpu]" "id = 1002:744c" "driver = vfio-pci" "$@" | drop_in gpu.conf
	touch "$VFIO_LATCH_ROOT/dev/kmsg"
}

override_of()
{
	attribute "$1" driver_override
}

# has ADDRESS OVERRIDE DRIVER
has()
{
	is "$(override_of "$1") $(driver_of "$1")" "$2 $3"
}

# claimed ADDRESS: no driver has it, and none is called like that
claimed()
{
	has "$1" vfio-latch none
}

# The vfio-pci that can be loaded takes no rules.
kernels_own()
{
	rm "$VFIO_LATCH_ROOT/model/modules/vfio_pci/ours"
}

what_is_configured_is_claimed_and_what_is_not_is_left()
{
	two_disks
	latch_is 0 claim
	is "$out" "0000:c2:00.0: is claimed for vfio-pci"
	claimed 0000:c2:00.0
	is "$(override_of 0000:c1:00.0)" "(null)"
	is "$(stores)" "devices/0000:c2:00.0/driver_override < vfio-latch"
}

a_siblings_event_does_not_cost_a_claimed_disk_its_driver()
{
	two_disks
	latch_is 0 claim
	# As udev does for the first disk.
	loaded nvme
	"$TOP/build/tests-tools/probe" 0000:c1:00.0 nvme
	"$TOP/build/tests-tools/probe" 0000:c2:00.0 nvme || :
	is "$(driver_of 0000:c1:00.0)" nvme
	latch_is 0 apply --new 0000:c2:00.0
	is "$(driver_of 0000:c2:00.0)" vfio-pci
}

a_second_claim_changes_nothing()
{
	two_disks
	latch_is 0 claim
	: >"$VFIO_LATCH_ROOT/model/log"
	latch_is 0 claim
	is "$out" ""
	is "$(stores)" ""
}

no_claim_loads_a_module_or_takes_a_device()
{
	two_disks
	loaded nvme
	driver 0000:c2:00.0 nvme
	latch_is 0 claim
	is "$(driver_of 0000:c2:00.0) $(override_of 0000:c2:00.0)" "nvme (null)"
	is "$(stores)" ""
}

what_somebody_else_has_chosen_stays()
{
	two_disks
	echo pci-stub >"$(sys 0000:c2:00.0)/driver_override"
	latch_is 0 claim
	is "$(override_of 0000:c2:00.0)" pci-stub
	latch_is 0 apply --off
	is "$(override_of 0000:c2:00.0)" pci-stub
}

vfs_and_devices_for_their_usual_driver_are_not_claimed()
{
	two_disks
	pf 0000:41:00.0 2
	vfs 0000:41:00.0 2
	drop_in usual.conf <<-'END'
	[keep]
	address = 0000:c2:00.0
	id = 144d:a80a
	driver = usual
	[by-name]
	id = 15b3:1021
	driver = mlx5_core
	END
	latch_is 0 claim
	is "$(stores)" ""
}

# As a VM sees a VF that it has: its PF is the host's. It may be the only network.
a_vf_that_a_vm_has_stays_with_its_usual_driver()
{
	local driver

	new_system
	device 0000:05:00.0 15b3:101e
	latch_is 0 claim
	latch_is 0 apply
	latch_is 0 apply --new 0000:05:00.0
	latch_is 0 apply --new --hotplug 0000:05:00.0
	is "$(stores)" ""
	loaded mlx5_core
	driver 0000:05:00.0 mlx5_core
	latch_is 0 apply --new --hotplug 0000:05:00.0
	latch_is 0 apply
	is "$(driver_of 0000:05:00.0) $(stores)" "mlx5_core "
	for driver in mlx5-vfio-pci xe-vfio-pci qat_vfio_pci pds-vfio-pci hisi_acc_vfio_pci; do
		new_system
		ours "${driver//-/_}" "$driver"
		device 0000:05:00.0 8086:e20b
		printf '[vfs]\nid = 8086:e20b\ndriver = %s\n' "$driver" | drop_in vfs.conf
		latch_is 0 claim
		is "$(stores)" ""
	done
}

its_address_gives_a_vf_that_a_vm_has_to_a_driver_for_vfs()
{
	new_system
	device 0000:05:00.0 15b3:101e
	printf '[nested]\nid = 15b3:101e\naddress = 0000:05:00.0\ndriver = mlx5_vfio_pci\n' | drop_in n.conf
	latch_is 0 claim
	claimed 0000:05:00.0
	latch_is 0 apply --new 0000:05:00.0
	is "$(driver_of 0000:05:00.0)" mlx5_vfio_pci
}

a_device_for_no_driver_is_claimed_for_none()
{
	two_disks
	printf '[storage]\ndriver = none\n' | drop_in z.conf
	latch_is 0 claim
	claimed 0000:c2:00.0
	latch_is 0 apply --new 0000:c2:00.0
	has 0000:c2:00.0 none none
}

either_spelling_of_a_driver_gets_what_was_claimed_for_it()
{
	local spelling

	for spelling in vfio_pci=vfio-pci mlx5-vfio-pci=mlx5_vfio_pci pci_stub=pci-stub \
			uio-pci-generic=uio_pci_generic; do
		two_disks
		module uio_pci_generic uio_pci_generic
		module pci_stub pci-stub
		printf '[storage]\ndriver = %s\n' "${spelling%=*}" | drop_in z.conf
		latch_is 0 claim
		claimed 0000:c2:00.0
		latch_is 0 apply --new 0000:c2:00.0
		has 0000:c2:00.0 "${spelling#*=}" "${spelling#*=}"
	done
}

dry_run_claims_nothing()
{
	two_disks
	latch_is 0 claim --dry-run
	is "$out" "0000:c2:00.0: would be claimed for vfio-pci"
	is "$(stores)" ""
	latch_is 0 claim
	printf '[storage]\nenabled = no\n' | drop_in z.conf
	latch_is 0 claim --dry-run
	is "$out" "0000:c2:00.0: would not be claimed any more"
	latch_is 0 apply --off --dry-run
	is "$out" "0000:c2:00.0: would lose its driver_override"
	claimed 0000:c2:00.0
}

## The module

without_its_module_a_device_is_left_to_its_usual_driver()
{
	two_disks
	rm -r "$VFIO_LATCH_ROOT/model/modules/vfio_pci"
	complains "0000:c2:00.0: gets its usual driver, not that of section [storage]: there is no module vfio_pci for this kernel" \
		0 claim
	is "$(stores)" ""
}

with_a_module_that_may_not_be_loaded_too()
{
	two_disks
	mkdir -p "$VFIO_LATCH_ROOT/sys/kernel/security"
	echo "none [integrity] confidentiality" >"$VFIO_LATCH_ROOT/sys/kernel/security/lockdown"
	complains "0000:c2:00.0: gets its usual driver, not that of section [storage]: this kernel loads signed modules only (lockdown), and vfio_pci is not signed" \
		0 claim
	is "$(stores)" ""
}

# nvme was loaded for a sibling: no event would offer it the disk again.
a_claimed_device_that_cannot_be_bound_gets_its_usual_driver()
{
	local what

	for what in "modules/vfio_pci/error" fail/vfio-pci; do
		two_disks
		latch_is 0 claim
		loaded nvme
		echo 22 >"$VFIO_LATCH_ROOT/model/$what"
		latch_is 1 apply --new 0000:c2:00.0
		is "${err##*$'\n'}" "vfio-latch: 0000:c2:00.0: has its usual driver, nvme, instead; when this is mended: vfio-latch apply 0000:c2:00.0"
		is "$(driver_of 0000:c2:00.0) $(override_of 0000:c2:00.0)" "nvme "
		rm "$VFIO_LATCH_ROOT/model/$what"
		latch_is 0 apply 0000:c2:00.0
		is "$(driver_of 0000:c2:00.0)" vfio-pci
	done
}

## The configuration

with_a_fault_the_last_good_configuration_claims()
{
	two_disks
	latch_is 0 apply
	# The next boot.
	rm -rf "$(sys 0000:c2:00.0)/driver" "$VFIO_LATCH_ROOT/run/vfio-latch"
	echo "(null)" >"$(sys 0000:c2:00.0)/driver_override"
	echo "drivre = x" >>"$VFIO_LATCH_ROOT/etc/vfio-latch.conf.d/storage.conf"
	complains '/etc/vfio-latch.conf.d/storage.conf:5: unknown key "drivre"; until this is mended, the last good configuration holds' \
		0 claim
	claimed 0000:c2:00.0
}

with_a_fault_and_no_last_good_configuration_nothing_is_claimed_and_nothing_given_up()
{
	two_disks
	echo "drivre = x" >>"$VFIO_LATCH_ROOT/etc/vfio-latch.conf.d/storage.conf"
	complains '/etc/vfio-latch.conf.d/storage.conf:5: unknown key "drivre"; no device is claimed before udev finds it' \
		0 claim
	is "$(stores)" ""
	sed -i /drivre/d "$VFIO_LATCH_ROOT/etc/vfio-latch.conf.d/storage.conf"
	latch_is 0 claim
	echo "drivre = x" >>"$VFIO_LATCH_ROOT/etc/vfio-latch.conf.d/storage.conf"
	latch claim
	is "$status" 0
	claimed 0000:c2:00.0
}

a_section_with_a_fault_claims_nothing_and_the_others_do()
{
	gpu "mode = 0600" "[x]" "id = 0001:0002" "driver = usual" "owner = root"
	device 0000:05:00.0 0001:0002
	latch claim
	is "$status" 0
	is "$err" 'vfio-latch: /etc/vfio-latch.conf.d/gpu.conf:7: driver: owner, group and mode are for a VFIO driver, not for "usual"; until this is mended, section [x] binds nothing'
	claimed 0000:03:00.0
	is "$(override_of 0000:05:00.0)" "(null)"
}

a_claimed_device_stays_out_of_the_host_while_its_section_has_a_fault()
{
	two_disks
	latch_is 0 claim
	printf '[storage]\nmigratable = yes\neswitch_mode = legacy\n' | drop_in z.conf
	latch claim
	is "$status" 0
	claimed 0000:c2:00.0
}

a_claim_that_is_not_configured_any_more_is_given_up()
{
	two_disks
	loaded nvme
	latch_is 0 claim
	printf '[storage]\nenabled = no\n' | drop_in z.conf
	latch_is 0 claim
	is "$out" "0000:c2:00.0: is not claimed any more"
	is "$(driver_of 0000:c2:00.0) $(override_of 0000:c2:00.0)" "nvme "
}

# Nobody is offered the device meanwhile.
a_claim_for_another_driver_stays()
{
	two_disks
	loaded nvme
	latch_is 0 claim
	module uio_pci_generic uio_pci_generic
	printf '[storage]\ndriver = uio_pci_generic\n' | drop_in z.conf
	: >"$VFIO_LATCH_ROOT/model/log"
	latch_is 0 claim
	is "$(stores)" ""
	latch_is 0 apply --new 0000:c2:00.0
	has 0000:c2:00.0 uio_pci_generic uio_pci_generic
}

# Its driver's probe, which may never end, keeps who reads its driver_override waiting.
a_device_that_a_driver_is_probing_does_not_hold_the_claim_up()
{
	two_disks
	loaded nvme
	driver 0000:c1:00.0 nvme
	rm "$(sys 0000:c1:00.0)/driver_override"
	mkfifo "$(sys 0000:c1:00.0)/driver_override"
	latch_is 0 claim
	claimed 0000:c2:00.0
	latch_is 0 apply --last-good --deadline=60
	is "$(driver_of 0000:c2:00.0)" vfio-pci
}

a_device_that_is_claimed_for_no_driver_stays_without_one_when_claims_are_given_up()
{
	two_disks
	printf '[storage]\ndriver = none\n' | drop_in z.conf
	latch_is 0 claim
	latch_is 0 apply
	loaded nvme
	latch_is 0 apply --off
	has 0000:c2:00.0 none none
}

# The driver's module may be loaded by modules-load.d, or for the first of all devices.
no_load_of_the_driver_has_a_claimed_device_probed_without_its_tunables()
{
	local disk

	two_disks
	sed -i s/^address.*/disable_idle_d3=yes/ "$VFIO_LATCH_ROOT/etc/vfio-latch.conf.d/storage.conf"
	latch_is 0 claim
	latch_is 0 apply --new 0000:c1:00.0
	claimed 0000:c2:00.0
	latch_is 0 apply --new 0000:c2:00.0
	is "$(stores | grep probe)" "probe 0000:c1:00.0 < vfio-pci
probe 0000:c2:00.0 < vfio-pci"
	for disk in 0000:c1:00.0 0000:c2:00.0; do
		grep -qF $disk/disable_idle_d3=1 "$(sys $disk)/vfio_pci/policy_source"
	done
	two_disks
	printf '[storage]\ndisable_idle_d3 = yes\n' | drop_in z.conf
	latch_is 0 claim
	loaded vfio_pci
	"$TOP/build/tests-tools/probe" 0000:c2:00.0 vfio-pci || :
	claimed 0000:c2:00.0
	latch_is 0 apply --new 0000:c2:00.0
	grep -qF 0000:c2:00.0/disable_idle_d3=1 "$(sys 0000:c2:00.0)/vfio_pci/policy_source"
}

# Whoever loaded it, and whenever. With nvme there already for a sibling, or not.
a_claimed_device_with_tunables_is_left_to_its_usual_driver_by_a_vfio_pci_without_rules()
{
	local usual own

	for usual in "" nvme; do
		for own in "" vfio_pci; do
			two_disks
			kernels_own
			printf '[storage]\ndisable_idle_d3 = yes\n' | drop_in z.conf
			latch_is 0 claim
			[[ -z $usual ]] || loaded "$usual"
			[[ -z $own ]] || loaded "$own"
			complains "0000:c2:00.0: the vfio-pci that is loaded takes no rules: it is the kernel's own
vfio-latch: 0000:c2:00.0: has its usual driver, nvme, instead; when this is mended: vfio-latch apply 0000:c2:00.0" \
				1 apply --new 0000:c2:00.0
			has 0000:c2:00.0 "" nvme
			is "$(stores | grep "^probe 0000:c2")" "probe 0000:c2:00.0 < nvme"
		done
	done
}

# Somebody has set it, so the load has it probed.
a_device_that_got_a_vfio_pci_without_rules_by_its_load_is_as_before()
{
	two_disks
	kernels_own
	printf '[storage]\ndisable_idle_d3 = yes\n' | drop_in z.conf
	echo vfio-pci >"$(sys 0000:c2:00.0)/driver_override"
	complains "0000:c2:00.0: the vfio-pci that is loaded takes no rules: it is the kernel's own" \
		1 apply 0000:c2:00.0
	has 0000:c2:00.0 vfio-pci none
}

# Somebody has set its driver_override, so the load gives it to the driver: that is all it needs.
a_device_that_the_load_of_its_driver_has_bound_is_not_bound_again()
{
	two_disks
	echo vfio-pci >"$(sys 0000:c2:00.0)/driver_override"
	latch_is 0 apply 0000:c2:00.0
	is "$(stores)" "load < vfio_pci
probe 0000:c2:00.0 < vfio-pci"
}

check_warns_of_a_device_in_use_that_the_next_boot_would_lack()
{
	gpu
	loaded amdgpu
	driver 0000:03:00.0 amdgpu
	mkdir -p "$(sys 0000:03:00.0)/drm/card0"
	complains "/etc/vfio-latch.conf.d/gpu.conf:1: warning: section [gpu] takes 0000:03:00.0 at the next boot, which is in use now: it may be showing somebody's display" \
		0 check
}

apply_gives_a_claimed_device_without_a_section_its_usual_driver()
{
	two_disks
	loaded nvme
	latch_is 0 claim
	printf '[storage]\nenabled = no\n' | drop_in z.conf
	latch_is 0 apply --new 0000:c2:00.0
	is "$(driver_of 0000:c2:00.0)" nvme
}

off_gives_claims_up()
{
	two_disks
	loaded nvme
	latch_is 0 claim
	latch_is 0 apply --off
	is "$(driver_of 0000:c2:00.0) $(override_of 0000:c2:00.0)" "nvme "
}

# Its event is over, and no other one would load it.
off_loads_the_usual_driver_of_a_claimed_device()
{
	two_disks
	latch_is 0 claim
	latch_is 0 apply --off
	is "$(driver_of 0000:c2:00.0) $(override_of 0000:c2:00.0)" "nvme "
	# And says so if that does not take it.
	two_disks
	latch_is 0 claim
	echo 22 >"$VFIO_LATCH_ROOT/model/fail/nvme"
	complains "0000:c2:00.0: its usual driver cannot be bound: No such device" 1 apply --off
	is "$(driver_of 0000:c2:00.0) $(override_of 0000:c2:00.0)" "none "
}

# The claim is over by then.
a_usual_driver_without_end_is_the_reason_when_a_claim_is_given_up()
{
	local why="0000:c2:00.0: its usual driver has not taken it within 1 seconds; see the kernel log"

	two_disks
	latch_is 0 claim
	hangs load
	complains "$why" 6 apply --off --timeout=1
	let_go load
	two_disks
	loaded nvme
	latch_is 0 claim
	printf '[storage]\nenabled = no\n' | drop_in z.conf
	hangs probe
	complains "${why/1 seconds/the 1 seconds of this call}" 6 claim --deadline=1
	let_go probe
}

a_device_that_was_bound_is_no_claim_any_more()
{
	two_disks
	latch_is 0 claim
	latch_is 0 apply
	rm "$(sys 0000:c2:00.0)/driver"
	latch_is 0 apply --off
	has 0000:c2:00.0 vfio-pci none
}

## Time

# The kernel holds the lock of a device that a driver probes, and a writer waits for it.
a_claim_does_not_wait_for_a_driver_without_end()
{
	two_disks
	mkdir -p "$VFIO_LATCH_ROOT/model/hang"
	mkfifo "$VFIO_LATCH_ROOT/model/hang/override"
	complains "0000:c2:00.0: not claimed within the 1 seconds of this call; see the kernel log" \
		6 claim --deadline=1
}

# Reading a vendor is work, which is slow here, and no wait. Only time ends a deadline: hence the
# sleep.
the_time_to_read_what_there_is_costs_no_claim()
{
	local vendor

	two_disks
	rm "$(sys 0000:c1:00.0)/vendor"
	mkfifo "$(sys 0000:c1:00.0)/vendor"
	latch claim --deadline=1 >"$VFIO_LATCH_ROOT/result" 2>&1 &
	exec {vendor}>"$(sys 0000:c1:00.0)/vendor"
	sleep 1.1
	echo 0x144d >&"$vendor"
	exec {vendor}>&-
	wait "$!"
	claimed 0000:c2:00.0
}

# Some driver probes the first disk, and who reads its driver_override is kept waiting.
the_time_to_wait_for_what_there_is_counts()
{
	two_disks
	rm "$(sys 0000:c1:00.0)/driver_override"
	mkfifo "$(sys 0000:c1:00.0)/driver_override"
	complains "0000:c2:00.0: not claimed within the 1 seconds of this call; see the kernel log" \
		6 claim --deadline=1
	is "$(stores)" ""
}

a_driver_that_is_faster_than_the_claim_keeps_the_device_without_an_override()
{
	two_disks
	loaded nvme
	echo nvme >"$VFIO_LATCH_ROOT/model/faster-than-override"
	latch_is 0 claim
	is "$out" ""
	is "$(driver_of 0000:c2:00.0) $(override_of 0000:c2:00.0)" "nvme "
}

## The initramfs

only_sections_with_initramfs_claim_there()
{
	two_disks
	device 0000:03:00.0 1002:744c
	printf '[gpu]\nid = 1002:744c\ndriver = vfio-pci\ninitramfs = yes\n' | drop_in gpu.conf
	touch "$VFIO_LATCH_ROOT/dev/kmsg"
	latch_is 0 claim --initramfs
	claimed 0000:03:00.0
	is "$(override_of 0000:c2:00.0)" "(null)"
}

# An initramfs holds few modules.
the_initramfs_needs_no_module_of_the_driver()
{
	gpu "initramfs = yes"
	mv "$VFIO_LATCH_ROOT/model/modules" "$VFIO_LATCH_ROOT/model/not-here"
	mkdir "$VFIO_LATCH_ROOT/model/modules"
	latch_is 0 claim --initramfs
	claimed 0000:03:00.0
}

a_claim_of_the_initramfs_is_given_up_where_the_module_is_missing()
{
	gpu "initramfs = yes"
	latch_is 0 claim --initramfs
	rm -r "$VFIO_LATCH_ROOT/model/modules/vfio_pci"
	latch claim
	is "$status" 0
	is "$err" "vfio-latch: 0000:03:00.0: gets its usual driver, not that of section [gpu]: there is no module vfio_pci for this kernel"
	is "$(override_of 0000:03:00.0)" ""
}

the_initramfs_says_everything_in_the_kernels_log()
{
	gpu "initramfs = yes"
	latch_is 0 claim --initramfs
	is "$out" ""
	is "$(cat "$VFIO_LATCH_ROOT/dev/kmsg")" "<30>vfio-latch: 0000:03:00.0: is claimed for vfio-pci"
	gpu "initramfs = yes" "x"
	latch_is 0 claim --initramfs
	is "$(cat "$VFIO_LATCH_ROOT/dev/kmsg")" \
		"<27>vfio-latch: /etc/vfio-latch.conf.d/gpu.conf:5: neither [section] nor key = value; no device is claimed before udev finds it"
}

the_kernels_command_line_switches_the_initramfs_off()
{
	gpu "initramfs = yes"
	echo "BOOT_IMAGE=/vmlinuz root=/dev/sda1 rd.vfio-latch=0" >"$VFIO_LATCH_ROOT/proc/cmdline"
	latch_is 0 claim --initramfs
	is "$(stores)" ""
	latch_is 0 claim
	claimed 0000:03:00.0
}

# For a disk that the system needs after its initramfs, /home's say. Nodes of what is bound are set.
one_word_on_the_kernels_command_line_keeps_boot_and_udev_from_all_devices()
{
	local call

	gpu "initramfs = yes" "[mlx5-vfs]" "id = 15b3:101e" "driver = mlx5_vfio_pci" "num_vfs = 0" \
		"[ports]" "id = 15b3:1021" "num_vfs = 1"
	pf 0000:41:00.0 2
	loaded mlx5_core
	driver 0000:41:00.0 mlx5_core
	vfs 0000:41:00.0 1
	echo "quiet vfio-latch=0" >"$VFIO_LATCH_ROOT/proc/cmdline"
	for call in "claim --initramfs" "claim" "apply --new 0000:03:00.0" "apply --new 0000:41:00.0" \
			"apply --new --hotplug 0000:41:00.1" "apply --last-good --deadline=110" \
			"apply --last-good --deadline=110 --new"; do
		# shellcheck disable=SC2086 # words
		latch_is 0 $call
		is "$call: $(stores)" "$call: "
	done
	latch_is 0 apply 0000:03:00.0
	is "$(driver_of 0000:03:00.0)" vfio-pci
	latch_is 0 unbind 0000:03:00.0
}

initramfs_is_for_what_is_claimed()
{
	gpu "initramfs = yes"
	printf '[gpu]\ndriver = usual\n' | drop_in z.conf
	complains '/etc/vfio-latch.conf.d/gpu.conf:4: initramfs: nothing is claimed there for "usual"' \
		3 check
	printf '[gpu]\nvf = 0-3\n' | drop_in z.conf
	complains '/etc/vfio-latch.conf.d/gpu.conf:4: initramfs: has no VFs, but vf matches VFs only' \
		3 check
}

check_warns_of_a_device_in_use_that_the_initramfs_would_take()
{
	gpu "initramfs = yes"
	loaded amdgpu
	driver 0000:03:00.0 amdgpu
	mkdir -p "$(sys 0000:03:00.0)/drm/card0"
	complains "/etc/vfio-latch.conf.d/gpu.conf:1: warning: section [gpu] takes 0000:03:00.0 in the initramfs, which is in use now: it may be showing somebody's display" \
		0 check
}

check_warns_of_an_initramfs_that_is_older_than_the_configuration()
{
	local image again machine=0123456789abcdef0123456789abcdef

	for image in boot/initrd.img-6.1.0-test boot/initramfs-6.1.0-test.img boot/initrd-6.1.0-test \
			lib/modules/6.1.0-test/initrd lib/modules/6.1.0-test/initramfs.img \
			{boot,efi,boot/efi}/$machine/6.1.0-test/{initrd,initrd.img-6.1.0-test} \
			{boot,efi,boot/efi}/EFI/Linux/{debian-6.1.0-test,debian-6.1.0-test+3-0}.efi \
			efi/EFI/Linux/linux-6.1.0-test-$machine-1.efi; do
		gpu "initramfs = yes"
		mkdir -p "$VFIO_LATCH_ROOT/$(dirname "$image")"
		touch -d 2026-01-01 "$VFIO_LATCH_ROOT/$image"
		case $image in
		boot/initr* | lib/*) again="update-initramfs -u -k all, or dracut --force --regenerate-all" ;;
		*) again="kernel-install add RELEASE KERNEL, or remove it if nothing boots it" ;;
		esac
		complains "/$image: warning: is older than the configuration of which it has a copy: $again" \
			0 check
		touch "$VFIO_LATCH_ROOT/$image"
		latch_is 0 check
		touch -d 2026-01-01 "$VFIO_LATCH_ROOT/$image"
		printf '[gpu]\ninitramfs = no\n' | drop_in z.conf
		latch_is 0 check
	done
}

check_does_not_take_another_kernels_initramfs_for_this_ones()
{
	local image

	gpu "initramfs = yes"
	for image in boot/initrd.img-16.1.0-test boot/initrd.img-6.1.0-tes boot/initrd.img-6.1.0-test.old \
			efi/id/6.1.0-test2/initrd efi/EFI/Linux/debian-6.1.0-test2.efi; do
		mkdir -p "$VFIO_LATCH_ROOT/$(dirname "$image")"
		touch -d 2026-01-01 "$VFIO_LATCH_ROOT/$image"
	done
	latch_is 0 check
}

# As kernel-install copies it.
check_warns_of_the_older_one_of_two_initramfs()
{
	gpu "initramfs = yes"
	mkdir -p "$VFIO_LATCH_ROOT/boot/id/6.1.0-test"
	touch "$VFIO_LATCH_ROOT/boot/initrd.img-6.1.0-test"
	touch -d 2026-01-01 "$VFIO_LATCH_ROOT/boot/id/6.1.0-test/initrd.img-6.1.0-test"
	complains "/boot/id/6.1.0-test/initrd.img-6.1.0-test: warning: is older than the configuration of which it has a copy: kernel-install add RELEASE KERNEL, or remove it if nothing boots it" \
		0 check
}

check_warns_when_a_file_of_the_configuration_has_gone()
{
	gpu "initramfs = yes"
	printf '[gpu]\n' | drop_in z.conf
	touch -d "1 hour ago" "$VFIO_LATCH_ROOT"/etc/vfio-latch.conf{,.d/*,.d}
	touch -d "1 minute ago" "$VFIO_LATCH_ROOT/boot/initrd.img-6.1.0-test"
	latch_is 0 check
	rm "$VFIO_LATCH_ROOT/etc/vfio-latch.conf.d/z.conf"
	latch check
	is "$err" "vfio-latch: /boot/initrd.img-6.1.0-test: warning: is older than the configuration of which it has a copy: update-initramfs -u -k all, or dracut --force --regenerate-all"
}
