"""Two builds of the same sources give the same root file system, byte for byte."""

from __future__ import annotations

from tests.image import disk
from tests.image.bench import Bench
from tests.image.update import IMAGE


def run(bench: Bench) -> None:
    """Everything is fetched and assembled twice; `deploy/image/build --compare` says whether the roots are the same."""
    folders = [bench.work / name for name in ("build-1", "build-2")]
    for folder in folders:
        folder.mkdir()
        with bench.timed(folder.name):
            # One authority for both: each build without one makes keys of its own, and those are in the root.
            keys = ("--keyring", bench.keys / "keyring.pem")
            disk.say(IMAGE / "build", "--root-only", "--out", folder / "kiosk.img", "--work", folder / "work", *keys)
    bench.figure("compared", disk.say(IMAGE / "build", "--compare", *(folder / "work" for folder in folders)).strip())
