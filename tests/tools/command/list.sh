# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # status, out and err are latch's
# list and show, in all their forms.

HELPERS+=(three_vfs has_line migrated)

# One bound under a rule and open, one bound and migratable, one left with mlx5_core.
three_vfs()
{
	new_system
	pf 0000:41:00.0 4
	vfs 0000:41:00.0 3
	touch "$VFIO_LATCH_ROOT/model/migratable/0000:41:00.2"
	latch_is 0 bind 0000:41:00.1 --driver=vfio-pci --disable-idle-d3=1
	latch_is 0 bind 0000:41:00.2
	driver 0000:41:00.3 mlx5_core
	echo off >"$(sys 0000:41:00.2)/vfio_pci/tracker_state"
	mkdir "$VFIO_LATCH_ROOT/sys/class/vfio/2"
	echo 1:3 >"$VFIO_LATCH_ROOT/sys/class/vfio/2/dev"
	opened /dev/null vfio/2
	device 0000:05:00.0 1234:11e8
	mkdir -p "$VFIO_LATCH_ROOT/usr/share/misc"
	printf '15b3  Mellanox Technologies\n\t101e  ConnectX VF "fast\\slow"\n1234  QEMU\n' \
		>"$VFIO_LATCH_ROOT/usr/share/misc/pci.ids"
}

# The second VF was saved once.
migrated()
{
	three_vfs
	printf '%s\n' "direction save" "end completed" "bytes 3145728" "precopy_bytes 1048576" \
		"suspend_count 2" "suspend_us 1403" "resume_count 0" "resume_us 0" \
		"save_count 3" "save_us 2000017" "load_count 0" "load_us 0" "tea_count 1" \
		>"$(sys 0000:41:00.2)/vfio_pci/last_migration"
}

has_line()
{
	if ! grep -qxF -e "$1" <<<"$out"; then
		printf 'no line: %s\n%s\n' "$1" "$out"
		return 1
	fi
}

list_shows_vfio_and_configured_devices()
{
	three_vfs
	latch_is 0 list
	is "$out" 'ADDRESS       DRIVER         GROUP  DISABLE_IDLE_D3  DISABLE_VGA  NOINTXMASK  OPEN  MIGRATION  NAME
0000:41:00.1  vfio-pci       2      1 rule           0 default    0 default   yes   -          Mellanox Technologies ConnectX VF "fast\slow"
0000:41:00.2  mlx5_vfio_pci  3      0 default        0 default    0 default   no    running    Mellanox Technologies ConnectX VF "fast\slow"
0000:41:00.3  mlx5_core      4      -                -            -           no    -          Mellanox Technologies ConnectX VF "fast\slow"'
}

no_legend_leaves_the_headings_out()
{
	three_vfs
	latch_is 0 list --no-legend
	is "$(wc -l <<<"$out")" 3
	is "$(head -n 1 <<<"$out" | cut -c1-25)" "0000:41:00.1  vfio-pci   "
}

an_empty_list_is_just_headings()
{
	new_system
	latch_is 0 list --no-legend
	is "$out" ""
}

there_are_no_colours_without_a_terminal()
{
	three_vfs
	latch_is 0 list
	is "$(grep -c $'\033' <<<"$out" || :)" 0
}

colours_on_a_terminal_unless_no_color_says_no()
{
	local command="$TOP/build/tests-tools/vfio-latch list"

	three_vfs
	is "$(script -qec "env -u NO_COLOR $command" /dev/null | grep -c $'\033')" 3
	is "$(NO_COLOR=1 script -qec "$command" /dev/null | grep -c $'\033' || :)" 0
}

text_in_sysfs_that_is_not_utf8_is_shown_with_question_marks()
{
	three_vfs
	printf 'vfio-\374ci\n' >"$(sys 0000:41:00.1)/driver_override"
	printf 'disable_vga r\033le/\374\n' >"$(sys 0000:41:00.1)/vfio_pci/policy_source"
	printf 'st\374ck\n' >"$(sys 0000:41:00.2)/vfio_pci/migration_state"
	latch_is 0 show --json 0000:41:00.1
	has_line '    "driver_override": "vfio-?ci",'
	grep -q '"source": "r?le/?"' <<<"$out"
	latch_is 0 list --json
	grep -q '"migration_state": "st?ck"' <<<"$out"
	is "$(grep -c '"address"' <<<"$out")" 3
	latch_is 0 show 0000:41:00.1
	has_line "driver_override  vfio-?ci"
}

