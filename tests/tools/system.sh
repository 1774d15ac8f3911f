# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034 # status, out and err are for the tests
# A made-up system for the command to work on, in a directory of its own: what sysfs shows,
# and in model/ what the model of the kernel knows besides (model/kernel.c).
#
#	new_system			an empty one, with mlx5_core's and our modules there to load
#	config <<EOF			/etc/vfio-latch.conf
#	drop_in NAME <<EOF		/etc/vfio-latch.conf.d/NAME
#	device BDF VVVV:DDDD		a function, in an IOMMU group of its own
#	pf BDF TOTAL			a ConnectX that can have TOTAL VFs
#	vfs BDF COUNT			its VFs are there, without a driver
#	vf BDF INDEX			the address of one
#	module NAME DRIVER [ID...]	a module that can be loaded
#	ours NAME DRIVER		one of our modules
#	loaded NAME			load it
#	in_group BDF NUMBER		the function's IOMMU group; each has one of its own before
#	driver BDF NAME			the function's driver, put there without a probe
#	netdev BDF NAME FLAGS		a network interface of the function
#	node BDF PATH NUMBER		a node, below the function's directory in sysfs
#	opened NODE NAME		a process, 1234, has NODE open as /dev/NAME
#
#	latch ARGUMENT...		run the command; $status, $out, $err
#	driver_of BDF			which driver the function has
#	stores				what was written into sysfs, in order
#	is WHAT EXPECTED

new_system()
{
	VFIO_LATCH_ROOT=$(mktemp -d "$WORK/system.XXXXXX")
	export VFIO_LATCH_ROOT
	mkdir -p "$VFIO_LATCH_ROOT"/{etc,dev/vfio,run,var/lib,boot,proc/sys/kernel} \
		"$VFIO_LATCH_ROOT"/sys/{bus/pci/{devices,drivers},module,class/{vfio,iommu}} \
		"$VFIO_LATCH_ROOT"/model/{modules,aliases,fail,adding,claimed,migratable}
	echo 6.1.0-test >"$VFIO_LATCH_ROOT/proc/sys/kernel/osrelease"
	touch "$VFIO_LATCH_ROOT/model/log"
	group=0

	module mlx5_core mlx5_core 15b3:101e 15b3:1021
	ours vfio_pci vfio-pci
	ours mlx5_vfio_pci mlx5_vfio_pci
	config <"$TOP/tools/vfio-latch.conf"
}

config()
{
	cat >"$VFIO_LATCH_ROOT/etc/vfio-latch.conf"
}

drop_in()
{
	mkdir -p "$VFIO_LATCH_ROOT/etc/vfio-latch.conf.d"
	cat >"$VFIO_LATCH_ROOT/etc/vfio-latch.conf.d/$1"
}

sys()
{
	echo "$VFIO_LATCH_ROOT/sys/bus/pci/devices/$1"
}

device()
{
	local dir alias

	dir=$(sys "$1")
	alias="pci:v0000${2%:*}d0000${2#*:}"
	mkdir -p "$dir"
	echo "0x${2%:*}" >"$dir/vendor"
	echo "0x${2#*:}" >"$dir/device"
	echo 0x15b3 >"$dir/subsystem_vendor"
	echo 0x0061 >"$dir/subsystem_device"
	echo "$alias" >"$dir/modalias"
	echo "(null)" >"$dir/driver_override"
	touch "$dir/reset"
	group=$((group + 1))
	in_group "$1" "$group"
}

