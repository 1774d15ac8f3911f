# SPDX-License-Identifier: GPL-2.0-only
"""The differences that are meant: each has a name, a reason in docs/differences.md, and a rule
here that recognises it and nothing else.

A rule is asked about a call of which the two answers differ. It gets the call as a Call, the
device's layout, and says whether the difference is the one that it is about. The device may then
be in another state under the one driver than under the other; a rule that says DIVERGES, not True,
ends the comparison of the episode there.
"""

import re
from collections import Counter

DIVERGES = "diverges"
RULES = {}
REGISTERS = {}

# Classes of devices, and what is in their BARs.
CLASS_VGA = 0x030000
CLASS_NVME = 0x010802
CLASS_EDU = 0x00ff00  # a witness' too, which has power management
NVME_ADMIN_QUEUES = range(0x24, 0x38)
VGA_PORTS = range(0x400, 0x420)
EDU_INTERRUPTS = range(0x24, 0x28)


def without_events(answer):
    """An answer without the eventfds that were signalled."""
    return re.sub(r"((^| )e\d+:\d+)*$", "", answer)


class State:
    """What the calls of an episode so far say of the device: as far as a rule needs it."""

    def __init__(self, layout):
        self.layout = layout
        self.pm = layout["pm"] + 4 if layout["pm"] else None
        self.power = 0		# the state that was last written
        self.wakeup = None  # the eventfd to wake of the last low power
        self.intx = None  # the eventfd of INTx
        self.no_eventfd = False  # INTx was set up with -1 for an eventfd
        self.had_no_eventfd = False  # it was before this call
        self.unmask = None  # the eventfd that unmasks it
        self.triggers = {}  # of MSI or MSI-X: the eventfd of each vector
        self.last_vector = -1  # of those before this call
        self.vacant = set()  # those that had -1 for an eventfd before this call
        self.lost_triggers = set()  # those that others, which were refused, should have replaced
        self.vpd_is_unaligned = False  # the address that was last written
        self.unmasked = False  # DisINTx was cleared
        self.memory_was_off = False  # COMMAND was written with memory decoding off
        self.command_in_d3 = False  # COMMAND was last written in D3hot
        self.wrote_bar_after_that = False
        self.written_in_d3 = set()  # registers that were
        self.written = set()  # registers that were written, whenever
        self.rom_was_asked_for_in_d3 = False
        self.low_power = False  # it may be asleep
        # Its configuration space was accessed since, or a BAR in vain.
        self.config_in_low_power = False
        self.ioeventfds = set()  # the eventfds that write to it
        self.ioeventfd_values = set()  # where they write, and what
        self.wrote_before_msi_flags = False  # up to the byte before them
        self.decodes_ports = False  # as far as is known
        self.lost_port_write = False  # one that only the kernel's driver makes
        self.woken_to_write = False  # one was signalled while it was asleep
        self.vga_port = False  # one of VGA's ports was written

    def see(self, what, answer):
        """A call and what the kernel's driver answered."""
        match = re.match(r"(?:config|region 7) write (0x[0-9a-f]+|0)/[1-9]\d*$", what)
        self.wrote_bar_after_that |= self.command_in_d3 and \
            bool(re.match("region [0-5] write |store in ", what))
        self.rom_was_asked_for_in_d3 |= self.power == 3 and \
            what.startswith(("region info 6 ", "region 6 read "))
        self.had_no_eventfd = self.no_eventfd
        self.last_vector = max(self.triggers, default=-1)
        self.vacant = {n for n, event in self.triggers.items() if event == "-1"}
        self.config_in_low_power |= self.low_power and \
            (what.startswith(("config ", "region 7 ")) or
             bool(re.match("region [0-5] (read|write)", what)) and answer == "EINVAL")
        if match and len(answer.split()) > 1 and not answer.split()[1].startswith("E"):
            self._write(int(match.group(1), 0), bytes.fromhex(answer.split()[0].split("..")[0]))
        elif answer.split()[-1:] == ["0"] and what.startswith(("reset", "hot reset flags")):
            self.power = 0
        elif answer.startswith("0") and what.startswith("low power"):
            self.low_power = what.split()[2] != "5"
            self.config_in_low_power = False
            if what.split()[2] == "4":
                self.wakeup = what.split()[3]
        elif re.match(r"feature 0x2000[345] ", what) and " 0 " in answer:
            self.low_power = what[14] != "5"
        elif re.match("region [0-5] write ", what) and self.layout["ports"] >> int(what[7]) & 1:
            self.lost_port_write |= bool(self.power or self.low_power or not self.decodes_ports)
        elif re.match(r"region 8 write 0x[0-9a-f]{1,4}/", what):
            self.vga_port = True
        elif what.startswith("ioeventfd ") and answer == "0":
            self.ioeventfds.add(what.split()[5])
            self.ioeventfd_values.add(tuple(what.split()[2:5]))
        elif what.startswith("signal ") and self.low_power:
            self.woken_to_write |= what.split()[1] in self.ioeventfds
        elif what.startswith("irqs 0 "):
            self._set_intx(what.split(), without_events(answer).split())
        elif re.match("irqs [12] flags 0x2[14] ", what):
            self._set_vectors(what.split(), without_events(answer).split())

    def _set_intx(self, words, answer):
        if answer[-1] != "0":
            return
        if words[4].endswith("+0"):
            self.intx, self.no_eventfd = None, False
        elif words[3] == "0x24":
            self.intx, self.no_eventfd = answer[0], answer[0] == "-1"
        elif words[3] == "0x14":
            self.unmask = answer[0]

    def _set_vectors(self, words, answer):
        start, count = (int(word) for word in words[4].split("+"))
        vectors = range(start, start + min(count, 64))
        if answer[-1] != "0":
            self.lost_triggers |= {self.triggers[n] for n in vectors if n in self.triggers}
        elif count == 0:
            self.triggers = {}
        elif words[3] == "0x24":
            self.triggers.update(zip(vectors, answer[0].split(",")))

    def _write(self, start, data):
        if 0x5 - start in range(len(data)) and not data[5 - start] & 4:
            self.unmasked = True
        if 0x4 - start in range(len(data)):
            self.command_in_d3 = self.power == 3
            self.decodes_ports = bool(data[4 - start] & 1)
            self.memory_was_off |= not data[4 - start] & 2
        before = self.power
        if self.pm and self.pm - start in range(len(data)):
            power = data[self.pm - start] & 3
            if self.power != 3 or power not in (1, 2):
                self.power = power
        vpd = self.layout["vpd"]
        if vpd and vpd + 2 - start in range(len(data)):
            self.vpd_is_unaligned = bool(data[vpd + 2 - start] & 3)
        self.written.update(range(start, start + len(data)))
        msi = self.layout["msi"]
        self.wrote_before_msi_flags |= msi > 0 and start + len(data) == msi + 2
        for at in range(start, start + len(data)):
            if (self.power if self.pm and at > self.pm else before) == 3:
                self.written_in_d3.add(at)


