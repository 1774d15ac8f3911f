# SPDX-License-Identifier: GPL-2.0-only
"""One boot: QEMU, its monitor, and the guest's requests to the host.

The guest has three serial ports: the kernel log (ttyS0), TAP (ttyS1), and requests (ttyS2; arch.py
has what other architectures call them), on which it writes `SEQUENCE VERB ARGUMENTS` and reads
`SEQUENCE ok ANSWER` or `SEQUENCE error TEXT`.
"""

import hashlib
import json
import re
import shlex
import signal
import socket
import subprocess
import threading
import time

from .arch import ARCH, AMD64, ports
from .paths import HarnessError


# The kernel's words: this processor is halted, and the thread that it should wake up waits.
LOST_TIMER = re.compile(r"NMI backtrace for cpu \d+ skipped: idling at \S*halt.*?"
                        r"kthread timer wakeup didn't happen", re.S)

# QEMU processes of this run, which must not outlive it.
_running = set()


def kill_all():
    """Kill every QEMU that this run has started."""
    for process in list(_running):
        process.kill()


class RequestError(Exception):
    """A request from the guest that cannot be fulfilled."""


class Monitor:
    """QEMU's machine protocol."""

    def __init__(self, connection):
        self._connection = connection
        self._file = connection.makefile("r")
        self._changed = threading.Condition()
        self._answers = []
        self._events = []
        self._closed = False
        self._execute_lock = threading.Lock()
        self._file.readline()  # the greeting
        threading.Thread(target=self._read, daemon=True).start()
        self.execute("qmp_capabilities")

    def _read(self):
        try:
            for line in self._file:
                message = json.loads(line)
                with self._changed:
                    (self._events if "event" in message else self._answers).append(message)
                    self._changed.notify_all()
        except (OSError, ValueError):
            pass
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def execute(self, command, **arguments):
        """Execute COMMAND; returns what it returns."""
        message = {"execute": command}
        if arguments:
            message["arguments"] = arguments
        with self._execute_lock:
            self._connection.sendall(json.dumps(message).encode() + b"\n")
            with self._changed:
                self._changed.wait_for(lambda: self._answers or self._closed, 60)
                if not self._answers:
                    raise RequestError("QEMU does not answer %s" % command)
                answer = self._answers.pop(0)
        if "error" in answer:
            raise RequestError(answer["error"]["desc"])
        return answer["return"]

    def human(self, line):
        """Execute a line of the human monitor; returns its output."""
        return self.execute("human-monitor-command", **{"command-line": line})

    def wait_event(self, predicate, timeout):
        """Wait for an event, past or to come, and forget it; False after TIMEOUT seconds."""
        def take():
            for event in self._events:
                if predicate(event):
                    self._events.remove(event)
                    return True
            return False
        with self._changed:
            return self._changed.wait_for(lambda: take() or self._closed, timeout) \
                and not self._closed

    def addresses(self):
        """{device id: address as the kernel writes it}"""
        found = {}

        def walk(devices):
            for device in devices:
                if device["qdev_id"]:
                    found[device["qdev_id"]] = "0000:%02x:%02x.%x" % (
                        device["bus"], device["slot"], device["function"])
                walk(device.get("pci_bridge", {}).get("devices", []))

        for bus in self.execute("query-pci"):
            walk(bus["devices"])
        return found


class Requests:
    """Answers the guest's requests."""

    def __init__(self, monitor, disks):
        self._monitor = monitor
        self._disks = disks

    def serve(self, connection):
        """Answer requests on CONNECTION until it closes."""
        try:
            for line in connection.makefile("r", errors="replace"):
                words = line.strip().split(None, 2)
                if len(words) < 2:
                    continue
                sequence, verb = words[:2]
                try:
                    handler = getattr(self, "do_" + verb, None)
                    if not handler:
                        raise RequestError("unknown request %s" % verb)
                    answer = "ok " + (handler(words[2] if len(words) > 2 else "") or "")
                except RequestError as error:
                    answer = "error %s" % error
                answer = " ".join(answer.split())
                connection.sendall(("%s %s\n" % (sequence, answer)).encode())
        except OSError:
            pass

    def do_bdf(self, device):
        """bdf ID: the device's address."""
        address = self._monitor.addresses().get(device)
        if not address:
            raise RequestError("no device %s" % device)
        return address

    def do_device_add(self, options):
        """device_add DRIVER,id=ID,bus=BUS,...: plug a device in."""
        driver, *pairs = options.split(",")
        arguments = dict(pair.split("=", 1) for pair in pairs)
        self._monitor.execute("device_add", driver=driver, **arguments)

    def do_device_del(self, device):
        """device_del ID: ask the guest to let go of a device; does not wait."""
        self._monitor.execute("device_del", id=device)

    def do_wait_deleted(self, device):
        """wait_deleted ID: wait until the device is gone."""
        if not self._monitor.wait_event(lambda event: event["event"] == "DEVICE_DELETED"
                                        and event["data"].get("device") == device, 60):
            raise RequestError("%s was not deleted within 60 s" % device)

    def do_wakeup_when_suspended(self, _):
        """wakeup_when_suspended: wake the guest as soon as it sleeps; does not wait."""
        def wake():
            if self._monitor.wait_event(lambda event: event["event"] == "SUSPEND", 120):
                self._monitor.execute("system_wakeup")
        threading.Thread(target=wake, daemon=True).start()

    def do_disk_digest(self, arguments):
        """disk_digest ID OFFSET SIZE: the SHA-256 of a part of the file behind a disk."""
        disk, offset, size = arguments.split()
        if disk not in self._disks:
            raise RequestError("no disk %s" % disk)
        with open(self._disks[disk], "rb") as file:
            file.seek(int(offset))
            return hashlib.sha256(file.read(int(size))).hexdigest()

    def do_power_off(self, _):
        """power_off: end the emulation; what was written before has arrived."""
        self._monitor.execute("quit")

    def do_hmp(self, line):
        """hmp LINE: a line of the human monitor, whose output is the answer."""
        return self._monitor.human(line)

    def do_qmp(self, text):
        """qmp JSON: a command of the machine protocol; the answer is JSON."""
        message = json.loads(text)
        return json.dumps(self._monitor.execute(message["execute"],
                                                **message.get("arguments", {})))


