# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # root, copies
# A root in which packages come and go, and what is seen of the modules there. Sourced after
# scripts/lib.sh, with $root and $copies set: the root, and a directory for odds and ends.

# The compiler's cache is for builds of the same sources; what is tested is what is
# done with them.
inside()
{
	"$TOP/tests/roots/enter" "$root" \
		env PATH=/usr/lib/ccache:/usr/sbin:/usr/bin:/sbin:/bin "$@"
}

# make_root NAME: $root, a copy of that root with few modules besides ours and what they
# need: the others only make depmod slow. Sets $release.
make_root()
{
	local kernel

	"$TOP/tests/roots/copy-root" "$1" "$root"
	for kernel in "$root"/lib/modules/*/kernel; do
		release=$(basename "${kernel%/kernel}")
		find "$kernel" -name '*.ko*' ! -path '*/vfio/*' ! -path '*/virt/*' ! -path '*/iommu/*' \
			! -path '*/lib/*' ! -path '*/mlx5/*' -delete
		inside depmod "$release"
	done
}

# fake_kernel SUFFIX SED-EXPRESSION: a second kernel in the root, configured otherwise
fake_kernel()
{
	local fake=$release-$1 headers=$root/usr/src/linux-headers-$release file

	cp -a "$headers" "$headers-$1"
	for file in .config include/config/auto.conf; do
		sed -i "$2" "$headers-$1/$file"
	done
	sed -i "s,^KBUILD_OUTPUT=.*,&-$1," "$headers-$1/Makefile"
	mkdir -p "$root/lib/modules/$fake/kernel/drivers"
	cp -a "$root/lib/modules/$release/kernel/drivers/vfio" "$root/lib/modules/$fake/kernel/drivers/"
	cp -a "$root/lib/modules/$release/kernel/virt" "$root/lib/modules/$fake/kernel/"
	ln -s "/usr/src/linux-headers-$fake" "$root/lib/modules/$fake/build"
	touch "$root/lib/modules/$fake/modules.order" "$root/lib/modules/$fake/modules.builtin"
	inside depmod "$fake"
}

# Where dkms installs modules.
dkms_directory=updates/dkms

# has_vfio_pci ours|own|any [KERNEL]: what modprobe would load, and all that it needs, is there
has_vfio_pci()
{
	local kernel=${2-$release} file

	file=$(modinfo -b "$root" -k "$kernel" -n vfio-pci)
	echo "$kernel: $file"
	modprobe -d "$root" -S "$kernel" --show-depends vfio-pci |
		awk '$1 == "insmod" { print $2 }' >"$copies/loaded"
	xargs -d '\n' ls <"$copies/loaded" >/dev/null
	# Those of ours are of one version.
	[[ $(sed -n "\\|/$dkms_directory/|p" "$copies/loaded" |
		xargs -rd '\n' -n 1 modinfo -F version | sort -u | wc -l) -le 1 ]]
	case $1 in
	ours)
		[[ $file == */"$dkms_directory"/* ]]
		grep "/$dkms_directory/vfio-latch\.ko" "$copies/loaded"
		;;
	own) [[ $file == */kernel/drivers/vfio/pci/* ]] ;;
	any) ;;
	esac
}

has_version()
{
	[[ $(modinfo -b "$root" -k "$release" -F version vfio-pci) == "$1" ]]
}

nothing_is_left()
{
	local kernel

	for kernel in "$root"/lib/modules/*; do
		has_vfio_pci own "${kernel##*/}"
	done
	[[ -z $(find "$root"/lib/modules -path '*/updates/*' -o -path '*/extra/*' -o -path '*/weak-updates/*') ]]
	[[ ! -e $root/var/lib/dkms/vfio-latch && ! -e $root/var/log/vfio-latch ]]
}

# Of the root's own kernel: apt and dkms have not taken a file away.
the_kernels_package_is_whole()
{
	[[ -n $(find "$root/lib/modules/$release/kernel" -name 'vfio-pci.ko*') ]]
}

# The time of a change tells what was moved and came back.
kernels_files()
{
	find "$root"/lib/modules/*/kernel -type f -printf '%p %i %C@\n' | sort
}

# a_dkms_that_finds_all_modules_moves_none_of_the_kernels COMMAND...: which has it install ours.
# The versions of dkms that move modules count them as one, and so find the first alone.
a_dkms_that_finds_all_modules_moves_none_of_the_kernels()
{
	local dkms=$root/usr/sbin/dkms

	cp -p "$dkms" "$copies/dkms"
	# shellcheck disable=SC2016
	sed -i 's/installed_modules=\($(find_module "$lib_tree" "$m")\)/installed_modules=(\1)/' "$dkms"
	no cmp -s "$dkms" "$copies/dkms"
	kernels_files >"$copies/before"
	"$@"
	has_vfio_pci ours
	kernels_files | diff "$copies/before" -
	[[ ! -e $root/var/lib/dkms/vfio-latch/original_module ]]
	cp -p "$copies/dkms" "$dkms"
}

# `! command` would not end a test.
no()
{
	if "$@"; then
		return 1
	fi
}

# break_headers KERNEL: nothing can be built for it
break_headers()
{
	local makefile=$root/usr/src/linux-headers-$1/Makefile

	mv "$makefile" "$makefile.whole"
	printf '$''(error %s)\n' "this kernel cannot be built for" >"$makefile"
}

mend_headers()
{
	mv "$root/usr/src/linux-headers-$1/Makefile"{.whole,}
}

# A kernel that nothing can be built for.
broken_kernel()
{
	fake_kernel "$1" ''
	break_headers "$release-$1"
}

# one_line_names_the_log FILE [WHAT]: what the operator sees of it, and WHAT the kernel keeps
one_line_names_the_log()
{
	local line=$copies/line log

	grep "keeps ${2-its own vfio-pci}: " "$1" >"$line"
	[[ $(wc -l <"$line") -eq 1 ]]
	no grep -i "^error" "$1"
	log=$(grep -o '/var/log/.*' "$line")
	grep "this kernel cannot be built for" "$root$log"
}

## Commands that are killed in the middle

# arm COMMAND...: by these names, tests/package/killer comes first in PATH from now on
arm()
{
	local name

	rm -rf "$root/killer"
	mkdir -p "$root/killer/bin"
	for name in "$@"; do
		install -m 755 "$TOP/tests/package/killer" "$root/killer/bin/$name"
	done
}

# What goes on in the root although its parent was killed: dkms's dots, for one.
end_orphans()
{
	local process

	for process in /proc/[0-9]*; do
		if [[ $(readlink "$process/root") == "$root" ]]; then
			kill -KILL "${process#/proc/}" 2>/dev/null || :
		fi
	done
}

# killed_at NUMBER COMMAND...: true if the command was killed at that call; false if it
# came to its end before, and then it succeeded
killed_at()
{
	local at=$1 status=0

	shift
	echo 0 >"$root/killer/calls"
	echo "$at" >"$root/killer/at"
	rm -f "$root/killer/killed"
	# shellcheck disable=SC2016
	inside sh -c 'echo $$ >/killer/top && PATH=/killer/bin:$PATH exec "$@"' sh "$@" || status=$?
	if [[ -e $root/killer/killed ]]; then
		echo "killed before call $at: $(cat "$root/killer/killed")"
		end_orphans
		[[ $status -eq 137 ]]
		return
	fi
	[[ $status -eq 0 ]] || echo "call $at was not reached, but the exit status is $status"
	return 1
}
