# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # status, out and err are latch's
# check: each fault of a configuration, with file and line.

HELPERS+=(faulty documented_host)

# faulty LINE TEXT: the configuration on standard input has this one fault
faulty()
{
	new_system
	cat >"$VFIO_LATCH_ROOT/etc/vfio-latch.conf"
	complains "/etc/vfio-latch.conf:$1: $2" 3 check
}

the_shipped_configuration_is_good()
{
	new_system
	pf 0000:41:00.0 8
	latch_is 0 check
}

no_configuration_at_all_is_good()
{
	new_system
	rm "$VFIO_LATCH_ROOT/etc/vfio-latch.conf"
	latch_is 0 check
}

# A host that has all that docs/configuration.md names.
documented_host()
{
	new_system
	pf 0000:41:00.0 16
	netdev 0000:41:00.0 enp65s0f0np0 0x1003
	pf 0000:41:01.0 16
	netdev 0000:41:01.0 enp65s0f1np1 0x1003
	device 0000:c1:00.0 144d:a80a
	device 0000:01:00.0 10de:2684
	device 0000:01:00.1 10de:22ba
	"$TOP/tests/docs/examples" "$TOP/docs/configuration.md" "$VFIO_LATCH_ROOT/examples"
}

the_whole_configuration_of_the_documentation_is_good()
{
	documented_host
	config <"$VFIO_LATCH_ROOT/examples/vfio-latch.conf"
	latch_is 0 check
	is "$(cut -d' ' -f1 <<<"$out" | tr '\n' ' ')" "[mlx5-vfs] [host-vfs] [storage] [ports] "
}

# Beside the configuration that the package installs. This system need not have the group dpdk.
each_drop_in_of_the_documentation_is_good()
{
	local example

	for example in examples/off.conf examples/dpdk.conf examples/gpu.conf examples/pfs.conf \
			examples/migratable.conf; do
		documented_host
		sed 's/^group = dpdk/group = daemon/' "$VFIO_LATCH_ROOT/$example" | drop_in x.conf
		latch_is 0 check
		case $example in
		*/off.conf) is "$out" "[mlx5-vfs] is switched off" ;;
		*/gpu.conf) is "$(tail -n 1 <<<"$out")" "[gpu] vfio-pci: 0000:01:00.0 0000:01:00.1" ;;
		*/dpdk.conf) is "$(tail -n 1 <<<"$out")" "[dpdk] vfio-pci: VFs that are not there yet" ;;
		*) is "$(tail -n 1 <<<"$out")" "[ports] usual: 0000:41:00.0 0000:41:01.0" ;;
		esac
	done
}

check_says_which_devices_each_section_is_for()
{
	new_system
	pf 0000:41:00.0 8
	pf 0000:42:00.0 8
	vfs 0000:41:00.0 2
	cat >>"$VFIO_LATCH_ROOT/etc/vfio-latch.conf" <<-EOF
		[host]
		vf = 0
		driver = usual
		[port]
		pf = 0000:42:00.0
		driver = vfio-pci
		[off]
		vf = 3
		driver = none
		enabled = no
	EOF
	latch_is 0 check
	is "$out" "[mlx5-vfs] mlx5_vfio_pci: 0000:41:00.1 ([host] decides) 0000:41:00.2
[host] usual: 0000:41:00.1
[port] vfio-pci: VFs that are not there yet
[off] is switched off"
	latch_is 0 check "$VFIO_LATCH_ROOT/etc/vfio-latch.conf"
	is "$(head -n 1 <<<"$out")" "[mlx5-vfs] mlx5_vfio_pci: 0000:41:00.1 ([host] decides) 0000:41:00.2"
}

check_warns_of_a_section_that_is_for_nothing()
{
	new_system
	complains "/etc/vfio-latch.conf:8: warning: section [mlx5-vfs] is for no device of this machine" \
		0 check
	is "$out" "[mlx5-vfs] mlx5_vfio_pci: nothing"
}

