# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # status, out and err are latch's
# owner, group and mode: who may open a device's nodes.

HELPERS+=(access_of group_node own_node given shared own_section hold_group let_go_of_group \
	group_is_open node_of_the_administrators)

# access_of NODE: as stat prints it
access_of()
{
	stat -c '%U:%G %04a' "$VFIO_LATCH_ROOT/dev/vfio/$1"
}

# group_node NAME: as VFIO makes it, at the bind; devices of the memory driver stand for it
group_node()
{
	mkdir -p "$VFIO_LATCH_ROOT/sys/class/vfio/$1"
	echo 1:3 >"$VFIO_LATCH_ROOT/sys/class/vfio/$1/dev"
	mknod -m 600 "$VFIO_LATCH_ROOT/dev/vfio/$1" c 1 3
}

# own_node BDF NAME
own_node()
{
	mkdir -p "$VFIO_LATCH_ROOT/dev/vfio/devices" "$VFIO_LATCH_ROOT/sys/class/vfio-dev/$2"
	node "$1" "vfio-dev/$2" 1:5
	ln -s "../../../bus/pci/devices/$1" "$VFIO_LATCH_ROOT/sys/class/vfio-dev/$2/device"
	mknod -m 600 "$VFIO_LATCH_ROOT/dev/vfio/devices/$2" c 1 5
}

# given LINE...: a VF in group 2, and a section that says this
given()
{
	new_system
	pf 0000:41:00.0 8
	vfs 0000:41:00.0 1
	group_node 2
	own_node 0000:41:00.1 vfio0
	{
		echo "[mlx5-vfs]"
		printf '%s\n' "$@"
	} | drop_in access.conf
}

# Two functions in group 2, [one] and [two]: own_section says what of them.
shared()
{
	local address

	new_system
	group_node 2
	for address in 0000:05:00.0 0000:05:00.1; do
		device $address 1234:11e8
		in_group $address 2
	done
	: | config
}

# own_section NAME ADDRESS LINE...
own_section()
{
	printf '[%s]\nid = 1234:11e8\naddress = %s\ndriver = vfio-pci\n' "$1" "$2" |
		cat - <(printf '%s\n' "${@:3}") | drop_in "$1.conf"
}

nodes_of_a_bound_device_are_for_whom_its_section_names()
{
	local call

	for call in "bind 0000:41:00.1" "apply" "apply --new 0000:41:00.1"; do
		given "owner = daemon" "group = mail" "mode = 0640"
		# shellcheck disable=SC2086 # words
		latch_is 0 $call
		is "$(driver_of 0000:41:00.1)" mlx5_vfio_pci
		is "$(access_of 2) $(access_of devices/vfio0)" "daemon:mail 0640 daemon:mail 0640"
	done
}

a_node_without_an_iommu_is_too()
{
	given "owner = daemon"
	mv "$VFIO_LATCH_ROOT/sys/class/vfio/"{2,noiommu-2}
	mv "$VFIO_LATCH_ROOT/dev/vfio/"{2,noiommu-2}
	latch_is 0 apply
	is "$(access_of noiommu-2)" "daemon:root 0600"
	chown root "$VFIO_LATCH_ROOT/dev/vfio/noiommu-2"
	latch_is 0 apply --new --node noiommu-2
	is "$(access_of noiommu-2)" "daemon:root 0600"
}

# Another function of the group may be another user's.
a_group_that_cannot_be_read_is_roots()
{
	given "owner = daemon"
	rm -r "$VFIO_LATCH_ROOT/sys/kernel/iommu_groups/2/devices"
	complains "0000:41:00.1: /dev/vfio/2 is root's alone: the functions of IOMMU group 2 cannot be read" \
		3 apply
	is "$(driver_of 0000:41:00.1) $(access_of 2)" "mlx5_vfio_pci root:root 0600"
}