show_tells_all_of_one_device()
{
	three_vfs
	latch_is 0 show 41:00.1
	is "$out" 'address          0000:41:00.1
name             Mellanox Technologies ConnectX VF "fast\slow"
id               15b3:101e:15b3:0061
driver           vfio-pci
driver_override  vfio-pci
iommu_group      2
vf               0 of 0000:41:00.0
disable_idle_d3  1 (0000:41:00.1/disable_idle_d3=1)
disable_vga      0 (default)
nointxmask       0 (default)
open             yes, process 1234 (qemu-system-x86)
node             /dev/vfio/2 (not there)
migration        -
dirty tracking   -
last migration   -
section          [mlx5-vfs] in /etc/vfio-latch.conf:8, driver mlx5_vfio_pci (not what it has)'
}

the_last_migration_says_what_it_cost()
{
	migrated
	latch_is 0 show 41:00.2
	has_line "last migration   save, completed: 3145728 bytes, 1048576 of them before the stop"
	has_line "                 2 suspend in 1.403 ms"
	has_line "                 3 save in 2000.017 ms"
	is "$(grep -c load <<<"$out" || :)" 0
	latch_is 0 list --json
	python3 - "$VFIO_LATCH_ROOT/out" <<-EOF
		import json, sys
		one, two, three = (d["last_migration"] for d in json.load(open(sys.argv[1]))["devices"])
		assert one is None and three is None
		assert two == {"direction": "save", "end": "completed", "bytes": 3145728,
		               "precopy_bytes": 1048576,
		               "commands": {"suspend": {"count": 2, "us": 1403},
		                            "resume": {"count": 0, "us": 0},
		                            "save": {"count": 3, "us": 2000017},
		                            "load": {"count": 0, "us": 0}}}
	EOF
	latch_is 0 list --format=prometheus
	has_line 'vfio_latch_device_last_migration_bytes{address="0000:41:00.2",direction="save",end="completed"} 3145728'
	has_line 'vfio_latch_device_last_migration_seconds{address="0000:41:00.2",command="save"} 2.000017'
	has_line 'vfio_latch_device_last_migration_seconds{address="0000:41:00.2",command="suspend"} 0.001403'
}

what_cannot_be_migrated_says_why()
{
	three_vfs
	rm "$VFIO_LATCH_ROOT/model/migratable/0000:41:00.2"
	latch_is 0 unbind 0000:41:00.2
	latch_is 0 bind 0000:41:00.2
	latch_is 0 show 41:00.2
	has_line "migration        no (not-enabled)"
	latch_is 0 list --format=prometheus
	has_line 'vfio_latch_device_migratable{address="0000:41:00.2",answer="not-enabled"} 0'
}

show_tells_what_a_device_does_not_have()
{
	three_vfs
	rm "$(sys 0000:05:00.0)/iommu_group"
	latch_is 0 show 0000:05:00.0
	has_line "driver           -"
	has_line "iommu_group      -"
	has_line "disable_vga      -"
	has_line "section          -"
	latch_is 4 show 0000:06:00.0
}

