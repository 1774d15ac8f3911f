# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # status, out and err are latch's
# What make install puts where, and that it fits together.

HELPERS+=(installed seconds_of udev_calls completions)

# Tests run side by side: each has a root of its own, and what is built is built once.
installed()
{
	root=$(mktemp -d "$WORK/root.XXXXXX")
	flock "$WORK" env -u MAKEFLAGS -u MAKELEVEL make -s -C "$TOP/tools" O="$WORK/build" "$@" install DESTDIR="$root"
}

everything_is_installed()
{
	installed
	is "$(cd "$root" && find . -mindepth 1 \( -type f -printf '%M %p\n' -o -empty -printf '%M %p\n' \) | sort -k 2)" \
"-rw-r--r-- ./etc/vfio-latch.conf
drwxr-xr-x ./etc/vfio-latch.conf.d
-rwxr-xr-x ./usr/bin/vfio-latch
-rwxr-xr-x ./usr/lib/dracut/modules.d/60vfio-latch/module-setup.sh
-rw-r--r-- ./usr/lib/dracut/modules.d/60vfio-latch/modules-load.conf
-rwxr-xr-x ./usr/lib/dracut/modules.d/60vfio-latch/vfio-latch-claim.sh
-rw-r--r-- ./usr/lib/systemd/system/vfio-latch-claim.service
-rw-r--r-- ./usr/lib/systemd/system/vfio-latch.service
-rw-r--r-- ./usr/lib/udev/rules.d/70-vfio-latch.rules
-rwxr-xr-x ./usr/lib/vfio-latch/initramfs-wanted
-rw-r--r-- ./usr/share/bash-completion/completions/vfio-latch
-rwxr-xr-x ./usr/share/initramfs-tools/hooks/vfio-latch
-rwxr-xr-x ./usr/share/initramfs-tools/scripts/init-top/00-vfio-latch
-rw-r--r-- ./usr/share/man/man5/vfio-latch.conf.5
-rw-r--r-- ./usr/share/man/man8/vfio-latch.8"
	is "$("$root/usr/bin/vfio-latch" --version)" \
		"vfio-latch $(sed -n '1s/.*(\([^)-]*\).*/\1/p' "$TOP/debian/changelog")"
}

# seconds_of UNIT PHASE: how long the commands of the phase may wait, one a line, - for ever
seconds_of()
{
	sed -nE "/^Exec$2(Pre)?=/{
			s/.*vfio-latch claim\$/--=$(sed -n 's/^#define SECONDS //p' "$TOP/tools/commands/claim.c")/
			s/^Exec.*--(deadline|timeout)=([0-9]+).*/--=\2/
			s/^Exec.*/-/
			s/--=//p; t
			p
		}" "$TOP/udev/$1.service"
}

# A wait that has begun ends up to ten seconds after the deadline (GRACE_MS in tools/system/bounded.c).
systemd_waits_longer_for_the_command_than_the_command_waits()
{
	local unit phase limit waits checked=

	for unit in vfio-latch vfio-latch-claim; do
		for phase in Start Reload Stop; do
			waits=$(seconds_of "$unit" "$phase" | paste -sd+)
			[[ -n $waits ]] || continue
			limit=$(sed -n "s/^Timeout${phase/Reload/Start}Sec=//p" "$TOP/udev/$unit.service")
			limit=${limit:-0}
			is "$unit $phase: $((${limit/min/*60} > waits + 10))" "$unit $phase: 1"
			checked+="$unit $phase: $waits;"
		done
	done
	is "$checked" "vfio-latch Start: 30+110;vfio-latch Reload: 110;vfio-latch Stop: 60;vfio-latch-claim Start: 30;"
}

rules_units_and_scripts_name_the_command_that_is_installed()
{
	installed prefix=/opt/latch
	is "$(cat "$root"/opt/latch/{lib/{udev/rules.d,systemd/system}/*,share/initramfs-tools/{hooks,scripts/init-top}/*} |
		grep -o '[^[:blank:]="]*bin/vfio-latch' | sort -u)" \
		/opt/latch/bin/vfio-latch
}

scripts_for_initramfs_ask_what_is_installed()
{
	installed prefix=/opt/latch
	is "$(cat "$root"/opt/latch/{share/initramfs-tools/hooks/*,lib/dracut/*/*/module-setup.sh} |
		grep -o '[^[:blank:]"]*/initramfs-wanted' | sort -u | tr '\n' ' ')" \
		"\$root/opt/latch/lib/vfio-latch/initramfs-wanted /opt/latch/lib/vfio-latch/initramfs-wanted "
	[[ -x $root/opt/latch/lib/vfio-latch/initramfs-wanted ]]
	# GNU's libexecdir is a directory above those of packages: it is none of ours.
	installed libexecdir=/opt/libexec
	[[ -x $root/usr/lib/vfio-latch/initramfs-wanted ]]
	installed helperdir=/opt/libexec/vfio-latch
	[[ -x $root/opt/libexec/vfio-latch/initramfs-wanted ]]
	grep -qF /opt/libexec/vfio-latch/initramfs-wanted "$root"/usr/lib/dracut/*/*/module-setup.sh
}