# Its user's name could not be looked up any more.
a_deadline_leaves_the_nodes_of_other_devices_alone()
{
	new_system
	pf 0000:41:00.0 8
	vfs 0000:41:00.0 2
	group_node 3
	printf '[mlx5-vfs]\nowner = daemon\n' | drop_in access.conf
	latch_is 0 bind 0000:41:00.2
	is "$(access_of 3)" "daemon:root 0600"
	hangs probe
	latch_is 6 apply --last-good --deadline=1
	is "$(access_of 3)" "daemon:root 0600"
	let_go probe
}

off_gives_nodes_back_to_root()
{
	given "owner = daemon"
	latch_is 0 apply
	is "$(access_of 2) $(access_of devices/vfio0)" "daemon:root 0600 daemon:root 0600"
	latch_is 0 apply --off
	is "$(access_of 2) $(access_of devices/vfio0)" "root:root 0600 root:root 0600"
	is "$(driver_of 0000:41:00.1)" mlx5_vfio_pci
	is "$(find "$VFIO_LATCH_ROOT/run" -name 'access-*')" ""
}

what_a_section_does_not_say_is_as_udev_has_it()
{
	local says access

	while IFS='|' read -r says access; do
		given "$says"
		latch_is 0 apply
		is "$says: $(access_of 2)" "$says: $access"
	done <<-END
		owner = 1|daemon:root 0600
		group = 8|root:mail 0660
		mode = 666|root:root 0666
		mode = 0|root:root 0000
	END
}

without_these_keys_nodes_stay_as_others_have_them()
{
	given "enabled = yes"
	chown daemon:mail "$VFIO_LATCH_ROOT/dev/vfio/2"
	chmod 0640 "$VFIO_LATCH_ROOT/dev/vfio/2"
	latch_is 0 apply
	latch_is 0 apply --new --node 2 vfio0
	is "$(access_of 2) $(access_of devices/vfio0)" "daemon:mail 0640 root:root 0600"
	is "$(find "$VFIO_LATCH_ROOT/run" -name 'access-*')" ""
}

nodes_are_set_again_when_the_device_is_bound_already()
{
	given "owner = daemon"
	latch_is 0 apply
	printf '[mlx5-vfs]\nowner = mail\n' | drop_in access.conf
	latch_is 0 apply
	is "$(access_of 2) $(access_of devices/vfio0)" "mail:root 0600 mail:root 0600"
}

# The rule runs it after udev has set owner and mode as other rules say.
a_later_event_of_a_node_does_not_reset_it()
{
	given "owner = daemon" "mode = 0660"
	latch_is 0 apply
	chown root "$VFIO_LATCH_ROOT/dev/vfio/"{2,devices/vfio0}
	chmod 600 "$VFIO_LATCH_ROOT/dev/vfio/"{2,devices/vfio0}
	# shellcheck disable=SC2016 # udev's
	grep -qF 'ACTION!="remove", SUBSYSTEM=="vfio|vfio-dev", RUN+="/usr/bin/vfio-latch apply --new --node $kernel"' \
		"$TOP/udev/70-vfio-latch.rules"
	latch_is 0 apply --new --node 2
	is "$(access_of 2) $(access_of devices/vfio0)" "daemon:root 0660 daemon:root 0660"
	chown root "$VFIO_LATCH_ROOT/dev/vfio/devices/vfio0"
	latch_is 0 apply --new --node vfio0
	is "$(access_of devices/vfio0)" "daemon:root 0660"
	# It binds nothing, and what is gone is nobody's fault.
	: >"$VFIO_LATCH_ROOT/model/log"
	latch_is 0 apply --new --node 2 vfio0 99 vfio99
	is "$(stores)" ""
	complains '--node: "../2" is not a node of VFIO' 2 apply --new --node ../2
}

