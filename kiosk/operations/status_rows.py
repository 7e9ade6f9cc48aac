"""The report of `kiosk status` -> the rows of the technician's ［状態］, in Japanese. Pure.

Owns which row says what; the words are in assets/texts/ja/status.toml, those of the event log's codes in
events.toml. Must never lose a thing that is wrong (what no sentence fits is shown as it is), or say a number that is
not known.

Version and slot are not among the rows: root/description.version says them above.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from kiosk.appointments.retention import Retention
from kiosk.courier.summary import RaisedAlarm
from kiosk.machine.state import MachineState
from kiosk.operations.report import WITHOUT_NOTICES, Delivery, DeskState, ReportedProblem, ShareState, StatusReport
from kiosk.reception.run_status import TROUBLES, PrinterState
from kiosk.words import texts
from kiosk.words.problems import Problem, in_japanese, word
from kiosk.words.texts import Texts

# More rows than anybody reads would push the figures off the page.
WRONG_MAX: Final = 200
_SHARE_ALARMS: Final = ("share_down", "share_refused")


def rows(report: StatusReport) -> list[str]:
    """What is wrong, a row `NG …` each, or that nothing is; then the figures."""
    wrong = [f"NG {row}" for row in _wrong(report)]
    if len(wrong) > WRONG_MAX:
        wrong[WRONG_MAX - 1 :] = [f"NG {_row('more', count=len(wrong) - WRONG_MAX + 1)}"]
    return [
        *(wrong or [f"OK {_row('well')}"]),
        *_programs(report),
        *_his(report),
        *_desk(report.desk),
        *_shares(report),
        _undelivered(report),
        _others(report),
        _subsidies(report.delivery),
        *_printer(report.printer),
        *_machine(report.machine),
        *_retention(report.retention or Retention()),
    ]


# --- what is wrong ----------------------------------------------------------------------------------------------------


def _wrong(report: StatusReport) -> list[str]:
    problems, alarms = report.problems or (), []
    since: dict[str, str] = {}
    away = {each.role for each in problems if each.code == "share"}
    for alarm in report.alarms or ():
        # A share that is away and the alarms about that, the oldest first, are one thing.
        if alarm.code in _SHARE_ALARMS and alarm.subject in away:
            since.setdefault(alarm.subject, _since(alarm, report))
        else:
            alarms.append(alarm)
    found = [*(_problem(each, report, since) for each in problems), *(_alarm(each, report) for each in alarms)]
    # Of another version: in English rather than not at all.
    return found or list(report.wrong or ())


def _problem(problem: ReportedProblem, report: StatusReport, since: Mapping[str, str]) -> str:
    """`since`: by a share's role, how long it has been away."""
    code, role, state = problem.code, problem.role or "", problem.state or ""
    match code:
        case "share":
            details = [*_failure(report.shares.get(role)), since.get(role, "")]
            return _sentence(f"share_{state}", details, _of_share(role))
        case "printer":
            return _sentence(state, [])
        case "delivery_waits" | "reception_hangs" | "desk_waits":
            return _sentence(code, [_time(problem.seconds)])
        case _ if code in TROUBLES:
            return _sentence(code, [in_japanese(problem.reason) if problem.reason else ""])
    return _sentence(code, [problem.role or "", problem.state or "", problem.what or ""])


def _failure(share: ShareState | None) -> tuple[str, str]:
    """Where the share is, and why it failed; in English from a courier of a version with other codes."""
    if share is None:
        return "", ""
    with suppress(KeyError):
        failure = Problem(f"share_failures.{share.code}", share.parameters)
        return str(share.parameters["where"]), word(failure, "status", "ja")
    where, _, message = share.message.partition(": ")
    return where, message


def _alarm(alarm: RaisedAlarm, report: StatusReport) -> str:
    code, subject = alarm.code, alarm.subject
    if subject in _words()["shares"]:
        return _sentence(code, [code, _since(alarm, report)], _of_share(subject))
    number = subject.removeprefix("file ")
    about = alarm.name or (subject if number == subject else _row("file", number=number))
    return _sentence(code, [code, about, _since(alarm, report)])


def _sentence(code: str, details: list[str], share: str = "") -> str:
    """What is wrong and what to do, in one row. A code without a sentence stands for itself."""
    sentence = _words()["problems"].get(code) or texts.event_sentences().get(code) or code
    do = _words()["do"].get(code)
    more = "、".join(detail for detail in details if detail and detail != sentence)
    return f"{share}{': ' if share else ''}{sentence}{f'（{more}）' if more else ''}{f' → {do}' if do else ''}"


def _since(alarm: RaisedAlarm, report: StatusReport) -> str:
    """In the site's time. What is no time stays as it is."""
    at, zone = alarm.since, ZoneInfo("Asia/Tokyo")
    with suppress(ValueError, KeyError, OSError):
        zone = ZoneInfo(report.zone)
    with suppress(ValueError, OverflowError):
        at = f"{datetime.fromisoformat(at).astimezone(zone):%Y-%m-%d %H:%M:%S}"
    return _row("since", at=at) if at else ""


# --- the figures ------------------------------------------------------------------------------------------------------


