# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # status, out and err are latch's
# doctor: each thing that it finds.

HELPERS+=(healthy kernel finds finds_nothing cannot_migrate late_gpu says_of_the_gpu)

# A VF on mlx5_vfio_pci, as it should be: nothing to find.
healthy()
{
	new_system
	touch "$VFIO_LATCH_ROOT/sys/class/iommu/dmar0"
	pf 0000:41:00.0 4
	loaded mlx5_core
	driver 0000:41:00.0 mlx5_core
	vfs 0000:41:00.0 1
	loaded vfio_pci
	loaded mlx5_vfio_pci
	touch "$VFIO_LATCH_ROOT/model/migratable/0000:41:00.1"
	latch_is 0 apply
	echo off >"$(sys 0000:41:00.1)/vfio_pci/tracker_state"
}

# finds SEVERITY CHECK SUBJECT TEXT: this alone, in text and in JSON, with the exit code
finds()
{
	local expected=0

	if [[ $1 == problem ]]; then
		expected=1
	fi
	latch_is "$expected" doctor 0000:41:00.1
	is "$(grep -v '^    ' <<<"$out")" "$3: $1: $4"
	latch_is "$expected" doctor --json 0000:41:00.1
	python3 - "$VFIO_LATCH_ROOT/out" "$@" <<-EOF
		import json, sys
		severity, check, subject, text = sys.argv[2:]
		found, = json.load(open(sys.argv[1]))["findings"]
		assert (found["severity"], found["check"]) == (severity, check), found
		assert (found["subject"], found["text"]) == (subject, text), found
		assert isinstance(found["advice"], str)
	EOF
}

a_healthy_device_is_found_healthy()
{
	healthy
	latch_is 0 doctor 0000:41:00.1
	is "$out" "nothing found"
	latch_is 0 doctor
	is "$out" "nothing found"
	latch_is 0 doctor --json
	is "$(tr -d ' \n' <<<"$out")" '{"version":1,"findings":[]}'
}

a_finding_about_a_module_is_told_once_for_all_devices()
{
	healthy
	pf 0000:42:00.0 4
	vfs 0000:42:00.0 2
	latch_is 0 apply
	rm -r "$VFIO_LATCH_ROOT/model/modules/mlx5_vfio_pci"
	latch_is 1 doctor
	is "$(grep -c "there is no module mlx5_vfio_pci" <<<"$out")" 1
}

doctor_finds_a_device_that_does_not_answer()
{
	local config

	healthy
	config=$(sys 0000:41:00.1)/config
	# A VF's ids are all ones anyway.
	printf '\xff\xff\xff\xff\x06\x04\x10\x00' >"$config"
	latch_is 0 doctor 0000:41:00.1
	is "$out" "nothing found"
	printf '\xff\xff\xff\xff\xff\xff\xff\xff' >"$config"
	finds problem answer 0000:41:00.1 "it does not answer: its configuration space is all ones"
}

doctor_finds_no_iommu()
{
	healthy
	rm "$VFIO_LATCH_ROOT/sys/class/iommu/dmar0"
	finds problem iommu system "the kernel uses no IOMMU: VFIO has nothing to protect the host with"
}

doctor_finds_an_iommu_that_is_switched_off()
{
	healthy
	rm "$VFIO_LATCH_ROOT/sys/class/iommu/dmar0"
	echo "quiet intel_iommu=off" >"$VFIO_LATCH_ROOT/proc/cmdline"
	finds problem iommu system "the IOMMU is switched off: quiet intel_iommu=off"
}

what_doctor_quotes_need_not_be_text()
{
	healthy
	rm "$VFIO_LATCH_ROOT/sys/class/iommu/dmar0"
	printf 'intel_iommu=off name=\374\n' >"$VFIO_LATCH_ROOT/proc/cmdline"
	finds problem iommu system "the IOMMU is switched off: intel_iommu=off name=?"
}

