# SPDX-License-Identifier: GPL-2.0-only
"""What guests of another architecture than amd64 need otherwise: ARCH=arm64 in the environment."""

import collections
import os
import subprocess

from .paths import TREE, HarnessError, cache

Architecture = collections.namedtuple(
    "Architecture",
    # Debian's name, the emulator and its package
    "name qemu qemu_package "
    # what compiles for it, and what runs what was compiled
    "compiler archiver runner "
    # the guest's ports for TAP and requests, the modules that they need, the kernel's console
    "tap requests port_modules console "
    # words of the kernel's command line
    "cmdline "
    # the root of tests/roots that has Debian 12's kernel and busybox; None: this machine
    "root")

AMD64 = Architecture(
    "amd64", "qemu-system-x86_64", "qemu-system-x86",
    os.environ.get("CC", "gcc"), "ar", [],
    "/dev/ttyS1", "/dev/ttyS2", [], "ttyS0",
    ["tsc=reliable", "no_timer_check"],
    None)

# Its machine has one serial port, and no PCI function is to be there that no test knows of.
ARM64 = Architecture(
    "arm64", "qemu-system-aarch64", "qemu-system-arm",
    "aarch64-linux-gnu-gcc", "aarch64-linux-gnu-ar", ["qemu-aarch64-static"],
    "/dev/hvc0", "/dev/hvc1", ["virtio_mmio", "virtio_console"], "ttyAMA0",
    [],
    "arm64-bookworm")


def _chosen():
    name = os.environ.get("ARCH") or "amd64"
    if name in ("amd64", "x86_64", "x86"):
        return AMD64
    if name in ("arm64", "aarch64"):
        return ARM64
    raise SystemExit("tests/vm/run: no guests of the architecture ARCH=%s are known here" % name)


ARCH = _chosen()


def root():
    """The root that ARCH's Debian 12 is in, made if it is not there; None for this machine."""
    if not ARCH.root:
        return None
    path = cache() / "roots" / ARCH.root
    if path.is_dir():
        return path
    done = subprocess.run([str(TREE / "tests/roots/make-root"), ARCH.root])
    if done.returncode:
        raise HarnessError("there is no root %s" % ARCH.root)
    return path


def ports():
    """QEMU's options for the kernel log, TAP and requests, chardevs of these names."""
    if ARCH is AMD64:
        return [word for name in ("log", "tap", "requests")
                for word in ("-device", "isa-serial,chardev=" + name)]
    return ["-serial", "chardev:log", "-device", "virtio-serial-device",
            "-device", "virtconsole,chardev=tap", "-device", "virtconsole,chardev=requests"]
