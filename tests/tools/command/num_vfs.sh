# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # status, out and err are latch's
# num_vfs: the VFs that a section for PFs wants.

HELPERS+=(a_pf ports vfs_of vfs_to_four while_its_lock_is_taken lower_the_total)

# a_pf [TOTAL]: with its driver, and a section that wants four VFs
a_pf()
{
	new_system
	pf 0000:41:00.0 "${1-8}"
	loaded mlx5_core
	driver 0000:41:00.0 mlx5_core
	ports "num_vfs = 4"
}

# ports LINE...: a section for PFs, after the one for VFs that comes with the package
ports()
{
	printf '%s\n' "[ports]" "id = 15b3:1021" "$@" | drop_in ports.conf
}

# How many VFs there are, and which drivers have them.
vfs_of()
{
	local count

	count=$(attribute "$1" sriov_numvfs)
	echo "$count: $(drivers_of "$1" "$count")"
}

apply_makes_the_vfs_and_binds_them()
{
	a_pf
	latch_is 0 apply
	is "$out" "0000:41:00.0: has 4 VFs now"
	is "$(vfs_of 0000:41:00.0)" "4: 4 mlx5_vfio_pci"
}

vfs_that_are_made_are_never_probed_by_mlx5_core()
{
	a_pf
	latch_is 0 apply
	is "$(stores | grep -E '^probe .* < mlx5_core' || :)" ""
	is "$(stores | grep -E 'autoprobe|numvfs')" "devices/0000:41:00.0/sriov_drivers_autoprobe < 0
devices/0000:41:00.0/sriov_numvfs < 4"
}

# Where no section is for VFs, they are the host's.
vfs_that_no_section_is_for_get_mlx5_core()
{
	a_pf
	printf '[mlx5-vfs]\nenabled = no\n' | drop_in off.conf
	latch_is 0 apply
	is "$(vfs_of 0000:41:00.0)" "4: 4 mlx5_core"
}

# As udev calls at coldplug: the initramfs had mlx5_core, and no "bind" will come.
a_pf_that_had_its_driver_before_udev_gets_its_vfs_at_coldplug()
{
	a_pf
	udev 0000:41:00.0
	is "$(vfs_of 0000:41:00.0)" "4: 4 none"
	udev 0000:41:00.{1,2,3,4}
	is "$(vfs_of 0000:41:00.0)" "4: 4 mlx5_vfio_pci"
}

# udev's "add" comes before the driver, and "bind" after it.
a_pf_without_its_driver_gets_its_vfs_when_the_driver_has_come()
{
	a_pf
	rm "$(sys 0000:41:00.0)/driver"
	udev 0000:41:00.0
	is "$(vfs_of 0000:41:00.0)" "0: "
	is "$(attribute 0000:41:00.0 sriov_drivers_autoprobe)" 0
	driver 0000:41:00.0 mlx5_core
	udev 0000:41:00.0
	is "$(vfs_of 0000:41:00.0)" "4: 4 none"
	# shellcheck disable=SC2016 # udev's
	grep -qxF 'ACTION=="bind", SUBSYSTEM=="pci", ATTR{sriov_totalvfs}=="?*", RUN+="/usr/bin/vfio-latch apply --new $kernel"' \
		"$TOP/udev/70-vfio-latch.rules"
}

# At boot nobody may have loaded the PF's driver.
apply_gives_the_pf_its_usual_driver_first()
{
	a_pf
	rm "$(sys 0000:41:00.0)/driver"
	latch_is 0 apply
	is "$out" "0000:41:00.0: went from no driver to mlx5_core
0000:41:00.0: has 4 VFs now"
	is "$(vfs_of 0000:41:00.0)" "4: 4 mlx5_vfio_pci"
}

a_pf_that_gets_no_driver_is_told_with_file_and_line()
{
	a_pf
	rm "$(sys 0000:41:00.0)/driver"
	echo 19 >"$VFIO_LATCH_ROOT/model/fail/mlx5_core"
	latch_is 1 apply
	is "$(tail -n 1 <<<"$err")" \
		"vfio-latch: 0000:41:00.0: no VFs are made, /etc/vfio-latch.conf.d/ports.conf:3 says 4: it has no driver"
}

