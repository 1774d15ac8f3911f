# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What the packages' scripts and dkms's hooks share. Whatever is interrupted, and where:
# the index that depmod makes never names a vfio-pci that is not there.

# What root leaves behind is nobody else's to write, whatever mask root's shell has.
umask 022

package=vfio-latch
version=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' "$(dirname "${BASH_SOURCE[0]}")/../dkms.conf")
tree=/var/lib/dkms/$package
logs=/var/log/$package
# Present for a moment only, and not beyond a boot: while it is, the index names the
# kernel's own modules, although ours are there.
prefer_own=/run/depmod.d/$package.conf
ours='(vfio-latch|(mlx5[-_])?vfio[-_]pci)\.ko(\.[a-z0-9]+)?'

# No exit status of dkms's.
not_enrolled=200
if command -v dnf >/dev/null; then
	again="dnf reinstall vfio-latch-dkms"
	headers="kernel-devel"
else
	again="dpkg-reconfigure vfio-latch-dkms"
	headers="linux-headers"
fi

say()
{
	printf 'vfio-latch: %s\n' "$*" >&2
}

# write_out PLACE...: before what follows is done, since the power may fail
write_out()
{
	sync -f "$@" 2>/dev/null || :
}

# As dkms does: a kernel that is not installed, but whose headers are, has no index.
index()
{
	rm -f "$prefer_own"
	[[ ! -e /lib/modules/$1/modules.dep ]] || depmod -a "$1"
}

# dkms installs modules in updates/dkms on Debian, in extra on Fedora and its kin, where other
# kernels may have links to these in weak-updates: not from dkms, but when they are installed.
is_in_index()
{
	grep -qsE '^(updates|extra|weak-updates)/(.*/)?(vfio-latch\.|.*vfio[-_]pci\..*: .*vfio-latch\.)' \
		"/lib/modules/$1/modules.dep"
}

# find_modules DIR...: modules of these names, whoever they are from
find_modules()
{
	find "$@" -regextype posix-extended -regex ".*/$ours" 2>/dev/null || :
}

# is_ours FILE: or what a killed dkms left of one; not another's of that name
is_ours()
{
	local depends

	depends=$(modinfo -F depends "$1" 2>/dev/null) || depends=vfio-latch
	[[ $1 == */vfio-latch.* || $depends == *vfio-latch* ]]
}

