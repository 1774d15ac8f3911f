# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # status, out and err are latch's
# bind and unbind.

HELPERS+=(a_vf a_disk a_vf_of_mlx5_core an_open_vfio_device in_use a_multipath_disk hangs let_go neighbours)

a_vf()
{
	new_system
	pf 0000:41:00.0 8
	vfs 0000:41:00.0 1
}

# Its usual driver has it.
a_vf_of_mlx5_core()
{
	a_vf
	loaded mlx5_core
	driver 0000:41:00.1 mlx5_core
}

# A VF that a process has open, through its group.
an_open_vfio_device()
{
	a_vf
	latch_is 0 bind 0000:41:00.1
	mkdir "$VFIO_LATCH_ROOT/sys/class/vfio/2"
	echo 1:3 >"$VFIO_LATCH_ROOT/sys/class/vfio/2/dev"
	opened /dev/null vfio/2
}

binds_as_the_configuration_says()
{
	a_vf
	latch_is 0 bind 0000:41:00.1
	is "$(driver_of 0000:41:00.1)" mlx5_vfio_pci
	is "$(attribute 0000:41:00.1 driver_override)" mlx5_vfio_pci
}

binds_to_the_driver_of_the_command_line()
{
	a_vf
	latch_is 0 bind --driver=vfio-pci 41:00.1
	is "$(driver_of 0000:41:00.1)" vfio-pci
}

names_of_drivers_may_be_spelled_with_either_dash()
{
	local name

	for name in vfio_pci vfio-pci; do
		a_vf
		latch_is 0 bind --driver=$name 0000:41:00.1
		is "$(driver_of 0000:41:00.1)" vfio-pci
		is "$(attribute 0000:41:00.1 driver_override)" vfio-pci
	done
	a_vf
	printf '[mlx5-vfs]\ndriver = mlx5-vfio-pci\nnointxmask = yes\n' | drop_in x.conf
	latch_is 0 apply
	is "$(driver_of 0000:41:00.1) $(attribute 0000:41:00.1 driver_override)" \
		"mlx5_vfio_pci mlx5_vfio_pci"
	# It is as wanted now.
	latch_is 0 apply
	is "$out" ""
	latch_is 0 list --json
	grep -q '"as_configured": true' <<<"$out"
}

a_module_without_a_driver_of_its_name_is_told()
{
	a_vf
	module odd another
	complains "0000:41:00.1: module odd is loaded, but has no PCI driver of this name" \
		1 bind --driver=odd 0000:41:00.1
}

tunables_with_a_driver_that_has_none_are_refused()
{
	local driver

	for driver in usual none uio_pci_generic; do
		a_vf
		complains "0000:41:00.1: tunables are for a VFIO driver, not for \"$driver\"" \
			2 bind --driver=$driver --disable-vga=1 0000:41:00.1
		is "$(stores)" ""
	done
}

# They are for the driver that the section names.
a_sections_tunables_are_not_for_another_driver()
{
	a_vf
	module uio_pci_generic uio_pci_generic
	printf '[mlx5-vfs]\nnointxmask = yes\n' | drop_in x.conf
	latch_is 0 bind --driver=uio_pci_generic 0000:41:00.1
	is "$(driver_of 0000:41:00.1)" uio_pci_generic
}

tunables_are_latched_with_their_rule_as_the_source()
{
	a_vf
	latch_is 0 bind 0000:41:00.1 --disable-idle-d3=yes --nointxmask=no
	is "$(attribute 0000:41:00.1 vfio_pci/policy_source)" \
		"disable_idle_d3 0000:41:00.1/disable_idle_d3=1
disable_vga default
nointxmask 0000:41:00.1/nointxmask=0"
	is "$(attribute 0000:41:00.1 vfio_pci/disable_idle_d3)" 1
}

the_rule_is_added_for_the_bind_only()
{
	local policy

	a_vf
	loaded mlx5_vfio_pci
	policy=$VFIO_LATCH_ROOT/sys/module/mlx5_vfio_pci/parameters/policy
	echo "15b3:101e/disable_vga=1" >"$policy"
	latch_is 0 bind 0000:41:00.1 --disable-idle-d3=1
	is "$(cat "$policy")" "15b3:101e/disable_vga=1"
	is "$(stores | grep -E 'policy|rule|probe' | tr '\n' '|')" \
"drivers/mlx5_vfio_pci/new_rule < 0000:41:00.1/disable_idle_d3=1|\
probe 0000:41:00.1 < mlx5_vfio_pci|\
drivers/mlx5_vfio_pci/remove_rule < 0000:41:00.1/disable_idle_d3=1|"
	is "$(attribute 0000:41:00.1 vfio_pci/disable_vga)" 1
}

# The package was upgraded, and the modules are still those of before.
an_older_driver_gets_the_rule_in_its_parameter()
{
	local policy

	a_vf
	touch "$VFIO_LATCH_ROOT/model/modules/mlx5_vfio_pci/older"
	loaded mlx5_vfio_pci
	policy=$VFIO_LATCH_ROOT/sys/module/mlx5_vfio_pci/parameters/policy
	printf '15b3:101e/disable_vga=1\n15b3:101e/nointxmask=1\n' >"$policy"
	latch_is 0 bind 0000:41:00.1 --disable-idle-d3=1
	is "$(cat "$policy")" "15b3:101e/disable_vga=1
15b3:101e/nointxmask=1"
	is "$(stores | grep -E 'policy|rule|probe|nointx' | tr '\n' '|')" \
"/sys/module/mlx5_vfio_pci/parameters/policy < 15b3:101e/disable_vga=1|\
15b3:101e/nointxmask=1;0000:41:00.1/disable_idle_d3=1|\
probe 0000:41:00.1 < mlx5_vfio_pci|\
/sys/module/mlx5_vfio_pci/parameters/policy < 15b3:101e/disable_vga=1|\
15b3:101e/nointxmask=1|"
	is "$(attribute 0000:41:00.1 vfio_pci/disable_idle_d3)" 1
}

a_rule_that_an_administrator_drops_before_the_probe_is_added_again()
{
	a_vf
	loaded mlx5_vfio_pci
	echo "15b3:101e/disable_vga=1" >"$VFIO_LATCH_ROOT/model/administrator-before"
	latch_is 0 bind 0000:41:00.1 --nointxmask=1
	is "$(attribute 0000:41:00.1 vfio_pci/nointxmask)" 1
	is "$(attribute 0000:41:00.1 vfio_pci/disable_vga)" 1
	is "$(cat "$VFIO_LATCH_ROOT/sys/module/mlx5_vfio_pci/parameters/policy")" \
		"15b3:101e/disable_vga=1"
}

a_device_whose_rule_never_wins_goes_back_to_its_driver()
{
	a_vf_of_mlx5_core
	loaded mlx5_vfio_pci
	echo "0000:41:00.1/nointxmask=0" >"$VFIO_LATCH_ROOT/model/administrator-before"
	touch "$VFIO_LATCH_ROOT/model/administrator-always"
	complains '0000:41:00.1: rule "0000:41:00.1/nointxmask=1" has not won: others are at work on the rules of mlx5_vfio_pci' \
		1 bind 0000:41:00.1 --nointxmask=1
	is "$(driver_of 0000:41:00.1)" mlx5_core
	is "$(cat "$VFIO_LATCH_ROOT/sys/module/mlx5_vfio_pci/parameters/policy")" \
		"0000:41:00.1/nointxmask=0"
}

a_section_wins_over_an_administrators_rule_for_the_device()
{
	a_vf
	loaded mlx5_vfio_pci
	echo "0000:41:00.1/disable_vga=1" >"$VFIO_LATCH_ROOT/sys/module/mlx5_vfio_pci/parameters/policy"
	latch_is 0 bind 0000:41:00.1 --disable-vga=0
	is "$(attribute 0000:41:00.1 vfio_pci/disable_vga)" 0
}