check_warns_of_an_address_without_an_id()
{
	new_system
	device 0000:05:00.0 1234:11e8
	config <<-EOF
		[x]
		address = 0000:05:00.0
		driver = vfio-pci
	EOF
	complains "/etc/vfio-latch.conf:1: warning: section [x] matches by address alone, which another device may get when a card is added: give its id, too" \
		0 check
	echo "id = 1234:11e8" >>"$VFIO_LATCH_ROOT/etc/vfio-latch.conf"
	latch_is 0 check
	is "$out" "[x] vfio-pci: 0000:05:00.0"
}

an_unknown_key()
{
	faulty 3 'unknown key "drvier"' <<-EOF
		[x]
		id = 15b3:101e
		drvier = vfio-pci
		driver = vfio-pci
	EOF
}

a_key_twice_that_takes_no_list()
{
	faulty 4 'driver: already given in line 3' <<-EOF
		[x]
		id = 15b3:101e
		driver = vfio-pci
		driver = usual
	EOF
}

a_line_that_is_nothing()
{
	faulty 3 'neither [section] nor key = value' <<-EOF
		[x]
		id = 15b3:101e
		what is this
		driver = vfio-pci
	EOF
}

a_key_before_any_section()
{
	faulty 2 'no section yet' <<-EOF
		# first
		id = 15b3:101e
		[x]
		id = 15b3:101e
		driver = vfio-pci
	EOF
}

