"""`python -m tests.image`: the scenarios, one after another or on two PCs at once, and a table of what came out."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
import traceback
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests.image import (
    desk,
    first_screen,
    installer,
    keys,
    mishaps,
    network,
    power_cut,
    provision,
    recovery_times,
    reproducible,
    secure_boot,
    security,
    spare,
    technician,
    tpm,
    turned,
    update,
    var_broken,
    visit,
    watchdog,
)
from tests.image.bench import Bench, Parts

Scenario = Callable[[Bench], None]
# In this order a PC is carried on from one to the next.
CARRIED: dict[str, Scenario] = {
    "first_screen": first_screen.run,
    "provision_good": provision.run_good,
    "visit": visit.run,
    "provision_bad": provision.run_bad,
    "technician": technician.run,
    "security": security.run,
    "keys": keys.run_chords,
    "recovery_times": recovery_times.run,
    "update_wrong_signer": update.run_wrong_signer,
    "update_tampered": update.run_tampered,
    "update_too_old": update.run_too_old,
    "update_good": update.run_good,
    "update_previous": update.run_previous,
    "update_server": update.run_server,
    "update_unbootable": update.run_unbootable,
    "update_unhealthy": update.run_unhealthy,
}
# These bring their own PC, or break the one that they were given.
APART: dict[str, Scenario] = {
    "usb_devices": keys.run_usb,
    "network": network.run,
    "desk": desk.run,
    "turned": turned.run,
    "watchdog": watchdog.run,
    "mishaps": mishaps.run,
    "spare": spare.run,
    "broken_var": var_broken.run,
    "installer": installer.run,
    "power_cut": power_cut.run,
    "tpm": tpm.run,
    "secure_boot": secure_boot.run,
    "reproducible": reproducible.run,
}
SCENARIOS: dict[str, Scenario] = CARRIED | APART
SHORT: dict[str, Scenario] = {
    "first_screen": first_screen.run,
    "provision_good": provision.run_good,
    "visit": visit.run,
    "power_cut": power_cut.run_short,
}
PROGRAMS = (
    "qemu-system-x86_64", "qemu-img", "qemu-io", "mcopy", "mkfs.vfat", "sfdisk", "cpio", "e2fsck", "zbarimg", "smbd",
    "smbclient", "pdbedit", "swtpm", "rauc", "unsquashfs", "ip", "socat", "chronyd",
)  # fmt: skip


@dataclass
class Row:
    """One line of the table."""

    name: str
    result: str
    seconds: float
    figures: dict[str, str] = field(default_factory=dict)


def say(text: str) -> None:
    """To whoever waits in front of it."""
    print(text, flush=True)  # noqa: T201 - a program for the command line


def main() -> int:
    """0: every scenario held; 1: one did not; 2: something this needs is missing."""
    options = _options()
    unknown = [name for name in options.names if name not in SCENARIOS]
    if unknown:
        say(f"no such scenario: {', '.join(unknown)}; there are {', '.join(SCENARIOS)}")
        return 2
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing or not options.image.is_file():
        say(f"missing: {', '.join([*missing, *([] if options.image.is_file() else [str(options.image)])])}")
        return 2
    table = SHORT if options.short else SCENARIOS
    chosen = {name: table[name] for name in options.names} if options.names else table
    root = options.root or options.image.with_name("root.squashfs")
    keys_of = options.keys or Path(f"{options.image}.work") / "development"
    parts = Parts(options.image, root, keys_of, options.installer or options.image.with_name("usb.img"))
    with tempfile.TemporaryDirectory(prefix="kiosk-image-", dir=options.work) as work:
        rows = _all(chosen, options.jobs, parts, options.out, Path(work))
    text = "\n".join(_line(row) for row in rows)
    say(f"\n{text}\n")
    (options.out / "table.txt").write_text(text + "\n", encoding="utf-8")
    return 0 if all(row.result == "ok" for row in rows) else 1


def _options() -> argparse.Namespace:
    what = "Boot the built image in QEMU and prove what it does."
    parser = argparse.ArgumentParser(prog="deploy/image/test", description=what)
    parser.add_argument("--image", type=Path, default=Path("kiosk.img"), help="what deploy/image/build made")
    parser.add_argument("--root", type=Path, help="root.squashfs of the image (default: beside it)")
    keys_help = "signer.key and signer.pem for it (default: those of its build, IMAGE.work/development)"
    parser.add_argument("--keys", type=Path, help=keys_help)
    parser.add_argument("--installer", type=Path, help="its USB installer (default: usb.img beside the image)")
    parser.add_argument("--short", action="store_true", help="first screen, provisioning, a visit, one power cut")
    jobs_help = "2: two PCs at once; only with four cores or more, one PC keeps two busy"
    parser.add_argument("--jobs", type=int, choices=(1, 2), default=1, help=jobs_help)
    parser.add_argument("--out", type=Path, default=Path("image-test"), help="pictures and the table")
    parser.add_argument("--work", type=Path, default=None, help="where disks lie meanwhile (some GiB)")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(SCENARIOS))
    return parser.parse_args()


def _all(chosen: dict[str, Scenario], jobs: int, parts: Parts, out: Path, work: Path) -> list[Row]:
    """On `jobs` PCs at once: one goes through the scenarios that belong together, whichever is free takes another."""
    together: dict[str, dict[str, Scenario]] = {}
    for name, each in chosen.items():
        together.setdefault(name if name in APART else "", {})[name] = each
    groups = deque(together.values())
    with ThreadPoolExecutor(jobs) as at_once:
        running = [at_once.submit(_work, groups, parts, out, work / str(n)) for n in range(jobs)]
        rows = [row for each in running for row in each.result()]
    return sorted(rows, key=lambda row: list(chosen).index(row.name))


def _work(groups: deque[dict[str, Scenario]], parts: Parts, out: Path, work: Path) -> list[Row]:
    rows: list[Row] = []
    with Bench(parts, out, work, say) as bench:
        while True:
            try:
                group = groups.popleft()
            except IndexError:
                return rows
            for name, scenario in group.items():
                say(f"{name}: {(scenario.__doc__ or '').splitlines()[0]}")
                bench.scenario = name
                rows.append(_one(name, scenario, bench))


def _one(name: str, scenario: Scenario, bench: Bench) -> Row:
    began = time.monotonic()
    bench.figures = {}
    try:
        scenario(bench)
        result = "ok"
    except Exception as error:  # noqa: BLE001 - one scenario's failure is a row; the others still tell something
        result = f"FAILED: {str(error).strip() or type(error).__name__}"
        (bench.out / f"{name}-failed.txt").write_text(traceback.format_exc(), encoding="utf-8")
        _evidence(name, bench)
    row = Row(name, result, time.monotonic() - began, dict(bench.figures))
    say(f"  {_line(row)}")
    return row


def _evidence(name: str, bench: Bench) -> None:
    """What a person needs to see why; then the PC is given up."""
    machine = bench.machine
    if machine is None:
        return
    try:
        bench.picture(machine, f"{name}-failed")
        (bench.out / f"{name}-journal.txt").write_text(machine.shell.run("journalctl -b --no-pager | tail -400")[1])
    except (AssertionError, OSError) as error:
        say(f"    no evidence: {error}")
    console = machine.folder / "console.log"
    if console.exists():
        shutil.copy(console, bench.out / f"{name}-console.txt")
    bench.end_machine()


def _line(row: Row) -> str:
    figures = "; ".join(f"{name} {value}" for name, value in row.figures.items())
    return f"{row.name:<18} {row.seconds:6.0f} s  {row.result[:300]}  {figures}".rstrip()


if __name__ == "__main__":
    sys.exit(main())