class Call:
    """One call, and what the kernel's driver and ours answered, as far as they may differ."""

    def __init__(self, what, kernel, ours, layout, release, state):
        self.what = what
        self.kernel, self.ours = without_events(kernel), without_events(ours)
        # Eventfds that both have signalled are no difference.
        if kernel[len(self.kernel):] != ours[len(self.ours):]:
            self.kernel, self.ours = kernel, ours
        self.layout = layout
        self.release = release
        self.state = state
        self.words = what.split()
        self.has_asked = False  # which eventfds differ

    def only_events(self):
        """Whether the answers are the same."""
        return without_events(self.kernel) == without_events(self.ours)

    def parts(self):
        """The call, or two: one with the difference of answers, one with that of eventfds."""
        kernel, ours = without_events(self.kernel), without_events(self.ours)
        if self.only_events() or (kernel, ours) == (self.kernel, self.ours):
            return [self]
        context = (self.layout, self.release, self.state)
        return [Call(self.what, kernel, ours, *context),
                Call(self.what, ours + self.kernel[len(kernel):], self.ours, *context)]

    def is_old(self):
        """Whether this is the kernel of Debian 12."""
        return self.release.startswith("6.1.")

    def events(self):
        """How often each eventfd was signalled: (by the kernel's driver, by ours); or None, if that
        is not all that differs."""
        self.has_asked = True
        found = [re.fullmatch(r"(.*?)((?: e\d+:\d+)*)", (" " + answer).rstrip())
                 for answer in (self.kernel, self.ours)]
        if found[0].group(1) != found[1].group(1):
            return None
        counts = [dict(event.split(":") for event in one.group(2).split()) for one in found]
        return [Counter({name: int(times) for name, times in one.items()}) for one in counts]

    def events_missing(self):
        """The eventfds that the kernel's driver has signalled more often, if nothing else
        differs."""
        events = self.events()
        return set(events[0] - events[1]) if events and not events[1] - events[0] else set()

    def events_added(self):
        """Those that ours has."""
        events = self.events()
        return set(events[1] - events[0]) if events and not events[0] - events[1] else set()

    def differs_in_host(self):
        """The bits of a real register that differ."""
        kernel, ours = (int(answer.split()[0], 16) for answer in (self.kernel, self.ours))
        return kernel ^ ours

    def succeeded(self):
        """Whether ours gave 0, and maybe signalled eventfds."""
        return re.search(r" 0( e\d+:\d+)*$", self.ours)

    def touches_bar(self):
        """Whether it is an access of a BAR, by read, write or mapping."""
        return re.match(r"region [0-5] (read|write) |(load from|store in) ", self.what)

    def has_read_bar(self):
        """Whether both have read a BAR, by read or mapping."""
        return re.match(r"region [0-5] read |load from ", self.what) and \
            not self.refused(self.kernel) and not self.refused(self.ours)

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
        match = re.match(r"(?:config|region 7) read (0x[0-9a-f]+|0)/(\d+)$", self.what)
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


