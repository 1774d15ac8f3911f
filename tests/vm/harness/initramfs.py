# SPDX-License-Identifier: GPL-2.0-only
"""Put a guest together: busybox, init, the modules, one test program."""

import pathlib
import shlex

from . import cpio
from .arch import ARCH, root
from .modules import contents, direct_dependencies, module_name
from .paths import BUILD, VM, HarnessError

# vfio_virqfd exists on 6.1 only; later kernels have it inside vfio.
BASE = ["vfio", "vfio_iommu_type1", "irqbypass"]
OPTIONAL_BASE = ["vfio_virqfd", "pci_stub"]
DRIVER_MODULES = {"ours": ["vfio_latch", "vfio_pci"], "kernel": ["vfio_pci_core", "vfio_pci"]}


def busybox():
    """The static one, which every guest starts with."""
    for path in ("bin/busybox", "usr/bin/busybox"):
        file = (root() or pathlib.Path("/")) / path
        if not file.exists():
            continue
        data = file.read_bytes()
        if b"/ld-linux" not in data[:4096]:
            return data
        raise HarnessError("%s is dynamically linked: install busybox-static" % file)
    raise HarnessError("no busybox: install busybox-static")


def our_modules(directory):
    """{name: contents} of the driver built in DIRECTORY."""
    directory = pathlib.Path(directory)
    found = {module_name(path): contents(path) for path in sorted(directory.glob("*.ko*"))}
    missing = [name for name in DRIVER_MODULES["ours"] if name not in found]
    if missing:
        raise HarnessError("no %s.ko in %s: run make modules"
                           % (missing[0].replace("_", "-"), directory))
    return found


def further_modules(directory):
    """{name: contents} of the modules in DIRECTORY."""
    return {module_name(path): contents(path)
            for path in sorted(pathlib.Path(directory).glob("*.ko*"))}


def default_modules_directory(release):
    """Where make modules leaves the driver for the kernel RELEASE."""
    return BUILD / "modules" / release


class Contents:
    """What all guests of one kernel share."""

    def __init__(self, tree, ours, further=None):
        """FURTHER: {name: contents} of modules that the kernel's package does not have."""
        self.tree = tree
        self.further = further or {}
        self.ours = ours
        self.busybox = busybox()
        self.port_modules = tree.closure(ARCH.port_modules, "the guest's ports")

    def build(self, program, executable, options, arguments, target):
        """Write the initramfs that runs PROGRAM's EXECUTABLE to TARGET, with the driver of
        OPTIONS, its way to devices, and its factor to the time that a test may take."""
        archive = cpio.Archive()
        for path in ("proc", "sys", "dev", "run", "tmp", "modules/ours", "modules/kernel"):
            archive.directory(path)
        archive.character_device("dev/console", 5, 1)
        archive.file("bin/busybox", self.busybox, 0o755)
        archive.symlink("bin/sh", "busybox")
        archive.file("init", (VM / "init").read_bytes(), 0o755)
        archive.file("etc/vm", "VFIO_DRIVER=%s\nVFIO_ACCESS=%s\nTEST_SECONDS=%d\nPROGRAM=%s\n"
                     "ARGUMENTS=%s\nPORT_MODULES='%s'\nTAP_PORT=%s\nVM_PORT=%s\n"
                     % (options.driver, options.access, program.seconds * options.slow,
                        program.group, shlex.quote(shlex.join(arguments)),
                        " ".join(self.port_modules), ARCH.tap, ARCH.requests))
        archive.file("tests/" + program.group, executable.read_bytes(), 0o755)
        for path in program.files:
            archive.file("files/" + path.name, path.read_bytes())
        self._add_modules(archive, program)
        target.write_bytes(archive.bytes())

    def _add_modules(self, archive, program):
        """/modules/{base,kernel,ours}/NAME.ko and, in each, `depends`: a line per module, its
        name and then what it depends on."""
        tree = self.tree
        kernel = [name for name in DRIVER_MODULES["kernel"] if tree.has(name)]
        wanted = BASE + [name for name in OPTIONAL_BASE if tree.has(name)]
        base = tree.closure(wanted + ARCH.port_modules + program.modules,
                            "tests/vm/%s.c" % program.group)
        if kernel:
            base += [name for name in tree.closure(kernel, "the kernel's driver")
                     if name not in base and name not in kernel]
        if self.ours:
            needed = [dependency for data in self.ours.values()
                      for dependency in direct_dependencies(data)
                      if dependency not in self.ours and tree.has(dependency)]
            base += [name for name in tree.closure(needed, "vfio-latch") if name not in base]
        for data in self.further.values():
            base += [name for name in tree.closure(
                [name for name in direct_dependencies(data) if tree.has(name)], "--kernel-modules")
                if name not in base and name not in kernel]
        groups = {"base": {name: tree.read(name) for name in base},
                  "kernel": {**{name: tree.read(name) for name in kernel}, **self.further},
                  "ours": self.ours or {}}
        for group, modules in groups.items():
            lines = []
            for name, data in modules.items():
                archive.file("modules/%s/%s.ko" % (group, name), data)
                lines.append(" ".join([name, *direct_dependencies(data)]))
            archive.file("modules/%s/depends" % group, "".join(line + "\n" for line in lines))
