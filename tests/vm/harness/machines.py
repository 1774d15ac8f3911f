# SPDX-License-Identifier: GPL-2.0-only
"""Machine descriptions: tests/vm/machines/NAME turned into QEMU options."""

import shlex
import subprocess

from .arch import ARCH
from .paths import BUILD, TREE, VM, HarnessError, relative

DIRECTORY = VM / "machines"


def _plugin(name):
    """The object that adds device models to QEMU."""
    path = BUILD / "sim" / (name + ".so")
    if not path.is_file():
        raise HarnessError("no %s: run make sim" % relative(path))
    return path


class Machine:
    """One machine: QEMU options, kernel command line, disks."""

    def __init__(self, name, describe=False):
        """With DESCRIBE the machine is not to be started, and needs no plugin."""
        self.name = name
        self._describe = describe
        self.options = []
        self.cmdline = []
        self.disks = {}
        self.windows = {}
        self.root = None
        self.share = None
        self.has_plugin = False
        # Why another architecture cannot have this machine.
        self.amd64_only = None
        self.memory = "512M"
        self.processors = "2"
        self._read(name)

    def _read(self, name):
        # What another architecture needs otherwise has the same name in its directory.
        path = DIRECTORY / ARCH.name / name
        if not path.is_file():
            path = DIRECTORY / name
        if not path.is_file():
            raise HarnessError("no machine %s in tests/vm/machines" % name)
        for number, line in enumerate(path.read_text().splitlines(), 1):
            line = line.split("#")[0].strip()
            if not line:
                continue
            if line.startswith("-"):
                self.options += shlex.split(line)
                continue
            word, _, rest = line.partition(" ")
            rest = rest.strip()
            if word == "include":
                self._read(rest)
            elif word == "cmdline":
                self.cmdline.append(rest)
            elif word == "memory":
                self.memory = rest
            elif word == "processors":
                self.processors = rest
            elif word == "amd64":
                self.amd64_only = rest
            elif word == "root":
                self.root = rest
            elif word == "share":
                self.share = rest
            elif word == "plugin":
                self.has_plugin = True
                if not self._describe:
                    self.options += ["-plugin", "file=%s" % _plugin(rest)]
            elif word == "disk":
                disk, size = rest.split()
                self.disks[disk] = size
            elif word == "window":
                window, size = rest.split()
                self.windows[window] = size
            else:
                raise HarnessError("tests/vm/machines/%s:%d: unknown word %s"
                                   % (name, number, word))

    def _root_options(self):
        """The Debian root (tests/roots), offered read-only over 9p."""
        done = subprocess.run([str(TREE / "tests/roots/make-root"), self.root],
                              stdout=subprocess.PIPE, text=True)
        if done.returncode:
            raise HarnessError("machine %s has no root %s" % (self.name, self.root))
        return ["-fsdev", "local,id=root,path=%s,security_model=none,readonly=on,multidevs=remap"
                % done.stdout.strip(), "-device", "virtio-9p-pci,fsdev=root,mount_tag=root"]

    def _share_options(self):
        """A directory of build/vm, which the guest may write to, over 9p."""
        path = BUILD / "vm" / self.share
        path.mkdir(parents=True, exist_ok=True)
        return ["-fsdev", "local,id=share,path=%s,security_model=none" % path,
                "-device", "virtio-9p-pci,fsdev=share,mount_tag=share"]

    def disk_path(self, scratch, disk):
        """The file behind DISK."""
        return scratch / (disk + ".raw")

    def window_path(self, scratch, window):
        """The file behind WINDOW."""
        return scratch / (window + ".window")

    def _window_options(self, scratch):
        """Memory of the guest that is a sparse file in SCRATCH: BAR 2 of a function."""
        for window, size in self.windows.items():
            yield from ("-object", "memory-backend-file,id=%s-memory,size=%s,share=on,mem-path=%s"
                        % (window, size, self.window_path(scratch, window)),
                        "-device", "ivshmem-plain,id=%s,memdev=%s-memory" % (window, window))

    def qemu_options(self, scratch):
        """Options for QEMU, with the disks made as sparse files in SCRATCH."""
        options = ["-m", self.memory, "-smp", self.processors, *self.options]
        if any(option.startswith("connectx,") for option in self.options):
            options += ["-global", "connectx.trace=%s" % (scratch / "trace")]
        for disk, size in self.disks.items():
            path = self.disk_path(scratch, disk)
            unit = {"M": 1 << 20, "G": 1 << 30}[size[-1]]
            with open(path, "wb") as file:
                file.truncate(int(size[:-1]) * unit)
            options += ["-drive", "if=none,format=raw,id=%s,file=%s" % (disk, path)]
        options += self._window_options(scratch)
        if self.root:
            options += self._root_options()
        if self.share:
            options += self._share_options()
        return options