json_has_all_that_show_has()
{
	three_vfs
	latch_is 0 list --json
	python3 - "$VFIO_LATCH_ROOT/out" <<-EOF
		import json, sys
		devices = json.load(open(sys.argv[1]))["devices"]
		assert [d["address"][8:] for d in devices] == ["00.1", "00.2", "00.3"]
		one, two, three = devices
		assert one["id"] == {"vendor": "15b3", "device": "101e", "subvendor": "15b3", "subdevice": "0061"}
		assert one["name"] == 'Mellanox Technologies ConnectX VF "fast\\\\slow"'
		assert one["driver"] == "vfio-pci" and one["iommu_group"] == 2
		assert one["vf"] == {"pf": "0000:41:00.0", "index": 0}
		assert one["tunables"]["disable_idle_d3"] == {"value": True, "source": "0000:41:00.1/disable_idle_d3=1"}
		assert one["tunables"]["nointxmask"] == {"value": False, "source": "default"}
		assert one["open"] is True and one["user"] == {"pid": 1234, "command": "qemu-system-x86"}
		assert one["migration_state"] is None and one["tracker_state"] is None
		assert one["section"] == {"name": "mlx5-vfs", "file": "/etc/vfio-latch.conf", "line": 8,
		                          "driver": "mlx5_vfio_pci", "as_configured": False}
		assert two["open"] is False and two["user"] is None
		assert one["migratable"] is None and two["migratable"] == "yes"
		assert two["migration_state"] == "running" and two["tracker_state"] == "off"
		assert two["section"]["as_configured"] is True
		assert three["tunables"] is None and three["driver_override"] is None
	EOF
	latch_is 0 show --json 41:00.2
	python3 - "$VFIO_LATCH_ROOT/out" <<-EOF
		import json, sys
		assert json.load(open(sys.argv[1]))["device"]["address"] == "0000:41:00.2"
	EOF
}

json_has_null_for_what_a_device_does_not_have()
{
	new_system
	device 0000:05:00.0 1234:11e8
	rm "$(sys 0000:05:00.0)/iommu_group"
	latch_is 0 show --json 05:00.0
	python3 - "$VFIO_LATCH_ROOT/out" <<-EOF
		import json, sys
		device = json.load(open(sys.argv[1]))["device"]
		absent = [key for key in device if device[key] is None]
		assert absent == ["driver", "driver_override", "iommu_group", "vf", "sriov", "tunables",
		                  "user", "migratable", "migration_state", "tracker_state", "last_migration", "section"], absent
		assert device["open"] is False
	EOF
}

json_of_no_devices_has_an_empty_list()
{
	new_system
	latch_is 0 list --json
	is "$out" '{
  "version": 1,
  "devices": [],
  "faults": []
}'
}

json_has_the_faults_of_the_configuration()
{
	three_vfs
	config <<-EOF
		[one]
		driver = vfio-pci
		vendor = \$(printf '\374')
		[two]
		nonsense
	EOF
	latch_is 3 list --json
	python3 - "$VFIO_LATCH_ROOT/out" "$VFIO_LATCH_ROOT/err" <<-EOF
		import json, sys
		faults = json.load(open(sys.argv[1]))["faults"]
		said = ["vfio-latch: %s:%d: %s" % (f["file"], f["line"], f["text"]) for f in faults if f["line"]]
		assert len(said) >= 2 and faults[0]["file"] == "/etc/vfio-latch.conf", faults
		with open(sys.argv[2], errors="replace") as file:
		    lines = file.read().splitlines()
		assert [line for line in lines if line in said], (lines, said)
		assert len(lines) == len(faults), (lines, faults)
	EOF
	latch_is 3 show --json 0000:41:00.1
	grep -q '"faults": \[$' <<<"$out"
}

the_documentations_example_of_json_works()
{
	three_vfs
	mkdir "$VFIO_LATCH_ROOT/bin"
	ln -s "$TOP/build/tests-tools/vfio-latch" "$VFIO_LATCH_ROOT/bin/vfio-latch"
	"$TOP/tests/docs/examples" "$TOP/docs/json.md" "$VFIO_LATCH_ROOT/examples"
	is "$(PATH=$VFIO_LATCH_ROOT/bin:$PATH sh "$VFIO_LATCH_ROOT/examples/not-as-configured")" "0000:41:00.1
0000:41:00.3"
}

# All JSON of all tests is checked against it: latch() does.
the_schema_refuses_what_it_does_not_have()
{
	new_system
	echo '{"version": 1, "devices": [], "faults": [], "more": 1}' >"$VFIO_LATCH_ROOT/out"
	is "$("$TOP/tests/tools/valid" list "$VFIO_LATCH_ROOT/out" || echo "refused")" \
		"$: Additional properties are not allowed ('more' was unexpected)
refused"
}

columns_are_printed_in_the_order_of_the_command_line()
{
	three_vfs
	latch_is 0 list --columns=driver,ADDRESS
	is "$out" 'DRIVER         ADDRESS
vfio-pci       0000:41:00.1
mlx5_vfio_pci  0000:41:00.2
mlx5_core      0000:41:00.3'
	latch_is 0 list --no-legend --columns=group
	is "$out" "2
3
4"
}

