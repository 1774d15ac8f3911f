# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # status, out and err are latch's
# What the packages' scripts call, with programs of ours in the place of the system's.

HELPERS+=(stub a_machine dkms_install before_install maintainer careless purged_of an_image its_tools made_again cannot_be_made_again)

# stub NAME [TEXT]: a program that says that it was called, and does this
stub()
{
	mkdir -p "$VFIO_LATCH_ROOT/stubs"
	cat >"$VFIO_LATCH_ROOT/stubs/$1" <<-END
		#!/bin/sh
		echo "$1 \$*" >>"$VFIO_LATCH_ROOT/calls"
		${2-}
	END
	chmod +x "$VFIO_LATCH_ROOT/stubs/$1"
}

# a_machine UNIT'S-STATUS: with a kernel and its headers, and dkms
a_machine()
{
	new_system
	: >"$VFIO_LATCH_ROOT/calls"
	stub dkms
	stub systemctl "exit $1"
	stub vfio-latch
}

# dkms_install [COMMAND]: where nothing of this machine is seen or changed
dkms_install()
{
	# shellcheck disable=SC2016 # the inner shell's
	unshare --mount bash -euc '
		for directory in /lib/modules /var/lib /var/log /run /etc /boot; do
			mkdir -p "$directory"
			mount -t tmpfs none "$directory"
		done
		mkdir -p /lib/modules/6.1.0-test/build/include /run/systemd/system
		[[ -z ${2-} ]] || eval "$2"
		PATH=$VFIO_LATCH_ROOT/stubs:${TOOLS-$PATH} "$1/dkms/install"
	' bash "$TOP" "$@"
}

# What vfio-latch could not bind for want of a module, it can now.
what_was_left_alone_is_bound_when_the_modules_are_installed()
{
	a_machine 0
	dkms_install
	is "$(grep -E '^(dkms install|vfio-latch) ' "$VFIO_LATCH_ROOT/calls" | cut -d' ' -f1-3 | cut -d/ -f1)" \
		"dkms install vfio-latch
vfio-latch apply --new"
	grep -qx "systemctl -q is-active vfio-latch.service" "$VFIO_LATCH_ROOT/calls"
}

it_is_left_alone_where_the_unit_is_not_in_force()
{
	a_machine 3
	dkms_install
	is "$(grep -c '^vfio-latch ' "$VFIO_LATCH_ROOT/calls" || :)" 0
	a_machine 0
	dkms_install 'rmdir /run/systemd/system'
	is "$(grep -c '^vfio-latch ' "$VFIO_LATCH_ROOT/calls" || :)" 0
	a_machine 0
	dkms_install 'mkdir -p /etc/dkms; touch /etc/dkms/no-autoinstall'
	is "$(grep -vc '^dkms add ' "$VFIO_LATCH_ROOT/calls" || :)" 0
}

# The package is there all the same.
a_command_that_fails_does_not_fail_the_installation()
{
	a_machine 0
	stub vfio-latch "exit 5"
	dkms_install
	grep -qx "vfio-latch apply --new" "$VFIO_LATCH_ROOT/calls"
}

# its_tools NAME...: of those that read and make an initramfs, the machine has these; they see
# vfio-pci in it
its_tools()
{
	local name

	a_machine 3
	TOOLS=$VFIO_LATCH_ROOT/tools
	mkdir "$TOOLS"
	find /usr/bin/ /usr/sbin/ -maxdepth 1 -xtype f \
		! -name '*initramfs' ! -name lsinitrd ! -name dracut -exec ln -sft "$TOOLS" {} +
	for name; do
		stub "$name" "echo usr/lib/modules/6.1.0-test/kernel/drivers/vfio/pci/vfio-pci.ko.xz"
	done
}

# made_again IMAGE CALL: by this one alone
made_again()
{
	TOOLS=$TOOLS dkms_install "touch /boot/$1"
	is "$(grep -E '^(update-initramfs|dracut)' "$VFIO_LATCH_ROOT/calls")" "$2"
}

an_initramfs_with_vfio_pci_is_made_again_by_what_the_machine_has()
{
	local kernel=6.1.0-test

	its_tools lsinitramfs update-initramfs
	made_again "initrd.img-$kernel" "update-initramfs -u -k $kernel"
	# Debian's dracut, older and newer.
	its_tools lsinitrd dracut
	made_again "initrd.img-$kernel" "dracut --force --quiet /boot/initrd.img-$kernel $kernel"
	its_tools lsinitrd dracut update-initramfs
	made_again "initrd.img-$kernel" "update-initramfs -u -k $kernel"
	# With initramfs-tools-core, which reads images and makes none.
	its_tools lsinitramfs lsinitrd dracut
	made_again "initrd.img-$kernel" "dracut --force --quiet /boot/initrd.img-$kernel $kernel"
	its_tools lsinitrd dracut update-initramfs
	made_again "initramfs-$kernel.img" "dracut --force --quiet /boot/initramfs-$kernel.img $kernel"
}

