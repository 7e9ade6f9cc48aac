"""What can be reached from outside (nothing), what goes out (only what the site names), seen on the wire itself.

The PC hangs on a tap in a network namespace of its own; every frame it sends is read there. The hospital's servers are
in there too: file server and printer by a relay, a time server, a receiver of the log.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.image import disk, provision, visit
from tests.image.bench import BOOT_S, STEP_S, Bench
from tests.image.machine import Build, Machine, until
from tests.image.site import HOST, PASSWORD, PERSON

NETNS, TAP = f"kiosk-proof-{os.getpid()}", "kioskproof0"  # one that was ended leaves its own behind
GUEST = "10.0.2.15"
NTP_PORT, SYSLOG_PORT = 123, 514
_TABLES = f"""[network]
address = "{GUEST}/24"
gateway = "{HOST}"
[time]
servers = ["{HOST}"]
[syslog]
server = "udp://{HOST}:{SYSLOG_PORT}"
[metrics]
push = "smb://kiosk@{HOST}:{{smb}}/watch"
push_every_s = 15
"""
# -x: it gives the time and leaves this computer's clock alone.
_CLOCK = f"""bindaddress {HOST}
port {NTP_PORT}
cmdport 0
bindcmdaddress /
allow
local stratum 3
pidfile {{folder}}/chronyd.pid
"""
_CLOCK_OFF_S = 3000
_CLOCK_NEAR_S = 5.0
_SCAN = """import asyncio, json, sys
async def open_(port, gate):
    async with gate:
        try:
            opening = asyncio.open_connection(sys.argv[1], port, local_addr=(sys.argv[2], 0))
            _, writer = await asyncio.wait_for(opening, 1.5)
            writer.close()
            return port, "open"
        except ConnectionRefusedError:
            return port, "refused"
        except (OSError, asyncio.TimeoutError):
            return port, ""
async def main():
    gate = asyncio.Semaphore(900)
    found = await asyncio.gather(*(open_(port, gate) for port in range(1, 65536)))
    print(json.dumps([row for row in found if row[1]]))
asyncio.run(main())
"""
_LISTEN = """import asyncio, json, struct, socket, sys, time
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.ntohs(3))
wire.bind((sys.argv[1], 0))
wire.settimeout(1.0)
seen, until = set(), time.monotonic() + float(sys.argv[2])
while time.monotonic() < until:
    try:
        frame, where = wire.recvfrom(65536)
    except TimeoutError:
        continue
    if where[2] == 4 or len(frame) < 34:  # 4: what this side sends
        continue
    kind = struct.unpack("!H", frame[12:14])[0]
    if kind == 0x0806:
        seen.add("arp")
    elif kind == 0x0800:
        head = (frame[14] & 15) * 4
        protocol, to = frame[23], socket.inet_ntoa(frame[30:34])
        port = struct.unpack("!H", frame[14 + head + 2:14 + head + 4])[0] if protocol in (6, 17) else 0
        flags = frame[14 + head + 13] if protocol == 6 else 0
        if protocol == 6 and flags & 4:
            continue  # a reset answers somebody
        seen.add(f"ip {protocol} {to} {port}")
    elif kind == 0x86DD:
        seen.add(f"ip6 {frame[20]} {socket.inet_ntop(socket.AF_INET6, frame[38:54])}")
print(json.dumps(sorted(seen)))
"""


@contextmanager
def wire(*more: str) -> Iterator[None]:
    """A network namespace with a tap in it; both are gone afterwards. `more`: further addresses of this side."""
    disk.say("ip", "netns", "add", NETNS)
    try:
        for command in (
            ("link", "set", "lo", "up"), ("tuntap", "add", "dev", TAP, "mode", "tap"),
            *(("addr", "add", f"{each}/24", "dev", TAP) for each in (HOST, *more)), ("link", "set", TAP, "up"),
        ):  # fmt: skip
            disk.say("ip", "-n", NETNS, *command)
        yield
    finally:
        subprocess.run(["ip", "netns", "del", NETNS], check=False)


@contextmanager
def running(*command: str, inside: bool = True) -> Iterator[None]:
    """A server for as long as the context lasts."""
    prefix = ("ip", "netns", "exec", NETNS) if inside else ()
    # A session of its own: socat leaves a process behind for each connection.
    process = subprocess.Popen(
        [*prefix, *command], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


@contextmanager
def hospital(folder: Path, ports: tuple[str, ...]) -> Iterator[Path]:
    """The hospital's servers on the wire; gives the file that the log arrives in."""
    log = folder / "syslog"
    config = folder / "chrony.conf"
    config.write_text(_CLOCK.format(folder=folder))
    with ExitStack() as stack:
        for port in ports:
            # The servers listen on this computer's loopback; a Unix socket leads out of the namespace.
            path = folder / f"relay-{port}.sock"
            stack.enter_context(running("socat", f"UNIX-LISTEN:{path},fork", f"TCP:127.0.0.1:{port}", inside=False))
            listen = f"TCP-LISTEN:{port},bind={HOST},fork,reuseaddr"
            stack.enter_context(running("socat", listen, f"UNIX-CONNECT:{path}"))
        stack.enter_context(running("socat", "-u", f"UDP-RECV:{SYSLOG_PORT},bind={HOST}", f"OPEN:{log},creat,append"))
        stack.enter_context(running("chronyd", "-x", "-d", "-u", "root", "-f", str(config)))
        for listener in (*ports, str(NTP_PORT), str(SYSLOG_PORT)):
            _until_listens(listener)
        yield log


