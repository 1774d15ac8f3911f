# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # status, out and err are latch's
# migration: what decides whether a VF can go to another host, and whether it can.

HELPERS+=(a_host saved_facts change_there json_says cannot_go)

# A VF on mlx5_vfio_pci that can be migrated, of a PF whose firmware mlx5_ib shows.
a_host()
{
	local vf

	new_system
	pf 0000:41:00.0 4
	loaded mlx5_core
	driver 0000:41:00.0 mlx5_core
	vfs 0000:41:00.0 1
	mkdir -p "$(sys 0000:41:00.0)/infiniband/mlx5_0"
	echo 28.41.1000 >"$(sys 0000:41:00.0)/infiniband/mlx5_0/fw_ver"
	echo MT_0000000834 >"$(sys 0000:41:00.0)/infiniband/mlx5_0/board_id"
	touch "$VFIO_LATCH_ROOT/model/migratable/0000:41:00.1"
	latch_is 0 apply
	vf=$(sys 0000:41:00.1)
	echo off >"$vf/vfio_pci/tracker_state"
	echo 1.0 >"$VFIO_LATCH_ROOT/sys/module/mlx5_vfio_pci/version"
	echo 0x00 >"$vf/revision"
	{
		echo "0x00000000e4800000 0x00000000e48fffff 0x000000000014220c"
		printf '0x0000000000000000 0x0000000000000000 0x0000000000000000\n%.0s' {2..7}
	} >"$vf/resource"
	# Status has a capability list: power management at 0x40, MSI-X of 12 vectors at 0x9c.
	python3 - "$vf/config" <<-'END'
		import sys
		config = bytearray(256)
		config[0x06] = 0x10
		config[0x34] = 0x40
		config[0x40:0x42] = 0x01, 0x9c
		config[0x9c:0xa0] = 0x11, 0x00, 0x0b, 0x80
		open(sys.argv[1], "wb").write(config)
	END
}

# What that host says, as if it had come from another one.
saved_facts()
{
	a_host
	latch_is 0 migration --json
	cp "$VFIO_LATCH_ROOT/out" "$VFIO_LATCH_ROOT/there"
}

# change_there PYTHON: of the other host's facts, "vf" and "pf" its first ones
change_there()
{
	python3 - "$VFIO_LATCH_ROOT/there" "$1" <<-'END'
		import json, sys
		facts = json.load(open(sys.argv[1]))
		vf = facts["vfs"][0]
		exec(sys.argv[2], {"facts": facts, "vf": vf, "pf": vf["pf"]})
		json.dump(facts, open(sys.argv[1], "w"))
	END
}

# json_says PYTHON: of the command's output
json_says()
{
	python3 - "$VFIO_LATCH_ROOT/out" "$1" <<-'END'
		import json, sys
		out = json.load(open(sys.argv[1]))
		assert eval(sys.argv[2], {"out": out, "vf": out["vfs"][0]}), json.dumps(out, indent=1)
	END
}

# cannot_go CHECK TEXT: for this reason alone, in text and in JSON
cannot_go()
{
	latch_is 1 migration --compare="$VFIO_LATCH_ROOT/there"
	is "$(head -n 2 <<<"$out")" "0000:41:00.1: cannot go to any VF there; reasons for 0000:41:00.1:
    fault: $2"
	is "$(grep -c fault: <<<"$out")" 1
	latch_is 1 migration --json --compare="$VFIO_LATCH_ROOT/there"
	json_says "out['version'] == 1 and vf['to'] == [] and [f['check'] for f in vf['faults']] == ['$1']"
}

