"""A test file of ours in the receipt computer's folder: the courier's own way, tried without a patient.

Owns the probe from its creation to its end. Its names can be taken neither by a receipt computer (they match no result
pattern) nor by the courier; every name is new. Must never leave a probe behind, and never touch another file.
The probe of a check that was killed is deleted by the next one, if it is still byte for byte what a probe is.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeVar
from uuid import uuid4

from drivers.share import Busy, Digest, LogonGate, Missing, Share, ShareError
from kiosk.operations.check.finding import Finding, ng, ok, skip
from kiosk.operations.check.shares import explain
from kiosk.words.problems import Problem

UNTOUCHED_S = 5.0
_CONTENT = b"kiosk check: a test file. It may be deleted.\r\n"
_NAME = re.compile(r"(?:\.k-check-|kiosk-check-)([0-9a-f]{32})\.(?:tmp|txt)")
_TRIES = 6
_TRY_EVERY_S = 0.5
T = TypeVar("T")


@dataclass(frozen=True)
class Ends:
    """Where the courier would deliver: the folder, where its unfinished files lie, and the folders it takes from."""

    url: str
    folder: Share
    staging: Share
    sources: tuple[tuple[str, Share], ...]
    gate: LogonGate


class Probe:
    """A context manager; leaving it deletes what was made. `left` are names that could not be deleted."""

    def __init__(self, ends: Ends) -> None:
        self._ends = ends
        one = uuid4().hex
        # Like the courier's, but not under its pattern `.kiosk-*.tmp`: its sweep would raise an alarm about it.
        self.temp = f".k-check-{one}.tmp"
        self.name = f"kiosk-check-{one}.txt"
        self.content = _content(one)
        self.digest: Digest | None = None
        self.left: list[str] = []
        self._made: dict[str, Share] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        for name, share in self._made.items():
            try:
                patiently(lambda name=name, share=share: share.remove(name))  # type: ignore[misc]
            except Missing:
                continue
            except ShareError:
                self.left.append(name)

    def create(self) -> bool:
        """Write the unfinished file and read it back; whether it is what was written. Any ShareError."""
        self._made[self.temp] = self._ends.staging
        self.digest = self._ends.staging.put(self.temp, [self.content])
        return self.is_whole()

    def is_whole(self) -> bool:
        """Whether the unfinished file is there, byte for byte. Missing, any ShareError."""
        return patiently(lambda: self._ends.staging.digest(self.temp)) == self.digest

    def publish(self) -> None:
        """Rename it as the courier would. Any ShareError."""
        self._made[self.name] = self._ends.folder
        patiently(lambda: self._ends.staging.rename_new(self.temp, self.name, into=self._ends.folder))
        del self._made[self.temp]

    def delete(self) -> bool:
        """Delete the renamed file; False: its content has changed. Missing, any ShareError."""
        digest = self.digest
        if digest is None:
            return False
        gone = patiently(lambda: self._ends.folder.delete_same(self.name, digest))
        if gone:
            del self._made[self.name]
        return gone


def patiently(call: Callable[[], T]) -> T:
    """`call`, tried again for three seconds while somebody (a virus scanner) has the file open."""
    pause = threading.Event()
    for _ in range(_TRIES):
        try:
            return call()
        except Busy:
            pause.wait(_TRY_EVERY_S)
    return call()


def write(code: str, same_code: str, ends: Ends) -> Iterator[Finding]:
    """Create, read back, rename, delete; and in between whether the file shows up where files are taken from."""
    same = skip(same_code, "message.no_probe")
    step = "step.write"
    with Probe(ends) as probe:
        try:
            if not probe.create():
                finding = ng(code, "message.read_back_differs", "do.check_server_disk")
            else:
                step = "step.rename"
                probe.publish()
                same = _same(same_code, ends, probe.name)
                step = "step.delete"
                finding = _deleted(code, probe)
        except Missing:
            finding = ng(code, "message.unfinished_moved", "do.set_staging")
        except ShareError as error:
            why, do = explain(error, ends.url, ends.gate)
            finding = ng(code, "message.probe_failed", do, step=Problem(step), why=why)
    yield _or_left(finding, probe)
    yield same


def untouched(code: str, ends: Ends, wait_s: float, stop: threading.Event) -> Finding:
    """Leave an unfinished file for `wait_s` and see that nobody takes, changes or removes it."""
    if stop.is_set():
        return skip(code, "message.interrupted")
    with Probe(ends) as probe:
        try:
            old = _probes(ends)
            whole = probe.create()
            if stop.wait(wait_s):
                finding = skip(code, "message.interrupted")
            elif whole and probe.is_whole():
                finding = ok(code, "message.untouched", wait_s=wait_s)
                # Still there after that time: no other check is at work with it.
                _delete_left(old & _probes(ends))
            else:
                finding = ng(code, "message.unfinished_changed", "do.set_staging")
        except Missing:
            finding = ng(code, "message.unfinished_moved", "do.set_staging")
        except ShareError as error:
            why, do = explain(error, ends.url, ends.gate)
            finding = ng(code, "message.no_unfinished", do, why=why)
    return _or_left(finding, probe)


def _content(one: str) -> bytes:
    return _CONTENT + one.encode()


def _probes(ends: Ends) -> frozenset[tuple[Share, str]]:
    """What has the name of a probe, and where. Any ShareError."""
    shares = dict.fromkeys((ends.folder, ends.staging))
    return frozenset((share, each.name) for share in shares for each in share.entries("*k-check-*"))


def _delete_left(probes: frozenset[tuple[Share, str]]) -> None:
    for share, name in probes:
        if match := _NAME.fullmatch(name):
            content = _content(match[1])
            with suppress(ShareError):  # the next check tries again
                share.delete_same(name, Digest(hashlib.sha256(content).hexdigest(), len(content)))


def _deleted(code: str, probe: Probe) -> Finding:
    try:
        if probe.delete():
            return ok(code, "message.write")
    except Missing:
        return ok(code, "message.write", "do.probe_taken")
    return ng(code, "message.probe_changed", "do.check_programs")


def _same(code: str, ends: Ends, name: str) -> Finding:
    """By the servers' own word: one folder under two names (host name and address) shows the same new file."""
    unknown = False
    for setting, share in ends.sources:
        try:
            if share.entries(name):
                return ng(code, "message.same_folder", "do.mend_target", setting=setting)
        except ShareError:
            unknown = True
    if unknown:
        return skip(code, "message.sources_unlisted")
    return ok(code, "message.other_folder")


def _or_left(finding: Finding, probe: Probe) -> Finding:
    """`finding`, unless a probe had to be left behind: then a person must know its name."""
    if not probe.left:
        return finding
    return ng(finding.code, "message.probe_left", "do.delete_probe", what=finding.what, files=tuple(probe.left))
