# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # status, out and err are latch's
# Examples of docs/ that a made-up system can show.

HELPERS+=(examples_of run_example)

# examples_of PAGE: below $VFIO_LATCH_ROOT/examples
examples_of()
{
	"$TOP/tests/docs/examples" "$TOP/docs/$1.md" "$VFIO_LATCH_ROOT/examples"
}

# run_example FILE: on the made-up system; its output becomes $out
run_example()
{
	mkdir -p "$VFIO_LATCH_ROOT/bin"
	ln -sf "$TOP/build/tests-tools/vfio-latch" "$VFIO_LATCH_ROOT/bin/vfio-latch"
	sed "s,/sys/,$VFIO_LATCH_ROOT/sys/,g" "$1" >"$VFIO_LATCH_ROOT/bin/example"
	out=$(cd "$VFIO_LATCH_ROOT" && PATH=$VFIO_LATCH_ROOT/bin:$PATH bash -euo pipefail bin/example)
}

the_documented_loop_shows_the_vfio_drivers_devices_and_their_overrides()
{
	new_system
	pf 0000:41:00.0 8
	vfs 0000:41:00.0 2
	loaded mlx5_core
	driver 0000:41:00.0 mlx5_core
	latch_is 0 bind 0000:41:00.1
	latch_is 0 bind --driver=vfio-pci 0000:41:00.2
	ln -s ../../devices/0000:41:00.1 "$VFIO_LATCH_ROOT/sys/bus/pci/drivers/mlx5_vfio_pci/0000:41:00.1"
	ln -s ../../devices/0000:41:00.2 "$VFIO_LATCH_ROOT/sys/bus/pci/drivers/vfio-pci/0000:41:00.2"
	ln -s ../../devices/0000:41:00.0 "$VFIO_LATCH_ROOT/sys/bus/pci/drivers/mlx5_core/0000:41:00.0"
	examples_of switching
	run_example "$VFIO_LATCH_ROOT/examples/drivers-of-before"
	is "${out//$VFIO_LATCH_ROOT\/sys\/bus\/pci\/drivers\//}" "mlx5_vfio_pci/0000:41:00.1 mlx5_vfio_pci
vfio-pci/0000:41:00.2 vfio-pci"
}

# Beside the configuration that the package installs.
the_documented_drop_in_before_an_installation_leaves_vfs_alone()
{
	new_system
	pf 0000:41:00.0 8
	vfs 0000:41:00.0 1
	examples_of switching
	drop_in local.conf <"$VFIO_LATCH_ROOT/examples/not-yet.conf"
	latch_is 0 check
	is "$out" "[mlx5-vfs] is switched off"
	latch_is 0 apply
	is "$(driver_of 0000:41:00.1)" none
}

the_documented_drop_in_leaves_an_operators_pfs_alone()
{
	new_system
	pf 0000:41:00.0 8
	vfs 0000:41:00.0 1
	pf 0000:c1:00.0 8
	vfs 0000:c1:00.0 1
	examples_of switching
	drop_in operator.conf <"$VFIO_LATCH_ROOT/examples/operator.conf"
	latch_is 0 apply
	is "$(driver_of 0000:41:00.1) $(driver_of 0000:c1:00.1)" "none mlx5_vfio_pci"
}

the_documented_lines_verify_that_ours_is_loaded()
{
	new_system
	touch "$VFIO_LATCH_ROOT/sys/class/iommu/dmar0"
	pf 0000:41:00.0 8
	loaded mlx5_core
	driver 0000:41:00.0 mlx5_core
	loaded vfio_pci
	echo 1.0 >"$VFIO_LATCH_ROOT/sys/module/vfio_pci/version"
	examples_of switching
	run_example "$VFIO_LATCH_ROOT/examples/verify"
	is "${out//$VFIO_LATCH_ROOT/}" "1.0
/sys/module/vfio_pci/parameters/policy
nothing found"
	rm "$VFIO_LATCH_ROOT/sys/module/vfio_pci/parameters/policy"
	! run_example "$VFIO_LATCH_ROOT/examples/verify" 2>/dev/null || return 1
}

# One with ours, one with the kernel's own, and one without a driver, which a section names.
the_documented_filter_prints_devices_without_a_driver_of_ours()
{
	new_system
	pf 0000:41:00.0 8
	vfs 0000:41:00.0 3
	latch_is 0 bind 0000:41:00.1
	rm "$VFIO_LATCH_ROOT/model/modules/vfio_pci/ours"
	latch_is 0 bind --driver=vfio-pci 0000:41:00.2
	examples_of switching
	run_example "$VFIO_LATCH_ROOT/examples/not-ours"
	is "$out" "0000:41:00.2 vfio-pci
0000:41:00.3 null"
}

# The model asks the driver's own code what a rule decides.
the_documented_rules_decide_what_their_page_says()
{
	local rules

	new_system
	device 0000:41:00.0 10de:2684
	device 0000:42:00.0 10de:2684
	device 0000:43:00.0 1af4:1000
	loaded vfio_pci
	examples_of tunables
	rules=$(sed -n 's/^options vfio-pci policy="\(.*\)"$/\1/p' "$VFIO_LATCH_ROOT/examples/rules.conf")
	echo "$rules" >"$VFIO_LATCH_ROOT/sys/module/vfio_pci/parameters/policy"
	latch_is 0 bind --driver=vfio-pci 0000:41:00.0 0000:42:00.0 0000:43:00.0
	is "$(cat "$(sys 0000:41:00.0)"/vfio_pci/{disable_idle_d3,disable_vga,nointxmask} | tr -d '\n')" 111
	is "$(cat "$(sys 0000:42:00.0)"/vfio_pci/{disable_idle_d3,disable_vga,nointxmask} | tr -d '\n')" 101
	is "$(cat "$(sys 0000:43:00.0)"/vfio_pci/{disable_idle_d3,disable_vga,nointxmask} | tr -d '\n')" 000
	# And each has the form that is written there.
	grep -xF 'MATCH/KEY=VALUE[,KEY=VALUE...]' "$VFIO_LATCH_ROOT/examples/rule-grammar"
	tr ';' '\n' <<<"$rules" | { ! grep -vxE '[^/]+/[a-z0-9_]+=[^,]+(,[a-z0-9_]+=[^,]+)*'; }
}

the_documented_comparison_answers_as_documented()
{
	saved_facts
	rm "$(sys 0000:41:00.1)/vfio_pci/tracker_state"
	change_there 'vf["address"] = "0000:81:00.2"; pf["firmware"] = "28.43.1000"'
	examples_of migration
	# The first command has run there.
	is "$(sed -n 1p "$VFIO_LATCH_ROOT/examples/compare")" "vfio-latch migration --json >there.json"
	cp "$VFIO_LATCH_ROOT/there" "$VFIO_LATCH_ROOT/there.json"
	sed -i 1d "$VFIO_LATCH_ROOT/examples/compare"
	status=0
	run_example "$VFIO_LATCH_ROOT/examples/compare" || status=$?
	is "$status" 1
	is "$out" "$(cat "$VFIO_LATCH_ROOT/examples/compare-answer")"
}