facts_have_all_that_decides()
{
	a_host
	latch_is 0 migration --json
	json_says "{k: v for k, v in out.items() if k != 'vfs'} == {
		'version': 1, 'kernel': '6.1.0-test', 'iommufd': False, 'dma_logging': False}"
	json_says "len(out['vfs']) == 1 and vf == {
		'address': '0000:41:00.1', 'id': '15b3:101e:15b3:0061', 'revision': '0x00',
		'driver': 'mlx5_vfio_pci', 'is_vfio_latch': True, 'driver_version': '1.0',
		'migratable': 'yes', 'migration_state': 'running', 'pre_copy': None, 'chunks': None,
		'dma_logging': True, 'open': False, 'cdev': False,
		'bars': [0x100000, 0, 0, 0, 0, 0], 'msix': 12,
		'pf': {'address': '0000:41:00.0', 'id': '15b3:1021:15b3:0061', 'name': vf['pf']['name'],
		       'driver': 'mlx5_core', 'firmware': '28.41.1000', 'psid': 'MT_0000000834'}}"
	latch_is 0 migration
	grep -qxF "msix             12" <<<"$out"
	grep -qxF "pf psid          MT_0000000834" <<<"$out"
	grep -qxF "chunks           -" <<<"$out"
}

what_cannot_be_known_is_null()
{
	a_host
	rm -r "$(sys 0000:41:00.0)/infiniband" "$(sys 0000:41:00.1)/"{resource,revision,vfio_pci}
	truncate -s 64 "$(sys 0000:41:00.1)/config"
	latch_is 0 migration --json
	json_says "[k for k in vf if vf[k] is None] == ['revision', 'migratable', 'migration_state',
		'pre_copy', 'chunks', 'dma_logging', 'bars', 'msix']"
	json_says "vf['pf']['firmware'] is None and vf['pf']['psid'] is None"
	json_says "vf['is_vfio_latch'] is False"
}

a_save_shows_pre_copy()
{
	a_host
	printf '%s\n' "direction save" "end completed" "bytes 3" "precopy_bytes 1" \
		>"$(sys 0000:41:00.1)/vfio_pci/last_migration"
	latch_is 0 migration --json
	json_says "vf['pre_copy'] is True"
}

damaged_capabilities_end()
{
	a_host
	printf '\x9c' | dd of="$(sys 0000:41:00.1)/config" bs=1 seek=$((0x9d)) conv=notrunc status=none
	printf '\x05' | dd of="$(sys 0000:41:00.1)/config" bs=1 seek=$((0x9c)) conv=notrunc status=none
	latch_is 0 migration --json
	json_says "vf['msix'] == 0"
}

only_vfs_are_told()
{
	a_host
	device 0000:05:00.0 1234:11e8
	latch_is 0 bind --driver=vfio-pci 0000:05:00.0
	latch_is 0 migration --json
	json_says "[v['address'] for v in out['vfs']] == ['0000:41:00.1']"
	latch_is 1 migration 0000:05:00.0
	is "$err" "vfio-latch: 0000:05:00.0: it is not a VF; only VFs are migrated"
	latch_is 4 migration 0000:06:00.0
}

a_vf_can_go_to_its_like()
{
	saved_facts
	latch_is 0 migration --compare="$VFIO_LATCH_ROOT/there"
	is "$out" "0000:41:00.1: can go to 0000:41:00.1"
	change_there "facts['vfs'].append(dict(vf, address='0000:81:00.2')); vf['msix'] = 4"
	latch_is 0 migration --json --compare="$VFIO_LATCH_ROOT/there"
	json_says "vf == {'address': '0000:41:00.1', 'to': ['0000:81:00.2'], 'best': '0000:81:00.2',
		'faults': [], 'notes': []}"
}

