# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034 # for scenarios
# What the scenarios of systems that boot from a disk share: the devices of the machine system-disk,
# which make-disk has configured, and the order of what the kernel's log says.

system_drive=0000:02:00.0
guests_drive=0000:03:00.0
display=0000:04:00.0
late_display=0000:05:00.0
root_node=$(findmnt -no SOURCE /)

# stamp_of PATTERN: of the first line of the kernel's log that has it
stamp_of()
{
	dmesg | sed -nE "/${1//\//\\/}/{s/^\[ *([0-9.]+)\].*/\1/p;q}"
}

# came_before PATTERN PATTERN: both are there, the first one first
came_before()
{
	dmesg | grep -nE "$1" | head -n 1 | tee one
	dmesg | grep -nE "$2" | head -n 1 | tee other
	[[ $(cut -d: -f1 one) -lt $(cut -d: -f1 other) ]]
}

# ms_of PROPERTY [UNIT]: systemd's time stamp, since the kernel began
ms_of()
{
	echo $(($(systemctl show --value --property="$1" "${@:2}") / 1000))
}
