# SPDX-License-Identifier: GPL-2.0-only
"""The differences that are meant: each has a name, a reason in docs/differences.md, and a rule
here that recognises it and nothing else.

A rule is asked about a call of which the two answers differ. It gets the call as a Call, the
device's layout, and says whether the difference is the one that it is about. The device may then
be in another state under the one driver than under the other; a rule that says DIVERGES, not True,
ends the comparison of the episode there.
"""

import re

DIVERGES = "diverges"
RULES = {}

# Classes of devices, and what is in their BARs.
CLASS_VGA = 0x030000
CLASS_NVME = 0x010802
NVME_ADMIN_QUEUES = range(0x24, 0x38)
VGA_PORTS = range(0x400, 0x420)


class State:
    """What the calls of an episode so far say of the device: as far as a rule needs it."""

    def __init__(self, layout):
        self.pm = layout["pm"] + 4 if layout["pm"] else None
        self.power = 0		# the state that was last written
        self.wakeup = None  # the eventfd to wake of the last low power
        self.intx = None  # the eventfd of INTx
        self.no_eventfd = False  # INTx was set up with -1 for an eventfd
        self.unmasked = False  # DisINTx was cleared
        self.memory_was_off = False  # COMMAND was written with memory decoding off
        self.command_in_d3 = False  # COMMAND was last written in D3hot
        self.written_in_d3 = set()  # registers that were
        self.low_power = False  # it may be asleep
        self.config_in_low_power = False  # its configuration space was accessed since
        self.ioeventfds = set()  # the eventfds that write to it
        self.woken_to_write = False  # one was signalled while it was asleep
        self.vga_port = False  # one of VGA's ports was written

    def see(self, what, answer):
        """A call and what the kernel's driver answered."""
        match = re.match(r"config write (0x[0-9a-f]+|0)/[1-9]\d*$", what)
        self.config_in_low_power |= self.low_power and what.startswith("config ")
        if match and len(answer.split()) > 1 and not answer.split()[1].startswith("E"):
            self._write(int(match.group(1), 0), bytes.fromhex(answer.split()[0].split("..")[0]))
        elif answer.split()[-1:] == ["0"] and what.startswith(("reset", "hot reset flags")):
            self.power = 0
        elif answer.startswith("0") and what.startswith("low power"):
            self.low_power = what.split()[2] != "5"
            self.config_in_low_power = False
            if what.split()[2] == "4":
                self.wakeup = what.split()[3]
        elif re.match(r"region 8 write 0x[0-9a-f]{1,4}/", what):
            self.vga_port = True
        elif what.startswith("ioeventfd ") and answer == "0":
            self.ioeventfds.add(what.split()[5])
        elif what.startswith("signal ") and self.low_power:
            self.woken_to_write |= what.split()[1] in self.ioeventfds
        elif what.startswith("irqs 0 "):
            self._set_intx(what.split(), answer.split())

    def _set_intx(self, words, answer):
        if "0" not in answer:
            return
        if words[4].endswith("+0"):
            self.intx, self.no_eventfd = None, False
        elif words[3] == "0x24":
            self.intx, self.no_eventfd = answer[0], answer[0] == "-1"

    def _write(self, start, data):
        if 0x5 - start in range(len(data)) and not data[5 - start] & 4:
            self.unmasked = True
        if 0x4 - start in range(len(data)):
            self.command_in_d3 = self.power == 3
            self.memory_was_off |= not data[4 - start] & 2
        before = self.power
        if self.pm and self.pm - start in range(len(data)):
            power = data[self.pm - start] & 3
            if self.power != 3 or power not in (1, 2):
                self.power = power
        for at in range(start, start + len(data)):
            if (self.power if self.pm and at > self.pm else before) == 3:
                self.written_in_d3.add(at)