def outlives(call):
    """Whether all that differs is what no reset of the device clears, so that it still is as calls
    of an earlier episode have left it, which were not compared: VGA's memory and registers, the
    registers of NVMe's admin queues, and those of edu's interrupts."""
    if call.layout["class"] == CLASS_VGA:
        return call.reads(0, range(1 << 32)) or call.reads(2, VGA_PORTS) or \
            re.match("region 8 read ", call.what)
    survivors = range(0)
    if call.layout["class"] == CLASS_NVME:
        survivors = NVME_ADMIN_QUEUES
    elif call.layout["class"] == CLASS_EDU and not call.layout["pm"]:
        survivors = EDU_INTERRUPTS
    if call.what != "registers":
        return call.reads(0, survivors)
    command, registers = zip(call.kernel.split(), call.ours.split())
    return command[0] == command[1] and all(
        one == other or at in survivors
        for at, (one, other) in enumerate(zip(*map(bytes.fromhex, registers))))


def difference(name):
    """Decorates the rule of the difference NAME."""
    def add(rule):
        RULES[name] = rule
        return rule
    return add


def registers(name):
    """Decorates the rule of a difference NAME that reads of configuration space show. It returns
    which bits may differ, as pairs of an offset and of masks for the bytes from there on. One
    read may show several such differences."""
    def add(masks):
        REGISTERS[name] = masks
        return masks
    return add


def explain_registers(call):
    """The names that explain a read of configuration space, or nothing."""
    start, kernel, ours = call.config()
    differ = {at: one ^ other for at, (one, other) in enumerate(zip(kernel, ours), start)
              if one != other}
    names = []
    for name, rule in REGISTERS.items():
        before = dict(differ)
        for register, masks in rule(call):
            for at, mask in enumerate(masks, register):
                if at in differ:
                    differ[at] &= ~mask
        if differ != before:
            names.append(name)
    return [] if any(differ.values()) else names