a_pf_that_somebody_else_gave_to_vfio_pci_gets_no_vfs_from_udev()
{
	a_pf
	driver 0000:41:00.0 vfio-pci
	udev 0000:41:00.0
	is "$(vfs_of 0000:41:00.0)" "0: "
}

# Our vfio-pci can, with enable_sriov.
a_pf_may_make_vfs_with_vfio_pci()
{
	a_pf
	ports "num_vfs = 2" "driver = vfio-pci"
	latch_is 0 apply
	is "$(driver_of 0000:41:00.0)" vfio-pci
	is "$(vfs_of 0000:41:00.0)" "2: 2 mlx5_vfio_pci"
}

vfs_that_are_there_are_not_made_again()
{
	a_pf
	latch_is 0 apply
	: >"$VFIO_LATCH_ROOT/model/log"
	latch_is 0 apply
	udev 0000:41:00.0
	is "$out$(stores)" ""
}

vfs_are_never_removed_for_another_number()
{
	local how

	for how in "" --new --dry-run; do
		a_pf
		vfs 0000:41:00.0 2
		# shellcheck disable=SC2086 # one option, or none
		complains "0000:41:00.0: keeps its 2 VFs, /etc/vfio-latch.conf.d/ports.conf:3 says 4: when nobody needs them, echo 0 >/sys/bus/pci/devices/0000:41:00.0/sriov_numvfs; vfio-latch apply 0000:41:00.0" \
			5 apply $how 0000:41:00.0
		is "$(stores | grep numvfs || :)" ""
	done
}

num_vfs_0_leaves_the_number_to_others()
{
	a_pf
	ports "num_vfs = 0"
	vfs 0000:41:00.0 2
	latch_is 0 apply 0000:41:00.0
	is "$(vfs_of 0000:41:00.0)" "2: 2 none"
}

more_vfs_than_the_pf_can_have_are_refused()
{
	a_pf 3
	complains "0000:41:00.0: no VFs are made: it can have 3, not 4 as /etc/vfio-latch.conf.d/ports.conf:3 says" \
		1 apply
	is "$(vfs_of 0000:41:00.0)" "0: "
}

# The most usual mistake.
a_pf_whose_sriov_is_off_is_told()
{
	local how

	for how in "" --new --dry-run; do
		a_pf
		rm "$(sys 0000:41:00.0)"/sriov_*
		# shellcheck disable=SC2086 # one option, or none
		complains "0000:41:00.0: no VFs are made, /etc/vfio-latch.conf.d/ports.conf:3 says 4: it has no SR-IOV; is that on in the BIOS, and in the card's firmware (mlxconfig: SRIOV_EN, NUM_OF_VFS)?" \
			1 apply $how 0000:41:00.0
	done
	latch_is 0 show --json 0000:41:00.0
	is "$(jq .device.section.as_configured <<<"$out")" false
	latch_is 1 doctor --json 0000:41:00.0
	is "$(jq -r '.findings[] | select(.subject != "system").check' <<<"$out")" num-vfs
}

no_vfs_are_made_while_the_kernel_would_probe_them()
{
	a_pf
	chmod a-w "$(sys 0000:41:00.0)/sriov_drivers_autoprobe"
	complains "0000:41:00.0: sriov_drivers_autoprobe: Permission denied
vfio-latch: 0000:41:00.0: no VFs are made, /etc/vfio-latch.conf.d/ports.conf:3 says 4: the kernel would give them to the host's driver" \
		1 apply
	is "$(vfs_of 0000:41:00.0)" "0: "
}

# while_its_lock_is_taken COMMAND...: apply waits for another instance, which does COMMAND
while_its_lock_is_taken()
{
	local lock=$VFIO_LATCH_ROOT/run/vfio-latch/device-0000:41:00.0 fd

	mkdir -p "${lock%/*}"
	exec {fd}>"$lock"
	flock "$fd"
	{
		until grep -q autoprobe "$VFIO_LATCH_ROOT/model/log"; do sleep 0.1; done
		sleep 0.3
		"$@"
	} &
	exec {fd}>&-
	latch apply
	wait
}

