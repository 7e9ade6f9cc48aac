"""What the courier does for a desk: bytes, verdicts and answers; and that a delivery is the same with and without."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from drivers.simulated.results import Insured, Tap, tap
from kiosk.courier import courier as courier_module
from kiosk.courier import desk
from kiosk.courier.line import CourierLine
from kiosk.process import courier_line, desk_spool
from kiosk.process.courier_line import Message
from kiosk.process.desk_spool import Handed, SpoolReader
from kiosk.results import examine
from kiosk.tables.known_people import KnownPeople
from tests.courier.bench import RunningCourier, place
from tests.hospital import wait_until
from tests.peers.receipt_computer import ReceiptComputer

CODE = "9912345678"
PERSON = Insured("架空　花子", "ｶｸｳ ﾊﾅｺ", "19800101", number="00012")
MOVED = replace(PERSON, kana="ｶｸｳ ﾊﾅ")
LONG_AGO = "2020-01-01T00:00:00+00:00"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examine, "SETTLED_S", 0.02)


class Taps:
    """Taps a second apart, as a terminal names them."""

    def __init__(self) -> None:
        self.at = datetime(2026, 1, 15, 9, 0)

    def __call__(self, person: Insured) -> Tap:
        self.at += timedelta(seconds=1)
        return tap(person, self.at, CODE)


class Site:
    """Folders of a terminal and a receipt computer, and the desk's spool."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in ("face", "res", "to_face", "to_res", "in"):
            (root / name).mkdir(exist_ok=True)
        self.spool = root / "in"
        self.data_dir = root / "data"
        self.tap = Taps()

    def courier(self, *, fed: bool = True, key_check: bool = False) -> RunningCourier:
        results, subsidies = (
            (f"file://{self.root / name}", f"file://{self.root / f'to_{name}'}") for name in ("face", "res")
        )
        spool = self.spool if fed else None
        return RunningCourier(self.data_dir, results, subsidies, desk_spool=spool, key_check=key_check, relist_s=0.1)

    def come(self, person: Insured) -> Tap:
        made = self.tap(person)
        if made.subsidy is not None:
            place(self.root / "res", made.subsidy.name, made.subsidy.content)
        place(self.root / "face", made.result.name, made.result.content)
        return made

    def handed(self) -> list[Handed]:
        return list(SpoolReader(self.spool).waiting())

    def wait_handed(self, count: int) -> list[Handed]:
        wait_until(lambda: len(self.handed()) >= count, f"{count} in the spool")
        return self.handed()


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@contextmanager
def reception(courier: RunningCourier) -> Iterator[list[Message]]:
    """What a reception receives; files that come from now on are reported to it."""
    received: list[Message] = []
    line = CourierLine(courier.data_dir, received.append)
    line.ask({"ask": "baseline", "visit": 1})
    wait_until(lambda: any(each["event"] == "baseline" for each in received), "the folder has been listed")
    yield received
    line.close()


def of(event: str, received: list[Message]) -> list[Message]:
    return [each for each in received if each["event"] == event]


def verdicts(received: list[Message]) -> list[Any]:
    """Each is of a result that was reported before."""
    files = [each["file"] for each in received if each["event"] in ("result", "compared")]
    compared = of("compared", received)
    assert all(files.count(each["file"]) == 2 for each in compared)
    return [each["eligibility"] for each in compared]


def settle(site: Site, mark: str) -> Any:
    answer = courier_line.ask(site.data_dir, {"ask": "settle", "mark": mark}, "settled")
    return answer and answer["done"]


def put_aside(site: Site) -> Any:
    answer = courier_line.ask(site.data_dir, {"ask": "known"}, "known")
    return answer and answer["put_aside"]


def results_since(site: Site, since: str) -> Any:
    answer = courier_line.ask(site.data_dir, {"ask": "results_since", "seen_at": since}, "results_since")
    return answer and answer["files"]


def test_what_is_read_is_handed_over_as_it_is_with_what_is_new_of_the_patient(site: Site) -> None:
    """Also what lay there at the start; and the reception learns the same."""
    before = site.come(PERSON)
    with site.courier() as courier, reception(courier) as received:
        courier.wait_done(1)
        after = [site.come(person) for person in (PERSON, MOVED)]
        courier.wait_done(3)
        handed = site.wait_handed(3)
        ids = {name: number for number, name in courier.rows("SELECT id, name FROM files")}
        taps = [before, *after]
        assert [(each.file, each.name, each.content) for each in handed] == [
            (ids[each.result.name], each.result.name, each.result.content) for each in taps
        ]
        assert [(each.key, each.changed, each.alarm) for each in handed] == [
            ("first", (), False), ("same", (), False), ("changed", ("NameKana", "InsuredIdentificationNumber"), True),
        ]  # fmt: skip
        assert all(datetime.fromisoformat(each.seen_at).tzinfo for each in handed)
        wait_until(lambda: len(verdicts(received)) == 2, "both that came")
        assert verdicts(received) == ["same", "changed"]
    kept = b"".join(path.read_bytes() for path in site.data_dir.glob("known.db*"))
    assert PERSON.number is not None
    assert kept and not any(word.encode() in kept for word in (PERSON.kana, PERSON.name, "架空県見本市", CODE))


