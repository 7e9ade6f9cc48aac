"""A PC that is a desk only: `kiosk status`, `metrics` and `check` know what it has, and no more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kiosk.__main__ import main
from kiosk.desk import desk_status
from kiosk.desk.desk_status import DeskStatus
from kiosk.operations import status, status_rows
from kiosk.process.data_folder import DeskFolder

SITE = """
[site]
name = "架空医院"
institution_code = "9912345678"
pattern = 2
data_dir = "{folder}/data"
[terminal]
results = "file://{folder}/face"
[desk]
feed = "watch"
patients = "patients.csv"
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KIOSK_DESK_RUN_DIR", str(tmp_path / "run"))
    for name in ("data", "face", "run"):
        (tmp_path / name).mkdir(mode=0o700)
    (tmp_path / "patients.csv").write_text("number,name,kana,birth\n1,架空太郎,カクウタロウ,19500102\n", "utf-8")
    file = tmp_path / "site.toml"
    file.write_text(SITE.format(folder=tmp_path), encoding="utf-8")
    return file


def says(file: Path, **figures: Any) -> None:
    """The desk has just written this of itself."""
    run = file.parent / "run"
    assert desk_status.write(DeskFolder(run, run), DeskStatus(**figures))


def report_of(file: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    code = main(["status", "--json", "--config", str(file)])
    report: dict[str, Any] = json.loads(capsys.readouterr().out)
    return code, report


def test_a_desk_that_runs_is_all_there_is_and_well(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    says(file, visits=7, open=2, oldest_open_s=60.0, feed="ok", missed=1, up_s=5.0)
    code, report = report_of(file, capsys)
    assert (code, report["wrong"], report["parts"]) == (0, [], ["desk"])
    desk = {key: report["desk"][key] for key in ("alive", "visits", "open", "missed", "overdue_s")}
    assert desk == {"alive": True, "visits": 7, "open": 2, "missed": 1, "overdue_s": None}
    assert main(["status", "--config", str(file)]) == 0
    text = capsys.readouterr().out
    assert "desk alive: True, 7 visits today, 2 waiting for a person, 1 not shown" in text
    assert not [word for word in ("courier", "reception alive", "undelivered", "printer", "systemctl") if word in text]


@pytest.mark.parametrize(
    ("figures", "problem"),
    [
        (None, "desk_gone"),
        ({"open": 1, "overdue_s": 1900.0, "feed": "ok"}, "desk_waits"),
        ({"feed": "down", "feed_what": "the share does not answer"}, "desk_feed_down"),
        ({"feed": "ok", "alarm_fails": True}, "alarm_command_failed"),
    ],
)
def test_what_is_wrong_with_the_desk_is_wrong(
    file: Path, capsys: pytest.CaptureFixture[str], figures: dict[str, Any] | None, problem: str
) -> None:
    if figures is not None:
        says(file, **figures)
    code, report = report_of(file, capsys)
    assert (code, [each["code"] for each in report["problems"]]) == (1, [problem])
    decoded = status.collect(status_config(file), acknowledge=False)
    row = status_rows.rows(decoded)[0]
    assert row.startswith("NG ") and "→" in row and problem not in row


def status_config(file: Path) -> Any:
    from kiosk import config

    return config.load(file, passwords=False)


def test_the_technicians_rows_have_the_desk(file: Path) -> None:
    says(file, visits=7, open=2, feed="ok", missed=1)
    rows = status_rows.rows(status.collect(status_config(file), acknowledge=False))
    assert "受付デスク: 動いています（今日の利用 7 件、確認待ち 2 件）" in rows
    assert any("出せなかった結果: 1 件" in row for row in rows)


def test_figures_of_what_is_not_there_have_no_value(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    says(file, visits=7, open=0, feed="down")
    assert main(["metrics", "--once", "--config", str(file)]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if not line.startswith("#")]
    values = {line.split("{")[0]: float(line.rsplit(" ", 1)[1]) for line in lines}
    assert {key: values[f"kiosk_desk_{key}"] for key in ("up", "visits", "open", "oldest_seconds", "feed_up")} == {
        "up": 1.0, "visits": 7.0, "open": 0.0, "oldest_seconds": 0.0, "feed_up": 0.0,
    }  # fmt: skip
    assert not [name for name in ("kiosk_courier_up", "kiosk_reception_up", "kiosk_printer_ready") if name in values]


def test_the_check_looks_at_the_desk_and_skips_the_kiosk(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    says(file, feed="ok")
    code = main(["check", "--json", "--config", str(file)])
    found = {each["code"]: each for each in json.loads(capsys.readouterr().out)["checks"]}
    assert code == 0, [each for each in found.values() if each["result"] == "NG"]
    results = {code: each["result"] for code, each in found.items()}
    skipped = {"receipt_share", "printer", "paper", "test_slip", "screen", "courier_running", "reception_running"}
    assert {code: results[code] for code in skipped} == dict.fromkeys(skipped, "SKIP")
    assert results["terminal_delete"] == "SKIP"  # nothing is taken from there
    expected = dict.fromkeys(("desk_patients", "desk_running"), "OK")
    expected |= dict.fromkeys(("desk_certificate", "desk_printer", "desk_requests", "desk_answers"), "SKIP")
    expected |= dict.fromkeys(("desk_export", "desk_reservations", "desk_courier"), "SKIP")
    assert {code: results[code] for code in expected} == expected
