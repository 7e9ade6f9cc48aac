"""Few round trips to a real smbd, counted on the wire, and as safe as many: also where a server knows no compounds."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from smbprotocol.exceptions import SMB2ErrorResponse, SMBResponseException
from smbprotocol.header import Commands, SMB2HeaderResponse

from drivers.share import Busy, Changes, Digest, Exists, Missing, Refused, Share, ShareError, Unreachable, open_share
from drivers.share.smb.connection import StrictConnection
from drivers.simulated.tcp_proxy import Proxy
from drivers.simulated.terminal import TerminalWriter
from tests.peers.samba import Smbd

pytestmark = pytest.mark.peers

BODY = b"<XmlMsg>" + bytes(range(65, 91)) * 230 + b"</XmlMsg>"
SAME = Digest(hashlib.sha256(BODY).hexdigest(), len(BODY))
SPAN = 1 << 16


@pytest.fixture(scope="module")
def smbd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Smbd]:
    with Smbd({"face": tmp_path_factory.mktemp("shares") / "face"}) as server:
        yield server


class Line:
    """A fresh folder on the server, and a share of it whose requests are counted."""

    def __init__(self, smbd: Smbd, proxy: Proxy) -> None:
        name = f"place-{uuid.uuid4().hex[:12]}"
        self.path = smbd.shares["face"] / name
        self.path.mkdir()
        self.proxy = proxy
        self.direct = smbd.url(f"face/{name}")
        self.url = self.direct.replace(str(smbd.port), str(proxy.port))
        self.password = smbd.password
        self.share: Share = open_share(self.url, smbd.password)
        self.share.session_info()

    def requests(self, call: Callable[[], object]) -> int:
        before = self.proxy.requests
        call()
        return self.proxy.requests - before

    def names(self) -> list[str]:
        return sorted(item.name for item in self.path.iterdir())


@pytest.fixture
def line(smbd: Smbd) -> Iterator[Line]:
    with Proxy(smbd.port) as proxy:
        line = Line(smbd, proxy)
        yield line
        line.share.drop()


def test_one_file_costs_few_round_trips(line: Line) -> None:
    share = line.share
    costs = {
        "put": line.requests(lambda: share.put("a.tmp", [BODY[:100], BODY[100:]])),
        "rename": line.requests(lambda: share.rename_new("a.tmp", "a.xml")),
        "fetch": line.requests(lambda: share.fetch("a.xml", 99_999)),
        "digest": line.requests(lambda: share.digest("a.xml")),
        "too large": line.requests(lambda: share.fetch("a.xml", 9)),
        "list": line.requests(lambda: share.entries("*.xml")),
        "move": line.requests(lambda: share.move_same("a.xml", SAME, "b.xml", share)),
        "delete": line.requests(lambda: share.delete_same("b.xml", SAME)),
        "mark": line.requests(lambda: share.put("mark", ())),
        "remove": line.requests(lambda: share.remove("mark")),
    }
    assert costs == {
        "put": 1, "rename": 1, "fetch": 1, "digest": 1, "too large": 1, "list": 1, "move": 2, "delete": 2, "mark": 1,
        "remove": 1,
    }  # fmt: skip


def test_a_watch_costs_one_request_for_each_report_and_none_while_nothing_happens(line: Line) -> None:
    logon = line.requests(open_share(line.url, line.password).session_info) - 1  # opening the folder
    changes: list[Changes] = []
    assert line.requests(lambda: changes.append(line.share.watch())) == logon + 2  # opening it, and the first request
    assert line.requests(lambda: line.share.entries("*")) == 1
    before = line.proxy.requests
    other = open_share(line.direct, line.password)
    for number in range(3):
        other.put(f"{number}.xml", ())
        changes[0].next()
        assert line.proxy.requests == before + number, "the first was asked for by `watch`"
    changes[0].close()
    other.drop()


# --- put, when the server does it otherwise


Meddle = Callable[[Any], None]


@pytest.fixture
def meddle(monkeypatch: pytest.MonkeyPatch) -> Callable[[Meddle], None]:
    """Change the messages of compounds on their way to the server, which carries out what it gets."""

    def start(meddling: Meddle) -> None:
        send = StrictConnection.send_compound

        def sending(self: StrictConnection, messages: list[Any], *rest: Any, **options: Any) -> Any:
            for message in messages:
                meddling(message)
            return send(self, messages, *rest, **options)

        monkeypatch.setattr(StrictConnection, "send_compound", sending)

    return start


def another_content(message: Any) -> None:
    if message.COMMAND == Commands.SMB2_WRITE:
        message["buffer"] = bytes(message["buffer"].get_value()).replace(b"A", b"B")


def a_part(message: Any) -> None:
    if message.COMMAND == Commands.SMB2_WRITE:
        message["buffer"] = bytes(message["buffer"].get_value())[:-1]
        message["length"] = len(message["buffer"].get_value())


def elsewhere(message: Any) -> None:
    if message.COMMAND == Commands.SMB2_WRITE:
        message["offset"] = 7


def an_impossible_place(message: Any) -> None:
    if message.COMMAND == Commands.SMB2_WRITE:
        message["offset"] = (1 << 63) - 1


def no_flush(message: Any) -> None:
    if message.COMMAND == Commands.SMB2_FLUSH:
        message["structure_size"] = 25


WRONGS = (another_content, elsewhere, an_impossible_place, no_flush)


@pytest.mark.parametrize(
    ("wrong", "size"),
    # What is written in parts is written on from where the server says it stopped.
    [(a_part, len(BODY)), *((wrong, size) for wrong in WRONGS for size in (len(BODY), 3 * SPAN))],
)
def test_what_is_not_written_flushed_and_read_back_the_same_is_deleted(
    line: Line, meddle: Callable[[Meddle], None], wrong: Meddle, size: int
) -> None:
    meddle(wrong)
    with pytest.raises(ShareError) as failed:
        line.share.put("a.tmp", [(BODY * 40)[:size]])
    assert (failed.value.code == "written_otherwise") == (wrong in (another_content, a_part, elsewhere))
    assert line.names() == []


def test_only_what_was_created_is_deleted_when_it_reads_back_otherwise(
    line: Line, meddle: Callable[[Meddle], None]
) -> None:
    """Between the answer and the deletion somebody took the file, and left another of its name."""

    def replacing(message: Any) -> None:
        another_content(message)
        opening = message.COMMAND == Commands.SMB2_CREATE and "a.tmp".encode("utf-16-le") in message.pack()
        if opening and (line.path / "a.tmp").exists():
            (line.path / "a.tmp").unlink()
            (line.path / "a.tmp").write_bytes(b"of somebody else")

    meddle(replacing)
    with pytest.raises(Busy):
        line.share.put("a.tmp", [BODY])
    assert (line.path / "a.tmp").read_bytes() == b"of somebody else"


def test_a_lost_answer_to_a_put_is_unreachable_and_it_may_have_been_written(line: Line) -> None:
    line.proxy.swallow = True
    with pytest.raises(Unreachable):
        line.share.put("a.tmp", [BODY])
    assert (line.path / "a.tmp").read_bytes() == BODY
    with pytest.raises(Exists):
        line.share.put("a.tmp", [BODY])


# --- a server that knows no compounds


@pytest.fixture(params=["unrelated", 0xC000000D, 0xC00000BB, 0xC0000128])
def plain(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, line: Line) -> Line:
    """A real server knows compounds and cannot be made to forget them.

    "unrelated": it gets the requests without the word that they belong together, and answers as it does to a handle
    that nobody opened. A status: only the first is sent, and the others are answered in its place.
    """
    send = StrictConnection.send_compound

    def sending(self: StrictConnection, messages: list[Any], sid: int, tid: int, related: bool = False) -> Any:
        if request.param == "unrelated" or len(messages) == 1:
            return send(self, messages, sid, tid, related=False)
        [first] = send(self, messages[:1], sid, tid)
        return [first, *(Refusal(request.param) for _ in messages[1:])]

    def receiving(self: StrictConnection, request: Any, *rest: Any, **options: Any) -> Any:
        if isinstance(request, Refusal):
            raise SMBResponseException(request.response)
        return receive(self, request, *rest, **options)

    receive = StrictConnection.receive
    monkeypatch.setattr(StrictConnection, "send_compound", sending)
    monkeypatch.setattr(StrictConnection, "receive", receiving)
    line.share.drop()
    return line


class Refusal:
    """What stands in for a request that was refused."""

    def __init__(self, status: int) -> None:
        error = SMB2ErrorResponse()
        self.response = SMB2HeaderResponse()
        self.response["status"] = status
        self.response["data"] = error.pack()


def test_without_compounds_everything_is_done_step_by_step(plain: Line) -> None:
    share = plain.share
    for size in (0, 1, len(BODY), SPAN + 1, 3 * SPAN):
        content = (BODY * 40)[:size]
        digest = share.put("a.tmp", [content])
        assert digest == Digest(hashlib.sha256(content).hexdigest(), size)
        share.rename_new("a.tmp", "a.xml")
        assert share.fetch("a.xml", size) == (share.entries("*.xml")[0], content)
        assert share.digest("a.xml") == digest
        assert share.move_same("a.xml", digest, "b.xml", share)
        assert not share.delete_same("b.xml", Digest("0" * 64, size))
        assert share.delete_same("b.xml", digest)
        assert plain.names() == []
    assert share.identity()
    assert plain.requests(lambda: share.put("c", [b"x"])) == 5


def test_without_compounds_nothing_is_overwritten_or_taken_for_done(plain: Line) -> None:
    share = plain.share
    share.put("a.xml", [BODY])
    share.put("b.xml", [b"other"])
    for call, kind in (
        (lambda: share.put("a.xml", [b"x"]), Exists),
        (lambda: share.rename_new("a.xml", "b.xml"), Exists),
        (lambda: share.fetch("c.xml", 9), Missing),
        (lambda: share.rename_new("c.xml", "d.xml"), Missing),
        (lambda: share.delete_same("c.xml", SAME), Missing),
        (lambda: share.remove("c.xml"), Missing),
        (lambda: share.at("nowhere").entries("*"), Refused),
    ):
        with pytest.raises(kind):
            call()
    terminal = TerminalWriter(plain.url, plain.password)
    with terminal.holding("open.xml") as file:
        file.write(BODY)
        for busy in (
            lambda: share.fetch("open.xml", 99_999),
            lambda: share.rename_new("open.xml", "c.xml"),
            lambda: share.delete_same("open.xml", SAME),
        ):
            with pytest.raises(Busy):
                busy()
    terminal.close()
    assert (plain.path / "a.xml").read_bytes() == (plain.path / "open.xml").read_bytes() == BODY
    assert plain.names() == ["a.xml", "b.xml", "open.xml"]


def test_without_compounds_a_step_that_is_refused_is_not_taken_for_a_server_without_them(line: Line) -> None:
    line.share.put("a.xml", [BODY])
    for _ in range(3):
        with pytest.raises(Exists):
            line.share.put("a.xml", [BODY])
        with pytest.raises(Refused):
            line.share.rename_new("a.xml", "b.xml", into=line.share.at("nowhere"))
    assert line.requests(lambda: line.share.fetch("a.xml", 99_999)) == 1