def explain_whole(call):
    """explain() by one rule, or by those of registers. A rule that does not ask which eventfds
    were signalled explains none."""
    for name, rule in RULES.items():
        call.has_asked = False
        verdict = rule(call)
        if verdict and (call.has_asked or not call.only_events()):
            return [name], verdict == DIVERGES
    names = explain_registers(call) if call.config() else []
    return names, not names


def explain(call):
    """(names, whether the states differ from now on) of the difference, or ([], True). What was
    answered and which eventfds were signalled may be two differences."""
    found = [explain_whole(part) for part in call.parts()]
    if all(names for names, _ in found):
        return sum((names for names, _ in found), []), any(diverges for _, diverges in found)
    return explain_whole(call)


@difference("disintx-without-handler")
def _(call):
    return call.what == "host command" and call.differs_in_host() == 0x400


@difference("dma-buf-flags")
def _(call):
    return call.words[0] == "dma-buf" and int(call.words[2], 16) == 0x400 \
        and "EINVAL" in call.ours.split()


@difference("dma-buf-ranges")
def _(call):
    return call.words[0] == "dma-buf" and call.words[4] == "2" and "EINVAL" in call.ours.split() \
        and call.kernel.split()[-1].isdigit()


@difference("msi-write-beside-the-flags")
def _(call):
    if not call.state.wrote_before_msi_flags:
        return False
    return DIVERGES if call.what == "host msi" and call.differs_in_host() == 1 or \
        call.events_added() else False


@difference("failed-trigger-keeps-the-old")
def _(call):
    return DIVERGES if call.events_added() and \
        call.events_added() <= call.state.lost_triggers else False


@registers("failed-trigger-keeps-the-old")
def _(call):
    # The mask bits of a message with a 64-bit address.
    return [(call.layout["msi"] + 0x10, [0xff] * 4)] if call.state.lost_triggers else []


@registers("msi-write-beside-the-flags")
def _(call):
    # Without MSI the function asserts INTx.
    return [(6, [8])] if call.state.wrote_before_msi_flags else []


@registers("msi-layout-read-only")
def _(call):
    return [(call.layout["msi"], [0, 0, 0x8e, 0, 3])] if call.layout["msi"] else []


@registers("msi-vectors-are-the-clients")
def _(call):
    return [(call.layout["msi"] + 2, [0x70])] if call.layout["msi"] else []


@difference("msi-vectors-are-the-clients")
def _(call):
    return call.what == "host msi" and call.differs_in_host() & 0x70 and \
        not call.differs_in_host() & ~0x70


@registers("msi-message-of-the-host")
def _(call):
    msi = call.layout["msi"]
    start, _, ours = call.config()
    return [(at, [0xff]) for at in range(msi + 4, msi + 20) if msi and at - start in
            range(len(ours)) and not ours[at - start] and at not in call.state.written]


@registers("vpd-address-aligned")
def _(call):
    return [(call.layout["vpd"] + 2, [0, 0x80, 0xff, 0xff, 0xff, 0xff])] \
        if call.state.vpd_is_unaligned else []


@registers("vpd-in-d3hot")
def _(call):
    at = call.layout["vpd"] + 2
    return [(at, [0, 0x80, 0xff, 0xff, 0xff, 0xff])] \
        if at > 2 and at + 1 in call.state.written_in_d3 else []


@registers("hidden-registers")
def _(call):
    start, _, ours = call.config()
    return [(at, [0xff]) for at in range(call.layout["hidden"], call.layout["hidden"] + 12)
            if call.layout["hidden"] and at - start in range(len(ours)) and not ours[at - start]]


@registers("unknown-capability-read-only")
def _(call):
    unknown = call.layout["unknown"]
    return [(unknown, [0xff] * (4096 - unknown))] if unknown else []


@registers("error-bits-cleared")
def _(call):
    return [(6, [0, 0xf9])] + ([(call.layout["exp"] + 10, [0xf])] if call.layout["exp"] else [])


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
    reserved = call.kernel[8:16]
    return DIVERGES if re.match(r"feature 0x20004 ", call.what) and reserved != "00000000" and \
        " EINVAL " in call.ours else False


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


