"""A server is lost and its standby promoted: nothing that a patient holds in his hands is lost or given twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from drivers.reservations import Cancelled, Found, Registered, ReservationsDown, Taken, Trouble
from drivers.reservations.adapter import Settings
from drivers.reservations.postgresql.book import PostgresBook
from drivers.reservations.postgresql.copies import copies_in
from drivers.reservations.postgresql.failover import Failover
from tests.peers import postgresql
from tests.peers.postgres_kiosks import AT, DAY, order, put_many
from tests.peers.postgresql import PASSWORD, Database, Postgres, soon

pytestmark = pytest.mark.peers


@pytest.fixture
def server() -> Iterator[Postgres]:
    with Postgres() as made:
        yield made


def number_of(book: PostgresBook, patient: str) -> int:
    answer = book.register(order(patient), soon())
    assert isinstance(answer, Registered), answer
    return int(answer.receptions[0].number)


def failover_of(database: Database, *servers: Postgres) -> Failover:
    return Failover(database.url("hub", *servers), Settings(Path("/nonexistent"), password=PASSWORD, name="hub"))


def both(database: Database, folder: Path, role: str, standby: Postgres) -> PostgresBook:
    """A kiosk that knows both servers."""
    book = database.book(folder, role)
    book.close()
    return PostgresBook(database.url(role, database.server, standby), book.settings)


def code(answer: object) -> str:
    return answer.code if isinstance(answer, Trouble) else type(answer).__name__


def test_what_the_standby_never_received_is_offered_again_before_it_gives_numbers(
    server: Postgres, tmp_path: Path
) -> None:
    database = server.database()
    put_many(database, tmp_path / "hub", 60)
    database.role("kiosk-1")
    database.role("kiosk-2")
    with server.standby() as standby:
        one, two = (both(database, tmp_path / each, each, standby) for each in ("kiosk-1", "kiosk-2"))
        told = {str(each): number_of(one if each % 2 else two, str(each)) for each in range(10)}
        standby.wait_for(database.name, "SELECT count(*) = 10 FROM kiosk.reception")
        standby.cut_off()  # what follows is lost with the primary
        told |= {str(each): number_of(one if each % 2 else two, str(each)) for each in range(10, 30)}
        cancelled = one.register(order("11"), soon())
        assert isinstance(cancelled, Registered)
        assert isinstance(one.cancel("11", cancelled.receptions[0], DAY, AT, "", soon()), Cancelled)
        server.kill()
        standby.promote()
        assert code(one.register(order("40"), soon())) == "not_released"
        assert isinstance(one.find("0", DAY, soon()), Found)
        hub = failover_of(database, server, standby)
        state = hub.state(DAY)
        assert not state.released
        assert [(each.role, each.offered) for each in state.kiosks] == [("kiosk-1", True), ("kiosk-2", False)]
        assert code(two.register(order("41"), soon())) == "not_released"
        state = hub.state(DAY)
        assert (state.waits, sum(each.restored for each in state.kiosks)) == (False, 20 + 1)
        assert hub.release(DAY) is False
        assert hub.state(DAY).released
        moved = replace(database, server=standby)
        stored = dict(moved.rows("SELECT patient_number, n FROM kiosk.reception"))
        assert stored == {patient: number for patient, number in told.items() if patient != "11"}
        assert number_of(one, "40") == 31
        assert number_of(two, "11") == 32
        # The old one is started again by mistake; whoever knows of the new one does not use it.
        server.start()
        for book in (one, two):
            book.close()
        astray = PostgresBook(database.url("kiosk-1"), one.settings)
        assert code(astray.register(order("50"), soon(3))) == "old_primary"
        assert number_of(one, "50") == 33
        for each in (one, two, astray, hub):
            each.close()


def test_series_are_lifted_for_a_kiosk_that_did_not_come(server: Postgres, tmp_path: Path) -> None:
    database = server.database()
    put_many(database, tmp_path / "hub", 60)
    database.role("kiosk-1")
    database.role("kiosk-2")
    with server.standby() as standby:
        one, two = (both(database, tmp_path / each, each, standby) for each in ("kiosk-1", "kiosk-2"))
        number_of(one, "1")
        number_of(two, "2")
        standby.wait_for(database.name, "SELECT count(*) = 2 FROM kiosk.reception")
        standby.cut_off()
        assert number_of(two, "3") == 3
        two.close()
        server.kill()
        standby.promote()
        assert code(one.register(order("40"), soon())) == "not_released"
        hub = failover_of(database, standby)
        assert hub.state(DAY).waits
        assert hub.release(DAY) is True
        assert number_of(one, "40") == 103
        # It comes at last: what it was told is there again, and nobody else has that number.
        assert number_of(two, "3") == 3
        assert number_of(one, "41") == 104
        assert hub.release(DAY) is False
        for each in (one, two, hub):
            each.close()


def test_an_offer_that_finds_the_server_busy_is_made_again(tmp_path: Path) -> None:
    database = postgresql.shared().database()
    put_many(database, tmp_path / "hub", 2)
    book = database.book(tmp_path / "k", "kiosk-1")
    number_of(book, "0")
    book.close()
    with database.server.connect(database.name) as connection:
        for table in ("reception", "registered", "visit", "counter"):
            connection.execute(f"DELETE FROM kiosk.{table}")
    copies_in.cache_clear()
    (tmp_path / "k" / "book-servers.json").unlink()
    with (tmp_path / "k" / f"book-copies-{DAY.isoformat()}.jsonl").open("a") as file:
        file.write('{"day": "none", "visit": {"day": "none"}}\n')  # what the server cannot read keeps it from nothing
    with database.server.connect(database.name) as other:
        other.execute("SELECT pg_advisory_lock(hashtext('kiosk.offer'))")
        again = database.book(tmp_path / "k", "kiosk-1")
        assert code(again.find("0", DAY, soon())) == "locked"
    assert number_of(again, "0") == 1
    assert number_of(again, "1") == 2
    again.close()


def test_after_a_release_whoever_is_taken_is_asked_for_first(tmp_path: Path) -> None:
    database = postgresql.shared().database()
    book = database.book(tmp_path / "k", "kiosk-1")
    assert book.take(order("1"), 30, soon()) == Taken()
    with database.server.connect(database.name) as connection:
        connection.execute("UPDATE kiosk.epoch SET timeline = 'another'")
    hub = failover_of(database)
    hub.release(DAY)
    assert book.take(order("2"), 30, soon()) == Taken(ask_first=True)
    assert book.take(order("2", day=DAY + timedelta(1)), 30, soon()) == Taken()
    hub.close()
    book.close()


def test_only_a_hub_may_release(tmp_path: Path) -> None:
    database = postgresql.shared().database()
    database.role("kiosk-1")
    kiosk = Failover(database.url("kiosk-1"), Settings(tmp_path, password=PASSWORD))
    with pytest.raises(ReservationsDown) as refused:
        kiosk.release(DAY)
    assert refused.value.code == "rights"
    kiosk.close()
