"""A desk beside a kiosk whose hospital has ORCA: what it registers, cancels and hears of."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from datetime import time as clock
from pathlib import Path

import pytest

from drivers.reservations import Kept, Registered, Trouble, UnsettledList
from drivers.reservations.over_socket import SocketBook
from kiosk.reception import run_status
from tests import ROOT
from tests.book import arrive, cancel, due, entries, order, soon
from tests.his.orca_site import BESIDES, IN_TWO, PATIENT, OrcaSite, opened, orca_site
from tests.hospital import DEADLINE_S, ZONE, today, wait_until

pytestmark = [pytest.mark.peers, pytest.mark.long]


@contextmanager
def served(site: OrcaSite) -> Iterator[SocketBook]:
    """Whoever a desk asks."""
    desk = SocketBook(site.hospital.data_dir)
    process = subprocess.Popen(site.hospital.command("reservations", "serve"), cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: not isinstance(desk.entries(today(), soon()), Trouble), "an answer to the desk")
        yield desk
    finally:
        process.terminate()
        process.wait(DEADLINE_S)


def test_the_desk_registers_and_cancels_every_reception_of_a_visit_at_orca_and_no_other(tmp_path: Path) -> None:
    with orca_site(tmp_path) as site:
        site.patient(PATIENT, IN_TWO, BESIDES)
        with opened(site) as reception, served(site) as desk:
            now = datetime.now(ZONE)
            assert [each.department for each in due(desk, PATIENT, today())] == ["内科", "眼科"]
            registered = arrive(desk, PATIENT, today(), now)
            assert (registered.ours, site.receptions(PATIENT)) == (True, [IN_TWO, BESIDES])
            assert site.insert(reception, PATIENT)["screen"] == "already"
            # Somebody at ORCA's own window, of the same patient: no business of the desk's.
            site.orca.hospital.staff_register(PATIENT, today(), clock(9, 3), "11", "10001")
            cancel(desk, PATIENT, today(), now)
            assert site.receptions(PATIENT) == ["11"]
            [line] = entries(desk, today())
            assert line.cancelled is not None and line.cancelled.reason == "left"


def _in_custody(site: OrcaSite) -> int | None:
    his = run_status.read(site.hospital.data_dir).his
    return his.custody if his else None


def test_a_desk_hears_of_what_the_kiosk_keeps_and_what_it_ticks_off_is_not_delivered(tmp_path: Path) -> None:
    his = {"when_down": '"cached"', "find_s": "2", "day_list_every_min": "1"}
    with orca_site(tmp_path, his, numbering={"offline_prefix": '"K3-"'}) as site:
        site.patient(PATIENT, IN_TWO)
        site.patient("00020", IN_TWO)
        with opened(site) as reception, served(site) as desk:
            wait_until(lambda: "day_list_kept" in "".join(reception.errors), "the day list")
            site.orca.stop()
            for number in (PATIENT, "00020"):
                assert site.insert(reception, number)["screen"] == "custody"
            listed = desk.unsettled(today(), soon())
            assert isinstance(listed, UnsettledList)
            first, second = listed.unsettled
            assert [(each.kind, each.number) for each in (first, second)] == [
                ("custody", "K3-001"),
                ("custody", "K3-002"),
            ]
            # The desk takes nobody into custody: it has staff.
            answer = desk.register(order(PATIENT, today(), datetime.now(ZONE)), soon())
            assert not isinstance(answer, Registered)
            assert isinstance(desk.noted_done(listed.unsettled[0].order, soon()), Kept)
            # A delivery that was under way when it was ticked off has ended.
            wait_until(lambda: _in_custody(site) == 1, "the kiosk has seen it")
            site.orca.start()
            wait_until(lambda: site.receptions("00020") == [IN_TWO], "the other one is delivered")
            assert site.receptions(PATIENT) == []

            def over() -> bool:
                answer = desk.unsettled(today(), soon())
                return isinstance(answer, UnsettledList) and not answer.unsettled

            wait_until(over, "nothing is left to know")