doctor_finds_interrupts_that_are_not_remapped()
{
	local interrupts unsafe

	healthy
	interrupts=$VFIO_LATCH_ROOT/proc/interrupts
	unsafe=$VFIO_LATCH_ROOT/sys/module/vfio_iommu_type1/parameters
	echo ' 24:   0   0  IR-PCI-MSI-0000:00:01.0    0-edge      PCIe PME' >"$interrupts"
	latch_is 0 doctor 0000:41:00.1
	echo ' 24:   0   0  ITS-PCI-MSI-0000:00:01.0    0-edge      PCIe PME' >"$interrupts"
	latch_is 0 doctor 0000:41:00.1
	echo ' 24:   0   0  PCI-MSI-0000:00:01.0    0-edge      PCIe PME' >"$interrupts"
	finds problem interrupt-remapping system \
		"interrupts are not remapped: the kernel gives no device to user space"
	mkdir -p "$unsafe"
	echo Y >"$unsafe/allow_unsafe_interrupts"
	finds note interrupt-remapping system \
		"interrupts are not remapped, and allow_unsafe_interrupts is set: a guest can send the host any interrupt"
}

doctor_notes_a_limit_of_locked_memory()
{
	healthy
	chmod -R a+rX "$VFIO_LATCH_ROOT"
	chmod a+rx "$WORK"
	out=$(prlimit --memlock=8388608 setpriv --reuid=65534 --regid=65534 --clear-groups \
		"$TOP/build/tests-tools/vfio-latch" doctor 41:00.1)
	grep -qx "system: note: you may lock 8192 KiB of memory: devices can be given no more than that" <<<"$out"
	# Root has none.
	out=$(prlimit --memlock=8388608 "$TOP/build/tests-tools/vfio-latch" doctor 41:00.1)
	is "$out" "nothing found"
}

# kernel NAME: one that has been installed
kernel()
{
	mkdir -p "$VFIO_LATCH_ROOT/lib/modules/$1/build/include"
	touch "$VFIO_LATCH_ROOT/lib/modules/$1/modules.dep"
}

doctor_finds_kernels_without_headers()
{
	healthy
	kernel 6.1.0-test
	kernel 6.2.0-next
	rm -r "$VFIO_LATCH_ROOT/lib/modules/6.2.0-next/build"
	# vfio-latch-dkms is not installed.
	latch_is 0 doctor 0000:41:00.1
	is "$out" "nothing found"
	mkdir -p "$VFIO_LATCH_ROOT/var/lib/dkms/vfio-latch"
	finds note headers system \
		"the headers of kernel 6.2.0-next are not installed: the modules are not built for it"
	mkdir -p "$VFIO_LATCH_ROOT/lib/modules/6.2.0-next/updates/dkms"
	touch "$VFIO_LATCH_ROOT/lib/modules/6.2.0-next/updates/dkms/vfio-latch.ko.xz"
	rm -r "$VFIO_LATCH_ROOT/lib/modules/6.1.0-test/build"
	finds problem headers system \
		"the headers of kernel 6.1.0-test are not installed: the modules are not built for it"
}

doctor_finds_a_build_that_failed_and_names_the_log()
{
	healthy
	kernel 6.1.0-test
	mkdir -p "$VFIO_LATCH_ROOT/var/lib/dkms/vfio-latch" "$VFIO_LATCH_ROOT/var/log/vfio-latch"
	latch_is 0 doctor 0000:41:00.1
	touch "$VFIO_LATCH_ROOT/var/log/vfio-latch/6.1.0-test.log"
	finds problem build system \
		"the last build of the modules is not installed for kernel 6.1.0-test: see /var/log/vfio-latch/6.1.0-test.log"
}

doctor_notes_that_the_kernels_command_line_switches_all_off()
{
	healthy
	echo "quiet vfio-latch=0" >"$VFIO_LATCH_ROOT/proc/cmdline"
	finds note command-line system \
		"nothing is claimed or bound by itself: vfio-latch=0 is on the kernel's command line"
	echo "quiet rd.vfio-latch=0 vfio-latch=01" >"$VFIO_LATCH_ROOT/proc/cmdline"
	latch_is 0 doctor 0000:41:00.1
	is "$out" "nothing found"
}

