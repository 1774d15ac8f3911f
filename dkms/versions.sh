# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # package, version, tree and logs are common.sh's
# What worked for a kernel stays installed until a later build does, of another version or of
# the same. Hidden names in a version's directory are nothing to dkms, and go with it.

# versions: those that dkms knows
versions()
{
	local source

	for source in "$tree"/*/source; do
		[[ ! -L $source && ! -d $source ]] || basename "${source%/source}"
	done
}

# forget_version VERSION
forget_version()
{
	local kernel

	for kernel in $(linked_kernels "$1"); do
		take_away "$kernel"
	done
	rm -rf "${tree:?}/$1"
}

# is_worth_keeping VERSION: its source is whole, and it is no higher than this one: of the
# highest that it knows, dkms autoinstall asks whether to build it, and of no other
is_worth_keeping()
{
	grep -qs ^PACKAGE_VERSION= "$tree/$1/source/dkms.conf" &&
		printf '%s\n' "$1" "$version" | sort -VC
}

# keep_source VERSION: a copy, since dkms cannot do without it when the package's is gone
keep_source()
{
	local place=$tree/$1

	if ! is_worth_keeping "$1"; then
		forget_version "$1"
		return
	fi
	[[ $(readlink "$place/source") != .source ]] || return 0
	rm -rf "$place"/.source{,.new,.link}
	cp -r "$place/source/." "$place/.source.new"
	# Not for kernels that are installed from now on.
	echo 'AUTOINSTALL=""' >>"$place/.source.new/dkms.conf"
	mv "$place/.source.new" "$place/.source"
	set_source "$1" .source
}

# set_source VERSION TARGET
set_source()
{
	write_out "$tree"
	ln -sfn "$2" "$tree/$1/.source.link"
	# dkms ldtarball makes a directory.
	[[ -L $tree/$1/source ]] || rm -rf "$tree/$1/source"
	mv -T "$tree/$1/.source.link" "$tree/$1/source"
}

# This version, with the package's source.
add_version()
{
	if [[ -d $tree/$version ]]; then
		set_source "$version" "$(realpath "$(dirname "${BASH_SOURCE[0]}")/..")"
		rm -rf "$tree/$version/.source"
	else
		dkms add "$package/$version" >/dev/null
	fi
}

# set_aside KERNEL: what was built of this version, if it is installed, until it is built again
set_aside()
{
	local built=$tree/$version/$1 aside=$tree/$version/.$1

	if [[ -d $built && ! -e $aside && $(installed_version "$1") == "$version" ]]; then
		mv "$built" "$aside"
	else
		rm -rf "$built"
	fi
}

# restore_aside VERSION KERNEL
restore_aside()
{
	[[ -e $tree/$1/.$2 ]] || return 0
	rm -rf "${tree:?}/$1/$2"
	mv "$tree/$1/.$2" "$tree/$1/$2"
}

# undo_set_aside KERNEL: what is installed, of whatever version, is where dkms looks for it, also
# if the build that was to replace it was killed
undo_set_aside()
{
	restore_aside "$(installed_version "$1")" "$1"
}

# last_version KERNEL: the last that worked
last_version()
{
	if [[ -e $tree/$version/.$1 ]]; then
		echo "$version"
	else
		installed_version "$1"
	fi
}

# is_up_to_date KERNEL: dkms has installed this version, and a later build has not failed
is_up_to_date()
{
	[[ $(installed_version "$1") == "$version" && ! -e $logs/$1.log &&
		! -e $tree/$version/.$1 ]]
}

# bring_back KERNEL VERSION: as it was before this version was to be built
bring_back()
{
	restore_aside "$version" "$1"
	if [[ -n $2 ]] && may_be_loaded "$1" "$2"; then
		[[ $(installed_version "$1") == "$2" ]] || dkms install "$package/$2" -k "$1" || :
		put_back "$1"
	else
		take_away "$1"
	fi
}

# forget_others KERNEL: all that was built for it, but for what is installed
forget_others()
{
	find "$tree" -mindepth 2 -maxdepth 2 \( -name "$1" -o -name ".$1" \) \
		! -path "$tree/$version/*" ! -path "$tree/original_module/*" \
		-exec rm -rf {} + 2>/dev/null || :
	rm -rf "$tree/$version/.$1"
}

# forget_versions: those that no kernel has any more
forget_versions()
{
	local kernel other

	for kernel in $(linked_kernels); do
		[[ -d /lib/modules/$kernel ]] || unlink_kernel "$kernel"
	done
	for other in $(versions); do
		[[ $other == "$version" || -n $(linked_kernels "$other") ]] || forget_version "$other"
	done
}