# is_copy_of_own FILE KERNEL: of the kernel's module, which older versions of ours made
is_copy_of_own()
{
	cmp -s "$1" "$(find "/lib/modules/$2/kernel" -name "${1##*/}" -print -quit 2>/dev/null)"
}

# our_files KERNEL: what we have brought into its directory
our_files()
{
	local file

	find_modules "/lib/modules/$1/"{updates,extra,weak-updates} | while read -r file; do
		if is_ours "$file" || is_copy_of_own "$file" "$1"; then
			printf '%s\n' "$file"
		fi
	done
}

# return_own_modules KERNEL: those that dkms moved aside for older versions of ours
return_own_modules()
{
	local aside place

	find_modules "$tree/original_module/$1" | while read -r aside; do
		! is_ours "$aside" || continue
		place=/lib/modules/$1/kernel/drivers/vfio/pci/${aside##*/}
		[[ $place != */mlx5* ]] || place=${place%/*}/mlx5/${place##*/}
		[[ ! -e $aside.origin ]] || place=$(head -n 1 "$aside.origin")
		# Not in place of the module of a later package; but of what a killed mv has left.
		if [[ -d ${place%/*} ]] && is_ours "$place"; then
			mv -f "$aside" "$place"
		fi
	done
}

# Before our modules are taken away.
index_own_modules()
{
	mkdir -p "${prefer_own%/*}"
	cat >"$prefer_own" <<-'END'
	override vfio-pci * kernel/drivers/vfio/pci
	override mlx5-vfio-pci * kernel/drivers/vfio/pci/mlx5
	END
	[[ ! -e /lib/modules/$1/modules.dep ]] || depmod -a "$1"
	rm -f "$prefer_own"
}

# links PATTERN FORMAT: dkms has one for each kernel that it has installed modules for, to
# VERSION/KERNEL/ARCHITECTURE; those that match, as find's -printf has them
links()
{
	find "$tree" -maxdepth 1 -type l -lname "$1" -printf "$2" 2>/dev/null || :
}

# installed_version KERNEL: the one of ours that dkms has installed for it, if any
installed_version()
{
	links "*/$1/*" '%l\n' | sed -n '1s,/.*,,p'
}

# linked_kernels [VERSION]: those that dkms has it, or any, installed for
linked_kernels()
{
	links "${1-*}/*/*" '%l\n' | cut -d / -f 2
}

# put_back KERNEL: if dkms has none of our versions installed for this kernel, leave it
# its own modules and nothing of ours. Nothing to do, unless a dkms was killed: it does
# not look for what it left behind when it runs again.
put_back()
{
	local kernel=$1 leftovers

	[[ -z $(installed_version "$kernel") ]] || return 0

	return_own_modules "$kernel"
	mapfile -t leftovers < <(our_files "$kernel")
	if [[ ${#leftovers[@]} -gt 0 ]]; then
		index_own_modules "$kernel"
		rm -f "${leftovers[@]}"
		(cd "/lib/modules/$kernel" && rmdir --ignore-fail-on-non-empty -p updates/dkms extra \
			weak-updates 2>/dev/null) || :
		index "$kernel"
	elif is_in_index "$kernel" || [[ -e $tree/original_module/$kernel ]]; then
		index "$kernel"
	fi
	rm -rf "$tree/original_module/$kernel"
}

# unlink_kernel KERNEL: dkms no longer knows that anything is installed for it
unlink_kernel()
{
	links "*/$1/*" '%p\0' | xargs -0r rm -f
}

# take_away KERNEL: of whatever version, and wherever this is killed
take_away()
{
	unlink_kernel "$1"
	put_back "$1"
}

kernels()
{
	find /lib/modules -mindepth 1 -maxdepth 1 -printf '%f\n' 2>/dev/null | sort -V
}

# What dkms would build for by itself: kernels whose headers are installed.
has_headers()
{
	[[ -d /lib/modules/$1/build/include ]]
}

# Nothing is built for it, and nothing but this line would say so.
tell_without_headers()
{
	[[ ! -e /lib/modules/$1/modules.dep ]] ||
		say "kernel $1 is left as it is: its headers are not installed (package $headers-$1)"
}

# tell_without_mlx5 KERNEL: if another mlx5_core, DOCA-OFED's, is why a module is missing
tell_without_mlx5()
{
	local other

	# shellcheck disable=SC1091,SC2034 # dkms.conf is not of this folder, and reads them
	other=$(kernelver=$1 kernel_source_dir=/lib/modules/$1/build
		. "$(dirname "${BASH_SOURCE[0]}")/../dkms.conf" && echo "${other_mlx5_core-}")
	[[ -z $other || -n $(find "$tree/$version/$1" -name 'mlx5_vfio_pci.ko*') ]] ||
		say "kernel $1 gets no mlx5-vfio-pci: its mlx5_core is not the kernel's own ($other)"
}

# The running kernel's; VFIO_LATCH_ROOT is for tests.
wants_signatures()
{
	grep -qsE '\[(integrity|confidentiality)\]' \
		"${VFIO_LATCH_ROOT-}/sys/kernel/security/lockdown" ||
		grep -qsx Y "${VFIO_LATCH_ROOT-}/sys/module/module/parameters/sig_enforce"
}

# may_be_loaded KERNEL VERSION: what was built is signed with a key that is enrolled, where that
# counts.
may_be_loaded()
{
	local keys=${VFIO_LATCH_ROOT-}/proc/keys signer

	wants_signatures && grep -qs ' asymmetri ' "$keys" || return 0
	signer=$(find "$tree/$2/$1" -name 'vfio-latch.ko*' -exec modinfo -F signer {} \;)
	# "NAME: hash", or "ORGANISATION: NAME: hash".
	[[ -n $signer ]] && grep ' asymmetri ' "$keys" |
		grep -F -e " asymmetri $signer: " -e ": $signer: " >/dev/null
}

# tell_not_enrolled KERNEL KEEPS
tell_not_enrolled()
{
	say "kernel $1 keeps $2 until Secure Boot knows our key: mokutil --import $(certificate), then reboot, enroll it, and $again"
}

certificate()
{
	(
		mok_certificate=/var/lib/dkms/mok.pub
		# They may use what dkms would have set.
		set +u
		for file in /etc/dkms/framework.conf /etc/dkms/framework.conf.d/*.conf; do
			# shellcheck disable=SC1090
			[[ ! -r $file ]] || . "$file"
		done
		echo "$mok_certificate"
	)
}

# What is told to leave the modules to the operator, tells us too.
may_install()
{
	[[ ! -e /etc/dkms/no-autoinstall ]]
}

# shellcheck source=dkms/versions.sh
. "$(dirname "${BASH_SOURCE[0]}")/versions.sh"

# build_has_failed KERNEL STATUS LAST: it keeps the version LAST, if that worked, or its own modules
build_has_failed()
{
	local kernel=$1 log=$logs/$1.log last keeps="its own vfio-pci"

	[[ $2 -eq $not_enrolled ]] ||
		cat "$tree/$version/build/make.log" >>"$log.part" 2>/dev/null || :
	bring_back "$kernel" "$3" </dev/null >>"$log.part" 2>&1
	# With the log there, dkms leaves it so, too.
	mv "$log.part" "$log"
	last=$(installed_version "$kernel")
	[[ -z $last ]] || keeps="$package $last"
	if [[ $2 -eq $not_enrolled ]]; then
		tell_not_enrolled "$kernel" "$keeps"
	else
		say "kernel $kernel keeps $keeps: $package $version could not be built, see $log"
	fi
}

# install_for KERNEL: fails for nobody. A kernel that cannot have our modules has its own, or
# those of the last version that it could have.
install_for()
{
	local kernel=$1 log=$logs/$1.log status=0 last
	local which=("$package/$version" -k "$kernel")

	last=$(last_version "$kernel")
	mkdir -p "$logs"
	{
		dkms build "${which[@]}" &&
			{ may_be_loaded "$kernel" "$version" || (exit "$not_enrolled"); } &&
			take_away "$kernel" && dkms install "${which[@]}"
	} </dev/null >"$log.part" 2>&1 || status=$?
	case $status in
	0)
		write_out "$tree" "/lib/modules/$kernel"
		echo "$package: kernel $kernel: $package $version is installed"
		tell_without_mlx5 "$kernel"
		;;
	77) # BUILD_EXCLUSIVE in dkms.conf
		echo "$package: kernel $kernel: not a kernel for $package, skipped"
		take_away "$kernel"
		;;
	*)
		build_has_failed "$kernel" "$status" "$last"
		return
		;;
	esac
	forget_others "$kernel"
	rm -f "$log" "$log.part"
}

# image_contents IMAGE: the names of its files. Either program reads the other's images.
image_contents()
{
	if command -v lsinitramfs >/dev/null; then
		lsinitramfs "$1"
	else
		lsinitrd "$1"
	fi
}

# make_image IMAGE KERNEL: update-initramfs is initramfs-tools', or newer dracut's for Debian.
# Both name their images so; without it, dracut's may have that name, too.
make_image()
{
	if [[ $1 == */initrd.img-* ]] && command -v update-initramfs >/dev/null; then
		update-initramfs -u -k "$2"
	else
		dracut --force --quiet "$1" "$2"
	fi
}

# refresh_initramfs KERNEL: once vfio-pci or mlx5-vfio-pci is in the image, it shall be the right one.
refresh_initramfs()
{
	local image contents

	# What can read no image has made none.
	command -v lsinitramfs lsinitrd >/dev/null || return 0
	for image in "/boot/initrd.img-$1" "/boot/initramfs-$1.img"; do
		[[ -e $image ]] || continue
		if contents=$(image_contents "$image" 2>/dev/null); then
			[[ $contents == *[/_-]vfio[_-]pci.ko* ]] || continue
			make_image "$image" "$1" >/dev/null && continue
		fi
		say "the initramfs $image could not be made again: it may hold another vfio-pci than the system"
	done
}