# What was true before another instance was waited for need not be true now.
a_pf_that_got_another_driver_meanwhile_makes_no_vfs()
{
	a_pf
	while_its_lock_is_taken driver 0000:41:00.0 vfio-pci
	is "$err" "vfio-latch: 0000:41:00.0: no VFs are made, /etc/vfio-latch.conf.d/ports.conf:3 says 4: it has vfio-pci"
	is "$(vfs_of 0000:41:00.0)" "0: "
}

lower_the_total()
{
	echo 3 >"$(sys 0000:41:00.0)/sriov_totalvfs"
}

a_pf_whose_driver_has_lowered_the_total_meanwhile_makes_no_vfs()
{
	a_pf
	while_its_lock_is_taken lower_the_total
	is "$err" "vfio-latch: 0000:41:00.0: no VFs are made: it can have 3, not 4 as /etc/vfio-latch.conf.d/ports.conf:3 says"
}

what_the_kernel_answers_is_told()
{
	a_pf
	echo 12 >"$VFIO_LATCH_ROOT/model/fail/numvfs"
	complains "0000:41:00.0: no VFs are made, /etc/vfio-latch.conf.d/ports.conf:3 says 4: Cannot allocate memory (see the kernel log)" \
		1 apply
	echo 2 >"$VFIO_LATCH_ROOT/model/fail/numvfs"
	complains "0000:41:00.0: no VFs are made, /etc/vfio-latch.conf.d/ports.conf:3 says 4: its driver mlx5_core makes none" \
		1 apply
}

fewer_vfs_than_asked_for_are_told_and_bound()
{
	a_pf
	echo 3 >"$VFIO_LATCH_ROOT/model/fewer"
	complains "0000:41:00.0: its driver mlx5_core has made 3 VFs, /etc/vfio-latch.conf.d/ports.conf:3 says 4 (see the kernel log)" \
		1 apply
	is "$(vfs_of 0000:41:00.0)" "3: 3 mlx5_vfio_pci"
}

a_pf_whose_driver_is_stuck_is_told_in_time()
{
	a_pf
	hangs numvfs
	complains "0000:41:00.0: not known to have its 4 VFs (/etc/vfio-latch.conf.d/ports.conf:3) within 1 seconds; see the kernel log; then: vfio-latch apply 0000:41:00.0" \
		6 apply --timeout=1
	# The child that waits for the driver keeps the lock.
	complains "0000:41:00.0: not known to have its 4 VFs (/etc/vfio-latch.conf.d/ports.conf:3) within the 1 seconds of this call; see the kernel log; then: vfio-latch apply 0000:41:00.0" \
		6 apply --deadline=1 0000:41:00.0
}

two_calls_at_once_make_the_vfs_once()
{
	local n pids=()

	a_pf 64
	ports "num_vfs = 32"
	for ((n = 0; n < 4; n++)); do
		"$TOP/build/tests-tools/vfio-latch" apply >/dev/null &
		pids+=($!)
	done
	for n in "${pids[@]}"; do
		wait "$n"
	done
	is "$(vfs_of 0000:41:00.0)" "32: 32 mlx5_vfio_pci"
	is "$(stores | grep -c numvfs)" 1
}

dry_run_says_which_vfs_would_be_made()
{
	a_pf
	rm "$(sys 0000:41:00.0)/driver"
	latch_is 0 apply --dry-run
	is "$out" "0000:41:00.0: would go from no driver to its usual driver
0000:41:00.0: would switch off the probing of its VFs by the kernel
0000:41:00.0: would make 4 VFs"
	is "$(stores)" ""
	is "$(ls "$VFIO_LATCH_ROOT/run")" ""
}

off_makes_none()
{
	a_pf
	latch_is 0 apply --off
	is "$(vfs_of 0000:41:00.0)" "0: "
}

bind_makes_none()
{
	a_pf
	latch_is 0 bind 0000:41:00.0
	is "$(vfs_of 0000:41:00.0)" "0: "
}