doctor_finds_units_that_are_not_enabled_or_masked()
{
	local units place

	healthy
	units=$VFIO_LATCH_ROOT/etc/systemd/system
	mkdir -p "$VFIO_LATCH_ROOT/run/systemd/system" "$units"/{multi-user,sysinit}.target.wants
	ln -s /usr/lib/systemd/system/vfio-latch-claim.service "$units/sysinit.target.wants/"
	finds problem service system \
		"vfio-latch.service is not enabled: devices that have a driver before udev runs are not bound at boot"
	ln -s /usr/lib/systemd/system/vfio-latch.service "$units/multi-user.target.wants/"
	latch_is 0 doctor 0000:41:00.1
	is "$out" "nothing found"
	ln -s /dev/null "$units/vfio-latch.service"
	finds problem service system \
		"vfio-latch.service is masked: devices that have a driver before udev runs are not bound at boot"
	rm "$units/vfio-latch.service" "$units/sysinit.target.wants/vfio-latch-claim.service"
	finds problem service system \
		"vfio-latch-claim.service is not enabled: devices that share a usual driver with others may get that driver at boot"
	# An image may have it enabled where no administrator writes.
	for place in run/systemd/system usr/local/lib/systemd/system usr/lib/systemd/system lib/systemd/system; do
		mkdir -p "$VFIO_LATCH_ROOT/$place/sysinit.target.wants"
		ln -s ../vfio-latch-claim.service "$VFIO_LATCH_ROOT/$place/sysinit.target.wants/"
		latch_is 0 doctor 0000:41:00.1
		is "$out" "nothing found"
		rm "$VFIO_LATCH_ROOT/$place/sysinit.target.wants/vfio-latch-claim.service"
	done
	ln -s /dev/null "$VFIO_LATCH_ROOT/run/systemd/system/vfio-latch-claim.service"
	finds problem service system \
		"vfio-latch-claim.service is masked: devices that share a usual driver with others may get that driver at boot"
	rm "$VFIO_LATCH_ROOT/run/systemd/system/vfio-latch-claim.service"
	ln -s /dev/null "$units/vfio-latch-claim.service"
	finds problem service system \
		"vfio-latch-claim.service is masked: devices that share a usual driver with others may get that driver at boot"
}

doctor_finds_doca_ofed()
{
	healthy
	mkdir "$VFIO_LATCH_ROOT/sys/module/mlx_compat"
	finds problem doca-ofed system \
		"mlx5_core is DOCA-OFED's, and our mlx5_vfio_pci is built for the kernel's"
	# Theirs has no rules.
	mv "$VFIO_LATCH_ROOT/sys/module/mlx5_vfio_pci/parameters" "$VFIO_LATCH_ROOT/parameters"
	finds note doca-ofed system "mlx5_core and mlx5_vfio_pci are DOCA-OFED's, not ours"
	mv "$VFIO_LATCH_ROOT/parameters" "$VFIO_LATCH_ROOT/sys/module/mlx5_vfio_pci/parameters"
	mv "$VFIO_LATCH_ROOT/model/modules/mlx5_vfio_pci" "$VFIO_LATCH_ROOT/mlx5_vfio_pci"
	finds problem doca-ofed system \
		"mlx5_core is DOCA-OFED's, and there is no mlx5_vfio_pci for it: ours is for the kernel's"
	mv "$VFIO_LATCH_ROOT/mlx5_vfio_pci" "$VFIO_LATCH_ROOT/model/modules/"
	# Who has no such VFs does not mind.
	device 0000:05:00.0 1234:11e8
	latch_is 0 bind --driver=vfio-pci 0000:05:00.0
	latch_is 0 doctor 0000:05:00.0
}

doctor_notes_a_device_without_a_reset()
{
	healthy
	echo flr >"$(sys 0000:41:00.1)/reset_method"
	latch_is 0 doctor 0000:41:00.1
	is "$out" "nothing found"
	: >"$(sys 0000:41:00.1)/reset_method"
	finds note reset 0000:41:00.1 "somebody has switched all its resets off in reset_method"
	rm "$(sys 0000:41:00.1)/reset"
	finds note reset 0000:41:00.1 \
		"it has no reset of its own: a user may find what the last one left"
}

