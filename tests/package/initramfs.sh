# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # root
# What an initramfs has of the command, whoever has made it. Sourced by suites that have $root, a
# root where the command is installed, and inside().

# Where tests unpack it, in the root and seen from outside.
unpacked=/run/unpacked
image=$root$unpacked

ask_for_claims()
{
	cat >"$root/etc/vfio-latch.conf.d/gpu.conf" <<-'END'
	[gpu]
	id = 10de:2684
	driver = vfio-pci
	initramfs = yes
	END
}

# In the initramfs itself: a GPU without a driver, and a kernel's log.
make_up_a_gpu()
{
	local gpu=$image/sys/bus/pci/devices/0000:01:00.0

	rm -rf "$image/sys" "$image/proc" "$image/dev/kmsg" "$image/run/vfio-latch"
	mkdir -p "$gpu" "$image"/{proc/sys/kernel,dev,run}
	echo 0x10de >"$gpu/vendor"
	echo 0x2684 >"$gpu/device"
	echo "(null)" >"$gpu/driver_override"
	touch "$image/dev/kmsg"
}

# claims COMMAND...: as the initramfs calls it, with nothing but what is in there
claims()
{
	make_up_a_gpu
	chroot "$image" "$@"
	cat "$image/dev/kmsg"
	[[ $(<"$image/sys/bus/pci/devices/0000:01:00.0/driver_override") == vfio-latch ]]
	grep "0000:01:00.0: is claimed for vfio-pci" "$image/dev/kmsg"
}

# goes_on_without FILE COMMAND...: which is in the initramfs otherwise
goes_on_without()
{
	local file=$1

	shift
	make_up_a_gpu
	mv "$image/$file" "$image/gone"
	chroot "$image" "$@"
	mv "$image/gone" "$image/$file"
	[[ $(<"$image/sys/bus/pci/devices/0000:01:00.0/driver_override") == "(null)" ]]
}