an_initramfs_without_vfio_pci_is_left_alone()
{
	its_tools lsinitrd dracut update-initramfs
	stub lsinitrd "echo usr/lib/modules/6.1.0-test/kernel/drivers/vfio/vfio.ko"
	made_again initrd.img-6.1.0-test ""
}

cannot_be_made_again()
{
	TOOLS=$TOOLS dkms_install 'touch /boot/initrd.img-6.1.0-test' 2>"$VFIO_LATCH_ROOT/err"
	is "$(grep initramfs "$VFIO_LATCH_ROOT/err")" "vfio-latch: the initramfs /boot/initrd.img-6.1.0-test could not be made again: it may hold another vfio-pci than the system"
}

an_initramfs_that_cannot_be_made_again_is_named_in_one_line()
{
	its_tools lsinitramfs
	cannot_be_made_again
	its_tools lsinitrd update-initramfs
	stub update-initramfs "exit 1"
	cannot_be_made_again
	stub lsinitrd "exit 1"
	cannot_be_made_again
}

# Whoever made it, it was not on this machine.
an_initramfs_that_no_program_reads_is_left_alone()
{
	its_tools
	TOOLS=$TOOLS dkms_install 'touch /boot/initrd.img-6.1.0-test' 2>"$VFIO_LATCH_ROOT/err"
	is "$(grep -c initramfs "$VFIO_LATCH_ROOT/err" || :)" 0
}

# before_install [COMMAND]: with modules that were built and signed with a key that is not enrolled
before_install()
{
	a_machine 0
	stub modinfo "echo Nobody"
	mkdir -p "$VFIO_LATCH_ROOT/sys/kernel/security"
	echo "none [integrity] confidentiality" >"$VFIO_LATCH_ROOT/sys/kernel/security/lockdown"
	echo "1 I------ 1 perm 1 0 0 asymmetri Debian: 1: X509" >"$VFIO_LATCH_ROOT/proc/keys"
	# shellcheck disable=SC2016 # the inner shell's
	unshare --mount bash -uc '
		for directory in /var/lib /var/log /run /lib/modules; do
			mount -t tmpfs none "$directory"
		done
		version=$(sed -n "s/^PACKAGE_VERSION=\"\(.*\)\"/\1/p" "$1/dkms.conf")
		modules=/var/lib/dkms/vfio-latch/$version/6.1.0-test/x86_64/module
		mkdir -p "$modules" /lib/modules/6.1.0-test/updates/dkms
		touch "$modules/vfio-latch.ko" /lib/modules/6.1.0-test/updates/dkms/vfio-latch.ko
		eval "${2-}"
		PATH=$VFIO_LATCH_ROOT/stubs:$PATH "$1/dkms/before-install" 6.1.0-test
		echo "status $?"
		[[ ! -e /lib/modules/6.1.0-test/updates ]] || echo "nothing taken away"
		cat /var/log/vfio-latch/6.1.0-test.log
	' bash "$TOP" "$@" >"$VFIO_LATCH_ROOT/out" 2>"$VFIO_LATCH_ROOT/err"
}

# dkms autoinstall, for the next kernel, or at boot.
no_dkms_installs_what_secure_boot_would_refuse()
{
	before_install || :
	is "$(head -n 2 "$VFIO_LATCH_ROOT/out")" "status 1
nothing taken away"
	is "$(sed -n '3p' "$VFIO_LATCH_ROOT/out" | cut -d: -f1-3)" \
		"vfio-latch: kernel 6.1.0-test keeps its own vfio-pci until Secure Boot knows our key: mokutil --import /var/lib/dkms/mok.pub, then reboot, enroll it, and dpkg-reconfigure vfio-latch-dkms"
	is "$(<"$VFIO_LATCH_ROOT/err")" "$(sed -n 3p "$VFIO_LATCH_ROOT/out")"
	# shellcheck disable=SC2016 # the inner shell's
	before_install 'sed -i s/Debian/Nobody/ "$VFIO_LATCH_ROOT/proc/keys"' || :
	is "$(<"$VFIO_LATCH_ROOT/out")" "status 0"
}

# As kernel-install calls it. Whatever comes of it, the kernel is installed.
a_kernel_of_an_rpm_has_its_modules_before_dkms_installs_any()
{
	a_machine 0
	# shellcheck disable=SC2016 # the inner shell's
	unshare --mount bash -euc '
		mount -t tmpfs none /usr/src
		mkdir -p /usr/src/vfio-latch-1.0/dkms
		printf "%s\n" "#!/bin/sh" "echo hook \$* >>$VFIO_LATCH_ROOT/calls; exit 1" \
			>/usr/src/vfio-latch-1.0/dkms/kernel-hook
		chmod +x /usr/src/vfio-latch-1.0/dkms/kernel-hook
		"$1/rpm/39-vfio-latch.install" add 6.1.0-test /boot/id/6.1.0-test /lib/modules/6.1.0-test/vmlinuz
		"$1/rpm/39-vfio-latch.install" remove 6.1.0-test /boot/id/6.1.0-test
	' bash "$TOP"
	is "$(<"$VFIO_LATCH_ROOT/calls")" "hook 6.1.0-test"
}