while_the_files_have_a_fault_the_last_good_number_holds()
{
	a_pf
	latch_is 0 apply
	rm -r "$(sys 0000:41:00.0)"/virtfn* "$(sys 0000:41:00.1)" "$(sys 0000:41:00.2)" \
		"$(sys 0000:41:00.3)" "$(sys 0000:41:00.4)"
	echo 0 >"$(sys 0000:41:00.0)/sriov_numvfs"
	echo "num_vfs = many" | drop_in z.conf
	latch_is 3 apply --last-good
	is "$(vfs_of 0000:41:00.0)" "4: 4 mlx5_vfio_pci"
}

show_tells_how_many_vfs_there_are_and_should_be()
{
	a_pf
	vfs 0000:41:00.0 2
	latch_is 0 show 0000:41:00.0
	grep -qx 'VFs              2 of 8, section wants 4' <<<"$out"
	grep -q '^section .* driver usual (not what it has)$' <<<"$out"
	latch_is 0 show --json 0000:41:00.0
	is "$(jq -c .device.sriov <<<"$out")" '{"vfs":2,"total":8,"wanted":4}'
	is "$(jq .device.section.as_configured <<<"$out")" false
	vfs_to_four
	latch_is 0 show --json 0000:41:00.0
	is "$(jq .device.section.as_configured <<<"$out")" true
	latch_is 0 show --json 0000:41:00.1
	is "$(jq .device.sriov <<<"$out")" null
	ports "num_vfs = 0"
	latch_is 0 show --json 0000:41:00.0
	is "$(jq -c .device.sriov <<<"$out")" '{"vfs":4,"total":8,"wanted":null}'
	latch_is 0 show 0000:41:00.0
	grep -qx 'VFs              4 of 8' <<<"$out"
}

# The two that are missing.
vfs_to_four()
{
	touch "$(sys 0000:41:00.0)"/virtfn{2,3}
}

doctor_finds_a_pf_with_another_number_of_vfs()
{
	a_pf
	latch_is 1 doctor 0000:41:00.0
	grep -qxF "0000:41:00.0: problem: it has 0 VFs, /etc/vfio-latch.conf.d/ports.conf:3 says 4" <<<"$out"
	latch_is 1 doctor --json 0000:41:00.0
	is "$(jq -r '.findings[] | select(.subject != "system").check' <<<"$out")" num-vfs
	latch_is 0 apply
	latch doctor 0000:41:00.0
	is "$(grep '^0000' <<<"$out" || :)" ""
}

check_warns_of_num_vfs_for_no_pf_or_too_many()
{
	a_pf 3
	complains "/etc/vfio-latch.conf.d/ports.conf:1: warning: section [ports] wants 4 VFs of 0000:41:00.0, which can have 3" \
		0 check
	is "$(tail -n 1 <<<"$out")" "[ports] usual: 0000:41:00.0"
	a_pf
	vfs 0000:41:00.0 1
	printf '[mlx5-vfs]\nnum_vfs = 4\n' | drop_in ports.conf
	complains "/etc/vfio-latch.conf:8: warning: section [mlx5-vfs] has keys for PFs, but 0000:41:00.1 is none" 0 check
}

num_vfs_is_a_number()
{
	local value

	for value in -1 65536 0x10 "4 5" 4,5 all; do
		a_pf
		ports "num_vfs = $value"
		complains "/etc/vfio-latch.conf.d/ports.conf:3: num_vfs: \"$value\" is not a number of VFs, 0 to 65535" \
			3 check
	done
}

# A section that cannot be right makes no VFs, and the others apply.
num_vfs_in_a_section_that_is_not_for_pfs_is_that_sections_fault()
{
	a_pf
	ports "num_vfs = 4" "pf_netdev = ens1np0"
	complains "/etc/vfio-latch.conf.d/ports.conf:3: num_vfs: is for PFs, but pf_netdev matches VFs only" 3 apply
	ports "num_vfs = 4" "driver = none"
	complains "/etc/vfio-latch.conf.d/ports.conf:3: num_vfs: a PF without a driver makes no VFs" 3 apply
	is "$(vfs_of 0000:41:00.0)" "0: "
	is "$(attribute 0000:41:00.0 sriov_drivers_autoprobe)" 0
}
