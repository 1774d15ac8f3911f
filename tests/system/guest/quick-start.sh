# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # variables of lib.sh
# README.md's lines, one after the other.

# The host has built the packages, and the modules for this kernel.
make()
{
	[[ $* == deb ]]
	mkdir -p build
	ln -sfn /debs build/deb
}

# What a line says that it does.
line_did_what_it_says()
{
	case $1 in
	"make deb" | "vfio-latch show "*) ;;
	"apt install "*) vfio-latch --version && dkms status vfio-latch | grep installed ;;
	"modinfo "*)
		grep "/updates/dkms/vfio.pci.ko" said
		modprobe vfio-pci
		;;
	"vfio-latch check") grep "^\[mlx5-vfs\] mlx5_vfio_pci: " said ;;
	"echo 2 "*)
		udevadm settle --timeout=180
		find_vfs
		have_driver mlx5_vfio_pci 2 "${vfs[@]}"
		;;
	"vfio-latch list") [[ $(grep -cE "^$bus.* mlx5_vfio_pci .* running " said) -eq 2 ]] ;;
	"vfio-latch doctor "*) no grep problem said ;;
	"vfio-latch unbind "*)
		have_driver mlx5_core 1 "${vfs[1]}"
		have_driver mlx5_vfio_pci 1 "${vfs[0]}"
		;;
	"apt remove "*)
		modinfo -n vfio-pci | grep /kernel/drivers/vfio/
		[[ ! -e /usr/bin/vfio-latch ]]
		;;
	*) echo "nobody has said what this line does"; return 1 ;;
	esac
}

the_quick_start_of_the_readme_works_line_by_line()
{
	remove_vfs
	rm -rf /etc/vfio-latch.conf.d /var/lib/vfio-latch
	bus=${pf%00.0}
	mapfile -t lines < <(sed "s/ *#.*//; s/0000:41:/$bus/g" examples/quick-start)
	[[ ${#lines[@]} -eq 10 ]]
	for line in "${lines[@]}"; do
		eval "$line" >said
		cat said
		line_did_what_it_says "$line"
	done
}

# Ours are loaded still, and from now on the kernel's is what a load takes.
the_kernels_own_vfio_pci_is_loaded_as_documented_after_the_removal()
{
	[[ -e /sys/module/vfio_pci/parameters/policy ]]
	sh -eux examples/reload-kernels
	[[ -e /sys/module/vfio_pci && ! -e /sys/module/vfio_pci/parameters/policy ]]
	[[ ! -e /sys/module/vfio_latch && ! -e /sys/module/mlx5_vfio_pci ]]
}