def test_a_change_stays_one_until_staff_have_confirmed_it(site: Site) -> None:
    with site.courier() as courier:
        for person in (PERSON, MOVED, MOVED):
            site.come(person)
            courier.wait_done(len(list((site.root / "to_face").iterdir())))
        first, changed, again = site.wait_handed(3)
        assert [first.key, changed.key, again.key] == ["first", "changed", "changed"]
        assert (first.mark, bool(changed.mark)) == ("", True)
        assert settle(site, changed.mark) is True
        assert settle(site, "of nobody") is True, "there is nothing to settle, and that is known"
        site.come(MOVED)
        *_, last = site.wait_handed(4)
        assert last.key == "same"


def test_a_courier_without_a_desk_says_so_and_hands_nothing_over(site: Site) -> None:
    with site.courier(fed=False) as courier:
        site.come(PERSON)
        courier.wait_done(1)
        assert settle(site, "of nobody") is False
        assert courier.courier.desk is None
    assert not site.handed()
    assert not list(site.data_dir.glob("known*"))


def accept(site: Site, result: Message) -> None:
    """As a reception does whose patient was sent to staff."""
    ask = {"ask": "accept", "run": result["run"], "file": result["file"]}
    with courier_line.connect(site.data_dir, 5.0) as line, line.makefile("rb") as lines:
        # The first has no answer; the second's comes when the first was taken.
        line.sendall(json.dumps(ask).encode() + b'\n{"ask": "status"}\n')
        while courier_line.parsed(lines.readline()).get("event") != "status":
            pass


def test_without_a_desk_a_key_is_known_once_its_patient_was_sent_to_staff(site: Site) -> None:
    """Also one that is seen for the first time; nothing is handed to anybody."""
    with site.courier(fed=False, key_check=True) as courier, reception(courier) as received:

        def come(person: Insured, accepted: bool) -> Any:
            count = len(verdicts(received)) + 1
            site.come(person)
            wait_until(lambda: len(verdicts(received)) == count, "the comparison")
            if accepted:
                accept(site, of("result", received)[-1])
            return verdicts(received)[-1]

        assert come(PERSON, accepted=False) == "first"
        assert come(PERSON, accepted=True) == "first"
        assert come(PERSON, accepted=False) == "same"
        assert come(MOVED, accepted=False) == "changed"
        assert come(MOVED, accepted=True) == "changed"
        assert come(MOVED, accepted=False) == "same"
        stranger = {**of("result", received)[-1], "run": "0" * 16}
        assert come(PERSON, accepted=False) == "changed"
        accept(site, {**of("result", received)[-1], "run": stranger["run"]})
        assert come(PERSON, accepted=False) == "changed", "of a courier that was"
    assert not site.handed()


def test_with_a_desk_the_reception_accepts_nothing(site: Site) -> None:
    with site.courier(key_check=True) as courier, reception(courier) as received:
        for person in (PERSON, MOVED):
            count = len(verdicts(received)) + 1
            site.come(person)
            wait_until(lambda count=count: len(verdicts(received)) == count, "the comparison")  # type: ignore[misc]
        accept(site, of("result", received)[-1])
        site.come(MOVED)
        wait_until(lambda: len(verdicts(received)) == 3, "the comparison")
        assert verdicts(received) == ["first", "changed", "changed"]


def test_subsidy_results_go_the_same_way_and_of_error_files_only_that_they_are_there(site: Site) -> None:
    with site.courier() as courier:
        fetched = site.come(replace(PERSON, subsidy="fetched")).subsidy
        failed = site.come(replace(PERSON, subsidy="failed")).subsidy
        courier.wait_done(4)
        handed = {each.name: each for each in site.wait_handed(4)}
        assert fetched is not None
        assert failed is not None
        assert (handed[fetched.name].route, handed[fetched.name].content) == ("subsidies", fetched.content)
        assert (handed[failed.name].route, handed[failed.name].content) == ("subsidies", None)
        assert handed[fetched.name].key == ""