what_was_given_is_taken_back_when_the_section_does_not_say_it_any_more()
{
	given "owner = daemon" "mode = 0666"
	latch_is 0 apply
	is "$(access_of 2)" "daemon:root 0666"
	chown mail "$VFIO_LATCH_ROOT/dev/vfio/devices/vfio0"
	rm "$VFIO_LATCH_ROOT/etc/vfio-latch.conf.d/access.conf"
	latch_is 0 apply
	# Somebody else has given that one.
	is "$(access_of 2) $(access_of devices/vfio0)" "root:root 0600 mail:root 0666"
	is "$(find "$VFIO_LATCH_ROOT/run" -name 'access-*')" ""
	# Or when no section is for the device.
	given "owner = daemon"
	latch_is 0 apply
	is "$(access_of 2)" "daemon:root 0600"
	printf '[mlx5-vfs]\nenabled = no\n' | drop_in off.conf
	latch_is 0 apply
	is "$(driver_of 0000:41:00.1) $(access_of 2)" "mlx5_vfio_pci root:root 0600"
}

a_user_or_group_that_is_unknown_leaves_the_node_to_root()
{
	local key what file=/etc/vfio-latch.conf.d/access.conf

	while read -r key what; do
		given "owner = mail" "group = mail"
		latch_is 0 apply
		printf '[mlx5-vfs]\nmode = 0666\n%s = nobody-here\n' "$key" | drop_in access.conf
		complains "$file:3: $key: there is no $what \"nobody-here\": nodes of section [mlx5-vfs] stay root's" \
			3 check
		latch_is 3 apply
		is "$err" "vfio-latch: 0000:41:00.1: /dev/vfio/2 is root's alone: $file:3: $key: there is no $what \"nobody-here\"
vfio-latch: 0000:41:00.1: /dev/vfio/devices/vfio0 is root's alone: $file:3: $key: there is no $what \"nobody-here\""
		is "$(driver_of 0000:41:00.1)" mlx5_vfio_pci
		is "$(access_of 2) $(access_of devices/vfio0)" "root:root 0600 root:root 0600"
		# The command that binds has told it.
		latch_is 3 apply --new --node vfio0
		is "$err" ""
	done <<-END
		owner user
		group group
	END
}

sections_that_share_a_group_must_agree()
{
	local conflict

	shared
	own_section one 0000:05:00.0 "owner = daemon"
	own_section two 0000:05:00.1 "owner = daemon" "mode = 0600"
	latch_is 0 check
	latch_is 0 apply
	is "$(access_of 2)" "daemon:root 0600"
	own_section two 0000:05:00.1 "owner = mail"
	conflict="IOMMU group 2 is shared: 0000:05:00.0 is for daemon:root 0600, and 0000:05:00.1 for mail:root 0600"
	complains "$conflict: its node stays root's" 3 check
	latch_is 3 apply
	is "$(head -n 1 <<<"$err")" "vfio-latch: 0000:05:00.0: /dev/vfio/2 is root's alone: $conflict"
	is "$(access_of 2)" "root:root 0600"
}

# The group's node opens it, too.
a_function_of_the_group_that_nobody_gives_away_keeps_the_node_with_root()
{
	shared
	own_section one 0000:05:00.0 "owner = daemon"
	own_section two 0000:05:00.1
	latch_is 0 bind 0000:05:00.0
	is "$(access_of 2)" "daemon:root 0600"
	latch_is 3 bind 0000:05:00.1
	is "$(access_of 2)" "root:root 0600"
	latch_is 3 check
	latch_is 0 unbind 0000:05:00.1
	latch_is 0 apply 0000:05:00.0
	is "$(access_of 2)" "daemon:root 0600"
}

