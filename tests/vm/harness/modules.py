# SPDX-License-Identifier: GPL-2.0-only
"""Kernel modules: find them by name, with all that they depend on."""

import gzip
import lzma
import os
import pathlib
import re
import subprocess

from .paths import HarnessError

SUFFIXES = (".ko", ".ko.xz", ".ko.gz", ".ko.zst")


def module_name(path):
    """The name a module has once loaded, from its file name."""
    base = os.path.basename(str(path))
    return base.split(".ko")[0].replace("-", "_")


def contents(path):
    """The module itself: the guest has no decompressor that it could rely on."""
    path = str(path)
    if path.endswith(".xz"):
        with lzma.open(path) as file:
            return file.read()
    if path.endswith(".gz"):
        with gzip.open(path) as file:
            return file.read()
    if path.endswith(".zst"):
        try:
            return subprocess.run(["zstd", "-dcq", path], check=True,
                                  stdout=subprocess.PIPE).stdout
        except FileNotFoundError:
            raise HarnessError("%s needs zstd, which is not installed" % path) from None
    return pathlib.Path(path).read_bytes()


def direct_dependencies(data):
    """Names in the module's own `depends` entry."""
    match = re.search(rb"\0depends=([^\0]*)\0", data)
    if not match or not match.group(1):
        return []
    return [name.replace("-", "_") for name in match.group(1).decode().split(",")]


class Tree:
    """The modules of one kernel."""

    def __init__(self, kernel):
        self.kernel = kernel
        self.paths = {}
        root = pathlib.Path(kernel.modules)
        for path in root.joinpath("kernel").rglob("*.ko*"):
            if str(path).endswith(SUFFIXES):
                self.paths[module_name(path)] = path
        self.builtin = set()
        listing = root / "modules.builtin"
        if listing.exists():
            self.builtin = {module_name(line) for line in listing.read_text().split()}
        self._contents = {}

    def has(self, name):
        """Whether NAME is a loadable module of this kernel."""
        return name in self.paths

    def read(self, name):
        """The decompressed module NAME."""
        if name not in self._contents:
            self._contents[name] = contents(self.paths[name])
        return self._contents[name]

    def closure(self, names, needed_by):
        """NAMES and what they depend on, dependencies first; built-in ones are left out."""
        order = []

        def visit(name, parent):
            if name in order or name in self.builtin:
                return
            if name not in self.paths:
                raise HarnessError("kernel %s has no module %s (needed by %s)"
                                   % (self.kernel.release, name, parent))
            for dependency in direct_dependencies(self.read(name)):
                visit(dependency, name)
            order.append(name)

        for name in names:
            visit(name, needed_by)
        return order