# As /dev/kmsg has it. The last one counts; waiting is no failure.
doctor_notes_a_reset_that_failed()
{
	local kmsg

	healthy
	kmsg=$VFIO_LATCH_ROOT/dev/kmsg
	cat >"$kmsg" <<-'END'
	6,700,100,-;mlx5_vfio_pci 0000:41:00.1: not ready 1023ms after FLR; waiting
	 SUBSYSTEM=pci
	 DEVICE=+pci:0000:41:00.1
	4,701,101,-;mlx5_vfio_pci 0000:41:00.2: not ready 65535ms after FLR; giving up
	4,702,102,-;mlx5_vfio_pci 10000:41:00.1: not ready 65535ms after FLR; giving up
	END
	latch_is 0 doctor 0000:41:00.1
	is "$out" "nothing found"
	cat >>"$kmsg" <<-'END'
	4,703,103,-;mlx5_vfio_pci 0000:41:00.1: does not come back after a reset
	4,704,104,-;mlx5_vfio_pci 0000:41:00.1: not ready 65535ms after FLR; giving up
	 SUBSYSTEM=pci
	END
	finds note reset 0000:41:00.1 \
		"it has not come back once since the host was booted, the kernel's log says: not ready 65535ms after FLR; giving up"
	sed -i '/giving up/d' "$kmsg"
	finds note reset 0000:41:00.1 \
		"it has not come back once since the host was booted, the kernel's log says: does not come back after a reset"
	# The log has addresses only.
	latch doctor 0000:41:00.1
	is "${out##*power off and on. }" "After a hot-plug, or with VFs made anew, the log may mean the former device of this address."
}

doctor_finds_no_udev()
{
	healthy
	touch "$VFIO_LATCH_ROOT/model/no-udev"
	finds problem udev system "udev does not run: new devices are not bound by themselves"
}

doctor_finds_masked_rules()
{
	local place

	for place in /etc/udev/rules.d /run/udev/rules.d; do
		healthy
		mkdir -p "$VFIO_LATCH_ROOT$place"
		ln -s /dev/null "$VFIO_LATCH_ROOT$place/70-vfio-latch.rules"
		finds problem udev system \
			"the udev rules are switched off by $place/70-vfio-latch.rules"
	done
}

doctor_finds_faults_of_the_configuration()
{
	healthy
	echo nonsense | drop_in x.conf
	finds problem configuration system \
		"/etc/vfio-latch.conf.d/x.conf:1: neither [section] nor key = value"
}

doctor_finds_the_kernels_module_in_the_initramfs()
{
	local own=usr/lib/modules/6.1.0-test/kernel/drivers/vfio/pci/vfio-pci.ko

	healthy
	printf '%s\n' . usr/lib/modules/6.1.0-test/updates/dkms/vfio_pci.ko \
		>"$VFIO_LATCH_ROOT/boot/initrd.img-6.1.0-test"
	latch_is 0 doctor
	echo "$own" >>"$VFIO_LATCH_ROOT/boot/initrd.img-6.1.0-test"
	finds problem initramfs system "the initramfs has the kernel's own module: $own"
}

doctor_finds_an_initramfs_without_the_command_that_is_to_claim_there()
{
	healthy
	printf '%s\n' "[gpu]" "id = 1002:744c" "driver = vfio-pci" "initramfs = yes" | drop_in gpu.conf
	echo usr/bin/kmod >"$VFIO_LATCH_ROOT/boot/initrd.img-6.1.0-test"
	finds problem initramfs system \
		"the initramfs has no vfio-latch to claim the devices of section [gpu], /etc/vfio-latch.conf.d/gpu.conf:4"
	echo usr/bin/vfio-latch >>"$VFIO_LATCH_ROOT/boot/initrd.img-6.1.0-test"
	latch_is 0 doctor
	is "$out" "nothing found"
}

doctor_notes_an_initramfs_with_an_older_configuration()
{
	healthy
	echo usr/bin/vfio-latch >"$VFIO_LATCH_ROOT/boot/initrd.img-6.1.0-test"
	latch_is 0 doctor
	is "$out" "nothing found"
	touch -d 2026-01-01 "$VFIO_LATCH_ROOT/boot/initrd.img-6.1.0-test"
	finds note initramfs system \
		"/boot/initrd.img-6.1.0-test is older than the configuration of which it has a copy"
}

