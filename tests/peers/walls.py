"""Runs a program inside what a unit file takes away: SystemCallFilter, MemoryDenyWriteExecute, NoNewPrivileges.

    python -m tests.peers.walls UNIT PROGRAM ARGUMENT...

For machines without a running systemd. Owns the reading of those three settings, and of ProcSubset for a Python program
that calls `hide_proc`; the filter is loaded by libseccomp, as systemd does it, and answers EPERM. It must never be
imported by anything that ships.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

LIBRARY = "libseccomp.so.2"
_NO_NEW_PRIVILEGES = 38  # <linux/prctl.h>
_SHM_EXEC = 0o100000  # <linux/shm.h>
_ALLOW = 0x7FFF0000  # <seccomp.h>
_REFUSE = 0x00050000 | errno.EPERM
_MASKED_EQUAL = 7
_HIDDEN = re.compile(r"/proc/(?!self\b|thread-self\b|\d)")


@cache
def members(group: str) -> frozenset[str]:
    """The system calls of a group of systemd's, such as @system-service, and of the groups in it."""
    done = subprocess.run(
        ["systemd-analyze", "--no-pager", "syscall-filter", group],
        env={**os.environ, "SYSTEMD_COLORS": "0"}, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    found: set[str] = set()
    for line in done.stdout.splitlines()[1:]:
        word = line.strip()
        if word and not word.startswith("#"):
            found |= members(word) if word.startswith("@") else {word}
    return frozenset(found)


def allowed(settings: list[tuple[str, str]]) -> set[str]:
    """What the SystemCallFilter lines leave, one after the other."""
    found = set(members("@default"))
    for key, value in settings:
        if key == "SystemCallFilter":
            named = set().union(*(members(word) if word[0] == "@" else {word} for word in value.lstrip("~").split()))
            found = found - named if value.startswith("~") else found | named
    return found


class _Condition(ctypes.Structure):
    """scmp_arg_cmp of <seccomp.h>: (argument & mask) == value."""

    _fields_ = (
        ("argument", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("mask", ctypes.c_uint64),
        ("value", ctypes.c_uint64),
    )


class _Filter:
    """One seccomp filter. What no rule names is answered with `otherwise`."""

    def __init__(self, otherwise: int) -> None:
        self._library = ctypes.CDLL(LIBRARY)
        self._library.seccomp_init.restype = ctypes.c_void_p
        self._context = ctypes.c_void_p(self._library.seccomp_init(otherwise))

    def add(self, answer: int, call: str, *conditions: _Condition) -> None:
        number = self._library.seccomp_syscall_resolve_name(call.encode())
        if number < 0:  # not on this processor
            return
        array = (_Condition * len(conditions))(*conditions)
        if self._library.seccomp_rule_add_array(self._context, answer, number, len(conditions), array) != 0:
            raise OSError(f"the filter does not take {call}")

    def load(self) -> None:
        if self._library.seccomp_load(self._context) != 0:
            raise OSError("the filter cannot be loaded")


def build(unit: Path) -> None:
    """Put this process, and what it becomes, inside."""
    lines = unit.read_text(encoding="utf-8").splitlines()
    settings = [(key, value) for key, equals, value in (line.partition("=") for line in lines) if equals]
    calls = allowed(settings)
    if ctypes.CDLL(None).prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        raise OSError("no_new_privs is not to be had")
    if ("MemoryDenyWriteExecute", "yes") in settings:
        # As systemd.exec(5) lists it; first, because the second filter leaves no seccomp(2).
        executable, both = mmap.PROT_EXEC, mmap.PROT_EXEC | mmap.PROT_WRITE
        memory = _Filter(_ALLOW)
        memory.add(_REFUSE, "mmap", _Condition(2, _MASKED_EQUAL, both, both))
        memory.add(_REFUSE, "mprotect", _Condition(2, _MASKED_EQUAL, executable, executable))
        memory.add(_REFUSE, "pkey_mprotect", _Condition(2, _MASKED_EQUAL, executable, executable))
        memory.add(_REFUSE, "shmat", _Condition(2, _MASKED_EQUAL, _SHM_EXEC, _SHM_EXEC))
        memory.load()
    rest = _Filter(_REFUSE)
    for call in calls:
        rest.add(_ALLOW, call)
    rest.load()


def hide_proc(unit: Path) -> None:
    """With ProcSubset=pid in the unit: what that leaves out of /proc is not there for what Python opens from now on."""

    def look(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open" and _HIDDEN.match(str(arguments[0])):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), arguments[0])

    if "ProcSubset=pid" in unit.read_text(encoding="utf-8").splitlines():
        sys.addaudithook(look)


if __name__ == "__main__":
    build(Path(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 - no shell is wanted
