# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# A machine whose kernels are upgraded: a copy of a root, in $root, and apt in it. Sourced,
# with TOP, VFIO_LATCH_CACHE, $root, and the package's $version set.
# shellcheck disable=SC2154

# As on any machine, except that nothing waits for an answer, and that no initramfs is
# made: the VMs bring their own, and tests/package has promises about the machine's.
inside()
{
	"$TOP/tests/roots/enter" "$root" env INITRD=No "$@" </dev/null
}

install()
{
	inside apt-get install -y --no-install-recommends "$@"
}

# The archive as it is today; out of its reach, as it was when the root was made.
refresh()
{
	inside apt-get -qq update || progress "the archive cannot be reached: taking what is known of it"
}

# `! command` would not end a test.
no()
{
	if "$@"; then
		return 1
	fi
}

# oldest SERIES: the oldest release of the series whose image and headers can be had
oldest()
{
	inside apt-cache search --names-only '^linux-(image|headers)-[0-9]' | cut -d ' ' -f 1 |
		sed -E 's/^linux-(image|headers)-//' |
		grep -E "^${1//./\\.}([.][^-]*)?(-[0-9]+)?-amd64$" | sort | uniq -d | sort -V | head -n 1
}

# newest TO: the release that linux-image-TO stands for
newest()
{
	inside apt-cache depends "linux-image-$1" |
		sed -n 's/^ *Depends: linux-image-\([0-9]\)/\1/p' | head -n 1
}

# Packages come from the archive once; the root that is copied does not have them.
archives=var/cache/apt/archives

# fetch PACKAGE...
fetch()
{
	local cache=$VFIO_LATCH_CACHE/upgrade/archives

	mkdir -p "$cache"
	find "$cache" -name '*.deb' -exec ln -ft "$root/$archives" {} +
	install --download-only "$@"
	cp -aln "$root/$archives"/*.deb "$cache/"
}

# our_module RELEASE NAME: the file that modprobe would load, if it is ours and fits
our_module()
{
	local file

	file=$(modinfo -b "$root" -k "$1" -n "$2")
	echo "$1: $file"
	[[ $file == */updates/dkms/* ]]
	[[ $(modinfo -F vermagic "$file") == "$1 "* ]]
	[[ $(modinfo -F version "$file") == "$version" ]]
}

# build_seconds RELEASE: what the compiler took, as dkms's log of it says
build_seconds()
{
	local log began

	log=$(find "$root/var/lib/dkms/vfio-latch/$version/$1" -name make.log)
	began=$(date -d "$(sed -n 2p "$log")" +%s)
	echo $(($(stat -c %Y "$log") - began))
}

# apt, dpkg and we have nothing left to do or to complain of.
all_is_configured()
{
	local left

	left=$(inside dpkg --audit)
	echo "$left"
	[[ -z $left ]]
	inside apt-get check
	no compgen -G "$root/var/log/vfio-latch/*.log"
}
