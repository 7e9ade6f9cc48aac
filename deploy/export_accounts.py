"""deploy/install's care for accounts that put exports into [reservations] import_dir: kiosk-import is all they are in.

    python export_accounts.py FOLDERS      lines "owner group folder", see site_for_install.py; only as root

Before there was this group such accounts were in the group kiosk, which reads site.toml and the X server's cookie.
Whoever a person put there is moved, and said. The folder and the exports in it become the new group's, and first of
all: at no moment can an account not write. What runs on with the old group (a session, a program, a share with
`force group`) keeps writing too, by an entry for the group kiosk in the folder's access list: only the kiosk's own
services stay in that group.

Must never follow a link in a folder that others write to, or touch a folder or file of a group that is not ours.
"""

from __future__ import annotations

import errno
import grp
import os
import pwd
import stat
import struct
import subprocess
import sys
from pathlib import Path

OLD, NEW = "kiosk", "kiosk-import"
OURS = frozenset({"kiosk", "kiosk-courier", "kiosk-desk", "kiosk-fetch", "kiosk-his"})
# posix_acl_xattr of the kernel: a version, then tag, permissions and number of each entry.
ACL, VERSION = "system.posix_acl_access", 2
OWNER, OF_FOLDER, GROUP, MASK, OTHERS = 0x01, 0x04, 0x08, 0x10, 0x20
NOBODY = 0xFFFFFFFF
LIMIT_S = 30


def main(arguments: list[str]) -> int:
    """0 also when something was not possible: it was said, and every account can do what it could before."""
    lines = [line.split(maxsplit=2) for line in Path(arguments[0]).read_text(encoding="utf-8").splitlines()]
    moving = to_move()
    if all([give(Path(folder), group, moving) for _, group, folder in lines]):
        for name in moving:
            move(name)
    return 0


def to_move() -> list[str]:
    """Accounts in the old group that are not the kiosk's own."""
    group = grp.getgrnam(OLD)
    first = {user.pw_name for user in pwd.getpwall() if user.pw_gid == group.gr_gid}
    return sorted({*group.gr_mem, *first} - OURS)


def give(folder: Path, wanted: str, moving: list[str]) -> bool:
    """The folder and the exports that wait in it to `wanted`; both groups may write when accounts are `moving`.

    False: not possible, and said. The folder that systemd keeps for the fetcher stays of the group kiosk: it would give
    all of it to the fetcher, the reception's own folders too.
    """
    old, group = grp.getgrnam(OLD).gr_gid, grp.getgrnam(wanted).gr_gid
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        return left_alone(folder, moving, os.strerror(error.errno or 0))
    try:
        mine = {old, grp.getgrnam(NEW).gr_gid}
        if os.fstat(handle).st_gid not in mine:
            return left_alone(folder, moving, "it is of another group, or its disk is not mounted")
        if moving:
            allow(handle, mine)
        if os.fstat(handle).st_gid != group:
            os.fchown(handle, -1, group)
            for name in os.listdir(handle):  # noqa: PTH208 - of what was opened, whatever its path leads to now
                give_export(handle, name, old, group)
            say(f"{folder} belongs to the group {wanted} now: who puts exports there needs to be in it")
    except OSError as error:
        who = f"{', '.join(moving)} stay in the group {OLD}" if moving else "nothing was changed"
        say(f"{folder} cannot be given to the group {wanted} ({os.strerror(error.errno or 0)}); {who}")
        return False
    finally:
        os.close(handle)
    return True


def left_alone(folder: Path, moving: list[str], why: str) -> bool:
    """Whoever puts exports there may do so by the old group: nobody is moved before the folder knows the new one."""
    if moving:
        say(
            f"{folder}: {why}; {', '.join(moving)} stay in the group {OLD}, which reads site.toml. When it is there, "
            f"run deploy/install again, or move each: gpasswd -a ACCOUNT {NEW} && gpasswd -d ACCOUNT {OLD}"
        )
    return not moving


def give_export(folder: int, name: str, old: int, new: int) -> None:
    """A file, and not what was planted in its place."""
    try:
        handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except OSError:
        return  # a link, or gone meanwhile
    try:
        status = os.fstat(handle)
        if stat.S_ISREG(status.st_mode) and status.st_nlink == 1 and status.st_gid == old:
            os.fchown(handle, -1, new)
    finally:
        os.close(handle)


def allow(folder: int, groups: set[int]) -> None:
    """Let `groups` write into the folder, whichever of them it belongs to."""
    mode = os.fstat(folder).st_mode
    entries = {(OWNER, NOBODY): mode >> 6 & 7, (OF_FOLDER, NOBODY): mode >> 3 & 7, (OTHERS, NOBODY): mode & 7}
    try:
        kept = os.getxattr(folder, ACL)
        entries = {(tag, number): may for tag, may, number in struct.iter_unpack("<HHI", kept[4:])}
    except OSError as error:
        if error.errno != errno.ENODATA:
            raise
    entries |= {(GROUP, group): 7 for group in groups} | {(MASK, NOBODY): 7}
    packed = b"".join(struct.pack("<HHI", tag, may, number) for (tag, number), may in sorted(entries.items()))
    os.setxattr(folder, ACL, struct.pack("<I", VERSION) + packed)


def move(name: str) -> None:
    """First into the new group, then out of the old one."""
    orders = [["gpasswd", "-a", name, NEW]]
    if pwd.getpwnam(name).pw_gid == grp.getgrnam(OLD).gr_gid:
        orders.append(["usermod", "-g", NEW, name])
    if name in grp.getgrnam(OLD).gr_mem:
        orders.append(["gpasswd", "-d", name, OLD])
    for order in orders:
        done = subprocess.run(order, capture_output=True, text=True, timeout=LIMIT_S, check=False)  # noqa: S603 - fixed words
        if done.returncode != 0:
            say(f"{name} stays in the group {OLD}, which reads site.toml; {' '.join(order)}: {done.stderr.strip()}")
            return
    say(
        f"{name} was moved from the group {OLD} to {NEW}: it puts exports into import_dir as before, and reads nothing "
        "else of the kiosk. What runs already keeps the old group until it logs in again: end its sessions and restart "
        "its export program"
    )


def say(sentence: str) -> None:
    """One line for the administrator."""
    print(f"install: {sentence}")  # noqa: T201 - the answer


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