# A holder of the lock that was killed left its journal, and its rule in force.
a_killed_instances_rule_is_removed()
{
	local policy older journal

	for older in "" older; do
		a_vf
		[[ -z $older ]] || touch "$VFIO_LATCH_ROOT/model/modules/mlx5_vfio_pci/$older"
		loaded mlx5_vfio_pci
		policy=$VFIO_LATCH_ROOT/sys/module/mlx5_vfio_pci/parameters/policy
		journal=$VFIO_LATCH_ROOT/run/vfio-latch/policy-mlx5_vfio_pci
		mkdir "$VFIO_LATCH_ROOT/run/vfio-latch"
		printf '\n0000:99:00.0/nointxmask=1\n' >"$journal"
		echo "1111:2222/disable_vga=1;0000:99:00.0/nointxmask=1" >"$policy"
		latch_is 0 bind 0000:41:00.1 --disable-vga=1
		is "$(cat "$policy")" "1111:2222/disable_vga=1"
		is "$(cat "$journal")" ""
	done
}

# Its journal has all rules. What is bound next, what its tunables are, and what of the rules stays.
a_rule_that_a_killed_instance_of_an_older_package_has_left_is_removed()
{
	local policy journal before tunable left=0000:41:00.1/nointxmask=1

	for before in "" "10de:2684/disable_vga=1" "1111:2222/disable_vga=1 $left;10de:2684/disable_vga=1"; do
		for tunable in "" --disable-vga=1; do
			a_vf
			loaded mlx5_vfio_pci
			policy=$VFIO_LATCH_ROOT/sys/module/mlx5_vfio_pci/parameters/policy
			journal=$VFIO_LATCH_ROOT/run/vfio-latch/policy-mlx5_vfio_pci
			mkdir "$VFIO_LATCH_ROOT/run/vfio-latch"
			printf '%s\n' "$before" "$before${before:+;}$left" >"$journal"
			echo "$before${before:+;}$left" >"$policy"
			latch_is 0 bind 0000:41:00.1 ${tunable:+"$tunable"}
			is "$(cat "$policy")" "$before"
			is "$(cat "$journal")" ""
			[[ $before == *$left* ]] ||
				is "$(attribute 0000:41:00.1 vfio_pci/nointxmask)" 0
		done
	done
}

# It takes for its own what the second line has beyond the first, and counts the equal ones there.
the_journal_is_one_that_older_packages_read()
{
	local before ours=0000:41:00.1/nointxmask=1

	for before in "" "$ours" "$ours;$ours"; do
		a_vf
		loaded mlx5_vfio_pci
		echo "1111:2222/disable_vga=1;$before" \
			>"$VFIO_LATCH_ROOT/sys/module/mlx5_vfio_pci/parameters/policy"
		echo 5 >"$VFIO_LATCH_ROOT/model/fail/shrink"
		latch bind 0000:41:00.1 --nointxmask=1
		is "$(cat "$VFIO_LATCH_ROOT/run/vfio-latch/policy-mlx5_vfio_pci")" \
			"$before"$'\n'"$before${before:+;}$ours"
	done
}

# The section has no tunables any more: nothing else would remove it, and the driver would read it.
a_killed_instances_rule_for_a_device_is_removed_before_its_next_bind()
{
	local policy

	a_vf
	loaded mlx5_vfio_pci
	policy=$VFIO_LATCH_ROOT/sys/module/mlx5_vfio_pci/parameters/policy
	mkdir "$VFIO_LATCH_ROOT/run/vfio-latch"
	printf '\n0000:41:00.1/nointxmask=1\n' >"$VFIO_LATCH_ROOT/run/vfio-latch/policy-mlx5_vfio_pci"
	echo "0000:41:00.1/nointxmask=1" >"$policy"
	latch_is 0 bind 0000:41:00.1
	is "$(attribute 0000:41:00.1 vfio_pci/nointxmask)" 0
	is "$(cat "$policy")" ""
}

# It binds another device, and is alive.
a_bind_without_a_rule_does_not_wait_for_anothers_rule()
{
	a_vf
	loaded mlx5_vfio_pci
	mkdir -p "$VFIO_LATCH_ROOT/run/vfio-latch"
	exec 9>"$VFIO_LATCH_ROOT/run/vfio-latch/policy-mlx5_vfio_pci"
	flock 9
	printf '\n0000:41:00.2/nointxmask=1\n' >&9
	latch_is 0 bind --timeout=1 0000:41:00.1
	exec 9>&-
}

# Killed before it had added its rule, or while it wrote the journal.
a_killed_instances_journal_alone_removes_no_rule_of_an_administrator()
{
	local policy journal ours=0000:41:00.1/disable_vga=1

	for journal in "$ours\n$ours;$ours\n" "\n$ours" "\n0000:41"; do
		a_vf
		loaded mlx5_vfio_pci
		policy=$VFIO_LATCH_ROOT/sys/module/mlx5_vfio_pci/parameters/policy
		mkdir "$VFIO_LATCH_ROOT/run/vfio-latch"
		# shellcheck disable=SC2059 # with its newline
		printf "$journal" >"$VFIO_LATCH_ROOT/run/vfio-latch/policy-mlx5_vfio_pci"
		echo "1111:3333/disable_vga=1;$ours" >"$policy"
		latch_is 0 bind 0000:41:00.1 --disable-vga=1 --nointxmask=1
		is "$(cat "$policy")" "1111:3333/disable_vga=1;$ours"
	done
}

# Before | what an administrator writes while the device is bound | what stands there afterwards
an_administrators_rules_of_the_meantime_stay()
{
	local policy before meanwhile after older ours=0000:41:00.1/disable_vga=1

	while IFS='|' read -r before meanwhile after; do
		for older in "" older; do
			a_vf
			[[ -z $older ]] || touch "$VFIO_LATCH_ROOT/model/modules/mlx5_vfio_pci/$older"
			loaded mlx5_vfio_pci
			policy=$VFIO_LATCH_ROOT/sys/module/mlx5_vfio_pci/parameters/policy
			echo "$before" >"$policy"
			echo "$meanwhile" >"$VFIO_LATCH_ROOT/model/administrator"
			latch_is 0 bind 0000:41:00.1 --disable-vga=1
			is "$(cat "$policy")" "$after"
			# Of one that was killed, too.
			printf '%s\n' "$before" "$before${before:+;}$ours" \
				>"$VFIO_LATCH_ROOT/run/vfio-latch/policy-mlx5_vfio_pci"
			echo "$meanwhile" >"$policy"
			rm "$VFIO_LATCH_ROOT/model/administrator"
			latch_is 0 bind 0000:41:00.1 --disable-vga=0
			is "$(cat "$policy")" "$after"
		done
	done <<-END
		|1111:2222/disable_vga=1|1111:2222/disable_vga=1
		|$ours;1111:2222/disable_vga=1|1111:2222/disable_vga=1
		|1111:2222/disable_vga=1; $ours|1111:2222/disable_vga=1
		|1111:2222/disable_vga=1 $ours|1111:2222/disable_vga=1
		|$ours 1111:2222/disable_vga=1|1111:2222/disable_vga=1
		0001:00:00.0/disable_vga=1|0001:00:00.0/disable_vga=1;$ours;1111:2222/disable_vga=1|0001:00:00.0/disable_vga=1;1111:2222/disable_vga=1
		$ours|$ours|$ours
		$ours|$ours;1111:2222/disable_vga=1;$ours|$ours;1111:2222/disable_vga=1
	END
}

a_failed_bind_leaves_a_device_the_driver_it_had()
{
	a_vf_of_mlx5_core
	echo 22 >"$VFIO_LATCH_ROOT/model/fail/mlx5_vfio_pci"
	complains '0000:41:00.1: mlx5_vfio_pci cannot be bound: Invalid argument (see the kernel log, and "vfio-latch doctor 0000:41:00.1")' \
		1 bind 0000:41:00.1
	is "$(driver_of 0000:41:00.1)" mlx5_core
	is "$(attribute 0000:41:00.1 driver_override)" ""
}

a_failed_bind_with_tunables_does_too_and_leaves_no_rule()
{
	a_vf_of_mlx5_core
	echo 19 >"$VFIO_LATCH_ROOT/model/fail/mlx5_vfio_pci"
	complains '0000:41:00.1: mlx5_vfio_pci does not take it (see the kernel log, and "vfio-latch doctor 0000:41:00.1")' \
		1 bind 0000:41:00.1 --disable-vga=1
	is "$(driver_of 0000:41:00.1)" mlx5_core
	is "$(cat "$VFIO_LATCH_ROOT/sys/module/mlx5_vfio_pci/parameters/policy")" ""
}

