"""The bench's arithmetic and tables, and that it works at all. Nothing here depends on how fast anything is."""

from __future__ import annotations

import json
import socket
import threading
from pathlib import Path
from typing import cast

import pytest

from tests import ROOT
from tests.bench import __main__ as bench
from tests.bench import desk, loops
from tests.bench.figures import (
    BEGIN,
    END,
    SPREAD,
    Aim,
    Row,
    Section,
    Table,
    as_json,
    as_markdown,
    at_least,
    at_most,
    cell,
    insert,
    p95,
    spread,
    steady,
)
from tests.bench.options import Options
from tests.bench.ours import Ours
from tests.bench.proxy import Lines
from tests.bench.visits import FLOOR, Contestant, contestants, interleave, visit_rows


def test_p95_is_the_value_that_one_of_twenty_is_above() -> None:
    assert p95(list(range(1, 41))) == 38
    assert p95([3.0, 1.0, 2.0]) == 3.0
    assert p95([7.0]) == 7.0


def test_a_spread_has_its_ratio_to_the_floor() -> None:
    assert spread("x", [4.0, 8.0, 6.0], 2.0) == Row("x", (3, 6.0, 8.0, 8.0, 3.0))
    assert spread("x", [4.0], None).cells[-1] is None
    assert spread("x", [4.0], -0.5).cells[-1] is None, "content may be in hand before the writer's answer is"
    assert spread("x", [], 2.0).cells == (0, None, None, None, None)


def test_an_aim_is_met_up_to_its_limit_and_names_it() -> None:
    assert at_most(9.0, 9.0, "≤ floor + 6 = {}") == Aim("≤ floor + 6 = 9.00", met=True)
    assert not at_most(9.1, 9.0, "").met
    assert at_least(25.0, 25, "≥ 25 × faster: {}") == Aim("≥ 25 × faster: 25.0", met=True)
    assert not at_least(24.9, 25, "").met


def test_stragglers_break_the_aim_of_steadiness() -> None:
    assert steady([10.0] * 19 + [100.0]).met
    assert not steady([10.0] * 18 + [21.0] * 2).met


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), ("so", "so"), (7, "7"), (1234567, "1,234,567"), (1234.5, "1,234"), (12.34, "12.3"), (0.123, "0.12")],
)
def test_cells_have_three_figures(value: float | str | None, text: str) -> None:
    assert cell(value) == text


def section() -> Section:
    rows = (spread("kiosk: screen", [20.0, 30.0], 2.0, (Aim("≤ 15", met=False),)), spread("floor", [2.0], 2.0))
    return Section("visit", "One file", "Two\nservers.", (Table("ms", SPREAD, rows),), ("one visit missed",))


def test_markdown_has_a_column_of_aims_and_counts_them() -> None:
    assert as_markdown({"cores": 2}, [section()]) == (
        "cores: 2. Aims met: 0 of 1.\n\n### One file\n\n`python -m tests.bench visit`. Two servers.\n\n"
        "| ms | n | median | p95 | max | × floor | aims |\n"
        "| --- | ---: | ---: | ---: | ---: | ---: | --- |\n"
        "| kiosk: screen | 2 | 25.0 | 30.0 | 30.0 | 12.5 | ≤ 15: **not met** |\n"
        "| floor | 1 | 2.00 | 2.00 | 2.00 | 1.00 |  |\n\n"
        "- one visit missed\n"
    )


def test_json_has_the_same_numbers_and_whether_aims_are_met() -> None:
    back = json.loads(json.dumps(as_json({"cores": 2}, [section()])))
    first = back["sections"][0]["tables"][0]["rows"][0]
    assert (first["cells"], first["aims"][0]["met"]) == ([2, 25.0, 30.0, 30.0, 12.5], False)


def test_tables_take_the_place_of_older_ones() -> None:
    once = insert(f"before\n{BEGIN}\nold\n{END}\nafter", "new\n")
    assert once == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter"
    assert insert(once, "new") == once
    with pytest.raises(ValueError, match="no place"):
        insert("before", "new")


def test_the_document_of_measurements_has_a_place_for_them() -> None:
    insert((ROOT / "deploy/PERFORMANCE.md").read_text(encoding="utf-8"), "new")


def test_an_unknown_part_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        bench.main(["visit", "visits"])
    assert "no such part: visits" in capsys.readouterr().err