class Call:
    """One call: what was called, what the kernel's driver and ours answered."""

    def __init__(self, what, kernel, ours, layout, release, state):
        self.what = what
        self.kernel = kernel
        self.ours = ours
        self.layout = layout
        self.release = release
        self.state = state
        self.words = what.split()

    def is_old(self):
        """Whether this is the kernel of Debian 12."""
        return self.release.startswith("6.1.")

    def _events(self):
        """The eventfds that were signalled: (by the kernel's driver, by ours); or None, if that
        is not all that differs."""
        found = [re.fullmatch(r"(.*?)((?: e\d+:\d+)*)", answer)
                 for answer in (self.kernel, self.ours)]
        if found[0].group(1) != found[1].group(1):
            return None
        return [set(one.group(2).split()) for one in found]

    def events_missing(self):
        """The eventfds that only the kernel's driver has signalled, if nothing else differs."""
        events = self._events()
        return {event.split(":")[0] for event in events[0] - events[1]} \
            if events and events[1] < events[0] else set()

    def events_added(self):
        """Those that only ours has."""
        events = self._events()
        return {event.split(":")[0] for event in events[1] - events[0]} \
            if events and events[0] < events[1] else set()

    def differs_in_command(self):
        """The bits of the real COMMAND that differ. An eventfd may come with it, see INTx."""
        kernel, ours = (int(answer.split()[0], 16) for answer in (self.kernel, self.ours))
        return kernel ^ ours

    def succeeded(self):
        """Whether ours gave 0, and maybe signalled eventfds."""
        return re.search(r" 0( e\d+:\d+)*$", self.ours)

    def touches_bar(self):
        """Whether it is an access of a BAR, by read, write or mapping."""
        return re.match(r"region [0-5] (read|write) |(load from|store in) ", self.what)

    def reads(self, bar, offsets):
        """Whether it reads one of OFFSETS, a range, of a BAR."""
        match = re.match(r"(?:region|load from mapping \d+ region) (\d) (?:read )?"
                         r"(0x[0-9a-f]+|0)/(\d+)", self.what)
        if not match or int(match.group(1)) != bar:
            return False
        start, size = int(match.group(2), 0), int(match.group(3))
        return start < offsets.stop and start + size > offsets.start

    def refused(self, answer):
        """Whether an access of a BAR was refused."""
        return answer.split()[-1] in ("EIO", "SIGBUS")

    def config(self):
        """(offset, the kernel's bytes, ours) of a read of configuration space, or None."""
        match = re.match(r"config read (0x[0-9a-f]+|0)/(\d+)$", self.what)
        if not match:
            return None
        answers = []
        for answer in (self.kernel, self.ours):
            words = answer.split()
            if len(words) != 2 or ".." in words[1]:
                return None
            answers.append(bytes.fromhex(words[1]))
        if len(answers[0]) != len(answers[1]):
            return None
        return int(match.group(1), 0), answers[0], answers[1]

    def differs_in(self, register, masks):
        """Whether all that differs in a read of configuration space are bits of MASKS, bytes
        from REGISTER on."""
        found = self.config()
        if not found or not register:
            return False
        start, kernel, ours = found
        for at, (one, other) in enumerate(zip(kernel, ours), start - register):
            allowed = masks[at] if 0 <= at < len(masks) else 0
            if (one ^ other) & ~allowed:
                return False
        return True


def outlives(call):
    """Whether all that differs is what no reset of the device clears, so that it still is as calls
    of an earlier episode have left it, which were not compared: VGA's memory and registers, and
    the registers of NVMe's admin queues."""
    if call.layout["class"] == CLASS_VGA:
        return call.reads(0, range(1 << 32)) or call.reads(2, VGA_PORTS) or \
            re.match("region 8 read ", call.what)
    if call.layout["class"] != CLASS_NVME:
        return False
    if call.what != "registers":
        return call.reads(0, NVME_ADMIN_QUEUES)
    command, registers = zip(call.kernel.split(), call.ours.split())
    return command[0] == command[1] and all(
        one == other or at in NVME_ADMIN_QUEUES
        for at, (one, other) in enumerate(zip(*map(bytes.fromhex, registers))))


def difference(name):
    """Decorates the rule of the difference NAME."""
    def add(rule):
        RULES[name] = rule
        return rule
    return add


def explain(call):
    """(name, whether the states differ from now on) of the difference, or (None, True)."""
    for name, rule in RULES.items():
        verdict = rule(call)
        if verdict:
            return name, verdict == DIVERGES
    return None, True