def _programs(report: StatusReport) -> Iterator[str]:
    codes, up_s = {each.code for each in report.problems or ()}, report.courier.up_s
    if not report.courier.alive:
        yield _row("courier_hangs" if "courier_hangs" in codes else "courier_gone")
    else:
        yield _row("courier_up") if up_s is None else _row("courier_up_s", time=_time(up_s))
    if report.reception.alive:
        yield _row("reception_up")
    else:
        yield _row("reception_gone" if "reception_gone" in codes else "reception_stopped")


def _his(report: StatusReport) -> Iterator[str]:
    """Only where there is one."""
    his = report.reception.his
    if his is None:
        return
    yield _row({None: "his_unknown", True: "his_up", False: "his_away"}[his.up])
    yield _row("his_waiting", custody=his.custody, unknown=his.unknown, refused=his.refused)
    if his.day_list_at is not None:
        yield _row("his_day_list", at=f"{datetime.fromtimestamp(his.day_list_at, ZoneInfo(report.zone)):%m-%d %H:%M}")


def _desk(desk: DeskState | None) -> Iterator[str]:
    """Only where there is one."""
    if desk is None:
        return
    if not desk.alive:
        yield _row("desk_gone")
    elif desk.visits is not None and desk.open is not None:
        yield _row("desk_figures", visits=desk.visits, open=desk.open)
    else:
        yield _row("desk_up")
    if desk.missed:
        yield _row("desk_missed", count=desk.missed)


def _shares(report: StatusReport) -> Iterator[str]:
    names = _words()["share_states"]
    for role, share in report.shares.items():
        listed = _row("only_listed") if share.notices in WITHOUT_NOTICES else ""
        yield f"{_of_share(role)}: {names.get(share.state or 'not_tried', share.state)}{listed}"
    if not report.shares:
        yield _row("shares_unknown")


def _undelivered(report: StatusReport) -> str:
    """Only a courier that sees all of its shares knows what waits in the terminal's folder."""
    if report.delivery is None or report.delivery.undelivered is None:
        return _row("undelivered_unknown", why=_row("no_journal"))
    count, oldest_s = report.delivery.undelivered, report.delivery.oldest_undelivered_s
    oldest, known = ("", {}) if oldest_s is None else ("_oldest", {"time": _time(oldest_s)})
    alive, shares = report.courier.alive, report.shares.values()
    if alive and shares and all(share.state == "ok" for share in shares):
        return _row(f"undelivered{oldest}", count=count, **known)
    why = _row("no_share" if alive else "no_courier")
    return _row("undelivered_unknown", why=_row(f"recorded{oldest}", why=why, count=count, **known))


def _others(report: StatusReport) -> str:
    return _row("others_unknown") if report.other_files is None else _row("others", count=report.other_files)


def _subsidies(delivery: Delivery | None) -> str:
    if delivery is None:
        return _row("subsidies_unknown")
    names = _words()["subsidies"]
    counts = "、".join(f"{names.get(state, state)} {count} 件" for state, count in delivery.subsidies.items())
    return _row("subsidies", counts=counts) if counts else _row("subsidies_none")


def _printer(printer: PrinterState | None) -> Iterator[str]:
    """Both rows: the printer and its paper. One that is not asked says nothing of its paper."""
    if printer is None or printer.state != "ready":
        state = printer.state if printer else None
        yield _row("printer_wrong" if state else "printer_unknown")
        yield _row("paper_out" if state == "paper_out" else "paper_unknown")
        return
    yield _row("printer_connects" if printer.paper_known is False else "printer_ready")
    if printer.paper_near_end:
        yield _row("paper_near_end")
    else:
        yield _row("paper_there" if printer.paper_known else "paper_unknown")


def _machine(machine: MachineState) -> Iterator[str]:
    free, size = machine.disk_free_bytes, machine.disk_size_bytes
    if free is not None and size is not None:
        yield _row("disk", free=f"{free / 1e9:.1f}", size=f"{size / 1e9:.1f}")
    else:
        yield _row("disk_unknown")
    if machine.celsius:
        celsius, name = max((value, name) for name, value in machine.celsius.items())
        yield _row("temperature", celsius=celsius, name=name)
    else:
        yield _row("temperature_unknown")
    clock = {None: "clock_unknown", True: "clock_right", False: "clock_not_set"}
    yield _row(clock[machine.clock_synchronised])


def _retention(retention: Retention) -> list[str]:
    """Said for a week before anything is deleted for the first time."""
    start, days = retention.deletes_from, retention.keep_days
    return [_row("retention", at=start, days=days)] if start and days is not None else []


# --- words ------------------------------------------------------------------------------------------------------------


def _row(row: str, **values: object) -> str:
    return str(_words()["rows"][row]).format(**values)


def _of_share(role: str) -> str:
    return str(_words()["shares"].get(role, role))


def _time(seconds: float | None) -> str:
    """How long that is, in the two largest units."""
    if seconds is None:
        return ""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, days = minutes // 60, minutes // 1440
    unit = "days" if days else "hours" if hours else "minutes" if minutes else "seconds"
    return str(_words()["time"][unit]).format(days=days, hours=hours % 24, minutes=minutes % 60, seconds=rest)


def _words() -> Texts:
    return texts.load("status")
