# SPDX-License-Identifier: GPL-2.0-only
#
# Everything here installs what it needs (as root, with apt-get) and says so.
#
#	make demo		the packages on a clean Debian, a VM that is live-migrated
#	make check		the tests of every change; ends in "N passed, N failed"
#	make check-quick	those of the daily loop
#
#	make modules [ARCH=arm64] [KVER=release | KDIR=dir]	build/modules/<release>/*.ko
#	make modules-all			for the kernels of all Debian suites
#	make deb				build/deb/*.deb
#	make rpm [HOMEPAGE=url]			build/rpm/*.rpm; HOMEPAGE is their URL
#	make srpm				build/srpm/*.src.rpm, also where Debian's tools are not
#	make repo KEY=fingerprint [URL=url]	build/repo/: both as signed repositories for apt and dnf
#
#	make check-vm [KVER=release] [TESTS=pattern] [DRIVER=ours|kernel]
#	make check-mlx5 [KVER=release] [TESTS=pattern] [DRIVER=ours|kernel] [ALL=1]
#	make check-pairs [ALL=1] [SEED=n] [DRIVER=ours|kernel]	pairs of actors that race on a witness
#	make check-lint check-unit check-tools check-build check-kernels check-pahole
#	make check-selftest check-igd check-held check-dma-buf check-live-migration check-clients
#	make check-docs check-package check-rpm check-repo check-system check-upgrade [ALL=1]
#	make check-matrix	whose streams of mlx5 VFs whose driver loads, on which kernel
#	make check-conformance	what our mlx5 driver asks of firmware and the kernel's never does
#	make check-arm64 [KVER=release] [TESTS=pattern] [DRIVER=ours|kernel]
#				the modules and the VM tests on arm64: cross-built, emulated
#	make check-arm64-64k	some of them on a kernel with pages of 64 KiB, which is built first
#	make check-arm64-dkms	the modules built by dkms and a compiler of arm64, emulated
#	make check-configs [CONFIGS=name]	the modules for kernels of other configurations
#	make check-release	what takes too long for each change: all of the packages, upgrades
#	make check-debug	what needs kernels of its own (docs/testing.md), one after the other:
#	make check-debug-kernel	the VM tests, and every failing step, with KASAN, UBSAN and lockdep
#	make check-vfio-selftests	the kernel's own selftests of VFIO, its driver and ours compared
#	make check-kcsan	the VM tests that race, with KCSAN
#	make check-iommufd	devices through their own nodes, with iommufd; vfio's debugfs
#	make check-live-migration-iommufd	QEMU has its VFs through iommufd
#	make sim		the models for QEMU, a ConnectX and others, build/sim/connectx.so
#	make compare [CALLS=n] [SEED=n] [DEVICE=name] [EPISODE=n] [KVER=release]
#				the same calls of the kernel's driver and of ours
#	make fuzz [CALLS=n] [SEED=n] [DEVICE=name] [EPISODE=n] [THREADS=1] [KVER=release]
#				random calls of devices, which then still have to work
#	make coverage [OF='suites'] [LINES=1] [KVER=release]
#				the lines of src/core that suites (default: fuzz) execute
#	make support [KEEP=1]	docs/support.md, of what the suites have printed; KEEP: and of what it says
#	make bench		what operations and migrations cost, the kernel's driver and ours

# One processor is enough for each of the first: they run side by side.
SIDE_BY_SIDE := package kernels system build tools lint docs unit pahole
ALONE := selftest vm igd held compare dma-buf mlx5 conformance live-migration clients
SUITES := $(SIDE_BY_SIDE) $(ALONE)
# What a release is checked with besides, and nothing has time for at each change.
RELEASE := rpm repo upgrade matrix configs
# They race, or need a kernel that is built first.
MORE := $(RELEASE) pairs vfio-selftests arm64
QUICK := lint unit tools pahole vm mlx5
QUICK_TESTS := basic bind latch migration dirty

all: modules

modules:
	+@scripts/build-modules $(or $(KDIR:%=$(abspath $(KDIR))),$(KVER))

modules-all:
	+@tests/kernels/run