# The kernel would not probe it then, unless driver_override names the driver.
a_failed_bind_puts_a_vf_without_autoprobe_back_too()
{
	a_vf_of_mlx5_core
	echo 0 >"$(sys 0000:41:00.0)/sriov_drivers_autoprobe"
	echo 22 >"$VFIO_LATCH_ROOT/model/fail/mlx5_vfio_pci"
	latch_is 1 bind 0000:41:00.1
	is "$(driver_of 0000:41:00.1)" mlx5_core
	is "$(attribute 0000:41:00.1 driver_override)" ""
}

a_failed_bind_of_a_device_without_driver_leaves_it_without()
{
	a_vf
	echo 22 >"$VFIO_LATCH_ROOT/model/fail/mlx5_vfio_pci"
	latch_is 1 bind 0000:41:00.1
	is "$(driver_of 0000:41:00.1)" none
	is "$(attribute 0000:41:00.1 driver_override)" ""
}

a_device_that_cannot_be_put_back_is_told()
{
	a_vf_of_mlx5_core
	echo 22 | tee "$VFIO_LATCH_ROOT/model/fail/"{mlx5_vfio_pci,mlx5_core} >/dev/null
	latch_is 1 bind 0000:41:00.1
	is "${err##*$'\n'}" "vfio-latch: 0000:41:00.1: cannot be put back to mlx5_core: Invalid argument"
}

a_missing_module_is_named_before_anything_is_unbound()
{
	a_vf_of_mlx5_core
	rm -r "$VFIO_LATCH_ROOT/model/modules/mlx5_vfio_pci"
	complains "0000:41:00.1: there is no module mlx5_vfio_pci for this kernel" 1 bind 0000:41:00.1
	is "$(stores)" "load < mlx5_vfio_pci"
}

a_module_that_does_not_load_says_why()
{
	a_vf
	echo 129 >"$VFIO_LATCH_ROOT/model/modules/mlx5_vfio_pci/error"
	complains "0000:41:00.1: module mlx5_vfio_pci cannot be loaded: Key was rejected by service" \
		1 bind 0000:41:00.1
}

the_kernels_own_driver_takes_no_rules()
{
	a_vf
	rm "$VFIO_LATCH_ROOT/model/modules/vfio_pci/ours"
	complains "0000:41:00.1: the vfio-pci that is loaded takes no rules: it is the kernel's own" \
		1 bind 0000:41:00.1 --driver=vfio-pci --disable-vga=1
	is "$(driver_of 0000:41:00.1)" none
}

a_full_policy_parameter_is_told()
{
	local policy

	a_vf
	loaded mlx5_vfio_pci
	policy=$VFIO_LATCH_ROOT/sys/module/mlx5_vfio_pci/parameters/policy
	printf '%04080d\n' 0 | tr 0 ';' >"$policy"
	complains "0000:41:00.1: no room for its rule in /sys/module/mlx5_vfio_pci/parameters/policy" \
		1 bind 0000:41:00.1 --disable-vga=1
	is "$(driver_of 0000:41:00.1)" none
}

a_refused_rule_is_shown()
{
	a_vf
	loaded mlx5_vfio_pci
	echo "what an old driver took" >"$VFIO_LATCH_ROOT/sys/module/mlx5_vfio_pci/parameters/policy"
	complains '0000:41:00.1: rule "0000:41:00.1/disable_vga=1": Invalid argument' \
		1 bind 0000:41:00.1 --disable-vga=1
}

none_takes_the_driver_away_and_keeps_others_off()
{
	a_vf_of_mlx5_core
	latch_is 0 bind 0000:41:00.1 --driver=none
	is "$(driver_of 0000:41:00.1)" none
	is "$(attribute 0000:41:00.1 driver_override)" none
}

unbind_gives_the_usual_driver_back()
{
	a_vf
	latch_is 0 bind 0000:41:00.1
	latch_is 0 unbind 0000:41:00.1
	is "$(driver_of 0000:41:00.1)" mlx5_core
	is "$(attribute 0000:41:00.1 driver_override)" ""
}

unbind_takes_a_device_from_every_driver_that_stands_in()
{
	local driver

	for driver in uio_pci_generic pci-stub; do
		a_vf
		module "${driver//-/_}" "$driver"
		latch_is 0 bind --driver="$driver" 0000:41:00.1
		is "$(driver_of 0000:41:00.1)" "$driver"
		latch_is 0 unbind 0000:41:00.1
		is "$(driver_of 0000:41:00.1)" mlx5_core
		is "$(attribute 0000:41:00.1 driver_override)" ""
	done
}

a_usual_driver_that_is_bound_by_name_leaves_no_override()
{
	a_vf
	loaded mlx5_core
	latch_is 0 bind --driver=mlx5_core 0000:41:00.1
	is "$(driver_of 0000:41:00.1) $(attribute 0000:41:00.1 driver_override)" "mlx5_core "
}

# An interface may be up: it keeps its driver.
unbind_clears_an_override_and_leaves_the_usual_driver()
{
	a_vf
	driver 0000:41:00.1 mlx5_core
	netdev 0000:41:00.1 ens1v0 0x1003
	echo mlx5_core >"$(sys 0000:41:00.1)/driver_override"
	latch_is 0 unbind 0000:41:00.1
	is "$(driver_of 0000:41:00.1) $(attribute 0000:41:00.1 driver_override)" "mlx5_core "
	is "$(stores | grep -c unbind || :)" 0
}

unbind_does_so_without_autoprobe_too()
{
	a_vf
	echo 0 >"$(sys 0000:41:00.0)/sriov_drivers_autoprobe"
	latch_is 0 bind 0000:41:00.1
	latch_is 0 unbind 0000:41:00.1
	is "$(driver_of 0000:41:00.1)" mlx5_core
	is "$(attribute 0000:41:00.1 driver_override)" ""
}

unbind_of_a_device_that_nothing_drives_leaves_it_without()
{
	new_system
	device 0000:05:00.0 1234:11e8
	latch_is 0 bind 0000:05:00.0 --driver=vfio-pci
	latch_is 0 unbind 0000:05:00.0
	is "$(driver_of 0000:05:00.0)" none
}

unbind_tells_when_the_usual_driver_fails()
{
	a_vf
	latch_is 0 bind 0000:41:00.1
	echo 5 >"$VFIO_LATCH_ROOT/model/fail/mlx5_core"
	complains "0000:41:00.1: its usual driver cannot be bound: No such device" 1 unbind 0000:41:00.1
	is "$(driver_of 0000:41:00.1)" mlx5_vfio_pci
}

unbind_works_with_a_malformed_configuration()
{
	a_vf
	latch_is 0 bind 0000:41:00.1
	echo nonsense | config
	latch_is 0 unbind 0000:41:00.1
}

a_malformed_configuration_binds_nothing()
{
	a_vf
	printf '[x]\ndrvier = vfio-pci\n' | drop_in x.conf
	latch_is 3 bind 0000:41:00.1 --driver=vfio-pci
	is "$(stores)" ""
}

without_a_section_bind_wants_a_driver()
{
	new_system
	device 0000:05:00.0 1234:11e8
	complains "0000:05:00.0: no section of the configuration is for it: name a driver with --driver" \
		2 bind 0000:05:00.0
}

a_device_that_is_not_there_is_told()
{
	new_system
	complains "0000:05:00.0: no such device" 4 bind 0000:05:00.0
	complains '"eth0" is not an address DDDD:BB:DD.F' 2 bind eth0
}

# Whether the device that fails is the first or the last one.
the_gravest_outcome_counts_and_all_devices_are_tried()
{
	new_system
	pf 0000:41:00.0 8
	vfs 0000:41:00.0 2
	latch_is 4 bind 0000:05:00.0 0000:41:00.1
	is "$(driver_of 0000:41:00.1)" mlx5_vfio_pci
	latch_is 4 bind 0000:41:00.2 0000:05:00.0
	is "$(driver_of 0000:41:00.2)" mlx5_vfio_pci
	latch_is 4 unbind 0000:05:00.0 0000:41:00.1
	is "$(driver_of 0000:41:00.1)" mlx5_core
	latch_is 4 unbind 0000:41:00.2 0000:05:00.0
	is "$(driver_of 0000:41:00.2)" mlx5_core
}

in_use()
{
	complains "0000:41:00.1: left with $1, in use: $2" 5 bind 0000:41:00.1 --driver=vfio-pci
	is "$(driver_of 0000:41:00.1)" "$1"
	latch_is 0 bind 0000:41:00.1 --driver=vfio-pci --force
	is "$(driver_of 0000:41:00.1)" vfio-pci
}

