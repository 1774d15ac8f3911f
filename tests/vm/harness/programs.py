# SPDX-License-Identifier: GPL-2.0-only
"""The test programs: read what their headers ask for, compile them, list their promises."""

import collections
import fcntl
import fnmatch
import os
import re
import subprocess

from .arch import ARCH, AMD64
from .paths import BUILD, TREE, VM, HarnessError, relative

DRIVERS = ("ours", "kernel")
CFLAGS = ["-std=gnu11", "-static", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-pthread",
          "-D_GNU_SOURCE="]
THREADS = ("single", "multi")
ACCESS = ("group", "compat", "cdev")
KEYS = {"machine", "drivers", "threads", "cmdline", "modules", "files", "sources", "timeout",
        "seconds"}

Program = collections.namedtuple(
    "Program",
    "group source machine drivers threads cmdline modules files sources timeout seconds")


def _header(source):
    """The vm-KEY: VALUE lines of the first comment."""
    comment = re.search(r"/\*.*?\*/", source.read_text(), re.S)
    keys = {}
    for key, value in re.findall(r"^[\s*]*vm-(\w+):[ \t]*(.*?)[ \t]*(?:\*/)?$",
                                 comment.group(0) if comment else "", re.M):
        if key not in KEYS:
            raise HarnessError("%s: unknown header line vm-%s" % (relative(source), key))
        keys[key] = value
    return keys


def _read(source):
    keys = _header(source)
    for key in ("machine", "drivers"):
        if key not in keys:
            raise HarnessError("%s: no vm-%s: line in its first comment" % (relative(source), key))
    drivers = keys["drivers"].split()
    if not drivers or set(drivers) - set(DRIVERS):
        raise HarnessError("%s: vm-drivers: takes %s" % (relative(source), " and ".join(DRIVERS)))
    threads = keys.get("threads", THREADS[0])
    if threads not in THREADS:
        raise HarnessError("%s: vm-threads: takes %s" % (relative(source), " or ".join(THREADS)))
    return Program(source.stem, source, keys["machine"], drivers, threads, keys.get("cmdline", ""),
                   keys.get("modules", "").split(),
                   [TREE / name for name in keys.get("files", "").split()],
                   [source.parent / name for name in keys.get("sources", "").split()],
                   int(keys.get("timeout", "180")), int(keys.get("seconds", "120")))


def load(directory=VM):
    """All test programs of DIRECTORY, by name."""
    return [_read(source) for source in sorted(directory.glob("*.c"))]


def may_match(program, patterns):
    """Whether a pattern can name one of PROGRAM's tests: GROUP or GROUP.PROMISE, globs allowed."""
    return not patterns or any(fnmatch.fnmatchcase(program.group, pattern.split(".")[0])
                               for pattern in patterns)


def _patterns(path):
    """What a list of tests says: {pattern of GROUP.PROMISE: the words after it}."""
    if not path.exists():
        return {}
    lines = (line.split("#")[0].split(None, 1) for line in path.read_text().splitlines())
    return {words[0]: words[1].strip() for words in lines if words}


def known_faults():
    """What tests/vm/known-faults lists: {pattern of GROUP.PROMISE: the fault}."""
    return _patterns(VM / "known-faults")


def not_here(access):
    """What ARCH cannot have, or who opens devices by ACCESS: {pattern of GROUP.PROMISE: why}."""
    return {**_patterns(VM / ("not-on-" + ARCH.name)), **_patterns(VM / ("not-by-" + access))}


def names(pattern, left_out):
    """Whether PATTERN, as a user writes it, asks for what LEFT_OUT says, and for nothing else."""
    return not set(pattern) & set("*?[") and "." in pattern \
        and fnmatch.fnmatchcase(pattern, left_out)


def _newest(paths):
    return max(path.stat().st_mtime for path in paths)


def _run_compiler(command, what):
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        raise HarnessError("no %s, to compile %s" % (command[0], what)) from None
    if done.returncode:
        raise HarnessError("%s does not compile:\n%s" % (what, done.stderr.strip()))


def compile_library():
    """Build tests/vm/lib into one archive; returns its path."""
    out = BUILD / "vm" / ("programs" if ARCH is AMD64 else "programs-" + ARCH.name)
    out.mkdir(parents=True, exist_ok=True)
    library = out / "libvmtest.a"
    sources = sorted((VM / "lib").glob("*.c"))
    inputs = sources + sorted((VM / "lib").glob("*.h"))
    with open(out / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if library.exists() and library.stat().st_mtime >= _newest(inputs):
            return library
        objects = []
        for source in sources:
            target = out / ("lib-%s.o" % source.stem)
            _run_compiler([ARCH.compiler, *CFLAGS, "-c", "-o", str(target), str(source)],
                          relative(source))
            objects.append(str(target))
        partial = out / "libvmtest.a.part"
        partial.unlink(missing_ok=True)
        subprocess.run([ARCH.archiver, "rcs", str(partial), *objects], check=True)
        partial.rename(library)
    return library


def compile_program(program, library):
    """Build one program; returns its path."""
    target = library.parent / program.group
    inputs = [program.source, *program.sources, library, *(VM / "lib").glob("*.h"),
              *(header for source in [program.source, *program.sources]
                for header in source.parent.glob("*.h"))]
    if target.exists() and target.stat().st_mtime >= _newest(inputs):
        return target
    partial = library.parent / ("%s.part%d" % (program.group, os.getpid()))
    _run_compiler([ARCH.compiler, *CFLAGS, "-I", str(VM / "lib"), "-o", str(partial),
                   str(program.source), *map(str, program.sources), str(library)],
                  relative(program.source))
    partial.rename(target)
    return target


def promises(executable, driver, release, patterns):
    """The tests that EXECUTABLE would run; it is static and can say so on the host."""
    out = subprocess.run([*ARCH.runner, str(executable), "--list", *patterns], check=True,
                         capture_output=True, text=True,
                         env={"VFIO_DRIVER": driver, "VFIO_KERNEL": release}).stdout
    return out.split()