def _listen(path):
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen(1)
    server.settimeout(30)
    return server


def _accept(server, process, what):
    try:
        connection, _ = server.accept()
        connection.settimeout(None)
        return connection
    except socket.timeout:
        raise HarnessError("QEMU does not open its %s (exit status %s)"
                           % (what, process.poll())) from None


class Boot:
    """Boots a machine with an initramfs, and waits until the guest powers off.

    With a thread for each processor, QEMU 7.2 now and then loses an interrupt, above all when
    the host is busy: THREADS is "single" unless a test needs "multi"."""

    def __init__(self, scratch, machine, kernel, initramfs, cmdline, threads="single",
                 pit=False):
        self.scratch = scratch
        self.log = scratch / "log"
        self.tap = scratch / "tap"
        self.errors = scratch / "qemu"
        self.crashed = False
        self.has_plugin = machine.has_plugin
        self.disks = {disk: machine.disk_path(scratch, disk) for disk in machine.disks}
        append = ["console=" + ARCH.console, "loglevel=7", "printk.devkmsg=on", "panic=-1",
                  "oops=panic", *ARCH.cmdline, "watchdog_thresh=60", "rdinit=/init",
                  "net.ifnames=0", "random.trust_cpu=on", *machine.cmdline, cmdline]
        # Without a PIT the kernel measures its clock against the HPET. On a busy host the PIT was
        # seen to tell it a frequency 40 times too low, and all time limits with it.
        self.command = [
            ARCH.qemu, "-accel", "tcg,thread=" + threads,
            *(["-machine", "pit=on" if pit else "pit=off"] if ARCH is AMD64 else []),
            "-nodefaults", "-no-user-config", "-no-reboot",
            "-display", "none", "-vga", "none", "-net", "none",
            "-kernel", kernel.image, "-initrd", str(initramfs),
            "-append", " ".join(word for word in append if word),
            "-chardev", "file,id=log,path=%s" % self.log,
            "-chardev", "file,id=tap,path=%s" % self.tap,
            "-chardev", "socket,id=requests,path=%s" % (scratch / "requests.sock"),
            *ports(),
            "-chardev", "socket,id=qmp,path=%s" % (scratch / "qmp.sock"),
            "-mon", "chardev=qmp,mode=control",
            *machine.qemu_options(scratch)]
        (scratch / "command").write_text(shlex.join(self.command) + "\n")

    def _size(self):
        return sum(path.stat().st_size for path in (self.log, self.tap) if path.exists())

    def _last_words(self):
        """What QEMU said, without the registers that it adds."""
        lines = self.errors.read_text(errors="replace").splitlines()
        return "; ".join(line for line in lines if line.startswith("qemu"))

    def void_because(self, log, failure):
        """Why the boot, which left LOG and ended in FAILURE, says nothing of a driver, or None.

        No guest may make an unmodified QEMU crash; a model of ours may be at fault. Before
        /init no driver that is tested has been loaded. A processor that is halted, with
        interrupts on, while its timers are overdue for seconds, has lost its timer interrupt in the
        emulator."""
        if self.crashed and not self.has_plugin:
            return "QEMU crashed"
        if "Run /init as init process" not in log:
            return "the guest did not come to its /init"
        if failure and LOST_TIMER.search(log):
            return "a processor of QEMU's has lost its timer interrupt"
        return None

    def run(self, silence, total):
        """Returns None when the guest powered itself off, else what went wrong. SILENCE and
        TOTAL are the seconds without any output, and in all, after which it is called hung."""
        requests = _listen(self.scratch / "requests.sock")
        monitor = _listen(self.scratch / "qmp.sock")
        with open(self.errors, "w") as errors:
            try:
                process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL,
                                           stdout=errors, stderr=errors)
            except FileNotFoundError:
                raise HarnessError("no %s: install %s" % (ARCH.qemu, ARCH.qemu_package)) from None
        _running.add(process)
        try:
            return self._supervise(process, requests, monitor, silence, total)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
            _running.discard(process)
            requests.close()
            monitor.close()

    def _supervise(self, process, requests, monitor, silence, total):
        try:
            channel = _accept(requests, process, "request channel")
            qmp = Monitor(_accept(monitor, process, "monitor"))
        except (HarnessError, RequestError) as error:
            return "%s: %s" % (error, self._last_words())
        threading.Thread(target=Requests(qmp, self.disks).serve, args=(channel,),
                         daemon=True).start()
        started = last_change = time.monotonic()
        size = -1
        while True:
            try:
                status = process.wait(0.2)
                break
            except subprocess.TimeoutExpired:
                pass
            now = time.monotonic()
            if self._size() != size:
                size, last_change = self._size(), now
            if now - last_change > silence:
                return "no output for %d s: the guest hangs" % silence
            if now - started > total:
                return "not finished after %d s" % total
        # A signal that nobody here sent.
        self.crashed = status in (-signal.SIGSEGV, -signal.SIGABRT, -signal.SIGBUS)
        if status:
            return "QEMU ended with status %d: %s" % (status, self._last_words())
        return None