a_network_interface_that_is_up_is_in_use()
{
	a_vf_of_mlx5_core
	netdev 0000:41:00.1 ens1v0 0x1003
	in_use mlx5_core "network interface ens1v0 is up"
}

# The kernel takes nearly any bytes for a name, from who may do less than root on a terminal.
no_name_of_an_interface_is_a_command_to_the_terminal()
{
	local name=$'e\e[2J\x9b' said="0000:41:00.1: left with mlx5_core, in use: network interface e?[2J? is up"

	a_vf_of_mlx5_core
	netdev 0000:41:00.1 "$name" 0x1003
	complains "$said" 5 bind 0000:41:00.1
	latch_is 5 bind --dry-run 0000:41:00.1
	is "$out" "${said/left/would be left}"
	latch check
	is "$(grep -c $'\e' <<<"$out$err" || :)" 0
}

a_network_interface_of_a_bond_is_in_use()
{
	a_vf
	driver 0000:41:00.1 mlx5_core
	netdev 0000:41:00.1 ens1v0 0x1002
	ln -s .. "$(sys 0000:41:00.1)/net/ens1v0/master"
	in_use mlx5_core "network interface ens1v0 is part of a bond or bridge"
}

a_network_interface_in_another_namespace_is_in_use()
{
	a_vf
	driver 0000:41:00.1 mlx5_core
	mkdir "$(sys 0000:41:00.1)/net"
	in_use mlx5_core "its network interface is in another network namespace"
}

a_network_interface_that_is_down_is_not()
{
	a_vf
	driver 0000:41:00.1 mlx5_core
	netdev 0000:41:00.1 ens1v0 0x1002
	latch_is 0 bind 0000:41:00.1
	is "$(driver_of 0000:41:00.1)" mlx5_vfio_pci
}

an_rdma_device_that_is_open_is_in_use()
{
	a_vf
	driver 0000:41:00.1 mlx5_core
	node 0000:41:00.1 infiniband_verbs/uverbs3 1:5
	opened /dev/zero infiniband/uverbs3
	in_use mlx5_core "process 1234 (qemu-system-x86) has it open"
}

a_node_of_whatever_driver_that_is_open_is_in_use()
{
	local driver node

	while read -r driver node; do
		a_vf
		driver 0000:41:00.1 "$driver"
		node 0000:41:00.1 "$node" 1:5
		latch_is 0 bind 0000:41:00.1 --driver=vfio-pci
		a_vf
		driver 0000:41:00.1 "$driver"
		node 0000:41:00.1 "$node" 1:5
		opened /dev/zero "${node##*/}"
		in_use "$driver" "process 1234 (qemu-system-x86) has it open"
	done <<-END
		uio_pci_generic uio/uio0
		mlx5_core mlx5_core.vnet.0/vdpa0/vhost-vdpa-0
		nvme nvme/nvme0
		idxd dsa0/wq0.0/dsa!wq0.0
	END
}

# Nothing claims it: a VMM opens it as any file.
a_block_device_that_a_process_reads_is_in_use()
{
	a_vf
	driver 0000:41:00.1 nvme
	mknod "$VFIO_LATCH_ROOT/dev/block" b 7 77
	node 0000:41:00.1 nvme/nvme0/nvme0n1 7:77
	opened "$VFIO_LATCH_ROOT/dev/block" nvme0n1
	latch_is 0 bind 0000:41:00.1 --driver=none
	driver 0000:41:00.1 nvme
	ln -s ../../../../../../../class/block "$(sys 0000:41:00.1)/nvme/nvme0/nvme0n1/subsystem"
	in_use nvme "process 1234 (qemu-system-x86) has it open"
}

# A new disk is open for a moment while udev sees what is on it. The command reads the name of who
# has it open at each look.
what_udev_has_open_is_not_in_use_once_it_has_let_go()
{
	local name process

	for name in "(udev-worker)" systemd-udevd; do
		a_vf
		process=$VFIO_LATCH_ROOT/proc/1234
		driver 0000:41:00.1 nvme
		node 0000:41:00.1 nvme/nvme0 1:5
		opened /dev/zero nvme0
		rm "$process/comm"
		mkfifo "$process/comm"
		echo "$name" >"$process/next"
		{
			# It looks, and is told when udev has let go.
			exec 8>"$process/comm"
			mv "$process/next" "$process/comm"
			rm "$process/fd/7"
			echo "$name" >&8
		} &
		latch_is 0 bind 0000:41:00.1
		is "$(driver_of 0000:41:00.1)" mlx5_vfio_pci
		kill $! || :
		wait $! || :
	done
}

what_udev_does_not_let_go_is_in_use()
{
	a_vf
	driver 0000:41:00.1 nvme
	node 0000:41:00.1 nvme/nvme0 1:5
	opened /dev/zero nvme0
	echo "(udev-worker)" >"$VFIO_LATCH_ROOT/proc/1234/comm"
	complains "0000:41:00.1: left with nvme, in use: process 1234 ((udev-worker)) has it open" \
		5 bind --timeout=1 0000:41:00.1
}

# The kernel shows no driver while one is leaving, and driver_override only to who waits for that.
a_driver_that_does_not_leave_holds_up_nobody_who_looks()
{
	a_vf
	rm "$(sys 0000:41:00.1)/driver_override"
	mkfifo "$(sys 0000:41:00.1)/driver_override"
	timeout 60 "$TOP/build/tests-tools/vfio-latch" list >/dev/null
	latch list --no-legend
	is "$status ${out%% *} $err" "0 0000:41:00.1 "
	latch bind --timeout=1 0000:41:00.1
	is "$status" 6
}

# A PF's driver that is at work on its VFs, for example. Each VF is looked at with its PF.
a_driver_that_is_at_work_on_its_device_holds_up_nobody_who_looks()
{
	new_system
	pf 0000:41:00.0 16
	vfs 0000:41:00.0 16
	loaded mlx5_core
	driver 0000:41:00.1 mlx5_core
	rm "$(sys 0000:41:00.0)/driver_override"
	mkfifo "$(sys 0000:41:00.0)/driver_override"
	driver 0000:41:00.0 mlx5_core
	timeout 60 "$TOP/build/tests-tools/vfio-latch" list >/dev/null
	latch list --no-legend
	is "$status ${out%% *} $err" "0 0000:41:00.1 "
	latch_is 0 bind 0000:41:00.1
	latch_is 0 show 0000:41:00.0
}

nvidias_own_node_that_is_open_is_in_use()
{
	local gpu

	a_vf
	driver 0000:41:00.1 nvidia
	gpu=$VFIO_LATCH_ROOT/proc/driver/nvidia/gpus/0000:41:00.1
	mkdir -p "$gpu"
	printf 'Model: \t\t A\nDevice Minor: \t 3\nGPU Excluded:\t No\n' >"$gpu/information"
	mknod "$VFIO_LATCH_ROOT/dev/gpu" c 195 3
	opened "$VFIO_LATCH_ROOT/dev/gpu" nvidia3
	in_use nvidia "process 1234 (qemu-system-x86) has it open"
}

a_group_without_an_iommu_that_is_open_is_in_use()
{
	a_vf
	latch_is 0 bind 0000:41:00.1
	mkdir "$VFIO_LATCH_ROOT/sys/class/vfio/noiommu-2"
	echo 1:3 >"$VFIO_LATCH_ROOT/sys/class/vfio/noiommu-2/dev"
	opened /dev/null vfio/noiommu-2
	complains "0000:41:00.1: left with mlx5_vfio_pci, in use: process 1234 (qemu-system-x86) has it open" \
		5 unbind 0000:41:00.1
}

# What was idle when all was looked at may not be any more: an apply takes its time.
a_device_that_is_opened_while_others_are_bound_is_in_use()
{
	new_system
	pf 0000:41:00.0 8
	vfs 0000:41:00.0 2
	driver 0000:41:00.1 mlx5_core
	driver 0000:41:00.2 mlx5_core
	node 0000:41:00.2 infiniband_verbs/uverbs3 1:5
	opened /dev/zero infiniband/uverbs3
	mv "$VFIO_LATCH_ROOT/proc/1234" "$VFIO_LATCH_ROOT/model/meanwhile"
	complains "0000:41:00.2: left with mlx5_core, in use: process 1234 (qemu-system-x86) has it open" \
		5 apply
	is "$(driver_of 0000:41:00.1) $(driver_of 0000:41:00.2)" "mlx5_vfio_pci mlx5_core"
}