@difference("info-of-16-bytes")
def _(call):
    return call.is_old() and re.match("info argsz 0x1[1-3]$", call.what) and \
        call.ours.endswith("EFAULT") and " 0 " in call.kernel


@difference("msix-resizable")
def _(call):
    if call.is_old() and re.match(r"irqs 2 flags 0x24 ", call.what) and not call.state.power and \
            call.kernel.endswith(" EINVAL") and (call.succeeded() or call.ours.endswith(" EBADF")):
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


@difference("rom-info-in-d3hot")
def _(call):
    if call.what == "host pm" and call.state.rom_was_asked_for_in_d3:
        # Data_Select does not outlive D3hot.
        return call.differs_in_host() and not call.differs_in_host() & ~0x1e00
    if not re.match("region info 6 ", call.what) or not call.state.power:
        return False
    one, other = call.kernel.split()[-1], call.ours.split()[-1]
    # flags, cap_offset, which keeps its value, and size
    return one[8:16] == "00000000" and one[32:48] == "0" * 16 and \
        one[:8] + one[16:24] + one[48:] == other[:8] + other[16:24] + other[48:]


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
    if call.words[0] == "signal":
        return DIVERGES if call.state.no_eventfd and \
            call.events_added() == {call.state.unmask} else False
    if not call.state.had_no_eventfd or call.words[0] != "irqs":
        return False
    if call.words[1] == "0":
        return DIVERGES if call.ours.endswith(" EINVAL") and \
            re.search(r" (0|ENOTTY|EBUSY|EBADF)$", call.kernel) else False
    return DIVERGES if call.kernel.endswith(" EINVAL") and \
        (call.succeeded() or call.ours.endswith(" EBADF")) else False


@difference("msi-waits-for-an-eventfd")
def _(call):
    found = re.match(r"irqs 1 flags 0x24 (\d+)\+\d+$", call.what)
    if not found or not call.events_added():
        return False
    events = enumerate(call.ours.split()[0].split(","), int(found.group(1)))
    waited = {event for n, event in events if n in call.state.vacant}
    return DIVERGES if call.events_added() <= waited else False


@difference("atomic-ops-of-requesters")
def _(call):
    """32 bits with the kernel's driver, 64 bits with ours, too."""
    capability = "0500010000000000"
    return call.words[0] == "info" and call.kernel != call.ours and \
        call.kernel.replace(capability + "01", capability + "03") == call.ours


@difference("asking-switches-no-requests-on")
def _(call):
    return call.what == "host devctl2" and call.differs_in_host() == 0x40


@registers("asking-switches-no-requests-on")
def _(call):
    return [(call.layout["exp"] + 0x28, [0x40])] if call.layout["exp"] else []


@difference("ports-that-nobody-decodes")
def _(call):
    found = re.match(r"region ([0-5]) read ", call.what)
    return found and call.layout["ports"] >> int(found.group(1)) & 1 and \
        re.fullmatch(r"\d+ (ff)+(\.\.[0-9a-f]{8})?", call.ours)


@registers("lost-port-write")
def _(call):
    return [(6, [8])] if call.state.lost_port_write else []


@difference("lost-port-write")
def _(call):
    if not call.state.lost_port_write:
        return False
    if call.what == "host status":
        return DIVERGES if call.differs_in_host() == 8 else False
    return DIVERGES if call.events_added() or call.events_missing() or call.has_read_bar() \
        else False


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
    if call.what == "host command":
        return DIVERGES if call.state.command_in_d3 and call.state.power == 3 else False
    if call.what == "host devctl2":
        at = call.layout["exp"] + 0x28
        return DIVERGES if {at, at + 1} & call.state.written_in_d3 else False
    if re.match("host dev(ctl|sta)$", call.what):
        return DIVERGES if call.state.low_power and call.layout["exp"] + 8 in \
            call.state.written_in_d3 else False
    found = call.config()
    if found:
        start, kernel, ours = found
        return DIVERGES if all(one == other or at in call.state.written_in_d3 for at, (one, other)
                               in enumerate(zip(kernel, ours), start)) else False
    if call.state.command_in_d3 and call.touches_bar() and call.events_added():
        return DIVERGES
    if call.state.wrote_bar_after_that and call.has_read_bar():
        return DIVERGES
    return DIVERGES if call.state.command_in_d3 and call.has_read_bar() and \
        re.fullmatch(r"(\d+ )?(f+|0+)(\.\.[0-9a-f]{8})?", call.kernel) else False