the_help_names_every_column_of_the_table()
{
	local column

	three_vfs
	latch_is 0 list
	read -ra columns <<<"$(head -n 1 <<<"$out")"
	latch_is 0 --help
	for column in "${columns[@]}"; do
		grep -q "^  $column  *[^ ]" <<<"$out"
	done
}

# A process may call itself anything, and a name in pci.ids may be Latin-1.
json_is_json_whatever_names_contain()
{
	three_vfs
	printf 'x\351y\n' >"$VFIO_LATCH_ROOT/proc/1234/comm"
	printf '15b3  M\374ller\n' >"$VFIO_LATCH_ROOT/usr/share/misc/pci.ids"
	latch_is 0 list --json
	python3 -c 'import json, sys; json.load(open(sys.argv[1]))' "$VFIO_LATCH_ROOT/out"
}

prometheus_has_a_sample_for_each_fact()
{
	three_vfs
	latch_is 0 list --format=prometheus
	has_line 'vfio_latch_device_info{address="0000:41:00.1",name="Mellanox Technologies ConnectX VF \"fast\\slow\"",driver="vfio-pci",iommu_group="2",pf="0000:41:00.0",section="mlx5-vfs"} 1'
	has_line 'vfio_latch_device_as_configured{address="0000:41:00.1"} 0'
	has_line 'vfio_latch_device_as_configured{address="0000:41:00.2"} 1'
	has_line 'vfio_latch_device_open{address="0000:41:00.1"} 1'
	has_line 'vfio_latch_device_open{address="0000:41:00.2"} 0'
	has_line 'vfio_latch_device_tunable{address="0000:41:00.1",tunable="disable_idle_d3",source="rule"} 1'
	has_line 'vfio_latch_device_tunable{address="0000:41:00.1",tunable="disable_vga",source="default"} 0'
	has_line 'vfio_latch_device_migratable{address="0000:41:00.2",answer="yes"} 1'
	has_line 'vfio_latch_device_migration_state{address="0000:41:00.2",state="running"} 1'
	has_line 'vfio_latch_device_migration_state{address="0000:41:00.2",state="stop-copy"} 0'
	has_line 'vfio_latch_device_tracker_state{address="0000:41:00.2",state="off"} 1'
	has_line 'vfio_latch_device_tracker_state{address="0000:41:00.2",state="on"} 0'
	has_line 'vfio_latch_device_bound{address="0000:41:00.1"} 0'
	has_line 'vfio_latch_device_bound{address="0000:41:00.2"} 1'
	has_line 'vfio_latch_build_info{version="test"} 1'
	has_line 'vfio_latch_config_faults 0'
	is "$(grep -c 'migration_state{' <<<"$out")" 8
}

# The driver is right, a tunable is not.
bound_and_as_configured_are_two_facts()
{
	three_vfs
	config <<-EOF
		[one]
		address = 0000:41:00.1
		driver = vfio-pci
		disable_idle_d3 = no
	EOF
	latch_is 0 list --format=prometheus
	has_line 'vfio_latch_device_bound{address="0000:41:00.1"} 1'
	has_line 'vfio_latch_device_as_configured{address="0000:41:00.1"} 0'
}

a_state_that_is_not_known_is_shown()
{
	three_vfs
	echo halted >"$(sys 0000:41:00.2)/vfio_pci/migration_state"
	latch_is 0 list --format=prometheus
	has_line 'vfio_latch_device_migration_state{address="0000:41:00.2",state="halted"} 1'
	is "$(grep -c 'migration_state{.*} 1$' <<<"$out")" 1
}

the_states_are_those_of_the_documentation()
{
	local abi state

	three_vfs
	abi=$(awk -v RS= '/\/(migration|tracker)_state$|\/(migration|tracker)_state\n/' "$TOP/docs/sysfs-abi.txt")
	latch_is 0 list --format=prometheus
	while read -r state; do
		grep -qw -e "$state" <<<"$abi"
	done < <(sed -n 's/.*_state{.*state="\([^"]*\)".*/\1/p' <<<"$out")
}

