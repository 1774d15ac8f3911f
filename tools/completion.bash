# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# bash completion for vfio-latch(8)

_vfio_latch_devices()
{
	local devices=(/sys/bus/pci/devices/*)

	printf '%s\n' "${devices[@]##*/}"
}

# Addresses contain colons, at which readline would begin a new word.
_vfio_latch()
{
	# shellcheck disable=SC2034 # _init_completion sets them all
	local cur prev words cword command='' word options

	_init_completion -n := || return
	for word in "${words[@]:1:cword-1}"; do
		if [[ $word != -* ]]; then
			command=$word
			break
		fi
	done

	case $command in
	list) options='--columns= --json --format= --no-legend' ;;
	show | doctor) options='--json' ;;
	migration) options='--compare= --json' ;;
	bind) options='--driver= --disable-idle-d3= --disable-vga= --nointxmask= --dry-run --force
		--group --timeout=' ;;
	unbind) options='--dry-run --force --group --timeout=' ;;
	apply) options='--deadline= --dry-run --force --hotplug --last-good --new --node --off --timeout=' ;;
	claim) options='--deadline= --dry-run --initramfs' ;;
	check) options='' ;;
	*) options='--help --version' ;;
	esac

	case $cur in
	--driver=*)
		mapfile -t COMPREPLY < <(compgen -W 'vfio-pci mlx5_vfio_pci usual none' -- "${cur#*=}")
		;;
	--format=*)
		mapfile -t COMPREPLY < <(compgen -W 'table json prometheus' -- "${cur#*=}")
		;;
	--disable-idle-d3=* | --disable-vga=* | --nointxmask=*)
		mapfile -t COMPREPLY < <(compgen -W 'yes no' -- "${cur#*=}")
		;;
	--compare=*)
		cur=${cur#*=}
		_filedir
		;;
	-*)
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
		[[ ${COMPREPLY[*]} != *= ]] || compopt -o nospace
		;;
	*)
		case $command in
		'') mapfile -t COMPREPLY < <(compgen -W 'list show bind unbind apply claim check doctor migration' -- "$cur") ;;
		show | bind | unbind | apply | doctor | migration)
			mapfile -t COMPREPLY < <(compgen -W "$(_vfio_latch_devices)" -- "$cur")
			__ltrim_colon_completions "$cur"
			;;
		check) _filedir ;;
		esac
		;;
	esac
} && complete -F _vfio_latch vfio-latch