def test_no_patient_no_comparison(site: Site) -> None:
    """Not registered, of another institution, unreadable: handed over, and nothing is known of anybody."""
    with site.courier() as courier:
        nobody = site.come(replace(PERSON, number=None)).result
        foreign = tap(PERSON, site.tap.at, "9987654321").result
        place(site.root / "face", foreign.name, foreign.content)
        courier.wait_done(2)
        handed = site.wait_handed(2)
        assert {each.name for each in handed} == {nobody.name, foreign.name}
        assert {each.key for each in handed} == {""}
        known = sqlite3.connect(f"file:{site.data_dir / 'known.db'}?mode=ro", uri=True)
        assert known.execute("SELECT count(*) FROM known").fetchone() == (0,)
        known.close()


def test_what_is_no_news_is_not_handed_over_again(site: Site) -> None:
    with site.courier() as courier:
        made = site.come(PERSON).result
        courier.wait_done(1)
        place(site.root / "face", made.name, made.content)
        wait_until(lambda: "file_reappeared" in courier.events() and courier.states() == {"done": 1}, "it came again")
        place(site.root / "face", made.name, made.content + b"\n")
        wait_until(lambda: "file_held" in courier.events(), "other content under its name is held")
        last = site.come(PERSON)
        wait_until(lambda: last.result.name in {each.name for each in site.handed()}, "the next one")
        assert [each.name for each in site.handed()] == [made.name, last.result.name]
    assert not list(site.spool.glob(".*"))