@difference("disintx-without-handler")
def _(call):
    if call.what != "host command" or call.differs_in_command() != 0x400:
        return False
    return DIVERGES if "%s:1" % call.state.wakeup in set(call.kernel.split()) - \
        set(call.ours.split()) else True


@difference("dma-buf-flags")
def _(call):
    return call.words[0] == "dma-buf" and int(call.words[2], 16) == 0x400 \
        and "EINVAL" in call.ours.split()


@difference("dma-buf-ranges")
def _(call):
    return call.words[0] == "dma-buf" and call.words[4] == "2" and "EINVAL" in call.ours.split() \
        and call.kernel.split()[-1].isdigit()


@difference("msi-layout-read-only")
def _(call):
    return call.differs_in(call.layout["msi"], [0, 0, 0x8e, 0, 3])


@difference("error-bits-cleared")
def _(call):
    return call.differs_in(6, [0, 0xf9]) or \
        call.layout["exp"] and call.differs_in(call.layout["exp"] + 10, [0xf])


@difference("rom-without-decoding")
def _(call):
    return call.words[:3] == ["region", "6", "read"] and call.kernel in ("EIO", "ENOMEM") \
        and (call.ours == "EIO" and call.state.power or not call.ours.startswith("E"))


@difference("ioeventfd-unaligned")
def _(call):
    if call.words[0] != "ioeventfd" or call.ours != "EINVAL":
        return False
    offset, _, flags = call.words[3].partition("/")
    width = int(flags, 16) & 15
    return DIVERGES if width and int(offset, 16) % width else False


@difference("low-power-reserved")
def _(call):
    if re.match(r"low power 4 \S+ 1$", call.what) and "EINVAL" in call.ours.split():
        return DIVERGES
    if re.match(r"feature 0x20004 ", call.what) and call.ours.split()[1] == "EINVAL":
        return DIVERGES if call.kernel.split()[0][8:16] != "00000000" else False
    return False


@difference("negative-eventfd")
def _(call):
    return DIVERGES if call.words[0] == "irqs" and "-2" in re.split("[ ,]", call.kernel) \
        and call.ours.endswith("EINVAL") else False


@difference("no-vectors")
def _(call):
    if not re.match(r"irqs [12] flags 0x24 \d+\+0$", call.what) or \
            "EINVAL" not in call.ours.split():
        return False
    return DIVERGES if call.kernel.split()[-1] == "0" else True


@difference("cap-offset-zero")
def _(call):
    if call.words[:2] != ["region", "info"] or not call.is_old():
        return False
    one, other = call.kernel.split()[-1], call.ours.split()[-1]
    return one[:24] + one[32:] == other[:24] + other[32:] and other[24:32] == "00000000"


@difference("msix-resizable")
def _(call):
    if call.is_old() and re.match(r"irqs 2 flags 0x24 ", call.what) and not call.state.power and \
            call.kernel.endswith(" EINVAL") and call.succeeded():
        return DIVERGES
    if call.words[:3] != ["irq", "info", "2"] or not call.is_old():
        return False
    one, other = call.kernel.split()[-1], call.ours.split()[-1]
    return one[8:16] == "09000000" and other[8:16] == "01000000"


@difference("err-conventional")
def _(call):
    return call.is_old() and not call.layout["exp"] and \
        (call.words[:3] == ["irq", "info", "3"] or call.words[:2] == ["irqs", "3"])


@difference("d3hot-refuses-access")
def _(call):
    is_rom = call.words[:3] == ["region", "6", "read"]
    if (call.touches_bar() or is_rom) and call.state.power and call.refused(call.ours) \
            and not call.refused(call.kernel) and ":" not in call.kernel:
        return True if " read " in call.what or "load" in call.what else DIVERGES
    return False


@difference("interrupts-in-d3hot")
def _(call):
    return DIVERGES if re.match(r"irqs [12] flags 0x24 ", call.what) and call.state.power and \
        call.kernel.endswith(" EINVAL") and (call.succeeded() or call.ours.endswith(" EBADF")) \
        else False