@difference("vf-memory-enable")
def _(call):
    return DIVERGES if call.layout["vf"] and call.state.memory_was_off and call.touches_bar() \
        and re.match(r"\d+ 0", call.kernel) else False


@registers("ioeventfd-wakes")
def _(call):
    return [(6, [8])] if call.state.woken_to_write else []


@difference("ioeventfd-wakes")
def _(call):
    if call.what == "host status":
        return DIVERGES if call.state.woken_to_write and call.differs_in_host() == 8 else False
    if call.state.woken_to_write and call.touches_bar() and \
            not call.refused(call.ours) and not call.refused(call.kernel):
        return DIVERGES
    if call.state.woken_to_write and call.events():
        return DIVERGES
    return DIVERGES if call.words[0] == "signal" and call.state.wakeup and \
        call.events_added() == {call.state.wakeup} else False


@difference("signal-beyond")
def _(call):
    return not call.is_old() and re.match(r"irqs [12] flags 0x2[12] ", call.what) and \
        call.ours.split()[-1] == "EINVAL" and re.search(r" 0( e\d+:\d+)*$", call.kernel)


@difference("no-eventfd-beyond")
def _(call):
    found = re.match(r"irqs 1 flags 0x24 \d+\+\d+$", call.what)
    if not found or call.is_old() or not call.ours.endswith(" EINVAL"):
        return False
    start, events = int(call.words[4].split("+")[0]), call.kernel.split()[0].split(",")
    beyond = [event for n, event in enumerate(events, start) if n > call.state.last_vector]
    # The kernel's driver comes to a bad eventfd first, and has replaced those before it.
    if call.kernel.endswith(" EBADF"):
        return DIVERGES if beyond and call.state.last_vector >= 0 else False
    return DIVERGES if call.kernel.endswith(" 0") and beyond and set(beyond) == {"-1"} else False


@difference("msix-table-without-decoding")
def _(call):
    return call.touches_bar() and " read " in call.what and call.ours == "EIO" and \
        re.fullmatch(r"\d+ (a5)+", call.kernel)


@difference("close-does-not-wake")
def _(call):
    return call.what == "close" and call.events_missing() == {call.state.wakeup}


@difference("virtual-registers-do-not-wake")
def _(call):
    # The function is then asleep, or still on its way there.
    if call.what == "host pm" and call.state.low_power:
        return call.differs_in_host() and not call.differs_in_host() & ~0x103
    if call.events_missing() == {call.state.wakeup}:
        return DIVERGES
    # Or it was asleep only after the access of a register, and then awake for that of a BAR.
    return DIVERGES if call.state.config_in_low_power and call.touches_bar() and \
        call.refused(call.ours) and call.kernel.split()[-1] == "%s:1" % call.state.wakeup else False


@difference("disintx-does-not-unmask")
def _(call):
    return DIVERGES if call.state.unmasked and call.events_missing() else False


@difference("ioeventfd-value-is-truncated")
def _(call):
    if call.words[0] != "ioeventfd":
        return False
    width = int(call.words[3].partition("/")[2], 16) & 15
    has_like = any(call.words[2:4] == [region, place] and
                   not (int(value, 16) ^ int(call.words[4], 16)) & ((1 << 8 * width) - 1)
                   for region, place, value in call.state.ioeventfd_values)
    return DIVERGES if call.ours == "EEXIST" or has_like and call.words[5] == "-1" and \
        call.ours == "0" and call.kernel == "ENODEV" else False


@difference("host-decoding")
def _(call):
    return call.what == "host command" and call.differs_in_host() and \
        not call.differs_in_host() & ~0x403


@registers("host-decoding")
def _(call):
    return [(4, [3])]