def test_the_proxy_counts_the_frames_of_the_client_only() -> None:
    frame = (5).to_bytes(4, "big") + b"hello"

    def answer(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, connection.makefile("rb") as lines:
            while taken := lines.read(9):
                connection.sendall(taken + taken)  # two frames back for each

    with socket.create_server(("127.0.0.1", 0)) as listener, Lines(0.002) as proxies:
        threading.Thread(target=answer, args=(listener,), daemon=True).start()
        port = listener.getsockname()[1]
        url = proxies.through(f"smb://kiosk@127.0.0.1:{port}/face", port)
        assert url == f"smb://kiosk@127.0.0.1:{proxies.to(port).port}/face"
        with socket.create_connection(("127.0.0.1", proxies.to(port).port)) as client, client.makefile("rb") as back:
            for _ in range(3):
                client.sendall(frame)
                assert back.read(18) == frame * 2
        assert proxies.to(port).counts() == {"requests": 3, "connections": 1}


class Folder:
    """A client whose folder gets a file at the second look, unfinished at first."""

    def __init__(self) -> None:
        self.looks = 0

    def names(self) -> list[str]:
        self.looks += 1
        return ["known", "new"] if self.looks > 1 else ["known"]

    def read(self, name: str) -> bytes | None:
        assert name == "new"
        return b"<XmlMsg/>" if self.looks > 2 else None


def test_a_loop_looks_until_a_new_file_can_be_read(capsys: pytest.CaptureFixture[str]) -> None:
    client, known = Folder(), {"known"}
    assert loops.look(client, 0.0, known) > 0
    assert (client.looks, known, capsys.readouterr().out) == (3, {"known", "new"}, "looking\n")


def test_a_desk_costs_a_delivery_a_tenth_at_most_and_a_notice_three_milliseconds() -> None:
    values = {(way, span): [10.0] for way in (desk.OFF, *desk.WAYS) for span in Ours.SPANS}
    values[desk.WAYS[0], "published"] = values[desk.WAYS[1], "notice"] = [12.0]
    values[desk.WAYS[2], "notice"] = [13.1]
    rows = list(desk.desk_rows(values))
    assert len(rows) == len(values)
    unmet = {row.name for row in rows if not all(aim.met for aim in row.aims)}
    assert unmet == {f"{desk.WAYS[0]}: published", f"{desk.WAYS[2]}: courier's notice"}
    assert sum(len(row.aims) for row in rows) == 3 * len(desk.WAYS)


class _Turns:
    """A contestant that notes its turns."""

    refused = 0

    def __init__(self, name: str, taken: list[str]) -> None:
        self.name, self._taken, self.writer = name, taken, self

    def turn(self, number: int) -> dict[str, float]:
        self._taken.append(self.name)
        return {"content": float(number)}

    def note(self, _who: str) -> list[str]:
        return []


@pytest.mark.parametrize(("turning", "order"), [(False, "abcabc"), (True, "abcbca")])
def test_each_begins_a_round_in_its_turn(turning: bool, order: str) -> None:
    taken: list[str] = []
    found = cast(list[Contestant], [_Turns(name, taken) for name in "abc"])
    values, notes = interleave(found, 2, turning=turning)
    assert "".join(taken) == order
    assert values["b", "content"] == [0.0, 1.0]
    assert notes == []


@pytest.mark.peers
def test_floor_kiosk_and_loop_take_turns(tmp_path: Path) -> None:
    """One round of everything, by way of proxies."""
    with Lines(0.001) as lines, contestants(Options(), tmp_path, lines, 1, (("listdir", 0.05),)) as found:
        names = [each.name for each in found]
        assert names == [FLOOR, "kiosk", "smbprotocol's listdir, every 0.05 s"]
        values, wrong = interleave(found, 1)
    assert wrong == []
    spans = [("content", "published", "gone"), ("notice", "screen", "slip", "published", "gone"), ("content",)]
    assert list(values) == [(who, span) for who, all_of_it in zip(names, spans, strict=True) for span in all_of_it]
    assert values[FLOOR, "content"] < values[FLOOR, "published"] < values[FLOOR, "gone"]
    assert values["kiosk", "notice"] < values["kiosk", "published"]
    aimed = {row.name for row in visit_rows(values, 0) if row.aims}
    assert aimed == {f"kiosk: {what}" for what in (
        "courier's notice", "result screen, less settle_s", "first byte of the slip, less settle_s", "published",
    )}  # fmt: skip
