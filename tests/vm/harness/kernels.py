"""Find a kernel image and its modules, or download them from the archive."""

import collections
import os
import re
import subprocess

from .paths import HarnessError, cache

Kernel = collections.namedtuple("Kernel", "release image modules")


def _roots():
    """Directories that look like a root file system with kernels in it."""
    yield "/"
    base = cache()
    for pattern in ("*", "*/*"):
        for path in sorted(base.glob(pattern)):
            if path.is_dir():
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
    """Unpack linux-image-RELEASE from the archive into the cache."""
    package = "linux-image-" + release
    store = cache() / "kernels"
    target = store / release
    partial = store / (release + ".part%d" % os.getpid())
    print("# downloading %s" % package, flush=True)
    partial.mkdir(parents=True)
    # apt's download user must be able to write here; it falls back to root with a notice.
    done = subprocess.run(["apt-get", "-qq", "download", package], cwd=partial,
                          capture_output=True, text=True)
    archives = list(partial.glob("*.deb"))
    if done.returncode or not archives:
        subprocess.run(["rm", "-rf", str(partial)], check=True)
        raise HarnessError("no kernel %s: not installed, not in %s, and apt-get download %s "
                           "failed:\n%s" % (release, cache(), package, done.stderr.strip()))
    subprocess.run(["dpkg-deb", "-x", str(archives[0]), str(partial)], check=True)
    archives[0].unlink()
    partial.rename(target)
    return _in_root(str(target), release)


def find(release=None):
    """The kernel RELEASE, or the newest bookworm one when None."""
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
