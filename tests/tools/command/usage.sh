# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # status, out and err are latch's
# The command line.

HELPERS+=(misused)

# misused TEXT ARGUMENT...
misused()
{
	complains "$1
Try \"vfio-latch --help\"." 2 "${@:2}"
}

help_names_every_command_and_option()
{
	local word

	new_system
	latch_is 0 --help
	for word in list show bind unbind apply claim check doctor migration --compare --driver --disable-idle-d3 --disable-vga \
		--nointxmask --force --dry-run --new --node --initramfs --off --last-good --json --format --no-legend --columns --deadline --version; do
		grep -q -e "$word" <<<"$out"
	done
}

the_man_page_names_every_command_and_option()
{
	local word

	for word in list show bind unbind apply claim check doctor migration --compare --driver --disable-idle-d3 --disable-vga \
		--nointxmask --force --dry-run --new --node --initramfs --off --last-good --json --format --no-legend --columns --deadline --version; do
		grep -q -e "${word//-/\\\\-}" "$TOP/tools/vfio-latch.8"
	done
}

the_version_is_printed()
{
	new_system
	latch_is 0 --version
	is "$out" "vfio-latch test"
}

the_command_line_is_checked()
{
	new_system
	misused "which command?"
	misused '"lst" is not a command' lst
	misused "show: which device?" show
	misused "show: too many arguments" show 41:00.0 41:00.1
	misused "list: takes no --force" list --force
	misused "list: takes no --disable-vga" --disable-vga=1 list
	misused 'disable_vga: "x" is neither yes nor no' bind 41:00.0 --disable-vga=x
	misused '--driver: "a/b" is not a driver'"'"'s name' bind 41:00.0 --driver=a/b
	misused '--format: "xml" is not table, json or prometheus' list --format=xml
	misused '--deadline: "0" is not a number of seconds, 1 to 86400' apply --deadline=0
	misused '--columns: "addres" is not a column' list --columns=addres
	misused '--columns: "" is not a column' list --columns=driver,
	misused '--columns: "DRIVER" is there twice' list --columns=driver,DRIVER
	latch_is 2 list --nonsense
}

output_that_cannot_be_written_is_told()
{
	new_system
	status=0
	err=$("$TOP/build/tests-tools/vfio-latch" list 2>&1 >/dev/full) || status=$?
	is "$status $err" "1 vfio-latch: standard output cannot be written"
}
