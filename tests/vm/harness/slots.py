# SPDX-License-Identifier: GPL-2.0-only
"""Boots at a time for all runs of one user on one machine."""

import contextlib
import fcntl
import os
import time

from .paths import cache

SLOTS = int(os.environ.get("VFIO_LATCH_BOOTS", "3"))


@contextlib.contextmanager
def boot_slot():
    """Wait for one of the machine's boot slots. Whoever waits first is served first: one at a time
    holds the queue's lock and looks for a free slot, and the kernel keeps the others in order. Runs
    that may take different numbers of slots do not wait for each other."""
    directory = cache() / "slots"
    directory.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        slots = [stack.enter_context(open(directory / str(number), "w"))
                 for number in range(SLOTS)]
        with open(directory / ("queue-%d" % SLOTS), "w") as queue:
            fcntl.flock(queue, fcntl.LOCK_EX)
            while not any(_lock_at_once(slot) for slot in slots):
                time.sleep(0.2)
        yield


def _lock_at_once(file):
    """Lock FILE if nobody has; says whether."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except BlockingIOError:
        return False
