# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # status, out and err are latch's
# migratable and eswitch_mode: what the firmware must know before VFs are bound.

HELPERS+=(a_switch eswitch declared)

# a_switch MODE LINE...: a PF whose eswitch is in MODE, and a section that wants two VFs
a_switch()
{
	a_pf
	mkdir -p "$VFIO_LATCH_ROOT/model/devlink"
	eswitch "$1"
	ports "num_vfs = 2" "${@:2}"
}

eswitch()
{
	echo "$1" >"$VFIO_LATCH_ROOT/model/devlink/0000:41:00.0"
}

# What was done about VFs, in order.
declared()
{
	stores | grep -E 'eswitch|numvfs|migratable|/bind <|^probe' | sed 's,drivers/\(.*\)/bind < ,bind \1 ,'
}

vfs_are_declared_migratable_before_they_are_bound()
{
	a_switch switchdev "migratable = yes"
	latch_is 0 apply
	is "$(declared)" "devices/0000:41:00.0/sriov_numvfs < 2
migratable < 0000:41:00.1
bind mlx5_vfio_pci 0000:41:00.1
probe 0000:41:00.1 < mlx5_vfio_pci
migratable < 0000:41:00.2
bind mlx5_vfio_pci 0000:41:00.2
probe 0000:41:00.2 < mlx5_vfio_pci"
	is "$(attribute 0000:41:00.1 vfio_pci/migratable)" yes
}

# Not only those that we make; as udev calls.
each_vf_that_appears_is_declared_migratable()
{
	a_pf
	mkdir -p "$VFIO_LATCH_ROOT/model/devlink"
	eswitch switchdev
	ports "migratable = yes"
	udev 0000:41:00.0
	vfs 0000:41:00.0 2
	udev 0000:41:00.{1,2}
	is "$(attribute 0000:41:00.1 vfio_pci/migratable)" yes
	is "$(attribute 0000:41:00.2 vfio_pci/migratable)" yes
}

without_the_key_nothing_is_declared_and_no_eswitch_changes()
{
	local line

	for line in "" "migratable = no"; do
		a_switch legacy "$line"
		latch_is 0 apply
		is "$(declared | grep -E 'eswitch|^migratable' || :)" ""
		is "$(vfs_of 0000:41:00.0)" "2: 2 mlx5_vfio_pci"
	done
}

# Declaring costs other drivers features.
vfs_that_another_driver_gets_are_not_declared()
{
	a_switch switchdev "migratable = yes"
	printf '[host]\nvf = 0\ndriver = usual\n[generic]\nvf = 1\ndriver = vfio-pci\n' | drop_in z.conf
	latch_is 0 apply
	is "$(vfs_of 0000:41:00.0)" "2: 1 mlx5_core
1 vfio-pci"
	is "$(declared | grep ^migratable || :)" ""
}

the_eswitch_gets_its_mode_before_vfs_are_made()
{
	a_switch legacy "eswitch_mode = switchdev" "migratable = yes"
	latch_is 0 apply
	is "$(declared | head -n 3)" "eswitch < switchdev
devices/0000:41:00.0/sriov_numvfs < 2
migratable < 0000:41:00.1"
	is "$(attribute 0000:41:00.2 vfio_pci/migratable)" yes
	latch_is 0 apply
	is "$out" ""
}

# The host's network depends on it.
an_eswitch_never_changes_its_mode_unless_a_key_says_so()
{
	local how

	for how in "" --new --dry-run; do
		a_switch legacy "migratable = yes"
		# shellcheck disable=SC2086 # one option, or none
		complains "0000:41:00.0: no VFs are made, /etc/vfio-latch.conf.d/ports.conf:4 says migratable: its eswitch is in mode legacy: add eswitch_mode = switchdev, which changes the host's network, or remove migratable, which kernels before 6.2 do not need" \
			1 apply $how 0000:41:00.0
		is "$(declared)" ""
	done
}

an_eswitch_keeps_its_mode_while_there_are_vfs()
{
	a_switch legacy "eswitch_mode = switchdev"
	vfs 0000:41:00.0 2
	complains "0000:41:00.0: eswitch stays in mode legacy while it has VFs, /etc/vfio-latch.conf.d/ports.conf:4 says switchdev" \
		5 apply 0000:41:00.0
	is "$(declared)" ""
}

a_mode_that_cannot_be_read_while_there_are_vfs_is_told_with_the_reason()
{
	a_switch legacy "eswitch_mode = switchdev"
	vfs 0000:41:00.0 2
	rm "$VFIO_LATCH_ROOT/model/devlink/0000:41:00.0"
	complains "0000:41:00.0: mode of its eswitch is not known, /etc/vfio-latch.conf.d/ports.conf:4 says switchdev: No such device" \
		1 apply 0000:41:00.0
}

