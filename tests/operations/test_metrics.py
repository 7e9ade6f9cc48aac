"""Figures for monitoring, without any process: what is counted, what is known of a machine, names, labels, rules."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from kiosk.machine import state as machine_state
from kiosk.machine.state import MachineState
from kiosk.operations import status_text
from kiosk.operations.metrics.families import SHARES, families
from kiosk.operations.report import StatusReport
from kiosk.process import json_values
from kiosk.process.event_log import EVENTS
from kiosk.reception.run_status import Counts
from kiosk.reception.tally import OUTCOMES, REASONS, SLIPS, VISIT_BOUNDS_S, WAYS, Tally
from tests import ROOT
from tests.peers import need
from tests.site_toml import with_

MONITORING = ROOT / "deploy/monitoring"
FREE_LABELS = {"kiosk", "version", "slot", "keyring", "sensor"}  # words of the machine, in machine.state


# --- counts --------------------------------------------------------------------------------------------------------

MYNUMBER, CARD = ("visit_started", "mynumber"), ("visit_started", "patient_card")
STORIES = {
    "a visit ends with a slip": (
        [MYNUMBER, ("arrival_registered", "first"), ("slip_printed", ""), ("visit_ended", "closed")],
        {"mynumber done": 1, "slip printed": 1},
    ),
    "who comes twice is counted as already received": (
        [CARD, ("arrival_registered", "again"), ("slip_failed", "paper_out"), ("visit_ended", "timed_out")],
        {"patient_card already": 1, "slip paper_out": 1},
    ),
    "an arrival in custody is neither done nor at the counter": (
        [CARD, ("arrival_in_custody", "his_down"), ("slip_printed", ""), ("visit_ended", "closed")],
        {"patient_card custody": 1, "slip printed": 1},
    ),
    "the counter counts with its reason, however its page goes": (
        [MYNUMBER, ("sent_to_counter", "unknown_patient"), ("visit_ended", "timed_out")],
        {"mynumber counter": 1, "reason unknown_patient": 1},
    ),
    "a word that we do not know becomes another one": (
        [MYNUMBER, ("slip_failed", "12345678"), ("sent_to_counter", "12345678"), ("visit_ended", "closed")],
        {"mynumber counter": 1, "reason other": 1, "slip other": 1},
    ),
    "who gives up is cancelled": ([CARD, ("visit_ended", "cancelled")], {"patient_card cancelled": 1}),
    "who walks away is timed out": ([CARD, ("visit_ended", "no_card")], {"patient_card timed_out": 1}),
    "a visit that the switching-off cut short is not counted": ([MYNUMBER, ("visit_ended", "stopped")], {}),
    "a visit that still lasts is not counted": ([MYNUMBER, ("arrival_registered", "first")], {}),
    "devices and late answers count nothing": (
        [("printer_state", "paper_out"), ("arrival_registered_late", ""), ("visit_ended", "closed")],
        {},
    ),
}


def nonzero(counts: Counts) -> dict[str, int]:
    found = {f"{way} {name}": count for way, row in counts.receptions.items() for name, count in row.items()}
    found |= {f"reason {name}": count for name, count in counts.counter_reasons.items()}
    found |= {f"slip {name}": count for name, count in counts.slips.items()}
    return {name: count for name, count in found.items() if count}


@pytest.mark.parametrize("story", STORIES)
def test_visits_are_counted_by_how_they_end(story: str) -> None:
    events, expected = STORIES[story]
    tally = Tally(0.0)
    for event, code in events:
        tally.on_event(event, {"visit": 1, "code": code} if code else {"visit": 1}, 0.0)
    assert nonzero(tally.counts(0.0)) == expected
    assert bool(tally.changes) == bool(expected)


def test_visits_are_sorted_by_how_long_they_took_and_a_bound_belongs_to_its_own_bucket() -> None:
    tally = Tally(0.0)
    for start, took in ((100.0, 10.0), (200.0, 10.1), (300.0, 9999.0)):
        tally.on_event("visit_started", {"code": "mynumber"}, start)
        tally.on_event("visit_ended", {"code": "cancelled"}, start + took)
    seconds = json.loads(json_values.encode(tally.counts(400.0)))["visit_seconds"]
    assert seconds["counts"] == [1, 1, *[0] * (len(VISIT_BOUNDS_S) - 2), 1]
    assert seconds["sum"] == pytest.approx(10019.1)


# --- the machine ---------------------------------------------------------------------------------------------------


def appliance(root: Path) -> Path:
    """A folder that looks like the image's /etc, /proc, /run and /sys."""
    files = {
        "etc/kiosk-release": "VERSION=1.4.2\nBUILD=20260701\nKEYRING=vendor\n",
        "proc/cmdline": "BOOT_IMAGE=/boot/vmlinuz root=PARTLABEL=root-b rauc.slot=B quiet",
        "proc/stat": "cpu 1 2 3\nbtime 1767225600\n",
        "run/systemd/timesync/synchronized": "",
        "sys/class/thermal/thermal_zone0/type": "x86_pkg_temp\n",
        "sys/class/thermal/thermal_zone0/temp": "45500\n",
        "sys/class/thermal/thermal_zone1/type": "acpitz\n",
        "sys/class/thermal/thermal_zone1/temp": "-273200\n",
        "sys/class/hwmon/hwmon0/name": "coretemp\n",
        "sys/class/hwmon/hwmon0/temp1_label": "Core 0\n",
        "sys/class/hwmon/hwmon0/temp1_input": "51000\n",
        "sys/class/hwmon/hwmon0/temp2_label": "Core 0\n",
        "sys/class/hwmon/hwmon0/temp2_input": "52000\n",
        "sys/class/hwmon/hwmon0/temp3_input": "no number\n",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_the_machine_tells_version_slot_disk_temperatures_and_clock(tmp_path: Path) -> None:
    given = machine_state.read(tmp_path, appliance(tmp_path / "root"))
    assert (given.version, given.build, given.slot, given.keyring) == ("1.4.2", "20260701", "B", "vendor")
    assert given.celsius == {"x86_pkg_temp": 45.5, "coretemp Core 0": 51.0, "coretemp Core 0 2": 52.0}
    assert (given.clock_synchronised, given.booted_at) == (True, 1767225600)
    assert given.disk_free_bytes is not None and given.disk_size_bytes is not None
    assert 0 < given.disk_free_bytes < given.disk_size_bytes


def test_a_clock_that_no_server_has_set_is_told(tmp_path: Path) -> None:
    (appliance(tmp_path) / "run/systemd/timesync/synchronized").unlink()
    assert machine_state.read(tmp_path, tmp_path).clock_synchronised is False


def test_what_a_plain_pc_does_not_have_is_left_out(tmp_path: Path) -> None:
    known = json.loads(json_values.encode(machine_state.read(tmp_path, tmp_path / "nothing")))
    assert set(known) == {"disk_free_bytes", "disk_size_bytes"}
    assert json_values.encode(machine_state.read(tmp_path / "gone", tmp_path)) == "{}"


def test_status_tells_people_what_is_known_of_the_machine(tmp_path: Path) -> None:
    known = machine_state.read(tmp_path, appliance(tmp_path / "root"))
    known = replace(known, disk_free_bytes=1_500_000_000, disk_size_bytes=10_000_000_000)
    assert status_text.machine_lines(known) == [
        "    version: 1.4.2",
        "    slot: B",
        "    disk: 1.5 GB free of 10.0 GB",
        "    temperature: 52.0 °C (coretemp Core 0 2)",
        "    clock: synchronised",
    ]
    assert status_text.machine_lines(MachineState()) == []


def test_a_sensors_name_is_short_and_plain_whatever_the_machine_says(tmp_path: Path) -> None:
    zone = appliance(tmp_path) / "sys/class/thermal/thermal_zone0"
    (zone / "type").write_bytes(b"\xff\x00" + "温度".encode() + b"x" * 99)
    celsius = machine_state.read(tmp_path, tmp_path).celsius
    assert celsius and all(re.fullmatch(r"[ -~]{1,40}", name) for name in celsius)


# --- names and labels ----------------------------------------------------------------------------------------------


class _Given(Collector):
    def __init__(self, given: dict[str, Any]) -> None:
        self._given = given

    def collect(self) -> Any:
        return families("k1", json_values.from_parts(self._given, StatusReport), 1.0, True)


def samples(given: dict[str, Any]) -> dict[str, list[tuple[dict[str, str], float]]]:
    """Name → (labels, value) of what a scrape would show."""
    registry = CollectorRegistry()
    registry.register(_Given(given))
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(generate_latest(registry).decode()):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


HOSTILE = "04184963 山田 太郎\n"


def hostile_report() -> dict[str, Any]:
    """As if a courier or reception of another version said what it must not."""
    counts = json.loads(json_values.encode(Tally(0.0).counts(5.0)))
    counts["receptions"] = {HOSTILE: {HOSTILE: 1}, "mynumber": {"done": 3, HOSTILE: 1}}
    counts["counter_reasons"] = {HOSTILE: 1, "ambiguous": 2}
    counts["slips"] = {HOSTILE: 1, "printed": 3}
    return {
        "reception": {"alive": True, "screen": HOSTILE, "imports": HOSTILE, "card_reader": HOSTILE, "counts": counts},
        "courier": {"alive": True, "process": 1, "up_s": 7.0},
        "shares": {HOSTILE: {"state": "ok"}, "terminal.results": {"state": HOSTILE, "message": HOSTILE}},
        "delivery": {"oldest_undelivered_s": None, "undelivered": 0, "files": {}, "subsidies": {}},
        "alarms": [{"code": code, "subject": HOSTILE, "since": "", "name": HOSTILE} for code in (HOSTILE, "file_held")],
        "printer": {"state": HOSTILE, "paper_near_end": True},
        "wrong": [HOSTILE],
    }


def test_no_label_can_carry_a_patients_data() -> None:
    closed = {"way": WAYS, "outcome": OUTCOMES, "reason": REASONS, "result": SLIPS, "share": SHARES}
    seen = samples(hostile_report())
    for labels, _ in (each for rows in seen.values() for each in rows):
        for label, value in labels.items():
            if label == "code":
                assert value in EVENTS or value == "other"
            elif label != "le":
                assert label in FREE_LABELS or value in closed[label], (label, value)
    assert "山田" not in json.dumps(seen, ensure_ascii=False)
    assert ({"kiosk": "k1", "way": "mynumber", "outcome": "done"}, 3.0) in seen["kiosk_receptions_total"]
    assert {labels["code"]: value for labels, value in seen["kiosk_alarms"]} == {"file_held": 1.0, "other": 1.0}


def test_the_hospitals_system_has_figures_where_there_is_one() -> None:
    his = {
        "up": True,
        "seconds": 0.25,
        "unknown": 1,
        "custody": 2,
        "refused": 3,
        "oldest_at": -9.0,
        "day_list_at": -59.0,
    }
    seen = samples({"reception": {"alive": True, "his": his}, "courier": {"alive": True}})
    found = {name: rows[0][1] for name, rows in seen.items() if re.search("his|arrivals|outcome|outbox|list", name)}
    assert found == {
        "kiosk_his_up": 1.0, "kiosk_his_seconds": 0.25, "kiosk_outcome_unknown": 1.0, "kiosk_pending_arrivals": 2.0,
        "kiosk_refused_arrivals": 3.0, "kiosk_outbox_oldest_seconds": 10.0, "kiosk_day_list_age_seconds": 60.0,
    }  # fmt: skip
    not_asked = samples({"reception": {"alive": True, "his": {"unknown": 0}}, "courier": {"alive": True}})
    assert not [name for name in not_asked if re.search("his|arrivals|outcome|outbox|list", name)]


def test_nothing_is_claimed_of_what_is_not_known() -> None:
    """A courier that does not answer, a reception that is not there: no value instead of a good one."""
    seen = samples({"reception": {"alive": False}, "courier": {"alive": False}, "shares": {}, "delivery": None})
    assert set(seen) == {
        "kiosk_facts_timestamp_seconds", "kiosk_reception_up", "kiosk_courier_up", "kiosk_open", "kiosk_info",
    }  # fmt: skip
    assert seen["kiosk_reception_up"] == [({"kiosk": "k1"}, 0.0)]


def test_an_older_receptions_buckets_are_left_out() -> None:
    given = hostile_report()
    given["reception"]["counts"]["visit_seconds"]["bounds"] = [1, 2]
    assert "kiosk_visit_seconds_bucket" not in samples(given)


# --- the command, rules and dashboard ------------------------------------------------------------------------------


def metrics(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """`kiosk metrics` to its end, with `settings` in [metrics]; the shares' passwords are not there to be read."""
    text = with_("metrics", *(f'{key} = "{value}"' for key, value in settings.items()))
    site = folder / "site.toml"
    site.write_text(text.replace("/nowhere/kiosk", str(folder / "data")), encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "kiosk", "metrics", "--config", str(site), *arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip


def names_of_once(text: str) -> set[str]:
    """Every name that a rule may use, with values or without: HELP and TYPE lines are always there."""
    names = set()
    for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE):
        names |= {f"{name}{end}" for end in ("_bucket", "_sum", "_count")} if kind == "histogram" else {name}
    return names


def used_in(path: Path) -> set[str]:
    """Metric names in the expressions of a rule file or dashboard."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        dashboard = json.loads(text)
        variables = [each["query"] for each in dashboard["templating"]["list"]]
        queries = [query["query"] for query in variables if isinstance(query, dict)]
        text = "\n".join([*queries, *(each["expr"] for panel in dashboard["panels"] for each in panel["targets"])])
    return set(re.findall(r"\bkiosk_[a-z_]+", text))


def alerts() -> list[str]:
    return re.findall(r"^ +- alert: (\w+)$", (MONITORING / "alerts.yml").read_text(encoding="utf-8"), re.MULTILINE)


def test_once_prints_every_name_that_rules_and_dashboard_use(tmp_path: Path) -> None:
    done = metrics(tmp_path, "--once")
    assert (done.returncode, done.stderr) == (0, "")
    names = names_of_once(done.stdout)
    for name in ("alerts.yml", "dashboard.json"):
        used = used_in(MONITORING / name)
        assert len(used) > 10
        assert used - names == set(), name
    assert not (tmp_path / "data").exists()


def test_without_settings_it_says_so_and_ends_well(tmp_path: Path) -> None:
    done = metrics(tmp_path)
    assert (done.returncode, done.stderr) == (0, "[metrics] is not set: nothing is served or written\n")


@pytest.mark.parametrize("listen", ["0.0.0.0:9105", "192.0.2.7:9105", "[::]:9105", "kiosk.example:9105", "127.0.0.1"])
def test_nobody_outside_may_be_served(tmp_path: Path, listen: str) -> None:
    done = metrics(tmp_path, listen=listen)
    assert done.returncode == 2
    assert "[metrics] listen" in done.stderr


def test_a_port_that_is_taken_is_told_without_a_traceback(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = metrics(tmp_path, listen=f"127.0.0.1:{taken.getsockname()[1]}")
    assert done.returncode == 1
    assert re.fullmatch(r"\[metrics\] listen: 127\.0\.0\.1:\d+ cannot be used \(.+\)\n", done.stderr)


def test_a_push_without_its_password_is_told_at_once(tmp_path: Path) -> None:
    done = metrics(tmp_path, push="smb://monitor@192.0.2.9/figures")
    assert done.returncode == 2
    assert "[metrics] password_file" in done.stderr


@pytest.mark.peers
def test_the_alert_rules_do_what_their_tests_say() -> None:
    done = subprocess.run(
        [need("promtool"), "test", "rules", "alerts_test.yml"],
        cwd=MONITORING, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_seen_firing_and_explained_to_the_hospital() -> None:
    tests = (MONITORING / "alerts_test.yml").read_text(encoding="utf-8")
    fired = set(re.findall(r"alertname: (\w+)\n +exp_alerts:\n", tests))
    readme = (MONITORING / "README.md").read_text(encoding="utf-8")
    assert len(alerts()) > 10
    assert fired == set(alerts()) == set(re.findall(r"\bKiosk\w+", readme))


def test_the_dashboard_asks_the_chosen_source_for_the_chosen_kiosks() -> None:
    dashboard = json.loads((MONITORING / "dashboard.json").read_text(encoding="utf-8"))
    assert [each["name"] for each in dashboard["templating"]["list"]] == ["source", "kiosk"]
    for panel in dashboard["panels"]:
        assert panel["datasource"]["uid"] == "${source}"
        for target in panel["targets"]:
            chosen = target["expr"].count('{kiosk=~"$kiosk"')
            assert chosen == len(re.findall(r"\bkiosk_", target["expr"])) > 0
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
