"""Whoever changes a folder, a real smbd and the kernel report it; where nothing is reported, that is said."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Self

import pytest
from smbprotocol.header import SMB2HeaderResponse

from drivers.share import (
    Busy,
    Changes,
    Missing,
    Refused,
    Share,
    ShareError,
    Unreachable,
    Unsupported,
    folder_changes,
    open_share,
)
from drivers.share.smb.changes import SmbChanges
from drivers.simulated.tcp_proxy import Proxy
from drivers.simulated.terminal import How, TerminalWriter
from tests.hospital import wait_until
from tests.peers.samba import Smbd

FACE = "OQSsiquc01res_face_0000000001.xml"
BODY = b"<XmlMsg>" + bytes(range(65, 91)) * 230 + b"</XmlMsg>"
PATIENCE_S = 30.0
KINDS = ("folder", pytest.param("smb", marks=pytest.mark.peers))


@pytest.fixture(scope="module")
def smbd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Smbd]:
    with Smbd({"face": tmp_path_factory.mktemp("shares") / "face"}) as server:
        yield server


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Smbd]:
    """A server that a test may kill or freeze."""
    with Smbd({"face": tmp_path / "face"}) as server:
        yield server


class Place:
    """A fresh folder, reached through a share and locally."""

    def __init__(self, path: Path, url: str, password: str | None) -> None:
        path.mkdir()
        self.path, self.url, self.password = path, url, password
        self.share = self.open()

    def open(self) -> Share:
        return open_share(self.url, self.password)


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "folder":
        path = tmp_path / "受付 共有"
        made = Place(path, path.as_uri(), None)
    else:
        smbd: Smbd = request.getfixturevalue("smbd")
        name = f"place-{uuid.uuid4().hex[:12]}"
        made = Place(smbd.shares["face"] / name, smbd.url(f"face/{name}"), smbd.password)
    yield made
    made.share.drop()


class Watching:
    """Collects what is reported, in a thread of its own; `with Watching(share.watch()) as watching:`."""

    def __init__(self, changes: Changes) -> None:
        self.changes = changes
        self.names: set[str] = set()
        self.written: set[str] = set()
        self.reports = 0
        self.unnamed = 0
        self.ended: SimpleQueue[ShareError] = SimpleQueue()
        self._first: SimpleQueue[None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.changes.close()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive(), "close wakes whoever waits"

    def _run(self) -> None:
        try:
            while True:
                names = self.changes.next()
                self._first.put(None)
                self.reports += 1
                self.names |= set(names or ())
                self.written |= {name for name, written in (names or {}).items() if written}
                self.unnamed += names is None
        except ShareError as error:
            self.ended.put(error)

    def in_force(self, folder: Path) -> Self:
        """What is done beneath the server is reported from now on; Samba sees to that after it has said so."""
        for number in range(1000):
            marker = folder / f"marker{number}"
            marker.touch()
            marker.unlink()
            try:
                self._first.get(timeout=0.2)
            except Empty:
                continue
            return self
        raise AssertionError("nothing is reported")

    def wait_for(self, *names: str) -> None:
        wait_until(lambda: self.names >= set(names), f"{names} are reported")

    def end(self) -> ShareError:
        """How it ended of itself."""
        try:
            return self.ended.get(timeout=PATIENCE_S)
        except Empty:
            raise AssertionError("it did not end") from None


@pytest.mark.parametrize("how", ["rename", "direct", "slow", "reopen", "preset", "abandon"])
def test_a_terminals_file_is_reported_and_can_then_be_fetched(place: Place, how: How) -> None:
    terminal = TerminalWriter(place.url, place.password)
    with Watching(place.share.watch()) as watching:
        terminal.write(FACE, BODY, how=how, pause_s=0.01)
        watching.wait_for(FACE)
    entry, content = place.share.fetch(FACE, 99_999)
    assert content == BODY[: entry.size] and (how == "abandon" or entry.size == len(BODY))
    terminal.close()


def test_whoever_else_creates_renames_or_deletes_is_reported(place: Place) -> None:
    with Watching(place.share.watch()) as watching:
        watching.in_force(place.path)
        (place.path / "a.xml").write_bytes(BODY)
        watching.wait_for("a.xml")
        (place.path / "a.xml").rename(place.path / "b.xml")
        watching.wait_for("b.xml")
        watching.names.clear()
        (place.path / "b.xml").unlink()
        watching.wait_for("b.xml")
        other = place.open()
        other.put("c.xml", [BODY])
        other.rename_new("c.xml", "受付 髙橋①.xml")
        watching.wait_for("受付 髙橋①.xml")
        watching.names.clear()
        other.remove("受付 髙橋①.xml")
        watching.wait_for("受付 髙橋①.xml")
        other.drop()


def test_only_usable_names_of_files_of_this_folder_are_reported(place: Place) -> None:
    (place.path / "sub").mkdir()
    with Watching(place.share.watch()) as watching:
        watching.in_force(place.path)
        (place.path / "sub" / "below.xml").write_bytes(b"x")
        (place.path / "folder.xml").mkdir()
        (place.path / "bad\nname.xml").write_bytes(b"x")
        (place.path / "last.xml").write_bytes(b"x")
        watching.wait_for("last.xml")
    assert {name for name in watching.names if not name.startswith("marker")} - {"sub", "folder.xml"} == {"last.xml"}


def test_a_file_that_is_only_created_or_deleted_is_told_from_one_that_was_written(place: Place) -> None:
    place.share.put("old.xml", [BODY])
    with Watching(place.share.watch()) as watching:
        watching.in_force(place.path)
        place.share.rename_new("old.xml", "new.xml")
        watching.wait_for("old.xml", "new.xml")
        place.share.put("written.xml", [BODY])
        wait_until(lambda: {"new.xml", "written.xml"} <= watching.written, "both were written")
        place.share.remove("new.xml")
        os.link(place.path / "written.xml", place.path / "linked.xml")  # created, and never closed by a writer
        watching.wait_for("linked.xml")
        assert not {"old.xml", "linked.xml"} & watching.written


def test_what_was_written_before_is_not_reported_and_nothing_between_two_calls_is_lost(place: Place) -> None:
    place.share.put("before.xml", [b"x"])
    changes = place.share.watch()
    reported: set[str] = set()
    for number in range(20):  # nobody waits meanwhile
        place.share.put(f"{number}.xml", [b"x"])
    while "19.xml" not in reported:
        reported |= set(changes.next() or ())
    assert reported == {f"{number}.xml" for number in range(20)}
    changes.close()


def test_more_than_can_be_reported_is_said(place: Place) -> None:
    changes = place.share.watch()
    queue = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    for number in range(queue // 2 + 1 if place.password is None else 3_000):  # each is created and closed
        (place.path / f"{number:05}.xml").touch()
    with Watching(changes) as watching:
        wait_until(lambda: watching.unnamed > 0, "an overflow is reported")
        (place.path / "last.xml").touch()
        watching.wait_for("last.xml")
    assert watching.unnamed >= 1


def test_five_hundred_at_once_are_reported_or_it_is_said_that_there_are_more(place: Place) -> None:
    names = {f"OQSsiquc01res_face_{number:010}.xml" for number in range(500)}
    with Watching(place.share.watch()) as watching:
        watching.in_force(place.path)
        for name in names:
            (place.path / name).write_bytes(b"x")
        wait_until(lambda: watching.names >= names or watching.unnamed > 0, "all are reported")
    assert {entry.name for entry in place.share.entries("*")} == names


def test_it_neither_waits_for_another_call_nor_ends_with_drop(place: Place) -> None:
    with Watching(place.share.watch()) as watching:
        place.share.drop()
        place.share.put("a.xml", [BODY])
        held = place.share.chunks("a.xml", 10)
        next(held)
        watching.wait_for("a.xml")
        watching.in_force(place.path)
        (place.path / "b.xml").touch()
        watching.wait_for("b.xml")


def test_close_wakes_and_ends_it_for_good(place: Place) -> None:
    changes = place.share.watch()
    with Watching(changes) as watching:
        changes.close()
        assert isinstance(watching.end(), Unreachable)
    with pytest.raises(Unreachable):
        changes.next()
    changes.close()


def test_a_folder_that_is_missing_is_refused_as_by_a_listing(place: Place) -> None:
    gone = open_share(place.url + "/gone", place.password)
    for call in (gone.watch, lambda: gone.entries("*")):
        with pytest.raises(Refused, match="does not exist"):
            call()
    gone.drop()


@pytest.mark.parametrize("how", ["removed", "moved"])
def test_a_local_folder_that_has_gone_ends_it(tmp_path: Path, how: str) -> None:
    """A server of SMB may not notice it; whoever lists the folder does."""
    folder = tmp_path / "folder"
    folder.mkdir()
    with Watching(open_share(folder.as_uri(), None).watch()) as watching:
        if how == "removed":
            shutil.rmtree(folder)
        else:
            folder.rename(tmp_path / "elsewhere")
        assert watching.end().code == "local_folder_gone"
        with pytest.raises(Refused):
            watching.changes.next()


# --- entry and content in one


def test_fetch_gives_the_entry_of_a_listing(place: Place) -> None:
    for size in (0, 1, 65_536, 65_537, 300_000):
        (place.path / "a.xml").write_bytes(b"x" * size)
        [listed] = place.share.entries("*")
        for limit in (size, size - 1):
            entry, content = place.share.fetch("a.xml", limit)
            assert (entry, entry.written_ns) == (listed, listed.written_ns)
            assert content == (b"x" * size if limit == size else None)


def test_fetch_fails_as_read_does(place: Place) -> None:
    with pytest.raises(Missing):
        place.share.fetch(FACE, 9)
    if place.share.denies_writers:
        terminal = TerminalWriter(place.url, place.password)
        with terminal.holding(FACE) as file:
            file.write(BODY)
            for limit in (9, 99_999):
                with pytest.raises(Busy):
                    place.share.fetch(FACE, limit)
        terminal.close()
        assert place.share.fetch(FACE, 99_999)[1] == BODY


# --- servers


@pytest.mark.peers
def test_a_server_that_refuses_is_unsupported_and_can_still_be_listed(tmp_path: Path) -> None:
    with Smbd({"face": tmp_path / "face"}, options=("change notify = no",)) as server:
        share = open_share(server.url("face"), server.password)
        with pytest.raises(Unsupported, match="0xC0000002") as refused:
            share.watch()
        assert refused.value.code == "notices_refused"
        assert share.entries("*") == []
        share.drop()


@pytest.mark.peers
@pytest.mark.parametrize("end", ["kill", "close-share"])
def test_a_lost_server_is_unreachable_and_can_be_watched_again(own: Smbd, end: str) -> None:
    share = open_share(own.url("face"), own.password)
    with Watching(share.watch()) as watching:
        if end == "kill":
            own.kill()
        else:
            control = ["smbcontrol", "-s", str(own.home / "conf"), "smbd", "close-share", "face"]
            subprocess.run(control, check=True, capture_output=True, timeout=PATIENCE_S)
        assert isinstance(watching.end(), Unreachable)
    if end == "kill":
        with pytest.raises(Unreachable):
            share.watch()
        own.start()
    with Watching(share.watch()) as watching:
        share.put("a.xml", [b"x"])
        watching.wait_for("a.xml")
    share.drop()


@pytest.mark.peers
def test_a_frozen_server_costs_one_deadline_to_arm_and_close_wakes_who_waits(own: Smbd) -> None:
    share = open_share(own.url("face"), own.password, deadline_s=1.0)
    with Watching(share.watch()) as watching:
        own.freeze()
        started = time.monotonic()
        with pytest.raises(Unreachable):
            share.watch()
        assert time.monotonic() - started < PATIENCE_S
        assert watching.ended.empty(), "it cannot know"
        watching.changes.close()
        assert isinstance(watching.end(), Unreachable)
    own.thaw()


@pytest.mark.peers
def test_a_server_lost_in_the_moment_in_which_somebody_falls_asleep_wakes_him(own: Smbd) -> None:
    """The library finds "pending", looks whether the connection lives, and only then clears the event and sleeps."""
    changes = open_share(own.url("face"), own.password).watch()
    assert isinstance(changes, SmbChanges)
    event = changes._request.response_event
    woken = threading.Event()
    set_, clear = event.set, event.clear

    def setting() -> None:
        set_()
        woken.set()

    def clearing() -> None:
        own.kill()
        assert woken.wait(PATIENCE_S), "the library wakes everybody once"
        clear()

    event.set, event.clear = setting, clearing
    with Watching(changes) as watching:
        assert isinstance(watching.end(), Unreachable)


@pytest.mark.peers
@pytest.mark.parametrize("records", [b"short", (1 << 20).to_bytes(4, "little") + bytes(4) + b"\4\0\0\0x\0y\0"])
def test_a_report_that_cannot_be_understood_ends_it_as_a_lost_line_does(
    smbd: Smbd, monkeypatch: pytest.MonkeyPatch, records: bytes
) -> None:
    """Whoever waits knows what to do about a ShareError; anything else would end the whole courier, again and again."""
    changes = open_share(smbd.url("face"), smbd.password).watch()
    assert isinstance(changes, SmbChanges)
    answer = SMB2HeaderResponse()
    answer["data"] = b"\x09\0\x48\0" + len(records).to_bytes(4, "little") + records
    monkeypatch.setattr(changes._wire, "answer", lambda request: answer)
    for _ in range(2):
        with pytest.raises(Unreachable):
            changes.next()


@pytest.mark.peers
def test_a_watch_outlasts_the_librarys_signs_of_life(smbd: Smbd, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of itself every ten minutes, without which a server may end a connection on which nothing happens."""
    monkeypatch.setenv("SMB_EXPERIMENTAL_TRANSPORT_RECEIVE_TIMEOUT", "1")
    name = f"place-{uuid.uuid4().hex[:12]}"
    (smbd.shares["face"] / name).mkdir()
    with Proxy(smbd.port) as proxy:
        share = open_share(smbd.url(f"face/{name}").replace(str(smbd.port), str(proxy.port)), smbd.password)
        with Watching(share.watch()) as watching:
            armed = proxy.requests
            wait_until(lambda: proxy.requests >= armed + 2, "two signs of life")  # and long in force by then
            assert watching.reports == 0
            (smbd.shares["face"] / name / "a.xml").touch()
            watching.wait_for("a.xml")


# --- disks


def test_a_disk_that_others_change_too_is_unsupported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unsupported) as refused:
        open_share("file:///proc/self", None).watch()
    assert refused.value.parameters["filesystem"] == "proc"
    for filesystem in ("cifs", "nfs4", "fuse.rclone", "9p", "unknown"):
        monkeypatch.setattr("drivers.share.folder_changes._filesystem", lambda _, kind=filesystem: kind)
        with pytest.raises(Unsupported) as refused:
            open_share(tmp_path.as_uri(), None).watch()
        assert refused.value.parameters["filesystem"] == filesystem


def test_a_system_that_watches_no_more_folders_is_unsupported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(*_: object) -> int:
        ctypes.set_errno(errno.ENOSPC)
        return -1

    class Libc:
        inotify_init1 = staticmethod(folder_changes._libc.inotify_init1)
        inotify_add_watch = staticmethod(none_left)

    monkeypatch.setattr(folder_changes, "_libc", Libc)
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(Unsupported) as refused:
        open_share(tmp_path.as_uri(), None).watch()
    assert refused.value.parameters["errno"] == "ENOSPC"
    assert len(list(Path("/proc/self/fd").iterdir())) <= before