# What dracut's tool says of any image, and what both say of one that they cannot decompress.
doctor_does_not_take_a_heading_for_an_initramfs()
{
	local image line

	healthy
	image=$VFIO_LATCH_ROOT/boot/initrd.img-6.1.0-test
	printf '%s\n' "[gpu]" "id = 1002:744c" "driver = vfio-pci" "initramfs = yes" | drop_in gpu.conf
	printf '%s\n' "Image: /boot/initrd.img-6.1.0-test: 30M" ======== "Early CPIO image" ======== \
		"drwxr-xr-x   3 root     root            0 Jan  1  2026 ." \
		"-rw-r--r--   1 root     root            2 Jan  1  2026 early_cpio" \
		"-rw-r--r--   1 root     root        90112 Jan  1  2026 kernel/x86/microcode/AuthenticAMD.bin" \
		kernel/x86/microcode/GenuineIntel.bin "Version: dracut-106" "" \
		"Arguments: --kver '6.1.0-test' --conf /etc/dracut.conf" "dracut modules:" bash ======== >"$image"
	latch_is 0 doctor
	is "$out" "nothing found"
	for line in "-rwxr-xr-x   1 root     root       177584 Jan  1  2026 usr/bin/kmod" \
			"lrwxrwxrwx   1 root     root            4 Jan  1  2026 sbin/modprobe -> /usr/bin/kmod"; do
		sed -i '/kmod/d' "$image"
		echo "$line" >>"$image"
		finds problem initramfs system \
			"the initramfs has no vfio-latch to claim the devices of section [gpu], /etc/vfio-latch.conf.d/gpu.conf:4"
	done
}

# In a unified kernel image, say. One that cannot be read, or whose tool says nothing, is none.
doctor_reads_the_first_initramfs_that_it_can()
{
	local image=efi/EFI/Linux/debian-6.1.0-test.efi

	healthy
	printf '%s\n' "[gpu]" "id = 1002:744c" "driver = vfio-pci" "initramfs = yes" | drop_in gpu.conf
	: >"$VFIO_LATCH_ROOT/boot/initrd.img-6.1.0-test"
	latch_is 0 doctor
	mkdir -p "$VFIO_LATCH_ROOT/efi/EFI/Linux"
	echo usr/bin/kmod >"$VFIO_LATCH_ROOT/$image"
	finds problem initramfs system \
		"the initramfs has no vfio-latch to claim the devices of section [gpu], /etc/vfio-latch.conf.d/gpu.conf:4"
	echo usr/bin/vfio-latch >"$VFIO_LATCH_ROOT/$image"
	latch_is 0 doctor
	touch -d 2026-01-01 "$VFIO_LATCH_ROOT/$image"
	finds note initramfs system "/$image is older than the configuration of which it has a copy"
	latch doctor
	is "${out##*$'\n'}" "    Make it again: kernel-install add RELEASE KERNEL, or remove it if nothing boots it."
}

# late_gpu LINE...: its driver came from the initramfs, and shows a console
late_gpu()
{
	healthy
	module amdgpu amdgpu 1002:744c
	loaded amdgpu
	device 0000:03:00.0 1002:744c
	driver 0000:03:00.0 amdgpu
	ln -sfn ../../../../module/amdgpu "$VFIO_LATCH_ROOT/sys/bus/pci/drivers/amdgpu/module"
	mkdir -p "$(sys 0000:03:00.0)/drm/card0"
	printf '%s\n' "[gpu]" "id = 1002:744c" "driver = vfio-pci" "$@" | drop_in gpu.conf
	latch_is 0 claim
}

# says_of_the_gpu TEXT ADVICE
says_of_the_gpu()
{
	latch_is 1 doctor 0000:03:00.0
	is "$out" "0000:03:00.0: problem: it has amdgpu, not vfio-pci, and is in use: it may be showing somebody's display
    Free it, then vfio-latch apply; or vfio-latch bind --force.
0000:03:00.0: problem: amdgpu$1
    $2"
}

