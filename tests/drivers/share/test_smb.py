"""SMB shares against a real smbd: nothing half-read, nothing overwritten, nothing done twice, nothing that hangs."""

import hashlib
import re
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import get_args

import pytest

from drivers.share import (
    Busy,
    Digest,
    Exists,
    Full,
    LogonGate,
    Missing,
    Refused,
    Share,
    ShareError,
    TooLarge,
    Unfit,
    Unreachable,
    open_share,
)
from drivers.share.failures import fault, folder_fault, logon_fault
from drivers.simulated.tcp_proxy import Proxy
from drivers.simulated.terminal import How, ShareMode, TerminalWriter
from tests import ROOT
from tests.peers.samba import Smbd

pytestmark = pytest.mark.peers

FACE = "OQSsiquc01res_face_0000000001.xml"
BODY = b"<XmlMsg>" + bytes(range(65, 91)) * 230 + b"</XmlMsg>"
SAME = Digest(hashlib.sha256(BODY).hexdigest(), len(BODY))
OTHER = Digest(hashlib.sha256(b"other").hexdigest(), len(BODY))
MODES: tuple[ShareMode, ...] = get_args(ShareMode)
PATIENCE_S = 30.0
SLOW_S = 20.0  # a deadline of two seconds on a slow and busy machine; the operating system gives up after minutes


@pytest.fixture(scope="module")
def smbd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Smbd]:
    root = tmp_path_factory.mktemp("shares")
    shares = {"face": root / "face", "kanji 共有": root / "kanji", "ro": root / "ro"}
    with Smbd(shares, read_only=("ro",), options=("log level = 1 smb2:10",)) as server:
        yield server


class Place:
    """A fresh folder on the server, seen over SMB and locally."""

    def __init__(self, smbd: Smbd, name: str) -> None:
        self.path = smbd.shares["face"] / name
        self.path.mkdir()
        (self.path / "done").mkdir()
        self.url = smbd.url(f"face/{name}")
        self.password = smbd.password
        self.share = self.open()

    def open(self) -> Share:
        return open_share(self.url, self.password)

    def names(self) -> list[str]:
        return sorted(item.name for item in self.path.iterdir() if item.is_file())


@pytest.fixture
def place(smbd: Smbd) -> Iterator[Place]:
    place = Place(smbd, f"place-{uuid.uuid4().hex[:12]}")
    yield place
    place.share.drop()


@pytest.fixture
def terminal(place: Place) -> Iterator[TerminalWriter]:
    writer = TerminalWriter(place.url, place.password)
    yield writer
    writer.close()


def outcome(call: Callable[[], object]) -> str:
    """The name of the failure, or "done"."""
    try:
        call()
    except ShareError as error:
        return type(error).__name__
    return "done"


# --- plain work


def test_what_is_put_can_be_listed_read_hashed_and_streamed(place: Place) -> None:
    assert place.share.put(FACE, [BODY[:100], b"", BODY[100:]]) == SAME
    assert (place.path / FACE).read_bytes() == BODY
    [entry] = place.share.entries("oqssiquc01res_FACE_*.XML")
    assert (entry.name, entry.size) == (FACE, len(BODY))
    assert place.share.read(FACE, len(BODY)) == BODY
    assert place.share.digest(FACE) == SAME
    assert b"".join(place.share.chunks(FACE, 1000)) == BODY


