"""How fast is the kiosk, beside what the wire allows and what people would use: `python -m tests.bench [PART …]`."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.bench import book, crowded, desk, drain, figures, idle, local, start, visits
from tests.bench.options import Options, progress
from tests.bench.ours import Tree
from tests.peers import samba

PARTS: dict[str, Callable[[Options], figures.Section]] = {
    "visit": visits.visit,
    "old": crowded.old,
    "drain": drain.drain,
    "idle": idle.idle,
    "start": start.start,
    "register": local.register,
    "touch": local.touch,
    "memory": start.memory,
    "desk": desk.desk,
    "book": book.book,
}
SLOW = ("memory", "desk", "book")  # only when named


def machine() -> dict[str, Any]:
    """What figures depend on."""
    model = [line for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if "model name" in line]
    smbd = subprocess.run(["smbd", "--version"], capture_output=True, text=True, check=True, timeout=60).stdout
    return {
        "date": time.strftime("%Y-%m-%d"),
        "processor": model[0].partition(": ")[2] if model else platform.machine(),
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "Python": platform.python_version(),
        "smbd": smbd.split()[-1],
        "load at the beginning": round(os.getloadavg()[0], 2),
    }


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    usual = [part for part in PARTS if part not in SLOW]
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; without: {', '.join(usual)}")
    parser.add_argument("--quick", action="store_true", help="three minutes: fewer rounds, the small sizes")
    parser.add_argument("--json", action="store_true", help="the numbers as JSON instead of tables")
    parser.add_argument("--into", type=Path, metavar="FILE.md", help="also put the tables between their marks there")
    parser.add_argument(
        "--tree", type=Path, action="append", default=[], help="measure this checkout's kiosk beside ours"
    )
    parser.add_argument("--visits", type=int, default=5000, help="of the part memory")
    parser.add_argument("--impacket", metavar="PYTHON", default=sys.executable, help="a Python that has impacket")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args(argv)
    if unknown := set(arguments.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    if arguments.into:
        figures.insert(arguments.into.read_text(encoding="utf-8"), "")  # now, and not after twenty minutes
    trees = (Tree(), *(Tree(folder.resolve()) for folder in arguments.tree))
    options = Options(arguments.quick, trees, arguments.seed, arguments.visits, arguments.impacket)
    # What Python has compiled is there in a release, and must not be compiled again at each start here.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])  # Debian's smbd
    began, about = time.monotonic(), machine()
    try:
        sections = [PARTS[part](options) for part in arguments.parts or usual]
    finally:
        samba.end_shared()
    about["load at the end"] = round(os.getloadavg()[0], 2)
    progress(f"{time.monotonic() - began:.0f} s")
    tables = figures.as_markdown(about, sections)
    if arguments.into:
        arguments.into.write_text(figures.insert(arguments.into.read_text(encoding="utf-8"), tables), encoding="utf-8")
    print(json.dumps(figures.as_json(about, sections), indent=1) if arguments.json else tables)  # noqa: T201 - the answer
    return 0


if __name__ == "__main__":
    sys.exit(main())