no_other_file_in_the_place_of_a_node_is_changed()
{
	local what victim

	for what in link file other directory; do
		given "owner = daemon" "mode = 0666"
		victim=$VFIO_LATCH_ROOT/victim
		rm "$VFIO_LATCH_ROOT/dev/vfio/2"
		case $what in
		link)
			mknod -m 600 "$victim" c 1 3
			ln -s "$victim" "$VFIO_LATCH_ROOT/dev/vfio/2" ;;
		file)
			touch "$VFIO_LATCH_ROOT/dev/vfio/2"
			chmod 600 "$VFIO_LATCH_ROOT/dev/vfio/2"
			ln "$VFIO_LATCH_ROOT/dev/vfio/2" "$victim" ;;
		other)
			mknod -m 600 "$VFIO_LATCH_ROOT/dev/vfio/2" c 1 7
			ln "$VFIO_LATCH_ROOT/dev/vfio/2" "$victim" ;;
		directory)
			mknod -m 600 "$VFIO_LATCH_ROOT/dev/vfio/2" c 1 3
			mv "$VFIO_LATCH_ROOT/dev/vfio" "$VFIO_LATCH_ROOT/elsewhere"
			ln -s ../elsewhere "$VFIO_LATCH_ROOT/dev/vfio"
			ln "$VFIO_LATCH_ROOT/elsewhere/2" "$victim" ;;
		esac
		latch_is 1 apply
		grep -q "^vfio-latch: 0000:41:00.1: /dev/vfio/2" <<<"$err"
		is "$what $(stat -c '%U:%G %a' "$victim")" "$what root:root 600"
	done
	given "owner = daemon"
	rm "$VFIO_LATCH_ROOT/dev/vfio/2"
	complains "0000:41:00.1: /dev/vfio/2: No such file or directory" 1 apply
	mknod -m 600 "$VFIO_LATCH_ROOT/dev/vfio/2" c 1 7
	complains "0000:41:00.1: /dev/vfio/2 is not the node that the kernel made for it" 1 apply
}

malformed_owners_and_modes_are_faults()
{
	local key value

	while IFS='|' read -r key value fault; do
		given "$key = $value"
		complains "/etc/vfio-latch.conf.d/access.conf:2: $key: \"$value\" is $fault" 3 check
	done <<-END
		owner|a:b|not a name
		owner|-x|not a name
		group|a b|not a name
		group||not a name
		mode|0777|not an octal mode of at most 0666, to read and to write
		mode|4600|not an octal mode of at most 0666, to read and to write
		mode|0001|not an octal mode of at most 0666, to read and to write
		mode|rw|not an octal mode of at most 0666, to read and to write
		mode|00600|not an octal mode of at most 0666, to read and to write
		mode|688|not an octal mode of at most 0666, to read and to write
	END
	given "driver = usual" "mode = 0600"
	complains '/etc/vfio-latch.conf.d/access.conf:2: driver: owner, group and mode are for a VFIO driver, not for "usual"' \
		3 check
}

# The kernel takes it for "no change".
the_last_number_is_no_user()
{
	given "owner = 4294967295"
	latch_is 3 apply
	is "$(access_of 2)" "root:root 0600"
}

a_dry_run_says_whose_nodes_would_be()
{
	given "enabled = yes"
	latch_is 0 apply
	printf '[mlx5-vfs]\nowner = daemon\n' | drop_in access.conf
	latch_is 0 apply --dry-run
	is "$out" "0000:41:00.1: /dev/vfio/2 would get daemon:root 0600
0000:41:00.1: /dev/vfio/devices/vfio0 would get daemon:root 0600"
	is "$(access_of 2)" "root:root 0600"
}

the_last_good_configuration_has_these_keys_too()
{
	given "owner = daemon" "group = mail" "mode = 0640"
	latch_is 0 apply
	chown root:root "$VFIO_LATCH_ROOT/dev/vfio/2"
	echo nonsense | drop_in x.conf
	latch_is 3 apply --last-good
	is "$(access_of 2)" "daemon:mail 0640"
}

