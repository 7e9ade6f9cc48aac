"""What can be reached from outside (nothing), what goes out (only what the site names), seen on the wire itself.

The PC hangs on a tap in a network namespace of its own; every frame it sends is read there.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.image import disk
from tests.image.bench import BOOT_S, STEP_S, Bench
from tests.image.machine import Build, Machine, until
from tests.image.site import HOST

NETNS, TAP = "kiosk-proof", "kioskproof0"
GUEST = "10.0.2.15"
_NETWORK = f'[network]\naddress = "{GUEST}/24"\ngateway = "{HOST}"\n'
_SCAN = """import asyncio, json, sys
async def open_(port, gate):
    async with gate:
        try:
            _, writer = await asyncio.wait_for(asyncio.open_connection(sys.argv[1], port), 1.5)
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
def wire() -> Iterator[None]:
    """A network namespace with a tap in it; both are gone afterwards."""
    disk.say("ip", "netns", "add", NETNS)
    try:
        for command in (
            ("link", "set", "lo", "up"), ("tuntap", "add", "dev", TAP, "mode", "tap"),
            ("addr", "add", f"{HOST}/24", "dev", TAP), ("link", "set", TAP, "up"),
        ):  # fmt: skip
            disk.say("ip", "-n", NETNS, *command)
        yield
    finally:
        subprocess.run(["ip", "netns", "del", NETNS], check=False)


def _inside(script: str, *arguments: str) -> list[object]:
    said = disk.say("ip", "netns", "exec", NETNS, sys.executable, "-c", script, *arguments)
    found: list[object] = json.loads(said)
    return found


def run(bench: Bench) -> None:
    """No TCP port answers, nothing listens but on loopback, and only frames that the site needs leave the PC."""
    machine = bench.with_site()
    _give_address(bench, machine)
    machine.shut_down()
    bench.machine, bench.has_site = None, False
    with wire():
        machine = bench.start(machine.disk, machine.folder, Build(tap=TAP, netns=NETNS))
        try:
            bench.until_up(machine)
            _look(bench, machine)
        finally:
            bench.end_machine()


def _give_address(bench: Bench, machine: Machine) -> None:
    from tests.image import provision  # as late as the bench does

    files = bench.hospital.changed_site_files(_NETWORK)
    shown = provision.result_of(bench, machine, bench.hospital.stick(Path(machine.folder / "net.img"), files))
    assert shown["accepted"], shown["wrong"]


def _look(bench: Bench, machine: Machine) -> None:
    shell = machine.shell
    until(lambda: GUEST in shell.run("ip -4 -o addr")[1], f"address {GUEST}", BOOT_S)
    smb, printer = str(bench.hospital.server.port), bench.hospital.printer.url.rpartition(":")[2]
    sent = [str(each) for each in _inside(_LISTEN, TAP, "60")]
    allowed = {"arp", f"ip 6 {HOST} {smb}", f"ip 6 {HOST} {printer}"}
    bench.figure("frames", ", ".join(sorted(set(sent))))
    other = [each for each in sent if each not in allowed and not _of_neighbours(each)]
    assert not other, f"other frames left the PC: {other}"
    found = _inside(_SCAN, GUEST)
    assert not found, f"ports that answer: {found}"
    bench.figure("ports_scanned", 65535)
    listeners = [line.split()[4] for line in shell.value("ss -H -lntu").splitlines()]
    outside = [each for each in listeners if not each.startswith(("127.", "[::1]"))]
    assert not outside, f"listens: {outside}"
    for port, wanted in ((smb, True), ("9999", False), ("22", False), ("80", False)):
        _try_out(machine, port, wanted)
    bench.figure("rules", shell.value("nft list ruleset | wc -l"))


def _of_neighbours(frame: str) -> bool:
    """What IPv6 and multicast need of every network card: neighbour discovery, group reports. Not LLMNR, not mDNS."""
    return frame.startswith(("ip6 58 ", "ip6 0 ff02::16", "ip 2 "))


def _try_out(machine: Machine, port: str, wanted: bool) -> None:
    """Connect from the PC to a listener on this side."""
    server = subprocess.Popen(
        ["ip", "netns", "exec", NETNS, sys.executable, "-c",
         f"import socket; s = socket.create_server(('{HOST}', {port})); s.settimeout(60); s.accept()"],
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        until(lambda: f":{port} " in disk.say("ip", "netns", "exec", NETNS, "ss", "-Hlnt"), f"listener {port}", 30)
        code, _ = machine.shell.run(f"timeout 8 bash -c '</dev/tcp/{HOST}/{port}'", STEP_S)
        assert (code == 0) == wanted, f"port {port} outwards: {'closed' if wanted else 'open'}"
    finally:
        server.kill()
        server.wait()