@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 65537, (20 << 20) + 7])
def test_every_size_comes_back_byte_for_byte(place: Place, size: int) -> None:
    data = hashlib.sha256(str(size).encode()).digest() * (size // 32 + 1)
    data = data[:size]
    digest = place.share.put("big.xml", [data])
    assert digest == Digest(hashlib.sha256(data).hexdigest(), size)
    assert place.share.read("big.xml", size) == data
    assert place.share.digest("big.xml") == digest
    assert hashlib.sha256(b"".join(place.share.chunks("big.xml"))).hexdigest() == digest.sha256
    assert place.share.delete_same("big.xml", digest)
    assert place.names() == []


def test_a_file_over_the_limit_is_not_handed_out(place: Place) -> None:
    for size in (11, 100_000):
        (place.path / "large.xml").write_bytes(b"x" * size)
        with pytest.raises(TooLarge):
            place.share.read("large.xml", size - 1)
        assert len(place.share.read("large.xml", size)) == size


@pytest.mark.parametrize(
    "name", ["受付 結果.xml", "髙橋①～－.xml", "ｶﾀｶﾅ.xml", "か\u3099.xml", "𠮷野家😀.xml", "あ" * 80]
)
def test_japanese_names_survive_create_list_rename_delete(place: Place, name: str) -> None:
    place.share.put(name, [BODY])
    assert [entry.name for entry in place.share.entries("*")] == [name]
    place.share.rename_new(name, "x" + name[1:])
    assert place.share.delete_same("x" + name[1:], SAME)
    assert place.names() == []


def test_a_share_with_blank_and_kanji_in_its_name_is_found(smbd: Smbd) -> None:
    share = open_share(smbd.url("kanji%20%E5%85%B1%E6%9C%89"), smbd.password)
    share.put("a.xml", [b"x"])
    assert share.read("a.xml", 1) == b"x"
    share.drop()


HOSTILE = ["", ".", "..", "../x", "a/b", "a\\..\\b", "x:stream", "a*", "a?", "a\nb", "a\0", "dot.", "blank ", "a" * 256]


@pytest.mark.parametrize("name", [*HOSTILE, "\ud800.xml"])
def test_hostile_names_are_refused_before_anything_is_sent(place: Place, name: str) -> None:
    place.share.put("ok.xml", [b"x"])
    for call in (
        lambda: place.share.read(name, 9),
        lambda: place.share.put(name, [b"x"]),
        lambda: place.share.remove(name),
        lambda: place.share.rename_new("ok.xml", name),
        lambda: place.share.rename_new(name, "new.xml"),
        lambda: place.share.delete_same(name, SAME),
        lambda: next(iter(place.share.chunks(name))),
    ):
        assert outcome(call) == "Unfit"
    assert place.names() == ["ok.xml"]


def test_a_folder_path_cannot_climb(place: Place) -> None:
    with pytest.raises(Unfit):
        place.share.at("face\\..\\..")


def test_listing_is_filtered_limited_and_knows_no_folders(place: Place) -> None:
    for number in range(1200):
        (place.path / f"OQSsiquc01res_face_{number:04}.xml").write_bytes(b"x")
    (place.path / "other.txt").write_bytes(b"x")
    assert len(place.share.entries("OQSsiquc01res_face_*.xml")) == 1200
    assert len(place.share.entries("*")) == 1201
    assert len(place.share.entries("*", limit=700)) == 700
    assert len(place.share.entries("*_000?.XML")) == 10
    assert place.share.entries("nothing*") == []


def test_equal_stamps_mean_an_unchanged_file(place: Place) -> None:
    place.share.put(FACE, [BODY])
    before = place.share.entries("*")
    assert place.share.entries("*") == before
    (place.path / FACE).write_bytes(BODY[::-1])
    assert place.share.entries("*") != before


def test_put_makes_the_server_flush(smbd: Smbd, place: Place) -> None:
    before = smbd.log.count("smbd_smb2_flush")
    place.share.put(FACE, [BODY])
    assert smbd.log.count("smbd_smb2_flush") > before


# --- never overwrite, never the wrong file


def test_put_never_overwrites(place: Place) -> None:
    (place.path / FACE).write_bytes(b"old")
    with pytest.raises(Exists):
        place.share.put(FACE, [BODY])
    assert (place.path / FACE).read_bytes() == b"old"


def test_put_that_fails_half_way_leaves_nothing(place: Place) -> None:
    for content in (BODY, BODY * 20):

        def broken(content: bytes = content) -> Iterator[bytes]:
            yield content
            raise Busy("the source went away")

        with pytest.raises(Busy, match="the source went away"):
            place.share.put(FACE, broken())
        assert place.names() == []


def test_an_unfinished_put_cannot_be_seen_or_taken_by_others(place: Place) -> None:
    other = place.open()

    def watched() -> Iterator[bytes]:
        yield BODY * 20  # so much that it is not put in one round trip
        for call in (lambda: other.read(FACE, 99999), lambda: other.remove(FACE), lambda: other.rename_new(FACE, "b")):
            assert outcome(call) == "Busy"

    place.share.put(FACE, watched())
    other.drop()


@pytest.mark.parametrize("taken", ["b.xml", "B.XML"])
def test_rename_never_replaces(place: Place, taken: str) -> None:
    place.share.put("a.xml", [BODY])
    (place.path / taken).write_bytes(b"old")
    with pytest.raises(Exists):
        place.share.rename_new("a.xml", "b.xml")
    assert not place.share.move_same("a.xml", OTHER, "c.xml", place.share)
    with pytest.raises(Exists):
        place.share.move_same("a.xml", SAME, "b.xml", place.share)
    assert (place.path / taken).read_bytes() == b"old"
    assert (place.path / "a.xml").read_bytes() == BODY


def test_a_rename_onto_itself_is_a_collision_and_loses_nothing(place: Place) -> None:
    place.share.put("a.xml", [BODY])
    for call in (
        lambda: place.share.rename_new("a.xml", "A.xml"),
        lambda: place.share.move_same("a.xml", SAME, "a.xml", place.open()),
    ):
        assert outcome(call) == "Exists"
    assert place.names() == ["a.xml"]


def test_files_move_between_folders_of_one_share(place: Place) -> None:
    done = place.share.at(f"{place.path.name}/done")
    assert place.share.reaches(done)
    place.share.put("a.xml", [BODY])
    place.share.put("b.xml", [BODY])
    place.share.rename_new("a.xml", "a2.xml", done)
    assert place.share.move_same("b.xml", SAME, "b2.xml", done)
    assert sorted(entry.name for entry in done.entries("*")) == ["a2.xml", "b2.xml"]
    assert place.names() == []


def test_move_and_delete_keep_a_file_whose_content_is_another(place: Place) -> None:
    place.share.put(FACE, [BODY])
    assert place.share.delete_same(FACE, OTHER) is False
    assert place.share.delete_same(FACE, Digest(SAME.sha256, 3)) is False
    assert place.share.move_same(FACE, OTHER, "new.xml", place.share) is False
    assert place.names() == [FACE]
    assert place.share.delete_same(FACE, SAME) is True
    with pytest.raises(Missing):
        place.share.delete_same(FACE, SAME)


def test_a_missing_target_folder_is_never_taken_for_a_missing_file(place: Place) -> None:
    """A missing temporary file means "already published" to the courier; a missing folder must not look like it."""
    gone = place.share.at(f"{place.path.name}/gone")
    place.share.put(FACE, [BODY])
    for call in (
        lambda: place.share.rename_new(FACE, "b.xml", gone),
        lambda: place.share.move_same(FACE, SAME, "b.xml", gone),
        lambda: gone.rename_new(FACE, "b.xml"),
        lambda: gone.delete_same(FACE, SAME),
        lambda: gone.read(FACE, 99),
        lambda: gone.put(FACE, [b""]),
        lambda: gone.entries("*"),
        lambda: gone.session_info(),
    ):
        assert outcome(call) == "Refused"
    assert place.names() == [FACE]


def test_of_four_racing_renamers_exactly_one_wins(place: Place) -> None:
    shares = [place.open() for _ in range(4)]
    for share in shares:
        share.session_info()
    wrong: list[list[str]] = []
    for number in range(50):
        (place.path / f"race{number}").write_bytes(b"x")
        barrier = threading.Barrier(4)
        results = ["?"] * 4

        def run(
            index: int, number: int = number, barrier: threading.Barrier = barrier, results: list[str] = results
        ) -> None:
            barrier.wait()
            results[index] = outcome(lambda: shares[index].rename_new(f"race{number}", f"won{number}by{index}"))

        threads = [threading.Thread(target=run, args=(index,)) for index in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if results.count("done") != 1 or not set(results) <= {"done", "Busy", "Missing"}:
            wrong.append(results)
    assert wrong == []
    assert len(place.names()) == 50
    for share in shares:
        share.drop()


# --- writers


@pytest.mark.parametrize("mode", MODES)
def test_an_open_writer_keeps_us_out_whatever_it_shares(
    place: Place, terminal: TerminalWriter, mode: ShareMode
) -> None:
    assert place.share.denies_writers
    with terminal.holding(FACE, share=mode) as file:
        file.write(BODY[:3000])
        assert [entry.size for entry in place.share.entries("*")] == [3000]
        for call in (
            lambda: place.share.read(FACE, 99999),
            lambda: place.share.digest(FACE),
            lambda: next(iter(place.share.chunks(FACE))),
            lambda: place.share.rename_new(FACE, "b.xml"),
            lambda: place.share.move_same(FACE, SAME, "b.xml", place.share),
            lambda: place.share.delete_same(FACE, SAME),
        ):
            assert outcome(call) == "Busy"
        file.write(BODY[3000:])
    assert place.share.read(FACE, 99999) == BODY


def test_while_we_read_nobody_can_write_but_others_can_read_and_rename(place: Place, terminal: TerminalWriter) -> None:
    place.share.put(FACE, [BODY])
    pieces = place.share.chunks(FACE, 1000)
    first = next(pieces)
    with pytest.raises(Busy):
        terminal.holding(FACE, create=False).__enter__()
    other = place.open()
    assert other.read(FACE, 99999) == BODY
    other.rename_new(FACE, "renamed.xml")
    assert first + b"".join(pieces) == BODY
    with terminal.holding("renamed.xml", create=False) as file:
        file.write(b"more")
    other.drop()


def test_a_reader_that_stops_early_lets_go_of_the_file(place: Place, terminal: TerminalWriter) -> None:
    place.share.put(FACE, [BODY])
    pieces = place.share.chunks(FACE, 10)
    next(pieces)
    pieces.close()  # type: ignore[attr-defined]  # every driver gives a generator
    with terminal.holding(FACE, create=False) as file:
        file.write(b"more")


HOWS: tuple[How, ...] = ("rename", "direct", "slow", "preset")


@pytest.mark.parametrize("how", HOWS)
def test_no_writer_is_ever_read_half(place: Place, terminal: TerminalWriter, how: How) -> None:
    """Read as fast as we can while it writes: Missing or Busy, then all of it, and never anything in between."""
    writer = threading.Thread(target=terminal.write, args=(FACE, BODY), kwargs={"how": how, "pause_s": 0.03})
    writer.start()
    seen: set[str] = set()
    due = time.monotonic() + PATIENCE_S
    data = b""
    while not data and time.monotonic() < due:
        try:
            data = place.share.read(FACE, 99999)
        except (Missing, Busy) as not_yet:
            seen.add(type(not_yet).__name__)
    writer.join()
    assert data == BODY
    assert how not in ("slow", "preset") or "Busy" in seen


def test_a_writer_that_reopens_or_gives_up_shows_in_the_listing(place: Place, terminal: TerminalWriter) -> None:
    """Share modes cannot see these two; size and stamp can, which is why the courier compares listings."""
    assert terminal.write(FACE, BODY, how="abandon")
    [half] = place.share.entries("*")
    assert place.share.read(FACE, 99999) == BODY[: len(BODY) // 2]
    with terminal.holding(FACE, create=False) as file:
        file.write(BODY[len(BODY) // 2 :])
    [whole] = place.share.entries("*")
    assert (half.size, half.stamp) != (whole.size, whole.stamp)
    assert terminal.write("reopened.xml", BODY, how="reopen", pause_s=0.0)
    assert place.share.read("reopened.xml", 99999) == BODY


def test_a_cancelled_terminal_stops_half_way(place: Place, terminal: TerminalWriter) -> None:
    terminal.cancel()
    assert terminal.write(FACE, BODY, how="slow", pause_s=PATIENCE_S) is False
    assert 0 < (place.path / FACE).stat().st_size < len(BODY)


# --- rights and sessions


def test_the_session_is_smb3_signed_and_encrypted(place: Place) -> None:
    session = place.share.session_info()
    assert (session.dialect, session.signed, session.encrypted) == ("SMB 3.1.1", True, True)
    assert session.server_time_skew_s is not None and abs(session.server_time_skew_s) < 60
    assert "kiosk@" not in session.where and "kiosk@" not in place.share.where


def test_without_encryption_the_session_is_signed_and_a_stripped_signature_is_noticed(tmp_path: Path) -> None:
    def strip(frame: bytes) -> bytes:
        command, flags = int.from_bytes(frame[12:14], "little"), int.from_bytes(frame[16:20], "little")
        return frame if command < 3 else frame[:16] + (flags & ~8).to_bytes(4, "little") + frame[20:]

    with Smbd({"face": tmp_path / "face"}, encryption="off") as server, Proxy(server.port) as proxy:
        share = open_share(server.url("face").replace(str(server.port), str(proxy.port)), server.password)
        session = share.session_info()
        assert (session.signed, session.encrypted) == (True, False)
        share.put(FACE, [BODY])
        proxy.tamper = strip
        assert outcome(lambda: share.read(FACE, 99999)) == "Refused"
        assert outcome(lambda: share.delete_same(FACE, SAME)) == "Refused"
        proxy.tamper = None
        assert share.read(FACE, 99999) == BODY
        share.drop()


def test_a_guest_session_and_a_server_below_smb3_are_refused(tmp_path: Path) -> None:
    with Smbd({"face": tmp_path / "face"}, encryption="off", guests=True, min_protocol="SMB2_02") as server:
        share = open_share(server.url("face", user="stranger"), "whatever", gate=LogonGate())
        with pytest.raises(Refused, match="guest"):
            share.entries("*")
        server.stop()
        server.max_protocol = "SMB2_10"
        server.start()
        share = open_share(server.url("face"), server.password, gate=LogonGate())
        with pytest.raises(Refused, match="SMB 3"):
            share.entries("*")


def test_after_a_refused_logon_nobody_asks_again_until_the_gate_opens(smbd: Smbd) -> None:
    gate = LogonGate(hold_s=1.0)
    with Proxy(smbd.port) as proxy:
        url = smbd.url("face").replace(str(smbd.port), str(proxy.port))
        wrong, second = (open_share(url, "wrong", gate=gate) for _ in range(2))
        shut = time.monotonic()
        for share in (wrong, second, wrong):
            with pytest.raises(Refused, match="wrong user or password"):
                share.entries("*")
        if time.monotonic() - shut < 1.0:  # on a machine that took longer the gate may rightly have opened
            assert proxy.accepted == 1
        good = open_share(url, smbd.password, gate=gate)
        due = time.monotonic() + PATIENCE_S
        while outcome(good.session_info) != "done" and time.monotonic() < due:
            threading.Event().wait(0.05)
        assert good.session_info().encrypted
        good.drop()


def test_four_shares_with_one_wrong_password_log_on_once(smbd: Smbd) -> None:
    def refusals() -> int:
        return len(re.findall(r"status\[NT_STATUS_LOGON_FAILURE\]", smbd.log))

    def asked(shares: list[Share]) -> int:
        before = refusals()
        threads = [threading.Thread(target=outcome, args=(share.session_info,)) for share in shares]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return refusals() - before

    def wrong(count: int) -> list[Share]:
        gate = LogonGate(hold_s=60.0)
        return [open_share(smbd.url("face"), "wrong", gate=gate) for _ in range(count)]

    lines_of_one = asked(wrong(1))
    assert lines_of_one > 0
    four = wrong(4)
    assert asked(four) == lines_of_one
    assert [outcome(share.session_info) for share in four] == ["Refused"] * 4


def test_each_further_refusal_holds_the_gate_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(sys.modules[LogonGate.__module__], "time", SimpleNamespace(monotonic=lambda: now[0]))
    gate, account = LogonGate(hold_s=60.0), ("host", 445, "", "kiosk")
    refused = logon_fault(0xC000006A, "smb://host/face")
    gate.close(account, refused)
    now[0] += 61
    assert gate.refusal(account) is None
    gate.close(account, refused)
    now[0] += 119
    assert str(gate.refusal(account)) == str(refused)
    assert gate.refusal(("host", 445, "", "other")) is None
    gate.open(account)
    assert gate.refusal(account) is None


def test_wrong_share_and_missing_rights_are_refused_by_name_of_the_place_only(smbd: Smbd) -> None:
    no_share = open_share(smbd.url("nothing"), smbd.password)
    assert outcome(no_share.session_info) == "Refused"
    (smbd.shares["ro"] / FACE).write_bytes(BODY)
    read_only = open_share(smbd.url("ro"), smbd.password)
    assert read_only.read(FACE, 99999) == BODY
    for call in (
        lambda: read_only.put("new.xml", [b"x"]),
        lambda: read_only.delete_same(FACE, SAME),
        lambda: read_only.rename_new(FACE, "new.xml"),
        lambda: read_only.remove(FACE),
    ):
        with pytest.raises(Refused) as refused:
            call()
        assert "OQS" not in str(refused.value) and "/ro" in str(refused.value)
    assert (smbd.shares["ro"] / FACE).read_bytes() == BODY


def test_the_library_is_kept_from_logging_file_names(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    place.share.put(FACE, [BODY])
    place.share.read(FACE, 99999)
    place.share.delete_same(FACE, SAME)
    assert "OQSsiquc" not in caplog.text


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((status, Busy) for status in (0xC0000043, 0xC0000054, 0xC0000055, 0xC0000056)),
        *((status, Full) for status in (0xC000007F, 0xC0000044)),
        *((status, Unreachable) for status in (0xC00000C9, 0xC0000203, 0xC000035C, 0xC0000128)),
        (0xC0000034, Missing),
        (0xC0000035, Exists),
        (0xC0000033, Unfit),
        *((status, Refused) for status in (0xC000003A, 0xC0000022, 0xC00000CC, 0xC0000001, 0xC00000E5, 0xC0DEC0DE)),
    ],
)
def test_every_status_is_decided_and_only_one_means_missing(status: int, kind: type[ShareError]) -> None:
    assert type(fault(status, "smb://h/s")) is kind
    assert not isinstance(folder_fault(status, "smb://h/s"), Missing)
    if kind is Refused:
        assert f"0x{status:08X}" in str(fault(status, "smb://h/s"))


# --- lost connections


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Smbd]:
    """A server that a test may kill or freeze."""
    with Smbd({"face": tmp_path / "face"}) as server:
        yield server


def test_a_lost_answer_is_unreachable_and_the_rename_may_have_happened(smbd: Smbd, place: Place) -> None:
    place.share.put("a.xml", [BODY])
    with Proxy(smbd.port) as proxy:
        share = open_share(place.url.replace(str(smbd.port), str(proxy.port)), smbd.password)
        assert len(share.entries("*")) == 1
        proxy.swallow = True
        with pytest.raises(Unreachable):
            share.rename_new("a.xml", "b.xml")
        assert place.names() == ["b.xml"]
        assert proxy.accepted == 1, "a changing call is never repeated by itself"
        with pytest.raises(Missing):
            share.rename_new("a.xml", "b.xml")
        proxy.swallow = True
        assert share.read("b.xml", 99999) == BODY, "reading is repeated once"
        share.drop()


def test_a_restarted_server_is_found_again_without_an_error(own: Smbd) -> None:
    share = open_share(own.url("face"), own.password)
    share.put(FACE, [BODY])
    own.kill()
    started = time.monotonic()
    with pytest.raises(Unreachable):
        share.entries("*")
    assert time.monotonic() - started < SLOW_S
    own.start()
    assert share.read(FACE, 99999) == BODY
    own.kill()
    own.start()
    assert share.delete_same(FACE, SAME), "nothing had been sent, so the new connection may be used"
    share.drop()


def test_a_server_that_drops_the_session_is_logged_on_to_again(own: Smbd) -> None:
    share = open_share(own.url("face"), own.password)
    share.put(FACE, [BODY])
    conf = own.home / "conf"
    done = subprocess.run(
        ["smbcontrol", "-s", str(conf), "smbd", "close-share", "face"],
        capture_output=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert share.read(FACE, 99999) == BODY
    share.drop()


EXIT_SCRIPT = """
import sys, time
from drivers.share import Unreachable, open_share
url, password = sys.argv[1:]
idle, busy = open_share(url, password), open_share(url, password, deadline_s=1.5)
idle.session_info(); busy.session_info()
print("ready", flush=True)
sys.stdin.readline()
try:
    busy.entries("*")
except Unreachable:
    print("unreachable", flush=True)
"""


def test_a_frozen_server_costs_one_deadline_and_the_process_still_ends(own: Smbd) -> None:
    share = open_share(own.url("face"), own.password, deadline_s=1.5)
    share.put(FACE, [BODY])
    child = subprocess.Popen(
        [sys.executable, "-c", EXIT_SCRIPT, own.url("face"), own.password],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert child.stdout is not None and child.stdout.readline() == "ready\n"
    own.freeze()

    def times(call: Callable[[], object]) -> float:
        started = time.monotonic()
        assert outcome(call) == "Unreachable"
        return time.monotonic() - started

    started = time.monotonic()
    answer, _ = child.communicate("go\n", timeout=PATIENCE_S)
    assert answer == "unreachable\n" and child.returncode == 0
    assert time.monotonic() - started < SLOW_S
    assert 1.0 < times(lambda: share.entries("*")) < SLOW_S  # on a connection that was alive
    assert times(lambda: share.entries("*")) < SLOW_S  # while connecting anew
    assert times(lambda: share.put("b.xml", [b"x"])) < SLOW_S
    own.thaw()
    assert share.read(FACE, 99999) == BODY
    share.drop()


def test_a_blocked_send_ends_at_the_deadline_too(own: Smbd) -> None:
    """Twenty writes to a server that reads none of them: the window fills up and send itself blocks."""
    share = open_share(own.url("face"), own.password, deadline_s=1.5)

    def freezing() -> Iterator[bytes]:
        yield b"x" * (1 << 20)
        own.freeze()
        yield b"x" * (20 << 20)

    started = time.monotonic()
    with pytest.raises(Unreachable):
        share.put("big.xml", freezing())
    assert time.monotonic() - started < SLOW_S
    own.thaw()


def test_drop_wakes_a_call_that_waits(own: Smbd) -> None:
    share = open_share(own.url("face"), own.password, deadline_s=60.0)
    share.session_info()
    own.freeze()
    result: list[str] = []
    waiting = threading.Thread(target=lambda: result.append(outcome(lambda: share.put("a.xml", [b"x"]))))
    waiting.start()
    due = time.monotonic() + PATIENCE_S
    while waiting.is_alive() and time.monotonic() < due:
        share.drop()
        waiting.join(0.2)
    # Woken at once, or (when it had not begun) after the new connection was dropped as well.
    own.thaw()
    waiting.join(PATIENCE_S)
    assert result == ["Unreachable"]


def test_nobody_listening_and_unknown_hosts_are_unreachable() -> None:
    for host in ("127.0.0.1:1", "no-such-host.invalid"):
        started = time.monotonic()
        assert outcome(open_share(f"smb://kiosk@{host}/face", "x", deadline_s=2.0).session_info) == "Unreachable"
        assert time.monotonic() - started < SLOW_S


# --- which folder is which


def test_reach_is_decided_without_case_and_without_a_connection() -> None:
    def share(url: str, password: str = "p") -> Share:
        return open_share(url, password)

    one = share("smb://kiosk@Server/Face/A")
    assert one.reaches(share("smb://KIOSK@server/FACE/b"))
    assert not one.reaches(share("smb://kiosk@server/res"))
    assert not one.reaches(share("smb://other@server/face/b"))
    assert not one.reaches(share("smb://kiosk@server/face/b", "q"))
    assert one.at("b/c").where == "smb://Server/Face/b/c"
    with pytest.raises(ValueError, match="rename"):
        one.rename_new("a", "b", share("smb://kiosk@server/res"))
    # Onto itself: some servers say that it was done.
    with pytest.raises(Exists, match="same file"):
        one.rename_new("A.xml", "a.XML", share("smb://kiosk@server/face/a"))