# The format's own rules: https://prometheus.io/docs/instrumenting/exposition_formats/
prometheus_can_be_parsed()
{
	three_vfs
	latch_is 0 list --format=prometheus
	is "$(grep -vE '^# (HELP|TYPE) vfio_latch_[a-z0-9_]+ |^vfio_latch_[a-z0-9_]+(\{[a-z_]+="([^"\\]|\\["\\n])*"(,[a-z_]+="([^"\\]|\\["\\n])*")*\})? [0-9]+$' <<<"$out")" ""
	is "$(grep -o '^# TYPE [a-z0-9_]*' <<<"$out" | sort | uniq -d)" ""
}

the_documentation_names_every_metric()
{
	local metric

	three_vfs
	latch_is 0 list --format=prometheus
	while read -r metric; do
		grep -q "\`$metric\`" "$TOP/docs/configuration.md"
	done < <(sed -n 's/^# TYPE \([^ ]*\) .*/\1/p' <<<"$out")
}

the_documentations_script_for_the_collector_works()
{
	three_vfs
	mkdir "$VFIO_LATCH_ROOT/"{bin,collector}
	ln -s "$TOP/build/tests-tools/vfio-latch" "$VFIO_LATCH_ROOT/bin/vfio-latch"
	"$TOP/tests/docs/examples" "$TOP/docs/configuration.md" "$VFIO_LATCH_ROOT/examples"
	sed "s,^directory=.*,directory=$VFIO_LATCH_ROOT/collector," \
		"$VFIO_LATCH_ROOT/examples/collector.sh" >"$VFIO_LATCH_ROOT/bin/collect"
	PATH=$VFIO_LATCH_ROOT/bin:$PATH sh "$VFIO_LATCH_ROOT/bin/collect"
	latch_is 0 list --format=prometheus
	is "$(cat "$VFIO_LATCH_ROOT"/collector/*)" "$out"
	is "$(ls "$VFIO_LATCH_ROOT/collector")" vfio-latch.prom
}

a_malformed_configuration_is_told_and_hides_no_device()
{
	three_vfs
	echo nonsense | config
	latch_is 3 list --format=prometheus
	is "$err" "vfio-latch: /etc/vfio-latch.conf:1: neither [section] nor key = value"
	has_line 'vfio_latch_config_faults 1'
	has_line 'vfio_latch_device_open{address="0000:41:00.1"} 1'
	latch_is 3 show 41:00.1
}

# A mount namespace shows the same device under another name.
an_open_device_is_known_by_its_number()
{
	three_vfs
	ln -sf /dev/null "$VFIO_LATCH_ROOT/dev/vfio/99"
	ln -sf "$VFIO_LATCH_ROOT/dev/vfio/99" "$VFIO_LATCH_ROOT/proc/1234/fd/7"
	latch_is 0 show 41:00.1
	has_line "open             yes, process 1234 (qemu-system-x86)"
}

a_device_opened_by_its_own_character_device_is_open()
{
	three_vfs
	mkdir -p "$(sys 0000:41:00.2)/vfio-dev/vfio0"
	echo 1:5 >"$(sys 0000:41:00.2)/vfio-dev/vfio0/dev"
	opened /dev/zero vfio/devices/vfio0
	latch_is 0 show 41:00.2
	has_line "open             yes, process 1234 (qemu-system-x86)"
}

# Of the processes of others somebody who is not root cannot say.
without_the_right_to_look_open_is_unknown()
{
	three_vfs
	chmod a+rx "$WORK" "$VFIO_LATCH_ROOT"
	chmod 0 "$VFIO_LATCH_ROOT/proc/1234/fd"
	setpriv --reuid=65534 --regid=65534 --clear-groups \
		"$TOP/build/tests-tools/vfio-latch" list --no-legend >"$VFIO_LATCH_ROOT/out"
	is "$(grep -c ' ?  ' "$VFIO_LATCH_ROOT/out")" 3
	setpriv --reuid=65534 --regid=65534 --clear-groups \
		"$TOP/build/tests-tools/vfio-latch" list --format=prometheus >"$VFIO_LATCH_ROOT/out"
	is "$(grep -c 'device_open{' "$VFIO_LATCH_ROOT/out" || :)" 0
}