show_and_json_say_whose_nodes_are()
{
	given "owner = daemon"
	latch_is 0 apply
	chown root "$VFIO_LATCH_ROOT/dev/vfio/2"
	rm "$VFIO_LATCH_ROOT/dev/vfio/devices/vfio0"
	latch_is 0 show 41:00.1
	grep -qxF "node             /dev/vfio/2 root:root 0600 (not what its section says)" <<<"$out"
	grep -qxF "node             /dev/vfio/devices/vfio0 (not there) (not what its section says)" <<<"$out"
	latch_is 0 list --json
	python3 - "$VFIO_LATCH_ROOT/out" <<-EOF
		import json, sys
		device, = json.load(open(sys.argv[1]))["devices"]
		assert device["nodes"] == [
		    {"path": "/dev/vfio/2", "owner": "root", "group": "root", "mode": "0600",
		     "as_configured": False},
		    {"path": "/dev/vfio/devices/vfio0", "owner": None, "group": None, "mode": None,
		     "as_configured": False}], device["nodes"]
	EOF
	given "mode = 0660"
	latch_is 0 apply
	latch_is 0 list --json
	python3 - "$VFIO_LATCH_ROOT/out" <<-EOF
		import json, sys
		device, = json.load(open(sys.argv[1]))["devices"]
		assert [(n["mode"], n["as_configured"]) for n in device["nodes"]] == [("0660", True)] * 2
	EOF
}

doctor_names_a_node_whose_access_differs()
{
	given "owner = daemon"
	latch_is 0 apply
	latch 'doctor' 0000:41:00.1
	is "$(grep -c /dev/ <<<"$out" || :)" 0
	chmod 0644 "$VFIO_LATCH_ROOT/dev/vfio/2"
	latch_is 1 doctor 0000:41:00.1
	grep -qxF "0000:41:00.1: problem: /dev/vfio/2 has daemon:root 0644, not daemon:root 0600" <<<"$out"
	rm "$VFIO_LATCH_ROOT/dev/vfio/2"
	latch_is 1 doctor 0000:41:00.1
	grep -qxF "0000:41:00.1: problem: /dev/vfio/2 is not the node that the kernel made for it" <<<"$out"
	printf '[mlx5-vfs]\nowner = nobody-here\n' | drop_in access.conf
	latch_is 1 doctor --json 0000:41:00.1
	python3 - "$VFIO_LATCH_ROOT/out" <<-EOF
		import json, sys
		found = [f for f in json.load(open(sys.argv[1]))["findings"] if f["check"] == "access"]
		assert [f["text"].split(": ")[0] for f in found] == ["/dev/vfio/2 is root's alone", "/dev/vfio/devices/vfio0 is root's alone"], found
	EOF
}

# Two functions of a group may be bound at the same time, for different users.
# hold_group: another command is at work on group 2, until let_go_of_group
hold_group()
{
	mkdir -p "$VFIO_LATCH_ROOT/run/vfio-latch"
	exec 9>"$VFIO_LATCH_ROOT/run/vfio-latch/group-2"
	flock 9
}

let_go_of_group()
{
	exec 9>&-
}

nodes_of_a_group_are_given_by_one_command_at_a_time()
{
	given "owner = daemon"
	latch_is 0 bind 0000:41:00.1
	chown root "$VFIO_LATCH_ROOT/dev/vfio/2"
	hold_group
	complains "0000:41:00.1: another vfio-latch has been at work on IOMMU group 2 for 1 seconds" \
		6 bind --timeout=1 0000:41:00.1
	is "$(access_of 2)" "root:root 0600"
	let_go_of_group
	latch_is 0 bind 0000:41:00.1
	is "$(access_of 2)" "daemon:root 0600"
}

# Names and numbers of nodes are used again.
a_node_that_is_another_devices_by_now_is_not_given_to_the_user_of_the_former_one()
{
	local waits

	given "owner = daemon"
	loaded mlx5_vfio_pci
	driver 0000:41:00.1 mlx5_vfio_pci
	device 0000:05:00.0 1234:11e8
	driver 0000:05:00.0 vfio-pci
	hold_group
	"$TOP/build/tests-tools/vfio-latch" apply --node vfio0 9>&- &
	waits=$!
	until grep -q "group-2$" <(readlink "/proc/$waits/fd/"*); do :; done
	rm -r "$(sys 0000:41:00.1)" "$VFIO_LATCH_ROOT/sys/class/vfio-dev/vfio0" \
		"$VFIO_LATCH_ROOT/dev/vfio/devices/vfio0"
	own_node 0000:05:00.0 vfio0
	let_go_of_group
	wait "$waits"
	is "$(access_of devices/vfio0)" "root:root 0600"
}