doctor_tells_how_to_claim_a_gpu_that_a_driver_of_the_initramfs_had_before()
{
	late_gpu
	says_of_the_gpu \
		" had it before it could be claimed for section [gpu]: it comes from the initramfs" \
		'Add the line "initramfs = yes" to the section, then update-initramfs -u -k all, or dracut --force --regenerate-all; and boot.'
	# Not of a driver that came later.
	driver 0000:03:00.0 radeon
	latch_is 1 doctor 0000:03:00.0
	is "$(grep -c claimed <<<"$out" || :)" 0
}

doctor_finds_a_gpu_that_the_initramfs_should_have_claimed()
{
	late_gpu "initramfs = yes"
	says_of_the_gpu \
		" had it before it could be claimed for section [gpu], which the initramfs should have done" \
		"Make the initramfs again: update-initramfs -u -k all, or dracut --force --regenerate-all. Is rd.vfio-latch=0 on the kernel's command line?"
}

doctor_finds_a_gpu_whose_driver_is_built_into_the_kernel()
{
	late_gpu
	touch "$VFIO_LATCH_ROOT/model/modules/amdgpu/builtin"
	says_of_the_gpu \
		", which is built into the kernel, had it before it could be claimed for section [gpu]" \
		"Nothing comes before that. Free it, then vfio-latch apply; or vfio-latch bind --force."
}

doctor_says_nothing_of_claims_when_the_device_is_bound()
{
	late_gpu
	rm -r "$(sys 0000:03:00.0)/drm"
	latch_is 0 apply
	latch_is 0 doctor 0000:03:00.0
	is "$out" "nothing found"
}

doctor_finds_a_missing_module()
{
	healthy
	rm -r "$VFIO_LATCH_ROOT/model/modules/mlx5_vfio_pci"
	finds problem module-missing system "there is no module mlx5_vfio_pci for this kernel"
}

doctor_finds_a_module_that_is_built_in()
{
	healthy
	touch "$VFIO_LATCH_ROOT/model/modules/mlx5_vfio_pci/builtin"
	finds problem module-builtin system \
		"mlx5_vfio_pci is built into this kernel, ours cannot take its place"
}

doctor_finds_that_the_kernels_module_is_installed()
{
	local own=/lib/modules/6.1.0-test/kernel/drivers/vfio/pci/mlx5/mlx5-vfio-pci.ko

	healthy
	rm "$VFIO_LATCH_ROOT/model/modules/mlx5_vfio_pci/version"
	echo "$own" >"$VFIO_LATCH_ROOT/model/modules/mlx5_vfio_pci/path"
	finds problem module-installed system "mlx5_vfio_pci of this kernel is the kernel's own: $own"
}

doctor_finds_that_the_kernels_module_is_loaded()
{
	healthy
	rm "$VFIO_LATCH_ROOT/sys/module/mlx5_vfio_pci/parameters/policy"
	finds problem module-loaded system \
		"the kernel's own mlx5_vfio_pci is loaded, though ours is installed"
}

doctor_finds_that_another_build_is_loaded()
{
	healthy
	echo AAAA >"$VFIO_LATCH_ROOT/sys/module/mlx5_vfio_pci/srcversion"
	echo BBBB >"$VFIO_LATCH_ROOT/model/modules/mlx5_vfio_pci/srcversion"
	finds note module-version system "another build of mlx5_vfio_pci is loaded than is installed"
}

doctor_finds_an_unsigned_module_under_lockdown()
{
	healthy
	mkdir -p "$VFIO_LATCH_ROOT/sys/kernel/security"
	echo "none [integrity] confidentiality" >"$VFIO_LATCH_ROOT/sys/kernel/security/lockdown"
	finds problem signature system \
		"this kernel loads signed modules only (lockdown), and /lib/modules/6.1.0-test/updates/dkms/mlx5-vfio-pci.ko is not signed"
}

