# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # kernelver and kernel_source_dir are dkms's
# Part of dkms.conf: leaves out the modules that the kernel does not take.

# leave_out NAME: dkms wants the others numbered without a gap
leave_out()
{
	local -n setting
	local number names

	names=("${BUILT_MODULE_NAME[@]}")
	for number in "${!names[@]}"; do
		[[ ${names[number]} == "$1" ]] || continue
		for setting in BUILT_MODULE_{NAME,LOCATION} DEST_MODULE_{NAME,LOCATION}; do
			unset "setting[$number]"
			setting=("${setting[@]}")
		done
	done
}

# has_built NAME: what dkms has built, it has to remove, whatever it would build now
has_built()
{
	compgen -G "/var/lib/dkms/$PACKAGE_NAME/$PACKAGE_VERSION/$kernelver/*/module/$1.ko*" >/dev/null
}

# kernel_has PATTERN: in its configuration
kernel_has()
{
	grep -q "^$1" "$kernel_source_dir/include/config/auto.conf"
}

# Another mlx5_core than the kernel's: DOCA-OFED's, as modules, or as the headers and symbol
# versions that its dkms leaves. VFIO_LATCH_ROOT is for tests.
find_other_mlx5_core()
{
	find "${VFIO_LATCH_ROOT-}/lib/modules/$kernelver/"{updates,extra} \
		"${VFIO_LATCH_ROOT-}/usr/src/ofa_kernel/"*"/$kernelver" \
		\( -name 'mlx5_core.ko*' -o -path '*/ofa_kernel/*/Module.symvers' \) \
		-print -quit 2>/dev/null || :
}

if [[ -e $kernel_source_dir/include/config/auto.conf ]]; then
	other_mlx5_core=$(find_other_mlx5_core)
	# A driver that is built in cannot be replaced, nor can a second one of its name be loaded.
	! kernel_has CONFIG_VFIO_PCI=y || leave_out vfio-pci
	# A VF is migrated through its PF, which mlx5_core must drive.
	if kernel_has CONFIG_MLX5_VFIO_PCI=y || ! kernel_has CONFIG_MLX5_CORE= ||
			{ [[ -n $other_mlx5_core ]] && ! has_built mlx5_vfio_pci; }; then
		leave_out mlx5-vfio-pci
	fi
else
	# Headers are often removed before their kernel.
	has_built vfio_pci || leave_out vfio-pci
	has_built mlx5_vfio_pci || leave_out mlx5-vfio-pci
fi