def test_results_seen_since_a_moment(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eligibility results alone; those of the last seconds may still be under way; what was held was none."""
    with site.courier() as courier:
        first = site.come(replace(PERSON, subsidy="fetched")).result
        courier.wait_done(2)
        assert results_since(site, LONG_AGO) == []
        monkeypatch.setattr(courier_module, "UNDER_WAY_S", 0.0)
        results = [row[0] for row in courier.rows("SELECT id FROM files WHERE route = 'results'")]
        assert results_since(site, LONG_AGO) == results
        place(site.root / "face", first.name, first.content + b"\n")
        wait_until(lambda: "file_held" in courier.events(), "held")
        assert results_since(site, LONG_AGO) == results
        tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
        assert results_since(site, tomorrow) == []


@pytest.mark.parametrize(
    "ask",
    [
        {"ask": "settle"}, {"ask": "settle", "mark": 1}, {"ask": "settle", "file": 1}, {"ask": "results_since"},
        {"ask": "results_since", "seen_at": "2026-01-01T00:00:00"}, {"ask": "results_since", "seen_at": 1},
    ],
)  # fmt: skip
def test_nonsense_ends_its_connection_and_nothing_else(site: Site, ask: Message) -> None:
    with site.courier():
        for event in ("settled", "results_since"):
            assert courier_line.ask(site.data_dir, ask, event) is None
        assert courier_line.ask_once(site.data_dir, "status") is not None


# --- a delivery is the same, whatever the desk does ---------------------------------------------------------------


def no_spool(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.spool.rmdir()


def full_spool(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A desk that takes nothing."""
    monkeypatch.setattr(desk_spool, "FILES_MAX", 2)


def no_room(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.spool.rmdir()
    site.spool.symlink_to("/dev/full")


def hangs(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison never comes back."""
    monkeypatch.setattr(KnownPeople, "compare", lambda *_: threading.Event().wait())


def store_fails(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise sqlite3.OperationalError("injected")

    monkeypatch.setattr(KnownPeople, "compare", fail)


def no_store(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.data_dir.mkdir()
    (site.data_dir / "known.key").write_bytes(b"too short")


def faulty(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of the program in everything that is done for the desk."""

    def fail(*_: object) -> None:
        raise RuntimeError("injected")

    monkeypatch.setattr(desk.HandOver, "_hand_over", fail)


WAYS = (no_spool, full_spool, no_room, hangs, store_fails, no_store, faulty)


@pytest.mark.parametrize("way", [None, *WAYS], ids=lambda way: way.__name__ if way else "well")
def test_bytes_and_order_are_the_same_whatever_becomes_of_the_desk(
    site: Site, monkeypatch: pytest.MonkeyPatch, way: Callable[[Site, pytest.MonkeyPatch], None] | None
) -> None:
    if way is not None:
        way(site, monkeypatch)
    people = [replace(PERSON, number=f"0{number:03}") for number in range(6)]
    waiting = [site.come(person).result for person in people[:3]]
    with ReceiptComputer(site.root / "to_face") as computer, site.courier() as courier, reception(courier) as received:
        courier.wait_done(3)
        for number, person in enumerate(people[3:], 4):
            waiting.append(site.come(person).result)
            courier.wait_done(number)
            assert computer.wait_for(number, 60)
        expected = [(each.name, hashlib.sha256(each.content).hexdigest()) for each in waiting]
        taken = [(each.name, each.sha256) for each in computer.taken]
        # Of those that lay there, a slow receipt computer may find several at once.
        assert (sorted(taken[:3]), taken[3:]) == (sorted(expected[:3]), expected[3:])
        wait_until(lambda: len(of("result", received)) == 3, "each is reported")
        assert courier.courier.notices.failure is None
        assert not courier.alarms()
        if way in (None, full_spool, no_spool, no_room):
            wait_until(lambda: verdicts(received) == ["first"] * 3, "and compared")
        else:
            assert not verdicts(received)


def test_each_trouble_and_its_end_is_written_once(site: Site) -> None:
    site.spool.rmdir()
    with site.courier() as courier:
        for number in (1, 2):
            site.come(PERSON)
            courier.wait_done(number)
        wait_until(lambda: courier.events().count("desk_spool_failed"), "the trouble")
        site.spool.mkdir()
        site.come(PERSON)
        wait_until(lambda: "desk_spool_up" in courier.events(), "its end")
        assert courier.events().count("desk_spool_failed") == 1
        assert len(site.handed()) == 1


def test_a_desk_that_takes_nothing_loses_the_oldest(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk_spool, "FILES_MAX", 2)
    with site.courier() as courier:
        taps = []
        for number in (1, 2, 3):
            taps.append(site.come(PERSON).result.name)
            courier.wait_done(number)
        wait_until(lambda: "desk_behind" in courier.events(), "the oldest had to go")
        assert [each.name for each in site.handed()] == taps[1:]
        for each in site.handed():
            SpoolReader(site.spool).taken(each)
        site.come(PERSON)
        wait_until(lambda: "desk_caught_up" in courier.events(), "there is room again")


def test_with_much_waiting_no_more_lies_in_memory_twice(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk, "STAGED_BYTES_MAX", 0)
    with site.courier() as courier:
        site.come(PERSON)
        courier.wait_done(1)
        assert len(site.wait_handed(1)) == 1
    assert not list(site.spool.glob(".*"))


def test_a_courier_whose_ledger_was_lost_gives_no_number_twice(site: Site) -> None:
    """The desk may still know, or have to take, a file of that number."""
    with site.courier() as courier:
        site.come(PERSON)
        courier.wait_done(1)
        site.wait_handed(1)
    (site.data_dir / "courier.db").write_bytes(b"no database" * 500)
    with site.courier() as courier:
        site.come(MOVED)
        first, second = site.wait_handed(2)
    assert first.file < second.file


def test_what_waits_for_the_desk_is_bounded(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk, "JOBS_MAX", 3)
    hangs(site, monkeypatch)
    with site.courier() as courier:
        for number in range(1, 7):
            site.come(PERSON)
            courier.wait_done(number)
        assert courier.courier.desk is not None
        assert courier.courier.desk._jobs.qsize() <= 3
        wait_until(lambda: "desk_behind" in courier.events(), "it is known")
        assert len(list(site.spool.iterdir())) <= 4, "what waits, and what is being compared"


def test_a_store_that_fails_is_opened_again_and_known_people_with_it(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "OPEN_AGAIN_S", 0.0)
    with site.courier() as courier:
        site.come(PERSON)
        courier.wait_done(1)
        site.wait_handed(1)
        with pytest.MonkeyPatch.context() as patch:
            store_fails(site, patch)
            site.come(MOVED)
            courier.wait_done(2)
            assert site.wait_handed(2)[1].key == "", "nobody could settle it"
        site.come(MOVED)
        assert site.wait_handed(3)[2].key == "changed"
        wait_until(lambda: "desk_known_up" in courier.events(), "and that is known")


def test_a_store_that_cannot_be_read_is_begun_anew_and_said(site: Site) -> None:
    with site.courier() as courier:
        site.come(PERSON)
        courier.wait_done(1)
        site.wait_handed(1)
        assert put_aside(site) is False
    (site.data_dir / "known.db").write_bytes(b"no database" * 500)
    with site.courier() as courier:
        site.come(MOVED)
        assert site.wait_handed(2)[1].key == "first"
        wait_until(lambda: "desk_known_begun_anew" in courier.events(), "staff can know why")
        assert put_aside(site) is True


def test_events_and_socket_name_nobody(site: Site) -> None:
    with site.courier() as courier:
        site.come(PERSON)
        courier.wait_done(1)
        site.wait_handed(1)
        text = json.dumps(courier_line.ask_once(site.data_dir, "status"))
    with suppress(FileNotFoundError):
        text += (site.data_dir / "events-courier.jsonl").read_text(encoding="utf-8")
    assert "OQSsiquc01res" not in text
    assert "00012" not in text