doctor_finds_a_signer_whose_key_is_not_enrolled()
{
	healthy
	rm -r "$VFIO_LATCH_ROOT/sys/module/mlx5_vfio_pci"
	mkdir -p "$VFIO_LATCH_ROOT/sys/module/module/parameters"
	echo Y >"$VFIO_LATCH_ROOT/sys/module/module/parameters/sig_enforce"
	echo "DKMS module signing key" >"$VFIO_LATCH_ROOT/model/modules/mlx5_vfio_pci/signer"
	echo "1d7a I------ 1 perm 1f030000 0 0 asymmetri Build time autogenerated kernel key: 7b5c: X509.rsa 5d []" \
		>"$VFIO_LATCH_ROOT/proc/keys"
	finds problem signature system \
		"this kernel loads signed modules only (module.sig_enforce), and has no key of DKMS module signing key, who signed mlx5_vfio_pci"
	echo "1d7b I------ 1 perm 1f030000 0 0 asymmetri DKMS module signing key: 7b5d: X509.rsa 5d []" \
		>>"$VFIO_LATCH_ROOT/proc/keys"
	latch_is 0 doctor 0000:41:00.1
	is "$out" "nothing found"
}

doctor_finds_a_device_without_an_iommu_group()
{
	healthy
	rm "$(sys 0000:41:00.1)/iommu_group"
	finds problem iommu-group 0000:41:00.1 "it has no IOMMU group: no VFIO driver takes it"
}

doctor_finds_neighbours_that_the_host_has()
{
	local number

	healthy
	number=$(basename "$(readlink "$(sys 0000:41:00.1)/iommu_group")")
	device 0000:40:00.0 8086:1901
	echo 0x060400 >"$(sys 0000:40:00.0)/class"
	driver 0000:40:00.0 pcieport
	in_group 0000:40:00.0 "$number"
	device 0000:42:00.0 8086:10d3
	echo 0x020000 >"$(sys 0000:42:00.0)/class"
	driver 0000:42:00.0 e1000e
	in_group 0000:42:00.0 "$number"
	finds problem iommu-group 0000:41:00.1 \
		"it shares IOMMU group $number with 0000:42:00.0, whose driver is e1000e"
}

doctor_notes_a_device_without_a_section()
{
	healthy
	device 0000:05:00.0 1234:11e8
	latch_is 0 doctor 0000:05:00.0
	is "$out" "0000:05:00.0: note: no section of the configuration is for it"
}

doctor_notes_a_vf_that_a_vm_has()
{
	healthy
	device 0000:05:00.0 15b3:101e
	latch doctor 0000:05:00.0
	is "$(head -n 1 <<<"$out")" "0000:05:00.0: note: section [mlx5-vfs] is not for it: mlx5_vfio_pci is for VFs, and the PF of this function is not here"
}

doctor_notes_a_section_that_is_off()
{
	healthy
	latch_is 0 unbind 0000:41:00.1
	echo 1 >"$(sys 0000:41:00.0)/sriov_drivers_autoprobe"
	printf '[mlx5-vfs]\n\nenabled = no\n' | drop_in off.conf
	finds note section 0000:41:00.1 \
		"section [mlx5-vfs] would be for it, but /etc/vfio-latch.conf.d/off.conf:3 switches it off"
}

doctor_finds_another_driver()
{
	healthy
	latch_is 0 unbind 0000:41:00.1
	finds problem driver 0000:41:00.1 "it has mlx5_core, not mlx5_vfio_pci"
}

doctor_finds_a_device_in_use()
{
	healthy
	latch_is 0 unbind 0000:41:00.1
	netdev 0000:41:00.1 ens1v0 0x1003
	finds problem in-use 0000:41:00.1 \
		"it has mlx5_core, not mlx5_vfio_pci, and is in use: network interface ens1v0 is up"
}

doctor_finds_anothers_driver_override()
{
	healthy
	latch_is 0 bind --driver=none 0000:41:00.1
	echo uio_pci_generic >"$(sys 0000:41:00.1)/driver_override"
	finds problem driver-override 0000:41:00.1 \
		"somebody has set its driver_override to uio_pci_generic, so udev leaves it alone"
}

doctor_finds_other_tunables()
{
	healthy
	printf '[mlx5-vfs]\nnointxmask = yes\n' | drop_in x.conf
	finds problem tunables 0000:41:00.1 \
		"it is bound under other tunables than section [mlx5-vfs] wants"
}