each_difference_that_makes_it_fail_is_named()
{
	local check change text

	while IFS='|' read -r check change text; do
		saved_facts
		change_there "$change"
		cannot_go "$check" "$text"
	done <<-'END'
		driver|vf['driver'] = None|it has no driver there
		driver|vf['driver'] = 'mlx5_core'; vf['is_vfio_latch'] = None|mlx5_core, which it has there, cannot migrate it
		driver|vf['driver'] = 'hisi_acc_vfio_pci'|the drivers are not the same: mlx5_vfio_pci here, hisi_acc_vfio_pci there
		migratable|vf['migratable'] = 'not-enabled'|it cannot be migrated there: not-enabled (vfio-latch doctor says what to do)
		state|vf['migration_state'] = 'error'|it is in the error state there: reset it
		stream|vf['is_vfio_latch'] = False|the kernel's own driver there is older than 6.2, and has another stream
		open|vf['open'] = True|a process has it open there
		id|vf['id'] = '15b3:101e:15b3:0062'|the VF's model is not the same: 15b3:101e:15b3:0061 here, 15b3:101e:15b3:0062 there
		revision|vf['revision'] = '0x01'|the VF's revision is not the same: 0x00 here, 0x01 there
		pf|pf['id'] = '15b3:a2dc:15b3:0061'|the PF's model is not the same: 15b3:1021:15b3:0061 here, 15b3:a2dc:15b3:0061 there
		psid|pf['psid'] = 'MT_1'|the PSID is not the same: MT_0000000834 here, MT_1 there
		firmware|pf['firmware'] = '28.43.1000'|the firmware is not the same: 28.41.1000 here, 28.43.1000 there
		bars|vf['bars'][0] = 4096|the sizes of its BARs are not the same: [1048576,0,0,0,0,0] here, [4096,0,0,0,0,0] there
		msix|vf['msix'] = 4|the number of MSI-X vectors is not the same: 12 here, 4 there
	END
}

the_kernels_own_driver_since_6_2_has_the_same_stream()
{
	saved_facts
	change_there "vf['is_vfio_latch'] = False; facts['kernel'] = '6.8.0'; vf['migratable'] = None"
	latch_is 0 migration --compare="$VFIO_LATCH_ROOT/there"
	is "$out" "0000:41:00.1: can go to 0000:41:00.1
    note: its driver there does not say whether it can be migrated"
}

what_one_side_does_not_know_is_a_note()
{
	saved_facts
	change_there "pf['psid'] = None; vf['bars'] = None; vf['dma_logging'] = False"
	latch_is 0 migration --compare="$VFIO_LATCH_ROOT/there"
	is "$out" "0000:41:00.1: can go to 0000:41:00.1
    note: the PSID is not known there
    note: the sizes of its BARs are not known there
    note: no DMA logging there: all of memory is sent again on the way back"
}

a_vf_whose_writes_qemu_would_lose_has_a_note()
{
	saved_facts
	change_there "vf['dma_logging'] = False; vf['cdev'] = True"
	latch_is 0 migration --compare="$VFIO_LATCH_ROOT/there"
	is "$out" "0000:41:00.1: can go to 0000:41:00.1
    note: no DMA logging there: all of memory is sent again on the way back
    note: no DMA logging there: QEMU with iommufd and enable-migration=on loses what the VF writes; use its group"
}

only_a_device_with_a_node_of_its_own_has_a_cdev()
{
	local directory

	a_host
	directory=$(sys 0000:41:00.1)/vfio-dev/vfio0
	mkdir -p "$directory"
	latch_is 0 migration --json
	json_says "vf['cdev'] is False"
	echo 1:5 >"$directory/dev"
	latch_is 0 migration --json
	json_says "vf['cdev'] is True"
}

what_the_other_side_does_not_say_is_a_note_too()
{
	local note change

	while IFS='|' read -r note change; do
		saved_facts
		change_there "$change"
		latch_is 0 migration --compare="$VFIO_LATCH_ROOT/there"
		is "$change: $out" "$change: 0000:41:00.1: can go to 0000:41:00.1
    note: $note"
	done <<-'END'
		whether a process has it open there is not known: root can see that|vf['open'] = None
		whether a process has it open there is not known: root can see that|del vf['open']
		whether it is in the error state is not known there|vf['migration_state'] = None
		whether there is DMA logging is not known there|vf['dma_logging'] = None
		whether the driver has the stream of kernels before 6.2 is not known there|vf['is_vfio_latch'] = None
		whether the driver has the stream of kernels before 6.2 is not known there|vf['is_vfio_latch'] = False; del facts['kernel']
	END
}

