# SPDX-License-Identifier: GPL-2.0-only
"""Find a kernel image and its modules, or download them from the archive."""

import collections
import fcntl
import os
import re
import shutil
import subprocess

from .paths import HarnessError, cache

Kernel = collections.namedtuple("Kernel", "release image modules")


def _roots():
    """Directories that look like a root file system with kernels in it."""
    yield "/"
    base = cache()
    for pattern in ("*", "*/*"):
        for path in sorted(base.glob(pattern)):
            # Path.glob() takes names with a dot, too; those are downloads in progress.
            if path.is_dir() and not path.name.startswith("."):
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


def _version_key(release):
    return [int(number) for number in re.findall(r"\d+", release)]


def _is_bookworm(release):
    return re.fullmatch(r"6\.1\.0-\d+-amd64", release) is not None


def available():
    """Every kernel at hand, as {release: Kernel}; earlier roots win."""
    found = {}
    for root in _roots():
        boot = os.path.join(root, "boot")
        if not os.path.isdir(boot):
            continue
        for name in os.listdir(boot):
            if not name.startswith("vmlinuz-"):
                continue
            release = name[len("vmlinuz-"):]
            kernel = _in_root(root, release)
            if kernel:
                found.setdefault(release, kernel)
    return found


def _newest_in_archive():
    """The release that linux-image-amd64 stands for today."""
    try:
        out = subprocess.run(["apt-cache", "depends", "linux-image-amd64"],
                             check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    names = re.findall(r"Depends: linux-image-(6\.1\.0-\d+-amd64)\b", out)
    return max(names, key=_version_key) if names else None


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


def find(release=None, root=None):
    """The kernel RELEASE, in ROOT if that is given, or the newest bookworm one when None."""
    if root:
        kernel = release and _in_root(str(root), release)
        if not kernel:
            raise HarnessError("no kernel %s in %s" % (release, root))
        return kernel
    if release:
        for root in _roots():
            kernel = _in_root(root, release)
            if kernel:
                return kernel
        return _download(release)
    at_hand = {r: k for r, k in available().items() if _is_bookworm(r)}
    if at_hand:
        return at_hand[max(at_hand, key=_version_key)]
    newest = _newest_in_archive()
    if not newest:
        raise HarnessError("no Debian 12 kernel (6.1.0-N-amd64): none in /boot, none in %s, and "
                           "apt knows no linux-image-amd64 that depends on one; run apt-get "
                           "update, or name a kernel with KVER=" % cache())
    return _download(newest)