a_device_that_is_opened_while_its_rule_is_written_is_in_use()
{
	an_open_vfio_device
	mv "$VFIO_LATCH_ROOT/proc/1234" "$VFIO_LATCH_ROOT/model/meanwhile"
	complains "0000:41:00.1: left with mlx5_vfio_pci, in use: process 1234 (qemu-system-x86) has it open" \
		5 bind --disable-vga=1 0000:41:00.1
	is "$(driver_of 0000:41:00.1)" mlx5_vfio_pci
	is "$(cat "$VFIO_LATCH_ROOT/sys/module/mlx5_vfio_pci/parameters/policy")" ""
	is "$(attribute 0000:41:00.1 driver_override)" mlx5_vfio_pci
	latch_is 0 bind --force --disable-vga=1 0000:41:00.1
}

# It is offered to the driver, another takes it, and then a process opens it.
a_driver_that_was_faster_and_is_in_use_keeps_no_override()
{
	a_vf_of_mlx5_core
	loaded mlx5_vfio_pci
	node 0000:41:00.1 infiniband_verbs/uverbs3 1:5
	opened /dev/zero infiniband/uverbs3
	mv "$VFIO_LATCH_ROOT/proc/1234" "$VFIO_LATCH_ROOT/model/meanwhile"
	echo mlx5_core >"$VFIO_LATCH_ROOT/model/faster"
	complains "0000:41:00.1: left with mlx5_core, in use: process 1234 (qemu-system-x86) has it open" \
		5 bind 0000:41:00.1
	is "$(driver_of 0000:41:00.1)" mlx5_core
	is "$(attribute 0000:41:00.1 driver_override)" ""
}

# The second look would wait for somebody who writes again.
processes_are_looked_at_once_for_all_devices()
{
	local comm n

	new_system
	comm=$VFIO_LATCH_ROOT/proc/1234/comm
	pf 0000:41:00.0 8
	vfs 0000:41:00.0 8
	for ((n = 0; n < 8; n++)); do
		driver "$(vf 0000:41:00.0 "$n")" mlx5_core
	done
	opened /dev/zero infiniband/uverbs3
	rm "$comm"
	mkfifo "$comm"
	echo qemu-system-x86 >"$comm" &
	timeout 60 "$TOP/build/tests-tools/vfio-latch" apply
	wait
	is "$(driver_of 0000:41:01.0)" mlx5_vfio_pci
}

a_network_interface_further_below_is_in_use()
{
	a_vf
	driver 0000:41:00.1 virtio-pci
	mkdir -p "$(sys 0000:41:00.1)/virtio0/net/ens1"
	echo 0x1003 >"$(sys 0000:41:00.1)/virtio0/net/ens1/flags"
	in_use virtio-pci "network interface ens1 is up"
}

a_claimed_block_device_is_in_use()
{
	a_vf
	driver 0000:41:00.1 nvme
	node 0000:41:00.1 nvme/nvme0/nvme0n1 7:77
	ln -s ../../../../../../../class/block "$(sys 0000:41:00.1)/nvme/nvme0/nvme0n1/subsystem"
	touch "$VFIO_LATCH_ROOT/model/claimed/nvme0n1"
	in_use nvme "block device nvme0n1 is in use"
}

# a_disk DIRECTORY NUMBER: below 0000:41:00.1
a_disk()
{
	a_vf
	driver 0000:41:00.1 nvme
	node 0000:41:00.1 "$1" "$2"
	ln -s "$VFIO_LATCH_ROOT/sys/class/block" "$(sys 0000:41:00.1)/$1/subsystem"
}

# An open ends in ENXIO or ENOMEDIUM there.
a_disk_that_is_offline_and_a_drive_without_a_medium_are_not_in_use()
{
	local error

	for error in 6 123; do
		a_disk ata1/host0/sr0 11:0
		echo $error >"$VFIO_LATCH_ROOT/model/claimed/sr0"
		latch_is 0 bind 0000:41:00.1
		is "$(driver_of 0000:41:00.1)" mlx5_vfio_pci
	done
}

what_keeps_a_block_device_from_being_opened_is_named()
{
	a_disk ata1/host0/sda 8:0
	echo 13 >"$VFIO_LATCH_ROOT/model/claimed/sda"
	in_use nvme "whether block device sda is in use is not known: Permission denied"
}

# SCSI waits for the end of its error handling, which may not come.
a_disk_that_does_not_answer_is_not_waited_for_without_end()
{
	a_disk ata1/host0/sda 8:0
	mkfifo "$VFIO_LATCH_ROOT/model/claimed/sda"
	complains "0000:41:00.1: left with nvme, in use: block device sda has not answered within 1 seconds" \
		5 bind --timeout=1 0000:41:00.1
	echo >"$VFIO_LATCH_ROOT/model/claimed/sda"
}

# Open by the kernel, for others: nothing claims it, and no process has it open.
a_disk_that_the_kernel_hands_on_is_in_use()
{
	local file config=sys/kernel/config

	mknod "$WORK/disk" b 7 77 2>/dev/null || :
	mknod "$WORK/controller" c 1 5 2>/dev/null || :
	for file in $config/nvmet/subsystems/a/namespaces/1/device_path \
			$config/target/core/fileio_0/x/udev_path \
			$config/usb_gadget/g/functions/mass_storage.0/lun.0/file \
			sys/block/loop3/loop/backing_file; do
		a_disk nvme/nvme0/nvme0n1 7:77
		mkdir -p "$VFIO_LATCH_ROOT/dev/disk" "$VFIO_LATCH_ROOT/${file%/*}"
		ln -s "$WORK/disk" "$VFIO_LATCH_ROOT/dev/disk/by-id"
		echo /srv/image >"$VFIO_LATCH_ROOT/$file"
		latch_is 0 bind --dry-run 0000:41:00.1
		echo /dev/disk/by-id >"$VFIO_LATCH_ROOT/$file"
		in_use nvme "/$file has it"
	done
	file=$config/nvmet/subsystems/a/passthru/device_path
	a_vf
	driver 0000:41:00.1 nvme
	node 0000:41:00.1 nvme/nvme0 1:5
	mkdir -p "$VFIO_LATCH_ROOT/${file%/*}"
	ln -s "$WORK/controller" "$VFIO_LATCH_ROOT/dev/nvme0"
	echo /dev/nvme0 >"$VFIO_LATCH_ROOT/$file"
	in_use nvme "/$file has it"
}

# Its namespaces may have the root: the controller is a virtual device elsewhere.
an_adapter_with_nvme_over_fibre_channel_is_in_use()
{
	local controller address other="host_traddr=nn-0x20000024ff7fa448:pn-0x21000024ff7fa448"

	for address in "traddr=nn-0x2017:pn-0x201b,host_traddr=nn-0x200000109b579ef6:pn-0x100000109b579ef6" \
			"traddr=nn-0x2017:pn-0x201b" ""; do
		a_vf
		driver 0000:41:00.1 lpfc
		mkdir -p "$(sys 0000:41:00.1)/host3/fc_host/host3"
		echo 0x100000109b579ef6 >"$(sys 0000:41:00.1)/host3/fc_host/host3/port_name"
		controller=$VFIO_LATCH_ROOT/sys/class/nvme/nvme4
		mkdir -p "$controller"
		echo "$address" >"$controller/address"
		echo pcie >"$controller/transport"
		latch_is 0 bind --dry-run 0000:41:00.1
		echo fc >"$controller/transport"
		echo "traddr=nn-0x100000109b579ef6:pn-0x100000109b579ef6,$other" >"$controller/address"
		latch_is 0 bind --dry-run 0000:41:00.1
		echo "$address" >"$controller/address"
		in_use lpfc "NVMe controller nvme4 is behind it"
	done
}

# Their nodes are not in sysfs.
an_nvswitch_is_in_use_while_a_process_has_one_open()
{
	a_vf
	driver 0000:41:00.1 nvidia-nvswitch
	printf '%s\n' "Character devices:" "  1 nvidia-nvswitch" "" "Block devices:" >"$VFIO_LATCH_ROOT/proc/devices"
	opened /dev/zero nvidia-nvswitch0
	in_use nvidia-nvswitch "process 1234 (qemu-system-x86) has it open"
	sed -i 's/  1/234/' "$VFIO_LATCH_ROOT/proc/devices"
	latch_is 0 bind 0000:41:00.1
}