# Mode switchdev with traffic held back, of kernels from 6.19 on.
vfs_are_declared_where_the_eswitch_is_inactive()
{
	a_switch switchdev_inactive "migratable = yes"
	latch_is 0 apply
	is "$(attribute 0000:41:00.1 vfio_pci/migratable)" yes
	a_switch switchdev_inactive "eswitch_mode = switchdev"
	vfs 0000:41:00.0 2
	complains "0000:41:00.0: eswitch stays in mode switchdev_inactive while it has VFs, /etc/vfio-latch.conf.d/ports.conf:4 says switchdev" \
		5 apply 0000:41:00.0
}

no_vfs_are_made_if_the_mode_cannot_be_set()
{
	a_switch legacy "eswitch_mode = switchdev"
	echo 16 >"$VFIO_LATCH_ROOT/model/fail/eswitch"
	complains "0000:41:00.0: no VFs are made, /etc/vfio-latch.conf.d/ports.conf:4 says eswitch_mode = switchdev: Can't change mode" \
		1 apply
	is "$(vfs_of 0000:41:00.0)" "0: "
	rm "$VFIO_LATCH_ROOT/model/devlink/0000:41:00.0"
	complains "0000:41:00.0: no VFs are made, /etc/vfio-latch.conf.d/ports.conf:4 says eswitch_mode = switchdev: No such device" \
		1 apply
	ports "num_vfs = 2" "migratable = yes"
	complains "0000:41:00.0: no VFs are made, /etc/vfio-latch.conf.d/ports.conf:4 says migratable: No such device" \
		1 apply
}

a_vf_that_cannot_be_declared_is_bound_and_told()
{
	a_switch switchdev "migratable = yes"
	touch "$VFIO_LATCH_ROOT/model/no-caps"
	complains "0000:41:00.1: cannot be migrated with mlx5_vfio_pci, /etc/vfio-latch.conf.d/ports.conf:4 says migratable: no capability
vfio-latch: 0000:41:00.2: cannot be migrated with mlx5_vfio_pci, /etc/vfio-latch.conf.d/ports.conf:4 says migratable: no capability" \
		1 apply
	is "$(vfs_of 0000:41:00.0)" "2: 2 mlx5_vfio_pci"
	rm "$VFIO_LATCH_ROOT/model/no-caps"
	a_switch switchdev "migratable = yes"
	echo 5 >"$VFIO_LATCH_ROOT/model/fail/declare"
	latch_is 1 apply
	grep -q '0000:41:00.1: cannot be migrated .*: Input/output error$' <<<"$err"
	is "$(vfs_of 0000:41:00.0)" "2: 2 mlx5_vfio_pci"
}

# As with mlx5_core of 6.1, where nothing need be declared.
a_vf_that_the_driver_calls_migratable_is_not_complained_about()
{
	a_switch switchdev "migratable = yes"
	touch "$VFIO_LATCH_ROOT/model/no-caps" "$VFIO_LATCH_ROOT/model/migratable/0000:41:00."{1,2}
	latch_is 0 apply
	is "$(vfs_of 0000:41:00.0)" "2: 2 mlx5_vfio_pci"
}

a_bound_vf_that_was_not_declared_is_declared_and_bound_again()
{
	a_switch switchdev
	latch_is 0 apply
	is "$(attribute 0000:41:00.1 vfio_pci/migratable)" not-enabled
	ports "num_vfs = 2" "migratable = yes"
	latch_is 0 list --json
	is "$(jq -c '[.devices[] | select(.vf) | .section.as_configured]' <<<"$out")" "[false,false]"
	latch_is 0 apply
	is "$out" "0000:41:00.1: went from mlx5_vfio_pci to mlx5_vfio_pci
0000:41:00.2: went from mlx5_vfio_pci to mlx5_vfio_pci"
	is "$(attribute 0000:41:00.1 vfio_pci/migratable)" yes
	latch_is 0 list --json
	is "$(jq -c '[.devices[] | .section.as_configured] | unique' <<<"$out")" "[true]"
}