# group_is_open UID GROUPS: process 1234, of this user, has group 2 open
group_is_open()
{
	mkdir -p "$VFIO_LATCH_ROOT/proc/1234/fd"
	echo qemu >"$VFIO_LATCH_ROOT/proc/1234/comm"
	printf 'Name:\tqemu\nUid:\t%s\t%s\t%s\t%s\nGid:\t99\t99\t99\t99\nGroups:\t%s \n' \
		"$1" "$1" "$1" "$1" "$2" >"$VFIO_LATCH_ROOT/proc/1234/status"
	ln -sf "$VFIO_LATCH_ROOT/dev/vfio/2" "$VFIO_LATCH_ROOT/proc/1234/fd/7"
}

# The group's node opens it as soon as it is bound.
a_function_joins_a_group_only_if_the_groups_user_may_have_it()
{
	local call

	shared
	own_section one 0000:05:00.0 "owner = daemon"
	own_section two 0000:05:00.1 "owner = mail"
	latch_is 0 bind 0000:05:00.0
	# Another command is at work, maybe giving the node away.
	hold_group
	latch_is 6 bind --timeout=1 0000:05:00.1
	is "$(driver_of 0000:05:00.1)" none
	let_go_of_group
	group_is_open 1 ""
	for call in bind apply; do
		latch_is 5 $call 0000:05:00.1
		grep -q "^vfio-latch: 0000:05:00.1: not bound: process 1234 (qemu) has its IOMMU group open" <<<"$err"
		is "$(driver_of 0000:05:00.1) $(access_of 2)" "none daemon:root 0600"
	done
	# The node cannot be changed.
	rm -r "$VFIO_LATCH_ROOT/proc/1234"
	mv "$VFIO_LATCH_ROOT/dev/vfio/2" "$VFIO_LATCH_ROOT/dev/vfio/3"
	latch_is 1 bind 0000:05:00.1
	is "$(driver_of 0000:05:00.1)" none
	mv "$VFIO_LATCH_ROOT/dev/vfio/3" "$VFIO_LATCH_ROOT/dev/vfio/2"
	latch_is 3 bind 0000:05:00.1
	is "$(driver_of 0000:05:00.1) $(access_of 2)" "vfio-pci root:root 0600"
}