a_function_of_pciback_is_in_use_while_a_domain_has_functions()
{
	a_vf
	driver 0000:41:00.1 pciback
	mkdir -p "$VFIO_LATCH_ROOT/sys/bus/xen-backend/devices/pci-3-0"
	in_use pciback "a domain of Xen has functions, and may have this one"
	rmdir "$VFIO_LATCH_ROOT/sys/bus/xen-backend/devices/pci-3-0"
	mkdir "$VFIO_LATCH_ROOT/sys/bus/xen-backend/devices/vbd-3-0"
	latch_is 0 bind 0000:41:00.1
}

# NVMe multipath: below the controller is a path without a node, the disk is its subsystem's. It may
# have another number.
a_multipath_disk()
{
	local sys=$VFIO_LATCH_ROOT/sys disk=$VFIO_LATCH_ROOT/sys/devices/virtual/nvme-subsystem/nvme-subsys2

	driver 0000:41:00.1 nvme
	mkdir -p "$disk"/{nvme2n1/nvme2n1p1,ng2n1} "$sys"/class/{block,nvme-generic} \
		"$(sys 0000:41:00.1)/nvme/nvme1/nvme2c1n1"
	ln -s ../../../../../class/block "$disk/nvme2n1/subsystem"
	ln -s ../../../../../../class/block "$disk/nvme2n1/nvme2n1p1/subsystem"
	ln -s ../../../../../../../class/block "$(sys 0000:41:00.1)/nvme/nvme1/nvme2c1n1/subsystem"
	ln -s "$disk/nvme2n1" "$sys/class/block/"
	ln -s "$disk/ng2n1" "$sys/class/nvme-generic/"
	echo 7:77 >"$disk/nvme2n1/dev"
	echo 7:78 >"$disk/nvme2n1/nvme2n1p1/dev"
	echo 1:5 >"$disk/ng2n1/dev"
}

an_idle_disk_with_several_paths_is_not_in_use()
{
	a_vf
	a_multipath_disk
	latch_is 0 bind 0000:41:00.1
	is "$(driver_of 0000:41:00.1)" mlx5_vfio_pci
}

a_claimed_disk_with_several_paths_is_in_use()
{
	a_vf
	a_multipath_disk
	touch "$VFIO_LATCH_ROOT/model/claimed/nvme2n1"
	in_use nvme "block device nvme2n1 is in use"
}

an_open_disk_with_several_paths_is_in_use()
{
	local node number

	while read -r node number; do
		a_vf
		a_multipath_disk
		mknod "$VFIO_LATCH_ROOT/dev/node" "${number%:*}" 7 "${number#*:}"
		opened "$VFIO_LATCH_ROOT/dev/node" "$node"
		in_use nvme "process 1234 (qemu-system-x86) has it open"
	done <<-END
		nvme2n1 b:77
		nvme2n1p1 b:78
	END
	a_vf
	a_multipath_disk
	opened /dev/zero ng2n1
	in_use nvme "process 1234 (qemu-system-x86) has it open"
}

# Nobody knows what it leads to.
a_path_without_a_disk_is_in_use()
{
	a_vf
	a_multipath_disk
	rm "$VFIO_LATCH_ROOT/sys/class/block/nvme2n1"
	touch "$VFIO_LATCH_ROOT/model/claimed/nvme2c1n1"
	in_use nvme "block device nvme2c1n1 is in use"
}

# A VF's directory links to its PF's.
another_devices_block_device_is_not()
{
	a_vf
	driver 0000:41:00.1 nvme
	node 0000:41:00.0 nvme/nvme0/nvme0n1 7:77
	ln -s ../../../../../../../class/block "$(sys 0000:41:00.0)/nvme/nvme0/nvme0n1/subsystem"
	touch "$VFIO_LATCH_ROOT/model/claimed/nvme0n1"
	[[ -e $(sys 0000:41:00.1)/physfn/nvme/nvme0/nvme0n1/dev ]]
	latch_is 0 bind 0000:41:00.1
	is "$(driver_of 0000:41:00.1)" mlx5_vfio_pci
}

graphics_is_in_use()
{
	a_vf
	driver 0000:41:00.1 nouveau
	mkdir -p "$(sys 0000:41:00.1)/virtio0/drm"
	in_use nouveau "it may be showing somebody's display"
}

a_pf_with_vfs_is_in_use()
{
	a_vf
	driver 0000:41:00.0 mlx5_core
	complains "0000:41:00.0: left with mlx5_core, in use: its VFs are enabled" \
		5 bind 0000:41:00.0 --driver=vfio-pci
}

# The kernel holds the lock that a reader of sriov_numvfs waits for.
a_pf_whose_vfs_are_being_made_is_in_use()
{
	a_vf
	driver 0000:41:00.0 mlx5_core
	rm "$(sys 0000:41:00.0)/sriov_numvfs"
	mkfifo "$(sys 0000:41:00.0)/sriov_numvfs"
	complains "0000:41:00.0: left with mlx5_core, in use: whether it has VFs is not known: the kernel is at work on it" \
		5 bind --timeout=1 0000:41:00.0 --driver=vfio-pci
}

an_open_vfio_device_is_in_use()
{
	an_open_vfio_device
	complains "0000:41:00.1: left with mlx5_vfio_pci, in use: process 1234 (qemu-system-x86) has it open" \
		5 unbind 0000:41:00.1
	is "$(driver_of 0000:41:00.1)" mlx5_vfio_pci
}

# hangs probe|unbind|load: until let_go
hangs()
{
	mkdir -p "$VFIO_LATCH_ROOT/model/hang"
	mkfifo "$VFIO_LATCH_ROOT/model/hang/$1"
	# Nothing waits for ever, whatever is wrong.
	# shellcheck disable=SC2064
	trap "echo <>'$VFIO_LATCH_ROOT/model/hang/$1' >&0" EXIT
}

# let_go probe|unbind|load: and the process that was left behind has come to its end
let_go()
{
	echo >"$VFIO_LATCH_ROOT/model/hang/$1"
	rm "$VFIO_LATCH_ROOT/model/hang/$1"
	trap - EXIT
	flock "$VFIO_LATCH_ROOT/run/vfio-latch/device-0000:41:00.1" true
	if [[ $1 == load ]]; then
		flock "$VFIO_LATCH_ROOT/run/vfio-latch/modules" true
	fi
}

a_driver_that_does_not_come_back_holds_nobody_up()
{
	a_vf_of_mlx5_core
	hangs unbind
	complains "0000:41:00.1: mlx5_core has not let it go within 1 seconds: see the kernel log; when it has: vfio-latch apply or bind" \
		6 bind --timeout=1 0000:41:00.1
	# Nothing was tried behind it.
	is "$(stores | tail -n 1)" "devices/0000:41:00.1/driver/unbind < 0000:41:00.1"
	complains "0000:41:00.1: another vfio-latch has been at work on it for 1 seconds; see the kernel log" \
		6 bind --timeout=1 0000:41:00.1
	let_go unbind
	latch_is 0 bind 0000:41:00.1
	is "$(driver_of 0000:41:00.1)" mlx5_vfio_pci
}

# The driver lets go when the signal has come. It acts when the device is whole again.
a_signal_amid_a_bind_leaves_no_device_without_a_driver()
{
	local signal hang pid

	for signal in INT HUP TERM; do
		a_vf_of_mlx5_core
		pf 0000:42:00.0 1
		vfs 0000:42:00.0 1
		driver 0000:42:00.1 mlx5_core
		hangs unbind
		echo 22 >"$VFIO_LATCH_ROOT/model/fail/mlx5_vfio_pci"
		env --default-signal "$TOP/build/tests-tools/vfio-latch" bind \
			0000:41:00.1 0000:42:00.1 2>"$VFIO_LATCH_ROOT/err" &
		pid=$!
		exec {hang}>"$VFIO_LATCH_ROOT/model/hang/unbind"
		kill -"$signal" "$pid"
		echo >&"$hang"
		exec {hang}>&-
		status=0
		wait "$pid" || status=$?
		is "$status" $((128 + $(kill -l "$signal")))
		is "$(driver_of 0000:41:00.1) $(attribute 0000:41:00.1 driver_override)" "mlx5_core "
		is "$(driver_of 0000:42:00.1)" mlx5_core
	done
}

