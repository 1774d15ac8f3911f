# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What scenarios share. Sourced by each of them, in the system that was booted.
#
#	promise NAME		run the function NAME; what it prints is shown if it fails
#	note TEXT		shown with the results
#	finish			the last line

export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
exec 3>/dev/ttyS1 2>&1
stty -F /dev/ttyS1 raw -echo
cd /run/system-test

sys=/sys/bus/pci/devices
results=/run/system-test/results
config=/etc/vfio-latch.conf.d/test.conf
drop_in=/etc/vfio-latch.conf.d/zz-promise.conf
number=0

promise()
{
	local outcome=ok status

	((++number))
	echo "vm-test: begin $1" >/dev/kmsg
	echo "# begin $1" >&3
	# Not in a condition: that would switch off the function's own `set -e`.
	(
		set -euxo pipefail
		"$1"
	) >output 2>&1
	status=$?
	[[ $status -eq 0 ]] || outcome="not ok"
	cat output >>"$results/output"
	[[ $outcome == ok ]] || tail -n 60 output >&3
	echo "$outcome $number - $1" >&3
	echo "vm-test: end $1" >/dev/kmsg
	rm -f "$drop_in"
}

note()
{
	echo "$*" >>"$results/notes"
}

finish()
{
	journalctl -b --no-pager -o short-monotonic >"$results/journal" 2>&1
	systemctl --no-block poweroff
	exit
}

## Devices

# function_with VENDOR:DEVICE [N]: the address of the Nth (1) function with this id
function_with()
{
	lspci -Dnd "$1" | sed -n "${2-1}s/ .*//p"
}

udevadm settle --timeout=180
pf=$(function_with 15b3:1021)

# The PF's VFs, in order.
find_vfs()
{
	# shellcheck disable=SC2034 # for scenarios
	mapfile -t vfs < <(find "$sys/$pf/" -name 'virtfn*' | sort -V | xargs -r readlink | sed 's,.*/,,')
}

# Comes back when udev has done what it does about them.
create_vfs()
{
	echo "$1" >"$sys/$pf/sriov_numvfs"
	udevadm settle --timeout=180
	find_vfs
}

remove_vfs()
{
	echo 0 >"$sys/$pf/sriov_numvfs"
	udevadm settle --timeout=180
}

# have_driver DRIVER NUMBER FUNCTION...: so many functions are given, and all have this driver
have_driver()
{
	local driver=$1 count=$2 found name

	shift 2
	[[ $# -eq $count ]]
	cd "$sys"
	{ readlink "${@/%//driver}" || :; } | sed 's,.*/,,' | sort | uniq -c >/run/system-test/drivers
	cd - >/dev/null
	cat drivers
	read -r found name <drivers
	[[ $found == "$count" && $name == "$driver" ]]
}

# latched FUNCTION TUNABLE: value and source, as sysfs has them
latched()
{
	local tunable source

	while read -r tunable source; do
		[[ $tunable != "$2" ]] || echo "$(<"$sys/$1/vfio_pci/$2") $source"
	done <"$sys/$1/vfio_pci/policy_source"
}

## Logs

mark()
{
	echo "system-test: mark $1" >/dev/kmsg
}

# log_since MARK; all of it without one
log_since()
{
	dmesg | sed "1,/system-test: mark $1\$/d"
}

# logged TEXT: how many lines of vfio-latch in the system's log have it
logged()
{
	journalctl --sync
	journalctl -b --no-pager -t vfio-latch | grep -cF -- "$1" || :
}

# probed DRIVER FUNCTION...: standard input, a kernel log, has a line of this driver about one of
# the functions
probed()
{
	local driver=$1 functions

	shift
	functions=$(printf '%s|' "$@")
	grep -E "\b$driver (${functions%|}): "
}

# `! command` would not end a promise.
no()
{
	! "$@"
}

## Processes

# hold NODE: a process, $holder, has it open until let_go or the end of the promise
hold()
{
	exec 9<"$1"
	sleep infinity &
	holder=$!
	exec 9<&-
	trap let_go EXIT
}

let_go()
{
	trap - EXIT
	kill "$holder"
	wait "$holder" || :
}

# group_node FUNCTION: that of its IOMMU group
group_node()
{
	basename "$(realpath "$sys/$1/iommu_group")" | sed s,^,/dev/vfio/,
}

# opens FUNCTION [COMMAND...]: a program that COMMAND starts gets the function from VFIO
opens()
{
	"${@:2}" perl /run/system-test/open-device "$(group_node "$1")" "$1" </dev/null
}

# hold_device FUNCTION: likewise, and a process, $holder_PID, keeps it until let_go_device
hold_device()
{
	coproc holder { exec perl open-device "$(group_node "$1")" "$1"; }
	read -r line <&"${holder[0]}"
	[[ $line == "regions "* ]]
}

let_go_device()
{
	# shellcheck disable=SC2154 # coproc sets it
	local pid=$holder_PID input=${holder[1]}

	exec {input}>&-
	wait "$pid"
}

# status_is STATUS COMMAND...: which must come back; what it says is in the file `said`
status_is()
{
	local status=0

	timeout 300 "${@:2}" >said 2>&1 || status=$?
	cat said
	[[ $status -eq $1 ]]
}

## The packages

# Nothing has to be downloaded: without the archive's lists apt takes seconds instead of a minute.
apt()
{
	apt-get -o Dir::State::lists=/run/system-test/no-lists -o Dir::Cache::pkgcache= \
		-o Dir::Cache::srcpkgcache= -y --no-install-recommends "$@"
}

## The configuration

# configure: from standard input
configure()
{
	cat >"$config"
	vfio-latch check
	vfio-latch apply
}

# add_section: from standard input, until the end of the promise
add_section()
{
	cat >"$drop_in"
	vfio-latch check
}

# A machine as the package leaves it, without VFs.
fresh()
{
	remove_vfs
	rm -f "$config"
	vfio-latch apply
}