# A process keeps what it opened before the node got another owner.
who_has_the_group_open_must_be_its_user()
{
	local uid groups says result

	while IFS='|' read -r says uid groups result; do
		shared
		own_section one 0000:05:00.0 "owner = daemon"
		latch_is 0 bind 0000:05:00.0
		group_is_open "$uid" "$groups"
		# shellcheck disable=SC2086 # lines without blanks
		own_section one 0000:05:00.0 ${says//,/ }
		# shellcheck disable=SC2086 # the same
		own_section two 0000:05:00.1 ${says//,/ }
		latch_is 0 apply 0000:05:00.0
		latch bind 0000:05:00.1
		is "$says $uid $groups: $status $(driver_of 0000:05:00.1)" "$says $uid $groups: $result"
	done <<-END
		owner=daemon|1||0 vfio-pci
		owner=mail|1||5 none
		owner=mail|8||0 vfio-pci
		owner=mail|0||0 vfio-pci
		group=8|1|4 8|0 vfio-pci
		group=8|1|4 88|5 none
		mode=666|1||0 vfio-pci
		owner=mail,mode=060|8||5 none
	END
	# It does not say whose it is.
	rm "$VFIO_LATCH_ROOT/proc/1234/status"
	latch_is 5 bind 0000:05:00.1
}

# The group's node is as a rule of the administrator's has it; another function may join.
node_of_the_administrators()
{
	shared
	own_section one 0000:05:00.0
	own_section two 0000:05:00.1 "owner = mail"
	latch_is 0 bind 0000:05:00.0
	chown root:8 "$VFIO_LATCH_ROOT/dev/vfio/2"
	chmod 660 "$VFIO_LATCH_ROOT/dev/vfio/2"
}

a_function_that_does_not_join_leaves_the_node_as_it_was()
{
	node_of_the_administrators
	# The function is in use by the host.
	module e1000 e1000 1234:11e8
	driver 0000:05:00.1 e1000
	netdev 0000:05:00.1 eth9 0x1003
	latch_is 5 apply 0000:05:00.1
	is "$(driver_of 0000:05:00.1) $(access_of 2)" "e1000 root:mail 0660"
	# It is not, but the driver does not take it.
	rm -r "$(sys 0000:05:00.1)/net"
	echo 5 >"$VFIO_LATCH_ROOT/model/fail/vfio-pci"
	latch bind 0000:05:00.1
	is "$status $(access_of 2)" "1 root:mail 0660"
	is "$(find "$VFIO_LATCH_ROOT/run" -name 'access-*')" ""
}

# One of them may; another one has inherited the file, and has only become root.
each_process_that_has_the_group_open_must_be_its_users()
{
	shared
	own_section one 0000:05:00.0 "owner = daemon"
	latch_is 0 bind 0000:05:00.0
	group_is_open 8 ""
	cp -a "$VFIO_LATCH_ROOT/proc/1234" "$VFIO_LATCH_ROOT/proc/1235"
	sed -i 's/^Uid:.*/Uid:\t1\t0\t0\t0/' "$VFIO_LATCH_ROOT/proc/1235/status"
	own_section one 0000:05:00.0 "owner = mail"
	own_section two 0000:05:00.1 "owner = mail"
	latch_is 0 apply 0000:05:00.0
	latch_is 5 bind 0000:05:00.1
	grep -q "process 1235 (qemu) has its IOMMU group open" <<<"$err"
	rm -r "$VFIO_LATCH_ROOT/proc/1235"
	latch_is 0 bind 0000:05:00.1
}

# The kernel says whether the group is open.
files_that_cannot_be_read_do_not_keep_a_function_out()
{
	shared
	own_section one 0000:05:00.0 "owner = mail"
	own_section two 0000:05:00.1 "owner = mail"
	latch_is 0 bind 0000:05:00.0
	mkdir -p "$VFIO_LATCH_ROOT/proc/77"
	latch_is 0 bind 0000:05:00.1
}

# Another command has the function's lock.
a_wait_before_the_bind_leaves_the_node_as_it_was()
{
	node_of_the_administrators
	exec 9>"$VFIO_LATCH_ROOT/run/vfio-latch/device-0000:05:00.1"
	flock 9
	latch_is 6 bind --timeout=1 0000:05:00.1
	exec 9>&-
	is "$(access_of 2)" "root:mail 0660"
	latch_is 0 apply 0000:05:00.0
	is "$(access_of 2)" "root:mail 0660"
}

# After the time the kernel may still bind it.
a_function_that_may_still_join_leaves_the_node_to_root()
{
	shared
	own_section one 0000:05:00.0 "owner = daemon"
	own_section two 0000:05:00.1 "owner = mail"
	latch_is 0 bind 0000:05:00.0
	echo vfio-pci >"$(sys 0000:05:00.1)/driver_override"
	latch_is 3 apply 0000:05:00.0
	is "$(access_of 2)" "root:root 0600"
}

# A command may be killed at any point: udev does that after three minutes.
what_an_interrupted_command_was_giving_is_taken_back()
{
	local owner mode

	given "enabled = yes"
	loaded mlx5_vfio_pci
	driver 0000:41:00.1 mlx5_vfio_pci
	mkdir -p "$VFIO_LATCH_ROOT/run/vfio-latch"
	while read -r owner mode; do
		# From daemon:root 0660 to mail:root 0606.
		echo "8 0 606 1 0 660" >"$VFIO_LATCH_ROOT/run/vfio-latch/access-2"
		chown "$owner" "$VFIO_LATCH_ROOT/dev/vfio/2"
		chmod "$mode" "$VFIO_LATCH_ROOT/dev/vfio/2"
		latch_is 0 apply
		is "$owner $mode: $(access_of 2)" "$owner $mode: root:root 0600"
	done <<-END
		daemon 660
		daemon 600
		mail 600
		mail 606
	END
	echo "8 0 606 1 0 660" >"$VFIO_LATCH_ROOT/run/vfio-latch/access-2"
	chmod 666 "$VFIO_LATCH_ROOT/dev/vfio/2"
	latch_is 0 apply
	is "$(access_of 2)" "root:root 0666"
}

# Such as a full /run.
without_a_mark_nothing_is_given()
{
	given "owner = daemon"
	latch_is 0 apply
	mkdir "$VFIO_LATCH_ROOT/run/vfio-latch/access-2.new"
	printf '[mlx5-vfs]\nowner = mail\n' | drop_in access.conf
	latch_is 1 apply
	is "$(access_of 2)" "daemon:root 0600"
	rm "$VFIO_LATCH_ROOT/etc/vfio-latch.conf.d/access.conf"
	latch_is 0 apply
	is "$(access_of 2)" "root:root 0600"
}

a_mark_that_says_nothing_is_an_error()
{
	given "owner = daemon"
	latch_is 0 apply
	: >"$VFIO_LATCH_ROOT/run/vfio-latch/access-2"
	rm "$VFIO_LATCH_ROOT/etc/vfio-latch.conf.d/access.conf"
	complains "0000:41:00.1: /run/vfio-latch/access-* does not say who was given /dev/vfio/2: its owner stays" \
		1 apply
}

# The directory server is model/names.c.
a_name_that_cannot_be_looked_up_leaves_the_node_to_root()
{
	local name why

	while read -r name why; do
		given "owner = $name"
		loaded mlx5_vfio_pci
		driver 0000:41:00.1 mlx5_vfio_pci
		latch apply --timeout=1
		is "$status $err" "3 vfio-latch: 0000:41:00.1: /dev/vfio/2 is root's alone: /etc/vfio-latch.conf.d/access.conf:2: owner: user \"$name\" cannot be looked up: $why
vfio-latch: 0000:41:00.1: /dev/vfio/devices/vfio0 is root's alone: /etc/vfio-latch.conf.d/access.conf:2: owner: user \"$name\" cannot be looked up: $why"
		is "$(access_of 2)" "root:root 0600"
	done <<-END
		away Connection timed out
		gone Connection refused
	END
}

a_name_that_is_waited_for_holds_up_no_other_user()
{
	local address waits

	shared
	own_section one 0000:05:00.0 "owner = away"
	own_section two 0000:05:00.1 "owner = 1"
	for address in 0000:05:00.0 0000:05:00.1; do
		driver $address vfio-pci
	done
	# In groups of their own.
	in_group 0000:05:00.1 3
	group_node 3
	"$TOP/build/tests-tools/vfio-latch" apply 0000:05:00.0 &
	waits=$!
	until grep -qs "^$waits\$" <(sed -n 's/^PPid:[[:space:]]*//p' /proc/[0-9]*/status 2>/dev/null); do :; done
	latch_is 0 apply --timeout=5 0000:05:00.1
	is "$(access_of 3)" "daemon:root 0600"
	kill "$waits"
	wait "$waits" || :
}

# The user of the group may have the other function, but there is no time to look his name up.
a_deadline_says_nothing_of_who_has_the_group_open()
{
	shared
	own_section one 0000:05:00.0 "owner = daemon"
	own_section two 0000:05:00.1 "owner = daemon"
	latch_is 0 bind 0000:05:00.0
	device 0000:04:00.0 1234:11e8
	in_group 0000:04:00.0 1
	own_section zero 0000:04:00.0
	group_is_open 1 ""
	hangs probe
	latch_is 6 apply --last-good --deadline=1
	let_go probe
	is "$(access_of 2)" "daemon:root 0600"
	is "$(grep -c "process 1234" <<<"$err" || :)" 0
	grep -q "0000:05:00.1: not given to vfio-pci within" <<<"$err"
}