a_reader_that_has_gone_leaves_no_device_without_a_driver()
{
	local both gone

	a_vf_of_mlx5_core
	echo 22 >"$VFIO_LATCH_ROOT/model/fail/mlx5_vfio_pci"
	mkfifo "$VFIO_LATCH_ROOT/gone"
	exec {both}<>"$VFIO_LATCH_ROOT/gone"
	exec {gone}>"$VFIO_LATCH_ROOT/gone"
	exec {both}>&-
	status=0
	"$TOP/build/tests-tools/vfio-latch" bind 0000:41:00.1 >&"$gone" 2>&1 || status=$?
	exec {gone}>&-
	is "$status" 1
	is "$(driver_of 0000:41:00.1) $(attribute 0000:41:00.1 driver_override)" "mlx5_core "
}

who_holds_a_device_that_is_not_let_go_is_named()
{
	an_open_vfio_device
	hangs unbind
	complains "0000:41:00.1: mlx5_vfio_pci has not let it go within 1 seconds: process 1234 (qemu-system-x86) has it open; when it has: vfio-latch apply or bind" \
		6 unbind --force --timeout=1 0000:41:00.1
	let_go unbind
}

a_probe_that_does_not_come_back_holds_nobody_up_and_leaves_no_rule()
{
	a_vf
	hangs probe
	complains "0000:41:00.1: mlx5_vfio_pci has not taken it within 1 seconds; see the kernel log" \
		6 bind --timeout=1 --disable-vga=1 0000:41:00.1
	is "$(cat "$VFIO_LATCH_ROOT/sys/module/mlx5_vfio_pci/parameters/policy")" ""
	let_go probe
	is "$(driver_of 0000:41:00.1)" mlx5_vfio_pci
}

# One wait after the other would outlast udev, which kills its programs after three minutes.
all_waits_of_a_call_of_udev_have_one_deadline_and_the_rest_is_named()
{
	local within="within the 1 seconds of this call" left="vfio-latch.service does that when it is started or reloaded, or: vfio-latch apply"

	new_system
	pf 0000:41:00.0 8
	vfs 0000:41:00.0 3
	hangs probe
	complains "0000:41:00.1: mlx5_vfio_pci has not taken it $within; see the kernel log
vfio-latch: 0000:41:00.1: not given to mlx5_vfio_pci $within; $left 0000:41:00.1
vfio-latch: 0000:41:00.2: not given to mlx5_vfio_pci $within; $left 0000:41:00.2
vfio-latch: 0000:41:00.3: not given to mlx5_vfio_pci $within; $left 0000:41:00.3" \
		6 apply --new --timeout=1
	# Nothing was begun that there was no time for.
	is "$(stores | grep -c '41:00.[23]' || :)" 0
	is "$(attribute 0000:41:00.0 sriov_drivers_autoprobe)" 0
	let_go probe
	# As the service does.
	latch_is 0 apply --last-good
	is "$(driver_of 0000:41:00.1) $(driver_of 0000:41:00.2) $(driver_of 0000:41:00.3)" \
		"mlx5_vfio_pci mlx5_vfio_pci mlx5_vfio_pci"
}

# The unit's, which systemd kills after three minutes: each driver has its time, and all have one.
a_deadline_is_for_all_waits_together()
{
	local of_call="within the 2 seconds of this call" left="vfio-latch.service does that when it is started or reloaded, or: vfio-latch apply"

	new_system
	pf 0000:41:00.0 8
	vfs 0000:41:00.0 3
	hangs probe
	complains "0000:41:00.1: mlx5_vfio_pci has not taken it within 1 seconds; see the kernel log
vfio-latch: 0000:41:00.1: not given to mlx5_vfio_pci within 1 seconds; $left 0000:41:00.1
vfio-latch: 0000:41:00.2: mlx5_vfio_pci has not taken it $of_call; see the kernel log
vfio-latch: 0000:41:00.2: not given to mlx5_vfio_pci $of_call; $left 0000:41:00.2
vfio-latch: 0000:41:00.3: not given to mlx5_vfio_pci $of_call; $left 0000:41:00.3" \
		6 apply --last-good --timeout=1 --deadline=2
	is "$(stores | grep -c '41:00.3' || :)" 0
	echo <>"$VFIO_LATCH_ROOT/model/hang/probe" >&0
	rm "$VFIO_LATCH_ROOT/model/hang/probe"
	trap - EXIT
	flock "$VFIO_LATCH_ROOT/run/vfio-latch/device-0000:41:00.1" true
	flock "$VFIO_LATCH_ROOT/run/vfio-latch/device-0000:41:00.2" true
}

# Its driver lets it go when the deadline is over.
a_bind_that_has_begun_comes_to_its_end()
{
	a_vf_of_mlx5_core
	hangs unbind
	{
		sleep 2
		echo >"$VFIO_LATCH_ROOT/model/hang/unbind"
	} &
	latch_is 0 apply --deadline=1 0000:41:00.1
	wait
	is "$(driver_of 0000:41:00.1)" mlx5_vfio_pci
	rm "$VFIO_LATCH_ROOT/model/hang/unbind"
	trap - EXIT
}

other_calls_wait_for_each_driver()
{
	new_system
	pf 0000:41:00.0 8
	vfs 0000:41:00.0 2
	hangs probe
	complains "0000:41:00.1: mlx5_vfio_pci has not taken it within 1 seconds; see the kernel log
vfio-latch: 0000:41:00.2: mlx5_vfio_pci has not taken it within 1 seconds; see the kernel log" \
		6 apply --timeout=1 0000:41:00.1 0000:41:00.2
	# Both wait, and one that is let go leaves no reader to the other.
	echo <>"$VFIO_LATCH_ROOT/model/hang/probe" >&0
	rm "$VFIO_LATCH_ROOT/model/hang/probe"
	trap - EXIT
	flock "$VFIO_LATCH_ROOT/run/vfio-latch/device-0000:41:00.1" true
	flock "$VFIO_LATCH_ROOT/run/vfio-latch/device-0000:41:00.2" true
}

a_module_that_does_not_come_back_holds_nobody_up()
{
	local call within

	while IFS='|' read -r call within; do
		a_vf
		hangs load
		# shellcheck disable=SC2086 # words
		latch_is 6 $call --timeout=1 0000:41:00.1
		is "$(head -n 1 <<<"$err")" \
			"vfio-latch: 0000:41:00.1: module mlx5_vfio_pci has not been loaded within $within; see the kernel log"
		is "$(driver_of 0000:41:00.1)" none
		let_go load
		latch_is 0 bind 0000:41:00.1
	done <<-END
		bind|1 seconds
		apply --new|the 1 seconds of this call
	END
	# The usual driver's, too.
	a_vf
	latch_is 0 bind 0000:41:00.1
	hangs load
	complains "0000:41:00.1: its usual driver has not taken it within 1 seconds; see the kernel log" \
		6 unbind --timeout=1 0000:41:00.1
	let_go load
}

rules_that_another_is_at_work_on_hold_nobody_up()
{
	a_vf
	loaded mlx5_vfio_pci
	mkdir -p "$VFIO_LATCH_ROOT/run/vfio-latch"
	exec 9>"$VFIO_LATCH_ROOT/run/vfio-latch/policy-mlx5_vfio_pci"
	flock 9
	complains "0000:41:00.1: another vfio-latch has been at work on the rules of mlx5_vfio_pci for 1 seconds; see the kernel log" \
		6 bind --timeout=1 --disable-vga=1 0000:41:00.1
	is "$(driver_of 0000:41:00.1) $(stores)" "none "
	exec 9>&-
	latch_is 0 bind --disable-vga=1 0000:41:00.1
}

a_caller_that_ignores_the_end_of_its_children_changes_nothing()
{
	a_vf_of_mlx5_core
	env --ignore-signal=CHLD "$TOP/build/tests-tools/vfio-latch" bind 0000:41:00.1
	is "$(driver_of 0000:41:00.1)" mlx5_vfio_pci
}

# Whoever reads it shall not wait for the process that was left behind.
the_output_of_a_command_that_gave_up_ends_with_it()
{
	a_vf
	driver 0000:41:00.1 mlx5_core
	hangs unbind
	out=$("$TOP/build/tests-tools/vfio-latch" bind --timeout=1 0000:41:00.1 2>&1) || :
	grep -q "has not let it go" <<<"$out"
	let_go unbind
}

