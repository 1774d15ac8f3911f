# SPDX-License-Identifier: GPL-2.0-only
"""Judge one boot: what TAP said, and what the kernel log shows between the tests' marks."""

import collections
import re

# The outcome is ok, not ok or skip; ended is False for what the guest did not come to the end of.
Result = collections.namedtuple("Result", "promise outcome details ended", defaults=(True,))

# What must not be in the guest's log while a test runs.
BAD = re.compile(
    r"\bWARNING:|\bBUG\b|\bOops\b|Call Trace|possible (?:circular|recursive|irq|unsafe)"
    r"|INFO: (?:task|possible|rcu|suspicious|trying)|suspicious RCU|imbalance|[Uu]nbalanced"
    r"|underflow|KASAN|UBSAN|KCSAN|KFENCE|kmemleak|refcount_t|general protection|nobody cared"
    r"|Kernel panic|DMAR: \[|DMAR: .*[Ff]ault|Trying to free|leaked|use-after-free"
    r"|sysfs: cannot create duplicate|Unknown symbol|disagrees about version")
MARK = re.compile(r"vm-test: (begin|end|expect) (.*)")
EXCERPT = 60

# What KCSAN says of a race begins and ends so; frames of the drivers under test.
RACE = re.compile(r"BUG: KCSAN: (.*)")
RACE_END = re.compile(r"={40}")
DRIVER_FRAME = re.compile(r"\[(?:vfio_latch|vfio_pci|vfio_pci_core|mlx5_vfio_pci)\]")


def _segments(log):
    """{promise: its lines}; the lines after the last test are under None. Boot is left out."""
    segments = collections.defaultdict(list)
    current = None
    started = False
    for line in log:
        mark = MARK.search(line)
        if mark and mark.group(1) == "begin":
            current, started = mark.group(2).strip(), True
        if started:
            segments[current].append(line)
        if mark and mark.group(1) == "end":
            current = None
    return segments


# Fields of the kernel's own that it reads without a lock on purpose, whoever calls: the count of an
# eventfd, whether an interrupt is in its handler, and whether a sleeper's time is over; and bits of
# struct pci_dev that the PCI core keeps side by side, where only the one that has its configuration
# access lock writes them (docs/security.md 9.2).
KERNELS_OWN_RACES = ({"eventfd_poll", "eventfd_write"},
                     {"__synchronize_hardirq", "handle_irq_event"},
                     {"hrtimer_wakeup", "usleep_range_state"},
                     {"do_nanosleep", "hrtimer_wakeup"},
                     {"pci_cfg_access_trylock", "pci_restore_state"})


def is_kernels_own(title):
    """Whether TITLE, `data-race in F / G`, is of a race within the kernel."""
    return set(title.removeprefix("data-race in ").split(" / ")) in KERNELS_OWN_RACES


def races(lines):
    """KCSAN's reports in LINES: [(index of its first line, title, whether a driver under test takes
    part in it)]."""
    found = []
    start = title = None
    for index, line in enumerate(lines):
        begin = RACE.search(line)
        if begin and start is None:
            start, title = index, begin.group(1).strip()
        elif start is not None and RACE_END.search(line):
            found.append((start, title, not is_kernels_own(title) and
                          any(DRIVER_FRAME.search(text) for text in lines[start:index])))
            start = None
    return found


def _without_others_races(lines):
    """LINES less the first line of each race that no driver under test took part in."""
    others = {start for start, _, ours in races(lines) if not ours}
    return [line for index, line in enumerate(lines) if index not in others]


def _bad_lines(lines):
    """Lines that fail a test, but for those that it announced with an expect mark."""
    expected = []
    bad = []
    for line in _without_others_races(lines):
        mark = MARK.search(line)
        if mark:
            if mark.group(1) == "expect":
                expected.append(mark.group(2).strip())
            continue
        if BAD.search(line) and not any(re.search(pattern, line) for pattern in expected):
            bad.append(line)
    return bad


def _excerpt(lines):
    """The part of a log to show: around the first bad line, else its end."""
    lines = _without_others_races(lines)
    for index, line in enumerate(lines):
        if BAD.search(line) and not MARK.search(line):
            return lines[max(0, index - 5):index + EXCERPT]
    return lines[-EXCERPT:]


def _parse_tap(text):
    """{promise: (outcome, detail lines)} and lines that belong to no finished test. Lines that
    begin with | are for somebody else."""
    outcomes = {}
    details = []
    for line in text.splitlines():
        if line.startswith("|"):
            continue
        line = line.rstrip("\r")
        match = re.match(r"(ok|not ok) \d+ - (\S+)(?: # SKIP (.*))?$", line)
        if match:
            outcome = match.group(1)
            if match.group(3) is not None:
                outcome = "skip"
                details = [match.group(3)]
            outcomes[match.group(2)] = (outcome, details)
            details = []
        elif re.match(r"# begin \S+$", line):
            details = []
        elif line and not re.match(r"1\.\.\d+$", line):
            details.append(line)
    return outcomes, details


def judge(promises, tap, log, failure):
    """One Result for each of PROMISES, and one named kernel_log if the log is bad elsewhere."""
    lines = [line.rstrip() for line in log.splitlines()]
    segments = _segments(lines)
    outcomes, unfinished = _parse_tap(tap)
    results = []
    died = False
    for promise in promises:
        segment = segments.get(promise, [])
        bad = _bad_lines(segment)
        if promise not in outcomes:
            if not died:
                details = [failure or "the program ended before this test did", *unfinished,
                           *["log: " + line for line in _excerpt(segment or lines[-10:])]]
                died = True
            else:
                details = ["not reached"]
            results.append(Result(promise, "not ok", details, False))
            continue
        outcome, details = outcomes[promise]
        details = list(details)
        if bad:
            details += ["the kernel log has: %s" % bad[0]]
            outcome = "not ok"
        if outcome == "not ok":
            details += ["log: " + line for line in _excerpt(segment)]
        results.append(Result(promise, outcome, details))
    between = segments.get(None, [])
    bad = _bad_lines(between)
    if not died and (bad or failure):
        details = [failure] if failure else []
        details += ["the kernel log has: %s" % line for line in bad[:1]]
        details += ["log: " + line for line in _excerpt(between)]
        results.append(Result("kernel_log", "not ok", details, False))
    return results