# maintainer SCRIPT ARGUMENT...: on a machine that systemd does not run
maintainer()
{
	# shellcheck disable=SC2016 # the inner shell's
	unshare --mount bash -euc '
		mount -t tmpfs none /run
		script=$1
		shift
		PATH=$VFIO_LATCH_ROOT/stubs:$PATH sh "$script" "$@"
	' bash "$@"
}

# careless SCRIPT ARGUMENT...: as root with umask 0 runs it, where systemd runs, and the initramfs
# claims; what it leaves in /run may be written by root alone
careless()
{
	new_system
	stub vfio-latch
	stub systemctl
	{
		echo "mkdir -p /run/systemd/system; umask 0"
		sed "s,[^ ]*/initramfs-wanted,true," "$1"
		echo "find /run/vfio-latch -perm /022 >$VFIO_LATCH_ROOT/loose"
	} >"$VFIO_LATCH_ROOT/script"
	maintainer "$VFIO_LATCH_ROOT/script" "${@:2}"
	is "$(cat "$VFIO_LATCH_ROOT/loose")" ""
}

no_script_leaves_behind_what_others_may_write()
{
	local scripts

	scripts=$(mktemp -d "$WORK/scripts.XXXXXX")
	sed -n '/^%post$/,/^%preun$/{/^%/!p}' "$TOP/rpm/vfio-latch.spec" >"$scripts/post"
	sed -n '/^%preun$/,/^%postun$/{/^%/!p}' "$TOP/rpm/vfio-latch.spec" >"$scripts/preun"
	careless "$TOP/debian/vfio-latch.postinst" configure
	careless "$TOP/debian/vfio-latch.prerm" remove
	careless "$scripts/post" 1
	careless "$scripts/preun" 0
	a_machine 0
	stub vfio-latch "find /var/log/vfio-latch -perm /022 >$VFIO_LATCH_ROOT/loose"
	(umask 0 && dkms_install)
	is "$(cat "$VFIO_LATCH_ROOT/loose")" ""
}

removal_gives_autoprobe_back_whatever_init_there_is()
{
	new_system
	stub vfio-latch
	maintainer "$TOP/debian/vfio-latch.prerm" remove
	is "$(cat "$VFIO_LATCH_ROOT/calls")" "vfio-latch apply --off --deadline=60"
	stub vfio-latch "exit 1"
	maintainer "$TOP/debian/vfio-latch.prerm" remove
	rm "$VFIO_LATCH_ROOT/calls"
	maintainer "$TOP/debian/vfio-latch.prerm" upgrade 2.0
	[[ ! -e $VFIO_LATCH_ROOT/calls ]]
}

# purged_of TOOL...: what the removal calls where these are, and a section claims in the initramfs
purged_of()
{
	its_tools "$@"
	{
		echo "mkdir -p /run/vfio-latch; touch /run/vfio-latch/initramfs"
		cat "$TOP/debian/vfio-latch.postrm"
	} >"$VFIO_LATCH_ROOT/postrm"
	PATH=$TOOLS maintainer "$VFIO_LATCH_ROOT/postrm" remove >/dev/null
	grep -E '^(update-initramfs|dracut)' "$VFIO_LATCH_ROOT/calls"
}

no_initramfs_goes_on_to_claim_after_the_removal_whatever_makes_it()
{
	is "$(purged_of update-initramfs)" "update-initramfs -u -k all"
	is "$(purged_of update-initramfs dracut)" "update-initramfs -u -k all"
	# Debian 12's dracut.
	is "$(purged_of dracut)" "dracut --force --regenerate-all"
}

# As systemd reads it: $$ is one $.
the_unit_gives_up_what_it_has_when_it_is_stopped_and_not_at_shutdown()
{
	local state

	new_system
	stub vfio-latch
	sed -n "s/^ExecStop=//p" "$TOP/udev/vfio-latch.service" |
		sed 's/\$\$/$/g; s,/usr/bin/vfio-latch,vfio-latch,' >"$VFIO_LATCH_ROOT/stop"
	for state in running degraded maintenance stopping; do
		rm -f "$VFIO_LATCH_ROOT/calls"
		stub systemctl "echo $state; [ $state = running ]"
		maintainer "$VFIO_LATCH_ROOT/stop"
		is "$state: $(grep vfio "$VFIO_LATCH_ROOT/calls")" \
			"$state: $([[ $state == stopping ]] || echo "vfio-latch apply --off --deadline=60")"
	done
}

# rpm hands the number of versions that stay.
an_rpms_removal_does_so_too()
{
	new_system
	stub vfio-latch
	sed -n '/^%preun$/,/^%postun$/{/^%/!p}' "$TOP/rpm/vfio-latch.spec" >"$VFIO_LATCH_ROOT/preun"
	maintainer "$VFIO_LATCH_ROOT/preun" 1
	[[ ! -e $VFIO_LATCH_ROOT/calls ]]
	maintainer "$VFIO_LATCH_ROOT/preun" 0
	is "$(cat "$VFIO_LATCH_ROOT/calls")" "vfio-latch apply --off --deadline=60"
}