# FILE | LINE | whether an initramfs gets the command
the_line_initramfs_alone_decides_whether_an_initramfs_gets_the_command()
{
	local file line wanted is_wanted root=$WORK/configured

	while IFS='|' read -r file line wanted; do
		rm -rf "$root"
		mkdir -p "$root/etc/vfio-latch.conf.d"
		echo "$line" >"$root/etc/$file"
		is_wanted=no
		if "$TOP/initramfs/wanted" "$root"; then
			is_wanted=yes
		fi
		is "$line: $is_wanted" "$line: $wanted"
	done <<-'END'
		vfio-latch.conf|initramfs = yes|yes
		vfio-latch.conf.d/x.conf|initramfs=yes|yes
		vfio-latch.conf.d/x.conf|	initramfs: no|yes
		vfio-latch.conf.d/x.conf|# initramfs = yes|no
		vfio-latch.conf.d/x.conf|driver = initramfs|no
		vfio-latch.conf.d/x.off|initramfs = yes|no
		vfio-latch.conf|[initramfs]|no
	END
	# Nor one without any configuration.
	rm -r "$root"
	! "$TOP/initramfs/wanted" "$root" || return 1
}

# udev_calls PROPERTY: the rule whose condition holds
udev_calls()
{
	sed -n 's/^ACTION=="add", SUBSYSTEM=="pci", ENV{SYNTH_UUID}=="\(.*\)", RUN+="\(.*\)"$/\1|\2/p' \
		"$TOP/udev/70-vfio-latch.rules" | while IFS='|' read -r pattern command; do
		# shellcheck disable=SC2053 # a pattern
		if [[ $1 == $pattern ]]; then
			echo "$command"
		fi
	done
}

# udevadm trigger, also of old, and what the kernel says by itself
only_the_kernels_own_events_take_devices_from_drivers()
{
	# shellcheck disable=SC2016 # udev's
	is "$(udev_calls 0)" '/usr/bin/vfio-latch apply --new $kernel'
	# shellcheck disable=SC2016
	is "$(udev_calls 6c3ae8ae-2dcb-4b14-8ea4-df2c7f1b7e27)" '/usr/bin/vfio-latch apply --new $kernel'
	# shellcheck disable=SC2016
	is "$(udev_calls '')" '/usr/bin/vfio-latch apply --new --hotplug $kernel'
}

the_flags_of_the_environment_are_used()
{
	CFLAGS="-O1 -DFROM_ENVIRONMENT" LDFLAGS=-Wl,-z,now CPPFLAGS=-DTOO \
		env -u MAKEFLAGS -u MAKELEVEL make -n -B -C "$TOP/tools" O="$WORK/other" >"$WORK/commands"
	grep -q -- "-DTOO .*-O1 -DFROM_ENVIRONMENT .*main.c" "$WORK/commands"
	grep -q -- "-Wl,-z,now .*-o .*vfio-latch " "$WORK/commands"
}

the_man_pages_have_no_faults()
{
	local page

	for page in "$TOP"/tools/*.[58]; do
		is "$(LC_ALL=C.UTF-8 MANROFFSEQ='' man --warnings -E UTF-8 -l -Tutf8 -Z "$page" 2>&1 >/dev/null)" ""
	done
}

# completions WORD...: what is offered for the last one
completions()
{
	bash -c '
		. /usr/share/bash-completion/bash_completion
		. "$1"
		shift
		COMP_WORDS=("$@")
		COMP_CWORD=$(($# - 1))
		COMP_LINE="$*"
		COMP_POINT=${#COMP_LINE}
		COMP_TYPE=9
		compopt() { :; }
		_vfio_latch
		printf "%s\n" "${COMPREPLY[@]}"
	' bash "$TOP/tools/completion.bash" "$@" | sort | tr '\n' ' '
}

commands_and_their_options_are_completed()
{
	is "$(completions vfio-latch '')" "apply bind check claim doctor list migration show unbind "
	is "$(completions vfio-latch li)" "list "
	is "$(completions vfio-latch list -)" "--columns= --format= --json --no-legend "
	is "$(completions vfio-latch migration -)" "--compare= --json "
	is "$(completions vfio-latch bind --f)" "--force "
	is "$(completions vfio-latch list --format=)" "json prometheus table "
	is "$(completions vfio-latch apply --)" "--deadline= --dry-run --force --hotplug --last-good --new --node --off --timeout= "
}

addresses_are_completed()
{
	local devices=(/sys/bus/pci/devices/*)

	is "$(completions vfio-latch show '' | wc -w)" "${#devices[@]}"
}
