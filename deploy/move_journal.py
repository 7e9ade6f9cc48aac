"""deploy/install's way to give the delivery ledger to the courier's own user, and back for a release without one.

    python move_journal.py FROM TO [USER]     both are folders; the files become USER's; without USER their owners stay

Moves the ledger (one rename, after everything in it was written into the one file), the courier's event log, what was
alarmed, who the kiosk is, and ledgers put aside. No ledger in FROM: nothing is done. FROM keeps a link in the
ledger's place: a courier that works on FROM cannot open it, and so delivers nothing, instead of delivering anew what
it knows nothing of.

Only while no courier and no reception run on either folder. It must never replace a ledger, follow a link in a folder
that another user may write to, or be root while it reads a database of another user.
"""

from __future__ import annotations

import os
import pwd
import stat
import subprocess
import sys
from pathlib import Path

from kiosk.process import locks
from kiosk.process.data_folder import DataFolder

LEDGER = DataFolder(Path()).ledger.name

# Closing the last connection writes what is still beside the file into it.
TIDY = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.execute('PRAGMA wal_checkpoint(TRUNCATE)').fetchall(); db.close()"  # noqa: E501 - one program
OTHERS = ("events-courier.jsonl*", "alarms-told-courier.json", "kiosk-id", f"{LEDGER}.broken-*")
TIDY_S = 120


class Refused(Exception):
    """Nothing was moved; the text says why and what to do."""


def main(arguments: list[str]) -> int:
    """`SOURCE TARGET`: exit code 0 when the ledger is at the target."""
    source, target = Path(arguments[0]), Path(arguments[1])
    try:
        if is_ledger(source / LEDGER):
            move(source, target, pwd.getpwnam(arguments[2]) if len(arguments) > 2 else None)
    except Refused as refused:
        print(refused, file=sys.stderr)  # noqa: T201 - the answer
        return 1
    return 0


def is_ledger(path: Path) -> bool:
    """A file; not the link that was left when the ledger went away."""
    return path.exists() and not path.is_symlink()


def move(source: Path, target: Path, user: pwd.struct_passwd | None) -> None:
    """The ledger last: until it has gone, a courier on `source` works on as if nothing had happened."""
    if is_ledger(target / LEDGER):
        raise Refused(
            f"there are two delivery ledgers, {source / LEDGER} and {target / LEDGER}; nothing was changed. "
            "Keep the one that was in use last (ls -l) and move the other one away, then run me again"
        )
    if any(locks.is_held(folder, what) for folder in (source, target) for what in ("courier", "run")):
        raise Refused("a courier or a reception is running; nothing was changed. Stop both, then run me again")
    tidy(source / LEDGER)
    for path in [path for pattern in OTHERS for path in source.glob(pattern)]:
        give(path, target, user)
    give(source / LEDGER, target, user)
    (source / LEDGER).symlink_to(os.path.relpath(target / LEDGER, source))
    for folder in (source, target):
        (folder / "courier.sock").unlink(missing_ok=True)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        os.fsync(descriptor)
        os.close(descriptor)


def tidy(ledger: Path) -> None:
    """As the owner: a database may be made to harm who opens it. Refused if it cannot be read."""
    owner = ledger.lstat()
    command = [sys.executable, "-P", "-c", TIDY, str(ledger)]
    if os.geteuid() == 0:
        ids = [f"--reuid={owner.st_uid}", f"--regid={owner.st_gid}", "--clear-groups"]
        command = ["/usr/bin/setpriv", *ids, "--no-new-privs", *command]
    try:
        # SQLite waits for ever for the writer of a FIFO.
        tidied = stat.S_ISREG(owner.st_mode) and _ends_well(command)
    except subprocess.TimeoutExpired:
        tidied = False
    if not tidied or ledger.with_name(f"{LEDGER}-wal").exists():
        raise Refused(
            f"{ledger} cannot be read, so it was not moved; nothing was changed. The release in use puts a broken "
            "ledger aside when it starts: systemctl restart kiosk-courier, then run me again"
        )


def _ends_well(command: list[str]) -> bool:
    done = subprocess.run(command, capture_output=True, timeout=TIDY_S, check=False)  # noqa: S603 - our own program
    return done.returncode == 0


def give(path: Path, target: Path, user: pwd.struct_passwd | None) -> None:
    """Its new owner's before it moves: cut off in between, it is found by the next run and used by nobody."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return  # a link: none of ours
    try:
        status = os.fstat(descriptor)
        if stat.S_ISREG(status.st_mode) and status.st_nlink == 1:
            if user is not None:
                os.fchown(descriptor, user.pw_uid, user.pw_gid)
            os.fchmod(descriptor, 0o600)
            path.replace(target / path.name)
    finally:
        os.close(descriptor)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