a_section_without_its_bracket()
{
	faulty 1 'section without "]"' <<-EOF
		[x
		id = nonsense
	EOF
}

a_section_without_a_name()
{
	faulty 1 'section without a name' <<<'[]'
}

text_behind_a_sections_name()
{
	faulty 1 "text behind the section's name" <<<'[x] id = 15b3:101e'
}

a_section_name_that_is_too_long()
{
	faulty 1 'section name too long' <<<"[$(printf '%050d' 0)]"
}

a_nul_byte()
{
	new_system
	printf '[x]\nid = 15b3:101e\ndriver = vfio-pci\nid = \0\n' | config
	complains "/etc/vfio-latch.conf:4: NUL byte" 3 check
}

bytes_that_are_no_text()
{
	new_system
	printf '[x]\nid = 15b3:101e\ndriver = vfio-pci\n# M\374ller may comment\n[M\374ller]\n' | config
	complains "/etc/vfio-latch.conf:5: not UTF-8, or a control character" 3 check
}

a_section_without_a_driver()
{
	faulty 3 'section [x] names no driver' <<-EOF
		# one line above it

		[x]
		id = 15b3:101e
	EOF
}

a_drop_in_for_a_section_that_does_not_exist()
{
	new_system
	printf '[mlx5-vf]\nenabled = no\n' | drop_in off.conf
	latch_is 3 check
	is "$err" "vfio-latch: /etc/vfio-latch.conf.d/off.conf:1: section [mlx5-vf] names no driver
vfio-latch: /etc/vfio-latch.conf.d/off.conf:1: section [mlx5-vf] does not say which devices it is for"
}

a_section_for_no_device()
{
	faulty 1 'section [x] does not say which devices it is for' <<-EOF
		[x]
		driver = vfio-pci
	EOF
}

tunables_without_a_vfio_driver()
{
	faulty 3 'driver: tunables are for a VFIO driver, not for "usual"' <<-EOF
		[x]
		id = 15b3:101e
		driver = usual
		disable_vga = yes
	EOF
}

tunables_of_another_driver()
{
	faulty 3 'driver: tunables are for a VFIO driver, not for "pci-stub"' <<-EOF
		[x]
		id = 15b3:101e
		driver = pci-stub
		disable_vga = yes
	EOF
}

a_driver_that_is_none()
{
	faulty 3 'driver: "../vfio-pci" is not a driver'"'"'s name' <<-EOF
		[x]
		id = 15b3:101e
		driver = ../vfio-pci
	EOF
}

a_tunable_that_is_neither_yes_nor_no()
{
	faulty 4 'nointxmask: "maybe" is neither yes nor no' <<-EOF
		[x]
		id = 15b3:101e
		driver = vfio-pci
		nointxmask = maybe
	EOF
}

malformed_matches()
{
	local key value

	while IFS='|' read -r key value fault; do
		faulty 3 "$key: \"$value\" is $fault" <<-EOF
			[x]
			driver = vfio-pci
			$key = $value
		EOF
	done <<-EOF
		address|0000:41:20.0|not an address DDDD:BB:DD.F
		address|0000:41:00|not an address DDDD:BB:DD.F
		id|15b3|not an id VVVV:DDDD[:SVVV:SDDD]
		id|15b3:101e:15b3|not an id VVVV:DDDD[:SVVV:SDDD]
		pf|eth0|not an address DDDD:BB:DD.F
		pf_netdev|eth0/1|not a network interface's name or pattern
		vf|-1|not a number or a range FIRST-LAST
		vf|7-3|not a number or a range FIRST-LAST
		iommu_group|x|not a number or a range FIRST-LAST
	EOF
}

an_empty_item_of_a_list()
{
	faulty 3 'vf: "" is empty' <<-EOF
		[x]
		driver = vfio-pci
		vf = 1,,2
	EOF
}

an_item_that_is_too_long()
{
	faulty 3 "pf_netdev: \"$(printf '%070d' 0)\" is too long" <<-EOF
		[x]
		driver = vfio-pci
		pf_netdev = $(printf '%070d' 0)
	EOF
}

all_faults_are_reported_at_once()
{
	new_system
	printf '[x]\nvf = a\nvf = b\n[y]\nfoo = 1\nid = 15b3:101e\nwhat\n= 1\ndriver = vfio-pci\n' |
		config
	printf '[y]\nenabled = perhaps\n' | drop_in y.conf
	latch_is 3 check
	is "$err" 'vfio-latch: /etc/vfio-latch.conf:2: vf: "a" is not a number or a range FIRST-LAST
vfio-latch: /etc/vfio-latch.conf:3: vf: "b" is not a number or a range FIRST-LAST
vfio-latch: /etc/vfio-latch.conf:5: unknown key "foo"
vfio-latch: /etc/vfio-latch.conf:7: neither [section] nor key = value
vfio-latch: /etc/vfio-latch.conf:8: neither [section] nor key = value
vfio-latch: /etc/vfio-latch.conf.d/y.conf:2: enabled: "perhaps" is neither yes nor no
vfio-latch: /etc/vfio-latch.conf:1: section [x] names no driver'
}

a_file_that_cannot_be_read()
{
	new_system
	mkdir -p "$VFIO_LATCH_ROOT/etc/vfio-latch.conf.d"
	ln -s nowhere "$VFIO_LATCH_ROOT/etc/vfio-latch.conf.d/x.conf"
	complains "/etc/vfio-latch.conf.d/x.conf: No such file or directory" 3 check
	rm "$VFIO_LATCH_ROOT/etc/vfio-latch.conf.d/x.conf"
	mkdir "$VFIO_LATCH_ROOT/etc/vfio-latch.conf.d/x.conf"
	complains "/etc/vfio-latch.conf.d/x.conf: Is a directory" 3 check
}

only_files_in_conf_count()
{
	new_system
	echo nonsense | drop_in x.conf.dpkg-old
	echo nonsense | drop_in .hidden.conf
	pf 0000:41:00.0 8
	latch_is 0 check
}

files_of_the_command_line_are_checked_instead()
{
	new_system
	echo nonsense | config
	printf '[x]\ndriver = vfio-pci\nvf = a\n' >"$VFIO_LATCH_ROOT/new"
	complains "$VFIO_LATCH_ROOT/new:3: vf: \"a\" is not a number or a range FIRST-LAST" \
		3 check "$VFIO_LATCH_ROOT/new"
	complains "/nowhere: No such file or directory" 3 check /nowhere
}