# The other host is a stranger.
text_of_the_other_host_does_not_reach_the_terminal_as_it_is()
{
	saved_facts
	change_there 'pf["psid"] = "\x1b[2JX\n0000:41:00.1: can go"; vf["address"] = "\x1b[2J\nA"'
	latch_is 1 migration --compare="$VFIO_LATCH_ROOT/there"
	is "$out" "0000:41:00.1: cannot go to any VF there; reasons for ?[2J?A:
    fault: the PSID is not the same: MT_0000000834 here, ?[2JX?0000:41:00.1: can go there"
}

# Cut within a character, the text of a fault would be no JSON, and the fault be lost.
no_fault_is_lost_however_long_it_is()
{
	saved_facts
	change_there 'pf["firmware"] = "x" * 126 + "é" * 5000'
	latch_is 1 migration --compare="$VFIO_LATCH_ROOT/there"
	grep -qE '^    fault: the firmware is not the same: 28.41.1000 here, x{126}é{5000} there$' <<<"$out"
	latch_is 1 migration --json --compare="$VFIO_LATCH_ROOT/there"
	json_says "[f['check'] for f in vf['faults']] == ['firmware']"
}

of_several_the_one_that_lacks_least_is_named()
{
	saved_facts
	change_there "facts['vfs'].append(dict(vf, address='0000:81:00.2', msix=4)); vf['msix'] = 4; vf['revision'] = '0x01'"
	latch_is 1 migration --compare="$VFIO_LATCH_ROOT/there"
	is "$out" "0000:41:00.1: cannot go to any VF there; reasons for 0000:81:00.2:
    fault: the number of MSI-X vectors is not the same: 12 here, 4 there"
	change_there "facts['vfs'].clear()"
	latch_is 1 migration --compare="$VFIO_LATCH_ROOT/there"
	is "$out" "0000:41:00.1: there is no VF"
}

one_vf_that_cannot_go_makes_it_fail()
{
	saved_facts
	vfs 0000:41:00.0 2 2>/dev/null || :
	latch_is 1 migration --compare="$VFIO_LATCH_ROOT/there" 0000:41:00.2
	grep -qF "fault: it has no driver here" <<<"$out"
	latch_is 0 migration --compare="$VFIO_LATCH_ROOT/there" 0000:41:00.1
	latch_is 1 migration --compare="$VFIO_LATCH_ROOT/there"
}

a_file_that_is_not_what_the_command_prints_is_refused()
{
	local there change fault

	saved_facts
	there=$VFIO_LATCH_ROOT/there
	change_there "facts['version'] = 2"
	complains "$there: not what vfio-latch migration --json prints, version 1" 2 migration --compare="$there"
	echo '[]' >"$there"
	complains "$there: not what vfio-latch migration --json prints, version 1" 2 migration --compare="$there"
	while IFS='|' read -r change fault; do
		saved_facts
		there=$VFIO_LATCH_ROOT/there
		change_there "$change"
		complains "$there: $fault" 2 migration --compare="$there"
	done <<-'END'
		facts['vfs'] = [1]|VF 1: "address" is not text
		del vf['id']|VF 1: "id" is not text
		facts['vfs'].append(dict(vf, open='yes'))|VF 2: "open" is not true or false or null
		vf['migration_state'] = ['error']|VF 1: "migration_state" is not text or null
		vf['is_vfio_latch'] = 0|VF 1: "is_vfio_latch" is not true or false or null
		vf['migratable'] = False|VF 1: "migratable" is not text or null
		vf['bars'] = [1.0]|VF 1: "bars" is not a list of whole numbers or null
		vf['msix'] = 12.0|VF 1: "msix" is not a whole number or null
		vf['pf'] = 'x'|VF 1: "pf" is not an object or null
		pf['firmware'] = 28|PF of VF 1: "firmware" is not text or null
		facts['kernel'] = 5.10|host: "kernel" is not text or null
	END
	echo nonsense >"$there"
	latch_is 2 migration --compare="$there"
	latch_is 2 migration --compare=/nowhere
}

the_documentation_names_every_member()
{
	local name

	a_host
	latch_is 0 migration --json
	while read -r name; do
		grep -q "\`$name\`" "$TOP/docs/migration.md" || { echo "$name"; return 1; }
	done < <(grep -o '"[a-z_]*":' "$VFIO_LATCH_ROOT/out" | tr -d '":' | sort -u)
}
