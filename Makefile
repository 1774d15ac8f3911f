# SPDX-License-Identifier: GPL-2.0-only
#
# Everything here installs what it needs (as root, with apt-get) and says so.
#
#	make demo		the package on a clean Debian, a device in user space's hands
#	make check		all tests but -debug and -mlx5; ends in "N passed, N failed"
#
#	make modules [KVER=release | KDIR=dir]	build/modules/<release>/*.ko
#	make modules-all			for the kernels of all Debian suites
#	make deb				build/deb/vfio-latch-dkms_<version>_all.deb
#
#	make check-vm [KVER=release] [TESTS=pattern] [DRIVER=ours|kernel]
#	make check-lint check-unit check-build check-kernels check-pahole check-selftest
#	make check-clients check-package
#	make check-debug	the VM tests on a kernel with KASAN, UBSAN and lockdep
#	make sim		the ConnectX model for QEMU, build/sim/connectx.so
#	make check-mlx5 [KVER=release] [DRIVER=ours|kernel]
#	make bench		instructions per operation, the kernel's driver and ours

# mlx5 comes with src/mlx5: until then it tests the model, with the kernel's driver.
SUITES := lint unit build kernels pahole selftest vm igd clients package
ON_DEMAND := mlx5

all: modules

modules:
	+@scripts/build-modules $(or $(KDIR:%=$(abspath $(KDIR))),$(KVER))

modules-all:
	+@tests/kernels/run

deb:
	@scripts/build-deb

demo:
	+@demo/run

# All suites are run, whatever one of them says.
check:
	+@scripts/check $(SUITES)

# A suite is tests/NAME/run; the packages it needs stand in tests/NAME/packages.
$(filter-out check-selftest,$(SUITES:%=check-%) $(ON_DEMAND:%=check-%)): check-%:
	+@scripts/need tests/$*/packages
	+@tests/$*/run

# The harness's own test stands in it, and needs what it needs.
check-selftest:
	+@scripts/need tests/vm/packages
	+@tests/vm/selftest/run

check-vm check-clients check-pahole: modules

check-debug:
	+@scripts/need tests/vm/packages
	+@tests/vm/debug-kernel/run

bench: modules
	+@scripts/need tests/bench/packages tests/vm/packages
	+@tests/bench/run

sim:
	+@scripts/need tests/sim/packages
	+@$(MAKE) -s -f tests/sim/Makefile

check-igd: modules sim
check-mlx5: sim

lint: check-lint

clean:
	rm -rf build

.PHONY: all modules modules-all deb demo check $(SUITES:%=check-%) $(ON_DEMAND:%=check-%) check-debug bench sim lint clean