doctor_finds_a_pf_that_mlx5_core_does_not_have()
{
	healthy
	rm "$(sys 0000:41:00.0)/driver"
	finds problem pf-driver 0000:41:00.1 \
		"its PF 0000:41:00.0 has no driver; mlx5_vfio_pci reaches the firmware by the PF's mlx5_core"
}

doctor_notes_autoprobe_that_is_on()
{
	healthy
	echo 1 >"$(sys 0000:41:00.0)/sriov_drivers_autoprobe"
	finds note autoprobe 0000:41:00.1 \
		"the kernel probes new VFs of 0000:41:00.0 before they are bound as configured"
}

doctor_notes_autoprobe_that_somebody_switched_off()
{
	healthy
	rm "$(sys 0000:41:00.1)/driver" "$VFIO_LATCH_ROOT/run/vfio-latch/autoprobe-0000:41:00.0"
	latch_is 1 doctor 0000:41:00.1
	grep -q "note: somebody has switched sriov_drivers_autoprobe of 0000:41:00.0 off: VFs get no usual driver" <<<"$out"
}

doctor_finds_vfio_pci_on_a_vf_that_could_migrate()
{
	healthy
	printf '[mlx5-vfs]\ndriver = vfio-pci\n' | drop_in x.conf
	latch_is 0 apply
	finds problem migration 0000:41:00.1 "vfio-pci cannot migrate it"
}

doctor_finds_a_vf_that_the_kernels_driver_has()
{
	healthy
	rm -r "$(sys 0000:41:00.1)/vfio_pci"
	finds problem module-loaded 0000:41:00.1 "the mlx5_vfio_pci that has it is the kernel's own"
}

# cannot_migrate WORD: as the driver says it
cannot_migrate()
{
	healthy
	rm "$(sys 0000:41:00.1)/vfio_pci/"{migration,tracker}_state
	echo "$1" >"$(sys 0000:41:00.1)/vfio_pci/migratable"
}

doctor_says_why_a_vf_cannot_be_migrated()
{
	local word

	for word in not-a-vf pf-driver other-pf-driver not-ethernet pf-firmware not-enabled error; do
		cannot_migrate "$word"
		latch_is 1 doctor 0000:41:00.1
		grep -q '^0000:41:00.1: problem: ' <<<"$out"
		is "$(grep -c "it cannot be migrated" <<<"$out")" 0
		# Each word of the driver's is known, and documented.
		grep -q "\"$word\"" "$TOP/src/mlx5/migration.c"
		grep -q "^		  $word" "$TOP/docs/sysfs-abi.txt"
	done
	cannot_migrate pf-firmware
	finds problem migration 0000:41:00.1 "the firmware of its PF does not offer migration"
	cannot_migrate not-enabled
	finds problem migration 0000:41:00.1 "migration is not enabled for this VF"
	grep -q "eswitch_mode = switchdev and migratable = yes" <<<"$out"
}

doctor_repeats_a_reason_that_it_does_not_know()
{
	cannot_migrate next-years
	finds problem migration 0000:41:00.1 "it cannot be migrated: next-years"
}

doctor_finds_a_failed_migration()
{
	healthy
	echo error >"$(sys 0000:41:00.1)/vfio_pci/migration_state"
	finds problem migration 0000:41:00.1 \
		"a migration has failed, and left it in the error state"
}

doctor_notes_a_kernel_that_cannot_report_dirty_pages()
{
	healthy
	rm "$(sys 0000:41:00.1)/vfio_pci/tracker_state"
	finds note dirty-tracking 0000:41:00.1 \
		"this kernel cannot report dirty pages of devices: all of memory counts as written"
}

doctor_notes_firmware_without_page_tracker()
{
	healthy
	rm "$(sys 0000:41:00.1)/vfio_pci/tracker_state"
	echo "0000000000000000 T iova_bitmap_set	[vfio]" >"$VFIO_LATCH_ROOT/proc/kallsyms"
	finds note dirty-tracking 0000:41:00.1 \
		"the firmware offers no page tracker: all of memory counts as written"
}

doctor_of_a_device_that_is_not_there()
{
	healthy
	latch 'doctor' 0000:05:00.0
	is "$status $err" "4 vfio-latch: 0000:05:00.0: no such device"
}