in_group()
{
	local groups=$VFIO_LATCH_ROOT/sys/kernel/iommu_groups

	rm -f "$groups"/*/devices/"$1"
	mkdir -p "$groups/$2/devices"
	touch "$groups/$2/devices/$1"
	ln -sfn "../../../../kernel/iommu_groups/$2" "$(sys "$1")/iommu_group"
}

pf()
{
	local dir

	device "$1" 15b3:1021
	dir=$(sys "$1")
	echo "$2" >"$dir/sriov_totalvfs"
	echo 0 >"$dir/sriov_numvfs"
	echo 1 >"$dir/sriov_drivers_autoprobe"
	echo 101e >"$dir/sriov_vf_device"
	echo 1 >"$dir/sriov_offset"
	echo 1 >"$dir/sriov_stride"
}

# As VFs of 0000:41:00.0 are numbered: 0000:41:00.1, ... 0000:41:01.0, ...
vf()
{
	local domain_bus=${1%:*} slot_function=${1##*:} number

	number=$((0x${slot_function%.*} * 8 + ${slot_function#*.} + 1 + $2))
	printf '%s:%02x.%x\n' "$domain_bus" $((number / 8)) $((number % 8))
}

vfs()
{
	local n address

	for ((n = 0; n < $2; n++)); do
		address=$(vf "$1" "$n")
		device "$address" 15b3:101e
		echo 0 >"$(sys "$address")/sriov_vf_msix_count"
		link_vf "$1" "$n"
	done
	echo "$2" >"$(sys "$1")/sriov_numvfs"
}

link_vf()
{
	local address

	address=$(vf "$1" "$2")
	ln -s "../$1" "$(sys "$address")/physfn"
	ln -s "../$address" "$(sys "$1")/virtfn$2"
}

module()
{
	local dir=$VFIO_LATCH_ROOT/model/modules/$1 id

	mkdir -p "$dir"
	echo "$2" >"$dir/driver"
	printf '%s\n' "${@:3}" >"$dir/ids"
	for id in "${@:3}"; do
		echo "$1" >>"$VFIO_LATCH_ROOT/model/aliases/pci:v0000${id%:*}d0000${id#*:}"
	done
	echo "/lib/modules/6.1.0-test/kernel/drivers/$1.ko" >"$dir/path"
}

ours()
{
	module "$1" "$2"
	touch "$VFIO_LATCH_ROOT/model/modules/$1/ours"
	echo "/lib/modules/6.1.0-test/updates/dkms/${1//_/-}.ko" >"$VFIO_LATCH_ROOT/model/modules/$1/path"
	echo 1.0 >"$VFIO_LATCH_ROOT/model/modules/$1/version"
}

loaded()
{
	local name

	mkdir -p "$VFIO_LATCH_ROOT/sys/module/$1/"{parameters,drivers}
	name=$(cat "$VFIO_LATCH_ROOT/model/modules/$1/driver")
	mkdir -p "$VFIO_LATCH_ROOT/sys/bus/pci/drivers/$name" \
		"$VFIO_LATCH_ROOT/sys/module/$1/drivers/pci:$name"
	if [[ -e $VFIO_LATCH_ROOT/model/modules/$1/ours ]]; then
		echo >"$VFIO_LATCH_ROOT/sys/module/$1/parameters/policy"
		if [[ ! -e $VFIO_LATCH_ROOT/model/modules/$1/older ]]; then
			: >"$VFIO_LATCH_ROOT/sys/bus/pci/drivers/$name/new_rule"
			: >"$VFIO_LATCH_ROOT/sys/bus/pci/drivers/$name/remove_rule"
		fi
	fi
}

driver()
{
	mkdir -p "$VFIO_LATCH_ROOT/sys/bus/pci/drivers/$2"
	ln -sfn "../../drivers/$2" "$(sys "$1")/driver"
}

netdev()
{
	mkdir -p "$(sys "$1")/net/$2"
	echo "$3" >"$(sys "$1")/net/$2/flags"
}

node()
{
	mkdir -p "$(sys "$1")/$2"
	echo "$3" >"$(sys "$1")/$2/dev"
}

# /dev/null and /dev/zero stand for most character devices.
opened()
{
	local process=$VFIO_LATCH_ROOT/proc/1234

	mkdir -p "$process/fd" "$VFIO_LATCH_ROOT/dev/$(dirname "$2")"
	echo qemu-system-x86 >"$process/comm"
	ln -sf "$1" "$VFIO_LATCH_ROOT/dev/$2"
	ln -sf "$VFIO_LATCH_ROOT/dev/$2" "$process/fd/7"
}

latch()
{
	status=0
	"${VFIO_LATCH:-$TOP/build/tests-tools/vfio-latch}" "$@" >"$VFIO_LATCH_ROOT/out" 2>"$VFIO_LATCH_ROOT/err" ||
		status=$?
	out=$(cat "$VFIO_LATCH_ROOT/out")
	err=$(cat "$VFIO_LATCH_ROOT/err")
	if [[ " $* " == *" --json "* && -n $out ]]; then
		json_is_as_documented "$@"
	fi
}

# json_is_as_documented ARGUMENT...: all JSON that any test sees
json_is_as_documented()
{
	local command=$1

	[[ " $* " != *" --compare="* ]] || command=comparison
	"$TOP/tests/tools/valid" "$command" "$VFIO_LATCH_ROOT/out"
}

driver_of()
{
	basename "$(readlink "$(sys "$1")/driver" || echo none)"
}

attribute()
{
	cat "$(sys "$1")/$2"
}

stores()
{
	sed 's,/sys/bus/pci/,,' "$VFIO_LATCH_ROOT/model/log"
}

is()
{
	if [[ $1 != "$2" ]]; then
		printf 'is:       %s\nexpected: %s\n' "$1" "$2"
		return 1
	fi
}

# latch_is STATUS ARGUMENT...: and nothing to complain about, unless STATUS says so
latch_is()
{
	latch "${@:2}"
	is "$status $err" "$1 ${err:+$err}"
	if [[ $1 -eq 0 ]]; then
		is "$err" ""
	fi
}

# complains TEXT STATUS ARGUMENT...: the whole of what it says
complains()
{
	latch "${@:3}"
	is "$err" "vfio-latch: $1"
	is "$status" "$2"
}