# neighbours: two network functions of the host's, and a bridge, in the VF's IOMMU group
neighbours()
{
	local address

	a_vf
	loaded mlx5_core
	driver 0000:41:00.1 mlx5_core
	module e1000e e1000e 8086:10d3
	loaded e1000e
	for address in 0000:42:00.0 0000:42:00.1; do
		device $address 8086:10d3
		in_group $address 2
		driver $address e1000e
	done
	device 0000:40:00.0 8086:1901
	echo 0x060400 >"$(sys 0000:40:00.0)/class"
	driver 0000:40:00.0 pcieport
	in_group 0000:40:00.0 2
}

bind_names_functions_of_the_group_that_the_host_has()
{
	neighbours
	rm "$(sys 0000:42:00.1)/driver"
	complains "0000:41:00.1: nobody can open it while 0000:42:00.0 of its IOMMU group 2 has e1000e: bind that, too, or bind --group" \
		0 bind --driver=vfio-pci 0000:41:00.1
	latch_is 0 bind --driver=vfio-pci 0000:41:00.1 0000:42:00.0
	neighbours
	module pci_stub pci-stub
	latch_is 0 bind --driver=pci-stub 0000:42:00.0 0000:42:00.1
	latch_is 0 bind --driver=vfio-pci 0000:41:00.1
}

with_group_all_functions_of_the_group_are_bound_and_given_back()
{
	neighbours
	latch_is 0 bind --group --driver=vfio-pci 0000:42:00.0
	is "$(driver_of 0000:41:00.1) $(driver_of 0000:42:00.0) $(driver_of 0000:42:00.1) $(driver_of 0000:40:00.0)" \
		"vfio-pci vfio-pci vfio-pci pcieport"
	is "$(stores | grep -c 'probe 0000:42:00.0 < vfio-pci')" 1
	latch_is 0 unbind --group 0000:41:00.1 0000:42:00.0
	is "$(driver_of 0000:41:00.1) $(driver_of 0000:42:00.0) $(driver_of 0000:42:00.1)" \
		"mlx5_core e1000e e1000e"
}

with_group_functions_without_a_section_get_vfio_pci()
{
	neighbours
	latch_is 0 bind --group 0000:41:00.1
	is "$(driver_of 0000:41:00.1) $(driver_of 0000:42:00.0)" "mlx5_vfio_pci vfio-pci"
}

dry_runs_of_bind_and_unbind_say_and_do_nothing()
{
	neighbours
	netdev 0000:42:00.1 eth1 0x1003
	latch_is 5 bind --group --dry-run --driver=vfio-pci 0000:41:00.1
	is "$out" "0000:41:00.1: would go from mlx5_core to vfio-pci
0000:42:00.0: would go from e1000e to vfio-pci
0000:42:00.1: would be left with e1000e, in use: network interface eth1 is up"
	latch_is 0 bind --dry-run --driver=none 0000:41:00.1
	is "$out" "0000:41:00.1: would go from mlx5_core to no driver"
	is "$(stores)" ""
	latch_is 0 bind 0000:41:00.1 --driver=none
	: >"$VFIO_LATCH_ROOT/model/log"
	latch_is 0 unbind -n 0000:41:00.1 0000:42:00.0
	is "$out" "0000:41:00.1: would go from no driver to its usual driver"
	is "$(stores)" ""
}

a_timeout_that_is_none_is_refused()
{
	local text

	new_system
	for text in 0 -1 x 1s 86401 ""; do
		latch_is 2 bind --timeout="$text" 0000:41:00.1
		is "$(head -n 1 <<<"$err")" \
			"vfio-latch: --timeout: \"$text\" is not a number of seconds, 1 to 86400"
	done
}

a_driver_that_does_not_let_go_is_told()
{
	local driver

	a_vf
	driver 0000:41:00.1 mlx5_core
	echo 16 >"$VFIO_LATCH_ROOT/model/fail/unbind"
	for driver in vfio-pci none; do
		complains "0000:41:00.1: cannot be taken from mlx5_core: Device or resource busy" \
			1 bind 0000:41:00.1 --driver=$driver
	done
	complains "0000:41:00.1: cannot be taken from mlx5_core: Device or resource busy" \
		1 bind 0000:41:00.1 --driver=vfio-pci --disable-vga=1
	is "$(driver_of 0000:41:00.1)" mlx5_core
	ln -sfn ../../drivers/vfio-pci "$(sys 0000:41:00.1)/driver"
	complains "0000:41:00.1: cannot be taken from vfio-pci: Device or resource busy" \
		1 unbind 0000:41:00.1
}

a_driver_override_that_cannot_be_written_is_told()
{
	a_vf
	chmod a-w "$(sys 0000:41:00.1)/driver_override"
	latch_is 1 bind 0000:41:00.1 --driver=none
	is "$(head -n 1 <<<"$err")" "vfio-latch: 0000:41:00.1: driver_override: Permission denied"
}

# The next instance tries again: the journal is still there.
a_rule_that_cannot_be_removed_is_told()
{
	local policy

	a_vf
	loaded mlx5_vfio_pci
	policy=$VFIO_LATCH_ROOT/sys/module/mlx5_vfio_pci/parameters/policy
	echo 5 >"$VFIO_LATCH_ROOT/model/fail/shrink"
	latch_is 0 bind 0000:41:00.1 --disable-vga=1 2>/dev/null || :
	is "$err" "vfio-latch: /sys/module/mlx5_vfio_pci/parameters/policy: rule \"0000:41:00.1/disable_vga=1\" cannot be removed: Input/output error"
	is "$(cat "$policy")" "0000:41:00.1/disable_vga=1"
	rm "$VFIO_LATCH_ROOT/model/fail/shrink"
	latch_is 0 bind 0000:41:00.1 --disable-vga=0
	is "$(cat "$policy")" ""
}

# Nor is a device bound with what is left for it, or another's journal overwritten.
a_rule_that_a_killed_instance_left_and_that_cannot_be_removed_stays_for_the_next()
{
	local policy left call

	for left in 0000:41:00.1 0000:41:00.2; do
		for call in "" --disable-vga=1; do
			[[ $left == 0000:41:00.1 || -n $call ]] || continue
			a_vf
			loaded mlx5_vfio_pci
			policy=$VFIO_LATCH_ROOT/sys/module/mlx5_vfio_pci/parameters/policy
			mkdir "$VFIO_LATCH_ROOT/run/vfio-latch"
			printf '\n%s/nointxmask=1\n' "$left" \
				>"$VFIO_LATCH_ROOT/run/vfio-latch/policy-mlx5_vfio_pci"
			echo "$left/nointxmask=1" >"$policy"
			echo 12 >"$VFIO_LATCH_ROOT/model/fail/shrink"
			latch bind 0000:41:00.1 ${call:+"$call"}
			is "$status" 1
			is "${err%%$'\n'*}" "vfio-latch: /sys/module/mlx5_vfio_pci/parameters/policy: rule \"$left/nointxmask=1\" cannot be removed: Cannot allocate memory"
			is "$(driver_of 0000:41:00.1)" none
			rm "$VFIO_LATCH_ROOT/model/fail/shrink"
			latch_is 0 bind 0000:41:00.1 ${call:+"$call"}
			is "$(cat "$policy")" ""
		done
	done
}

# Who may not look into other processes' files may not unbind either, but for a broken system.
without_the_right_to_look_a_device_may_be_open()
{
	a_vf
	driver 0000:41:00.1 vfio-pci
	mkdir -p "$VFIO_LATCH_ROOT/proc/99/fd"
	chmod -R a+rwX "$VFIO_LATCH_ROOT"
	chmod 0 "$VFIO_LATCH_ROOT/proc/99/fd"
	chmod a+rx "$WORK"
	err=$(setpriv --reuid=65534 --regid=65534 --clear-groups \
		"$TOP/build/tests-tools/vfio-latch" unbind 41:00.1 2>&1) || status=$?
	is "$status $err" \
		"5 vfio-latch: 0000:41:00.1: left with vfio-pci, in use: only root can see whether a process has it open"
}

without_a_place_for_locks_nothing_is_bound()
{
	a_vf
	echo >"$VFIO_LATCH_ROOT/run/vfio-latch"
	complains "0000:41:00.1: /run/vfio-latch/group-2: Not a directory" 1 bind 0000:41:00.1
}