def _until_listens(port: str) -> None:
    listeners = ("ip", "netns", "exec", NETNS, "ss", "-Hlntu")
    until(lambda: f"{HOST}:{port} " in disk.say(*listeners), f"a server on port {port}", 30)


def open_ports(source: str) -> list[object]:
    """Of the PC's 65535 TCP ports those that answer the address `source`, each with how."""
    return _inside(_SCAN, GUEST, source)


def _inside(script: str, *arguments: str) -> list[object]:
    output = disk.say("ip", "netns", "exec", NETNS, sys.executable, "-c", script, *arguments)
    found: list[object] = json.loads(output)
    return found


def run(bench: Bench) -> None:
    """No port answers, nothing listens; only frames that the site needs go out: a visit, time, log, figures."""
    machine = bench.with_site()
    visit.book(machine)
    smb, printer = str(bench.hospital.server.port), bench.hospital.printer.url.rpartition(":")[2]
    _give_address(bench, machine, smb)
    machine.shut_down()
    bench.machine, bench.has_site = None, False
    with wire(), hospital(machine.folder, (smb, printer)) as log:
        machine = bench.start(machine.disk, machine.folder, Build(tap=TAP, netns=NETNS))
        try:
            bench.until_up(machine)
            until(lambda: GUEST in machine.shell.run("ip -4 -o addr")[1], f"address {GUEST}", BOOT_S)
            visit.perform(bench, machine, "network")
            _clock(bench, machine)
            _require_log(bench, log)
            _look(bench, machine, smb, printer)
        except AssertionError:  # the PC is gone before others look for evidence
            bench.say(machine.shell.run("journalctl -b --no-pager -o short | tail -60")[1])
            raise
        finally:
            bench.end_machine()


def _give_address(bench: Bench, machine: Machine, smb: str) -> None:
    files = bench.hospital.changed_site_files(_TABLES.format(smb=smb))
    files["metrics.secret"] = f"{PASSWORD}\n".encode()
    result = provision.result_of(bench, machine, bench.hospital.stick(Path(machine.folder / "net.img"), files))
    assert result["accepted"], result["wrong"]


def _clock(bench: Bench, machine: Machine) -> None:
    """A clock that is wrong is set right by the hospital's server."""
    machine.shell.value(f"date -s @$(($(date +%s) - {_CLOCK_OFF_S})) && systemctl restart systemd-timesyncd")

    def off_s() -> float:
        return abs(float(machine.shell.value("date +%s.%N")) - time.time())

    with bench.timed("clock_right"):
        until(lambda: off_s() < _CLOCK_NEAR_S, "the clock is right", STEP_S, 1.0)
    server = machine.shell.value("timedatectl show-timesync -p ServerAddress --value")
    assert server == HOST, f"the time came from {server}"


def _require_log(bench: Bench, log: Path) -> None:
    """The log and the figures arrive, without anything of the patient."""
    figures = bench.hospital.folder / "watch"
    until(lambda: list(figures.glob("*.prom")), "figures in the share", STEP_S)
    until(lambda: log.exists() and b" kiosk" in log.read_bytes(), "lines in the hospital's log", STEP_S)
    output = log.read_bytes() + b"".join(file.read_bytes() for file in figures.glob("*.prom"))
    for word in (PERSON.number, PERSON.birthdate, PERSON.name, PASSWORD):
        assert str(word).encode() not in output, "log or figures have something of the patient, or the password"
    bench.figure("log_lines", len(log.read_bytes().split(b"<")) - 1)


def _look(bench: Bench, machine: Machine, smb: str, printer: str) -> None:
    shell = machine.shell
    sent = [str(each) for each in _inside(_LISTEN, TAP, "60")]
    allowed = {"arp", *(f"ip 6 {HOST} {port}" for port in (smb, printer))}
    allowed |= {f"ip 17 {HOST} {port}" for port in (NTP_PORT, SYSLOG_PORT)}
    bench.figure("frames", ", ".join(sorted(set(sent))))
    other = [each for each in sent if each not in allowed and not _of_neighbours(each)]
    assert not other, f"other frames left the PC: {other}"
    found = open_ports(HOST)
    assert not found, f"ports that answer: {found}"
    bench.figure("ports_scanned", 65535)
    open_ = [line.split() for line in shell.value("ss -H -lntup").splitlines()]
    # What the log is sent from looks like a listener, as every UDP socket does; the firewall lets nothing in to it.
    listeners = [each for each in open_ if not (each[0] == "udp" and '"rsyslogd"' in each[-1])]
    outside = [each for each in listeners if not each[4].startswith(("127.", "[::1]"))]
    assert not outside, f"listens: {outside}"
    assert _connects(machine, smb), "the file server cannot be reached"
    for port in ("9999", "22", "80"):
        with running("socat", f"TCP-LISTEN:{port},bind={HOST},fork", "/dev/null"):
            _until_listens(port)
            assert not _connects(machine, port), f"port {port} is open outwards"
    bench.figure("rules", shell.value("nft list ruleset | wc -l"))


def _of_neighbours(frame: str) -> bool:
    """What IPv6 and multicast need of every network card: neighbour discovery, group reports. Not LLMNR, not mDNS."""
    return frame.startswith(("ip6 58 ", "ip6 0 ff02::16", "ip 2 "))


def _connects(machine: Machine, port: str) -> bool:
    return machine.shell.run(f"timeout 8 bash -c '</dev/tcp/{HOST}/{port}'", STEP_S)[0] == 0
