# SPDX-License-Identifier: GPL-2.0-only
#
#	make modules [KVER=release | KDIR=dir]	the modules, in build/modules/<release>/
#	make clean				remove build/

# KVER and KDIR are for the scripts below, not for the kernel's own makefiles.
MAKEOVERRIDES =

modules:
	+@scripts/build-modules $(or $(KDIR:%=$(abspath $(KDIR))),$(KVER))

clean:
	rm -rf build

.PHONY: modules clean