# It would be no better for it.
a_bound_vf_that_cannot_be_declared_is_not_bound_again()
{
	a_switch switchdev
	latch_is 0 apply
	ports "num_vfs = 2" "migratable = yes"
	touch "$VFIO_LATCH_ROOT/model/no-caps"
	: >"$VFIO_LATCH_ROOT/model/log"
	complains "0000:41:00.1: cannot be migrated with mlx5_vfio_pci, /etc/vfio-latch.conf.d/ports.conf:4 says migratable: no capability" \
		1 apply 0000:41:00.1
	is "$(stores)" ""
}

a_driver_that_does_not_answer_devlink_is_told_in_time()
{
	a_switch legacy "eswitch_mode = switchdev"
	hangs devlink
	complains "0000:41:00.0: no VFs are made, /etc/vfio-latch.conf.d/ports.conf:4 says eswitch_mode = switchdev: mlx5_core has not answered within 1 seconds; see the kernel log" \
		6 apply --timeout=1
}

# Not mlx5_vfio_pci, which was not asked.
the_driver_that_does_not_answer_when_a_vf_is_declared_is_named()
{
	a_switch switchdev "migratable = yes"
	vfs 0000:41:00.0 2
	hangs devlink
	complains "0000:41:00.1: not given to mlx5_vfio_pci, /etc/vfio-latch.conf.d/ports.conf:4 says migratable: mlx5_core has not answered within 1 seconds; see the kernel log" \
		6 bind --timeout=1 0000:41:00.1
	is "$(driver_of 0000:41:00.1)" none
}

a_bound_vf_keeps_its_driver_if_that_does_not_answer()
{
	a_switch switchdev
	latch_is 0 apply
	ports "num_vfs = 2" "migratable = yes"
	hangs devlink
	complains "0000:41:00.1: cannot be migrated with mlx5_vfio_pci, /etc/vfio-latch.conf.d/ports.conf:4 says migratable: mlx5_core has not answered within 1 seconds; see the kernel log" \
		6 apply --timeout=1 0000:41:00.1
	is "$(driver_of 0000:41:00.1)" mlx5_vfio_pci
}

# Else each apply would bind it again, and say nothing.
a_vf_that_was_declared_in_vain_is_told()
{
	a_switch switchdev "migratable = yes"
	vfs 0000:41:00.0 2
	touch "$VFIO_LATCH_ROOT/model/in-vain"
	complains "0000:41:00.1: cannot be migrated with mlx5_vfio_pci, /etc/vfio-latch.conf.d/ports.conf:4 says migratable: it was declared so, but vfio_pci/migratable says not-enabled" \
		1 apply 0000:41:00.1
}

dry_run_says_which_mode_would_be_set()
{
	a_switch legacy "eswitch_mode = switchdev" "migratable = yes"
	latch_is 0 apply --dry-run
	is "$(tail -n 2 <<<"$out")" "0000:41:00.0: would set its eswitch to mode switchdev
0000:41:00.0: would make 2 VFs"
	is "$(declared)" ""
}

bind_declares_too()
{
	a_switch switchdev "migratable = yes"
	vfs 0000:41:00.0 2
	latch_is 0 bind 0000:41:00.1
	is "$(attribute 0000:41:00.1 vfio_pci/migratable)" yes
}

faults_of_eswitch_mode_and_migratable()
{
	a_switch legacy "eswitch_mode = fast"
	complains "/etc/vfio-latch.conf.d/ports.conf:4: eswitch_mode: \"fast\" is not legacy or switchdev" 3 check
	a_switch legacy "migratable = perhaps"
	complains "/etc/vfio-latch.conf.d/ports.conf:4: migratable: \"perhaps\" is neither yes nor no" 3 check
	ports "eswitch_mode = switchdev"
	complains "/etc/vfio-latch.conf.d/ports.conf:3: eswitch_mode: is set before VFs are made, but section [ports] has no num_vfs" 3 check
	a_switch legacy "eswitch_mode = legacy" "migratable = yes"
	complains "/etc/vfio-latch.conf.d/ports.conf:5: migratable: needs eswitch_mode = switchdev, not legacy" 3 check
	ports "migratable = yes" "vf = 0-3"
	complains "/etc/vfio-latch.conf.d/ports.conf:3: migratable: is for PFs, but vf matches VFs only" 3 check
}

doctor_finds_a_vf_that_was_not_declared_once()
{
	a_switch switchdev
	latch_is 0 apply
	ports "num_vfs = 2" "migratable = yes"
	latch_is 1 doctor --json 0000:41:00.1
	# The model's VFs have no reset and no IOMMU group.
	is "$(jq -r '.findings[] | select(.subject != "system") | .check + ": " + .text' <<<"$out" |
		grep -v -e ^reset: -e ^iommu-group:)" \
		"migration: migration is not enabled for this VF"
}
