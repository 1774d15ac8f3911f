# SPDX-License-Identifier: GPL-2.0-only
"""Find a kernel image and its modules, or download them from the archive."""

import collections
import fcntl
import os
import re
import shutil
import subprocess

from .arch import ARCH
from .paths import TREE, HarnessError, cache

Kernel = collections.namedtuple("Kernel", "release image modules")

# What a running suite works on and removes in the end is called after its process: NAME.123 or 123.
COPY = re.compile(r"(^|\.)\d+$")


def _roots():
    """Directories that look like a root file system with kernels in it."""
    yield "/"
    base = cache()
    for pattern in ("*", "*/*"):
        for path in sorted(base.glob(pattern)):
            # Path.glob() takes names with a dot, too; those are downloads in progress.
            if path.is_dir() and not path.name.startswith(".") and \
                    not any(COPY.search(name) for name in path.relative_to(base).parts):
                yield str(path)


def _in_root(root, release):
    images = [os.path.join(root, "boot", "vmlinuz-" + release)]
    for lib in ("lib/modules", "usr/lib/modules"):
        modules = os.path.join(root, lib, release)
        if not os.path.isdir(os.path.join(modules, "kernel")):
            continue
        for image in images + [os.path.join(modules, "vmlinuz")]:
            if os.path.exists(image):
                return Kernel(release, image, modules)
    return None


def _default_release():
    """The kernel that modules are built for when none is named. Whatever else is at hand: a newer
    kernel of another suite's root has no modules."""
    done = subprocess.run([TREE / "scripts" / "find-kernel"], env=dict(os.environ, ARCH=ARCH.name),
                          capture_output=True, text=True)
    if done.returncode:
        raise HarnessError("no kernel to test: %s" % done.stderr.strip())
    return done.stdout.split()[0]


def _download(release):
    """linux-image-RELEASE from the archive, unpacked in the cache."""
    store = cache() / "kernels"
    store.mkdir(parents=True, exist_ok=True)
    with open(store / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kernel = _in_root(str(store / release), release)
        if kernel:
            return kernel
        # Names with a dot are not looked into: a download may be broken off.
        partial = store / ("." + release)
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        try:
            _fetch("linux-image-" + release, partial)
            partial.rename(store / release)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return _in_root(str(store / release), release)


def _fetch(package, directory):
    """Unpack a package of the archive in an empty DIRECTORY."""
    print("# downloading %s" % package, flush=True)
    try:
        done = subprocess.run(["apt-get", "-qq", "download", package], cwd=directory,
                              capture_output=True, text=True)
    except FileNotFoundError:
        raise HarnessError("no apt-get, to download %s" % package) from None
    archives = list(directory.glob("*.deb"))
    if done.returncode or not archives:
        raise HarnessError("no %s: not installed, not in %s, and it cannot be downloaded:\n%s"
                           % (package, cache(), done.stderr.strip()))
    subprocess.run(["dpkg-deb", "-x", str(archives[0]), str(directory)], check=True)
    archives[0].unlink()


def _architecture(image):
    """The architecture that a kernel's image is for: both kinds have the header of an EFI program,
    and that of arm64 has a mark of its own."""
    with open(image, "rb") as file:
        head = file.read(4096)
    at = int.from_bytes(head[0x3c:0x40], "little")
    if head[0x38:0x3c] == b"ARM\x64" or \
            head[at:at + 6] == b"PE\0\0" + (0xaa64).to_bytes(2, "little"):
        return "arm64"
    return "amd64"


def find(release=None, root=None):
    """The kernel RELEASE, in ROOT if that is given, or the one that modules are built for
    when None. It must be one for ARCH."""
    kernel = _find(release, root)
    found = _architecture(kernel.image)
    if found != ARCH.name:
        raise HarnessError("kernel %s is one for %s: it wants ARCH=%s"
                           % (kernel.release, found, found))
    return kernel


def _find(release, root):
    if root:
        kernel = release and _in_root(str(root), release)
        if not kernel:
            raise HarnessError("no kernel %s in %s" % (release, root))
        return kernel
    release = release or _default_release()
    for root in _roots():
        kernel = _in_root(root, release)
        if kernel:
            return kernel
    return _download(release)
