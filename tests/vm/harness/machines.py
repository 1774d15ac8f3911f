"""Machine descriptions: tests/vm/machines/NAME turned into QEMU options."""

import shlex

from .paths import VM, HarnessError

DIRECTORY = VM / "machines"


class Machine:
    """One machine: QEMU options, kernel command line, disks."""

    def __init__(self, name):
        self.name = name
        self.options = []
        self.cmdline = []
        self.disks = {}
        self.memory = "512M"
        self.processors = "2"
        self._read(name)

    def _read(self, name):
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
            elif word == "disk":
                disk, size = rest.split()
                self.disks[disk] = size
            else:
                raise HarnessError("tests/vm/machines/%s:%d: unknown word %s"
                                   % (name, number, word))

    def qemu_options(self, scratch):
        """Options for QEMU, with the disks made as sparse files in SCRATCH."""
        options = ["-m", self.memory, "-smp", self.processors, *self.options]
        for disk, size in self.disks.items():
            path = scratch / (disk + ".raw")
            unit = {"M": 1 << 20, "G": 1 << 30}[size[-1]]
            with open(path, "wb") as file:
                file.truncate(int(size[:-1]) * unit)
            options += ["-drive", "if=none,format=raw,id=%s,file=%s" % (disk, path)]
        return options