deb:
	@scripts/build-deb

# HOMEPAGE comes from the environment, here and in `make srpm` and `make repo`.
rpm:
	@scripts/build-rpm

srpm:
	@scripts/build-rpm --source

# The key is the operator's, and in his keyring. URL is where clients will find build/repo/.
repo:
	@scripts/build-repo --key '$(KEY)' $(if $(URL),--url '$(URL)')

demo:
	+@demo/run

# All suites are run, whatever one of them says. Debian 12 as a system, and the death of a package's
# script at each of its calls, have time in check-release.
check:
	+@SYSTEMS=trixie EVERY=4 scripts/check $(SIDE_BY_SIDE) -- $(ALONE)

check-quick:
	+@TESTS='$(QUICK_TESTS)' scripts/check $(QUICK)

# A suite is tests/NAME/run; the packages it needs stand in tests/NAME/packages.
$(filter-out check-selftest,$(SUITES:%=check-%) $(MORE:%=check-%)): check-%:
	+@scripts/need tests/$*/packages
	+@tests/$*/run

# The harness's own test stands in it, and needs what it needs.
check-selftest: sim
	+@scripts/need tests/vm/packages
	+@tests/vm/selftest/run

check-clients check-pahole: modules

check-vm: modules sim

check-release:
	+@scripts/check $(RELEASE) system package

check-debug:
	+@scripts/check debug-kernel iommufd vfio-selftests kcsan live-migration-iommufd

check-debug-kernel: sim
	+@scripts/need tests/vm/packages tests/vm/debug-kernel/packages
	+@tests/vm/debug-kernel/run

check-iommufd: sim
	+@scripts/need tests/vm/packages tests/vm/debug-kernel/packages
	+@tests/vm/debug-kernel/iommufd

check-kcsan: sim
	+@scripts/need tests/vm/packages tests/vm/debug-kernel/packages
	+@tests/vm/debug-kernel/kcsan

check-arm64-64k: sim
	+@scripts/need tests/vm/packages tests/vm/debug-kernel/packages tests/arm64/packages
	+@tests/arm64/pages-64k

check-arm64-dkms: sim
	+@scripts/need tests/vm/packages tests/arm64/packages
	+@tests/arm64/dkms

check-live-migration-iommufd: sim
	+@scripts/need tests/live-migration/packages
	+@IOMMUFD=1 tests/live-migration/run

# CALLS, SEED, EPISODE, DEVICE and KVER come from the environment.
compare: sim
	+@scripts/need tests/compare/packages
	+@CALLS='$(CALLS)' SEED='$(SEED)' EPISODE='$(EPISODE)' DEVICE='$(DEVICE)' KVER='$(KVER)' tests/compare/run

# These and SLOW, TESTS and DRIVER, too.
fuzz: modules sim
	+@scripts/need tests/fuzz/packages
	+@tests/fuzz/run

coverage: sim
	+@scripts/need tests/fuzz/packages tests/coverage/packages
	+@tests/coverage/run $(if $(LINES),--lines) $(OF)

# The table of docs/support.md, of what the suites that were run have left.
support:
	@tests/docs/support $(if $(KEEP),--keep) build/check/*.log

bench: sim
	+@scripts/need tests/bench/packages tests/vm/packages
	+@tests/bench/run
	+@tests/bench/mlx5/run
	+@tests/bench/command

# One at a time: suites run side by side.
sim:
	+@scripts/need tests/sim/packages
	+@mkdir -p build && flock build/sim.lock $(MAKE) -s -f tests/sim/Makefile

check-igd check-held check-compare check-dma-buf check-mlx5 check-matrix check-pairs check-conformance check-live-migration: modules sim
check-vfio-selftests check-system check-upgrade check-arm64: sim

lint: check-lint

clean:
	rm -rf build

.PHONY: all modules modules-all deb demo check rpm srpm repo check-quick $(SUITES:%=check-%) $(MORE:%=check-%) \
	check-release check-debug check-debug-kernel check-arm64-64k check-arm64-dkms check-iommufd check-kcsan check-live-migration-iommufd \
	compare fuzz coverage bench support sim lint clean
