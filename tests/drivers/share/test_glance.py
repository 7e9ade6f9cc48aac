"""A glance keeps nobody from anything: a second client of a real server does as if we were not there."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from drivers.share import Busy, Missing, Share, ShareError, Unfit, open_share
from drivers.share.smb.file import DELETE, EVERYBODY, READ, READERS, READERS_AND_RENAMERS, WRITE, OpenFile
from drivers.share.smb.share import SmbShare
from drivers.share.smb.wire import CREDIT_SPAN
from tests.hospital import wait_until
from tests.peers.samba import Smbd

NAME = "OQSsiquc01res_face_0000000001.xml"
LIMIT = 1 << 20
ROUNDS = 60


@pytest.fixture(scope="module")
def smbd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Smbd]:
    with Smbd({"face": tmp_path_factory.mktemp("glance")}) as server:
        yield server


@pytest.fixture(params=["folder", pytest.param("smb", marks=pytest.mark.peers)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Share]:
    if request.param == "folder":
        return tmp_path, open_share(f"file://{tmp_path}", None)
    return real(request.getfixturevalue("smbd"))


def real(server: Smbd) -> tuple[Path, SmbShare]:
    name = uuid.uuid4().hex
    folder = server.shares["face"] / name
    folder.mkdir()
    share = open_share(server.url(f"face/{name}"), server.password)
    assert isinstance(share, SmbShare)
    return folder, share


def another(share: SmbShare) -> SmbShare:
    """A second client."""
    return SmbShare(share._address, share._link.password)


@pytest.mark.parametrize("size", [0, 1, CREDIT_SPAN - 1, CREDIT_SPAN, CREDIT_SPAN + 1, 3 * CREDIT_SPAN, 200_000])
def test_it_gives_what_fetching_gives(place: tuple[Path, Share], size: int) -> None:
    folder, share = place
    content = bytes(number % 251 for number in range(size))
    (folder / NAME).write_bytes(content)
    entry, found = share.glance(NAME, LIMIT)
    assert found == content
    assert (entry, found) == share.fetch(NAME, LIMIT)
    assert [entry] == share.entries("*")
    assert share.glance(NAME, max(1, size - 1))[1] == (content if size < 2 else None)


def test_what_is_not_there_or_has_no_name(place: tuple[Path, Share]) -> None:
    _, share = place
    with pytest.raises(Missing):
        share.glance(NAME, LIMIT)
    with pytest.raises(Unfit):
        share.glance("../x", LIMIT)


@pytest.mark.peers
def test_each_handle_shares_everything_and_is_closed_in_its_own_round_trip(
    smbd: Smbd, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, share = real(smbd)
    (folder / NAME).write_bytes(b"x" * (2 * CREDIT_SPAN + 1))
    wire = share._link.wire()[0]
    modes, trips, opening, exchange = [], [], OpenFile.opening, wire.exchange

    def noting(file: OpenFile, access: int, mode: int, *more: Any) -> Any:
        modes.append((access, mode))
        return opening(file, access, mode, *more)

    def counted(*steps: Any) -> Any:
        trips.append(len(steps))
        return exchange(*steps)

    monkeypatch.setattr(OpenFile, "opening", noting)
    monkeypatch.setattr(wire, "exchange", counted)
    share.glance(NAME, LIMIT)
    assert modes == [(READ, EVERYBODY)] * 3
    assert trips == [3] * 3


CHANGES: dict[str, Callable[[SmbShare], object]] = {
    "opens for writing": lambda other: _open(other, WRITE, EVERYBODY),
    "opens for writing, shared with readers": lambda other: _open(other, WRITE, READERS),
    "opens for deleting, shared with readers": lambda other: _open(other, DELETE | READ, READERS),
    "renames": lambda other: other.rename_new(NAME, "new.xml"),
    "deletes": lambda other: other.remove(NAME),
    "deletes what it has compared": lambda other: other.delete_same(NAME, other.digest(NAME)),
}


def _open(share: SmbShare, access: int, mode: int) -> None:
    with OpenFile(share._link.wire()[0], share._path(NAME), share.where) as file:
        file.do(file.opening(access, mode))


@pytest.mark.peers
@pytest.mark.parametrize("change", CHANGES)
def test_while_it_is_open_as_a_glance_opens_it_others_change_it(smbd: Smbd, change: str) -> None:
    folder, share = real(smbd)
    (folder / NAME).write_bytes(b"<XmlMsg/>")
    other = another(share)
    with OpenFile(share._link.wire()[0], share._path(NAME), share.where) as file:
        file.do(file.opening(READ, EVERYBODY))
        CHANGES[change](other)
    other.drop()


@pytest.mark.peers
def test_a_file_that_is_fetched_keeps_its_writer_out_meanwhile(smbd: Smbd) -> None:
    """So the test above can fail."""
    folder, share = real(smbd)
    (folder / NAME).write_bytes(b"<XmlMsg/>")
    with OpenFile(share._link.wire()[0], share._path(NAME), share.where) as file:
        file.do(file.opening(READ, READERS_AND_RENAMERS))
        with pytest.raises(Busy):
            _open(another(share), WRITE, EVERYBODY)


@pytest.mark.peers
def test_who_glances_all_the_time_never_makes_another_program_fail(smbd: Smbd) -> None:
    folder, share = real(smbd)
    other, ended, looks, seen = another(share), threading.Event(), [0], set[bytes]()
    contents = {b"<XmlMsg>" + bytes([65 + number]) * 150_000 + b"</XmlMsg>" for number in range(2)}

    def look() -> None:
        while not ended.is_set():
            looks[0] += 1
            with suppress(ShareError):  # gone, or changed under us: ours alone to bear
                seen.add(share.glance(NAME, LIMIT)[1] or b"")

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        for number in range(ROUNDS):
            content = sorted(contents)[number % 2]
            (folder / "new.part").write_bytes(content)
            other.rename_new("new.part", NAME)
            _open(other, WRITE, EVERYBODY)
            if number % 3 == 0:
                other.rename_new(NAME, "old.xml")
                other.remove("old.xml")
            elif number % 3 == 1:
                other.remove(NAME)
            else:
                assert other.delete_same(NAME, other.digest(NAME))
            wait_until(lambda before=looks[0]: looks[0] > before, "it goes on looking", every_s=0.001)  # type: ignore[misc]
    finally:
        ended.set()
        watcher.join(60)
    assert seen - {b""} <= contents, "what was given was whole"
    other.drop()