@difference("intx-waits-in-low-power")
def _(call):
    return DIVERGES if call.state.low_power and call.events_missing() == {call.state.intx} \
        else False


@difference("intx-asserted-before")
def _(call):
    return DIVERGES if call.what == "irqs 0 flags 0x24 0+1" and \
        call.events_added() == {call.ours.split()[0]} else False


@difference("intx-without-eventfd")
def _(call):
    if not call.state.no_eventfd or call.words[0] != "irqs":
        return False
    if call.words[1] == "0":
        return DIVERGES if call.ours.endswith(" EINVAL") and \
            re.search(r" (0|ENOTTY|EBUSY)$", call.kernel) else False
    return DIVERGES if call.kernel.endswith(" EINVAL") and call.succeeded() else False


@difference("ports-that-nobody-decodes")
def _(call):
    found = re.match(r"region ([0-5]) read ", call.what)
    return found and call.layout["ports"] >> int(found.group(1)) & 1 and \
        re.fullmatch(r"\d+ (ff)+(\.\.[0-9a-f]{8})?", call.ours)


@difference("legacy-ranges-without-decoding")
def _(call):
    found = re.match(r"region 8 (read|write) 0x([0-9a-f]+)/", call.what)
    if not found:
        return DIVERGES if call.layout["class"] == CLASS_VGA and call.state.vga_port and \
            call.reads(2, VGA_PORTS) else False
    # The registers behind the ports outlive an episode, and so does a write that was lost.
    is_port = int(found.group(2), 16) < 0x10000
    return DIVERGES if is_port or "EIO" in call.ours.split() else False


@difference("command-written-in-d3hot")
def _(call):
    found = call.config()
    if found:
        start, kernel, ours = found
        return DIVERGES if all(one == other or at in call.state.written_in_d3 for at, (one, other)
                               in enumerate(zip(kernel, ours), start)) else False
    return DIVERGES if call.state.command_in_d3 and call.touches_bar() and " read " in call.what \
        and re.fullmatch(r"\d+ (ff)+(\.\.[0-9a-f]{8})?", call.kernel) else False


@difference("vf-memory-enable")
def _(call):
    return DIVERGES if call.layout["vf"] and call.state.memory_was_off and call.touches_bar() \
        and re.match(r"\d+ 0", call.kernel) else False


@difference("ioeventfd-wakes")
def _(call):
    if call.state.woken_to_write and call.touches_bar() and \
            not call.refused(call.ours) and not call.refused(call.kernel):
        return DIVERGES
    return DIVERGES if call.words[0] == "signal" and call.state.wakeup and \
        call.events_added() == {call.state.wakeup} else False


@difference("signal-beyond")
def _(call):
    return not call.is_old() and re.match(r"irqs [12] flags 0x2[12] ", call.what) and \
        call.ours.split()[-1] == "EINVAL" and re.search(r" 0( e\d+:\d+)*$", call.kernel)


@difference("msix-table-without-decoding")
def _(call):
    return call.touches_bar() and " read " in call.what and call.ours == "EIO" and \
        re.fullmatch(r"\d+ (a5)+", call.kernel)


@difference("virtual-registers-do-not-wake")
def _(call):
    # The function is then asleep, or still on its way there.
    if call.what == "host pm" and call.state.low_power:
        return not (int(call.kernel, 16) ^ int(call.ours, 16)) & ~3
    # Or it was asleep only after the access of a register, and then awake for that of a BAR.
    if call.state.config_in_low_power and call.touches_bar() and call.refused(call.ours) and \
            call.kernel.split()[-1] == "%s:1" % call.state.wakeup:
        return DIVERGES
    return DIVERGES if call.events_missing() == {call.state.wakeup} else False


@difference("disintx-does-not-unmask")
def _(call):
    return DIVERGES if call.state.unmasked and call.events_missing() else False


@difference("ioeventfd-value-is-truncated")
def _(call):
    return DIVERGES if call.words[0] == "ioeventfd" and call.ours == "EEXIST" else False


@difference("host-decoding")
def _(call):
    if call.what == "host command":
        return not call.differs_in_command() & ~0x403
    return call.differs_in(4, [3])
