"""`kiosk status --json` -> the rows of the technician's ［状態］, in Japanese. Pure.

Owns which row says what; the words are in assets/texts/ja/status.toml, those of the event log's codes in
events.toml. Must never lose a thing that is wrong (what no sentence fits is shown as it is), say a number that is
not known, or believe that the facts have the right shape: they pass through the reception's user.

Version and slot are not among the rows: machine_words.version says them above.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from functools import cache
from typing import Any, Final, TypeGuard
from zoneinfo import ZoneInfo

from kiosk.reception.troubles import TROUBLES
from kiosk.words import texts
from kiosk.words.events import words
from kiosk.words.problems import Problem, word
from kiosk.words.texts import Texts

Facts = Mapping[str, Any]

# More rows than anybody reads would push the figures off the page.
WRONG_MAX: Final = 200
_SHARE_ALARMS: Final = ("share_down", "share_refused")
_SHRUNK: Final = re.compile(r"(\d{4}-\d\d-\d\d): (\d+) appointments instead of (\d+)")
_LINE: Final = re.compile(r"\bline (\d+):")
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
# No figure of a machine is larger; what is, is none.
_MOST: Final = 1e18


def facts_in(answer: bytes) -> Facts | None:
    """What `kiosk status --json` wrote; None: that is no answer of it."""
    with suppress(ValueError, RecursionError):
        read = json.loads(answer)
        if isinstance(read, dict) and isinstance(read.get("wrong"), list):
            return read
    return None


def rows(facts: Facts) -> list[str]:
    """What is wrong, a row `NG …` each, or that nothing is; then the figures."""
    wrong = [f"NG {row}" for row in _wrong(facts)]
    if len(wrong) > WRONG_MAX:
        wrong[WRONG_MAX - 1 :] = [f"NG {_row('more', count=len(wrong) - WRONG_MAX + 1)}"]
    return [
        *(wrong or [f"OK {_row('well')}"]),
        *_programs(facts),
        *_shares(facts),
        _undelivered(facts),
        _others(facts),
        _subsidies(facts),
        *_printer(_part(facts, "printer")),
        *_machine(_part(facts, "machine")),
        *_retention(_part(facts, "retention")),
    ]


# --- what is wrong ----------------------------------------------------------------------------------------------------


def _wrong(facts: Facts) -> list[str]:
    problems, alarms = _listed(facts, "problems"), []
    since: dict[str, str] = {}
    away = {str(each.get("role")) for each in problems if each.get("code") == "share"}
    for alarm in _listed(facts, "alarms"):
        role = str(alarm.get("subject"))
        # A share that is away and the alarms about that, the oldest first, are one thing.
        if alarm.get("code") in _SHARE_ALARMS and role in away:
            since.setdefault(role, _since(alarm, facts))
        else:
            alarms.append(alarm)
    said = [*(_problem(each, facts, since) for each in problems), *(_alarm(each, facts) for each in alarms)]
    return said or [str(sentence) for sentence in facts["wrong"]]


def _problem(problem: Facts, facts: Facts, since: Mapping[str, str]) -> str:
    """`since`: by a share's role, how long it has been away."""
    code, role, state = (str(problem.get(key) or "") for key in ("code", "role", "state"))
    match code:
        case "share":
            details = [*_failure(_part(facts, "shares", role)), since.get(role, "")]
            return _told(f"share_{state}", details, _of_share(role))
        case "printer":
            return _told(state, [])
        case "delivery_waits" | "reception_hangs":
            return _told(code, [_time(problem.get("seconds"))])
        case _ if code in TROUBLES:
            # The reason itself is English; ［記録］ has it.
            return _told(code, _reasons(str(problem.get("what"))))
    return _told(code, [str(value) for name, value in problem.items() if name != "code"])


def _failure(share: Facts) -> tuple[str, str]:
    """Where the share is, and why it failed; in English from a courier of a version with other codes."""
    parameters = _part(share, "parameters")
    with suppress(KeyError):
        return str(parameters["where"]), word(
            Problem(f"share_failures.{share.get('code')}", parameters), "status", "ja"
        )
    where, _, message = str(share.get("message") or "").partition(": ")
    return where, message


def _reasons(what: str) -> list[str]:
    """What of a reason in English can be said in Japanese: lines, days and what they lost, the usual causes."""
    said = [_row("shrunk", day=day, after=after, before=before) for day, after, before in _SHRUNK.findall(what)]
    said += [japanese for english, japanese in _words()["imports"].items() if english in what]
    line = _LINE.search(what)
    return [*said, _row("line", line=line[1])] if line else said


def _alarm(alarm: Facts, facts: Facts) -> str:
    code, subject, name = (str(alarm.get(key) or "") for key in ("code", "subject", "name"))
    if subject in _words()["shares"]:
        return _told(code, [code, _since(alarm, facts)], _of_share(subject))
    number = subject.removeprefix("file ")
    about = name or (subject if number == subject else _row("file", number=number))
    return _told(code, [code, about, _since(alarm, facts)])


def _told(code: str, details: list[str], share: str = "") -> str:
    """What is wrong and what to do, in one row. A code without a sentence stands for itself."""
    sentence = _words()["problems"].get(code) or _of_events().get(code) or code
    do = _words()["do"].get(code)
    more = "、".join(detail for detail in details if detail and detail != sentence)
    return f"{share}{': ' if share else ''}{sentence}{f'（{more}）' if more else ''}{f' → {do}' if do else ''}"


def _since(alarm: Facts, facts: Facts) -> str:
    """In the site's time. What is no time stays as it is."""
    at, zone = str(alarm.get("since") or ""), ZoneInfo("Asia/Tokyo")
    with suppress(ValueError, KeyError, OSError):
        zone = ZoneInfo(str(facts.get("zone")))
    with suppress(ValueError, OverflowError):
        at = f"{datetime.fromisoformat(at).astimezone(zone):%Y-%m-%d %H:%M:%S}"
    return _row("since", at=at) if at else ""


# --- the figures ------------------------------------------------------------------------------------------------------


def _programs(facts: Facts) -> Iterator[str]:
    codes = {str(each.get("code")) for each in _listed(facts, "problems")}
    up_s = _part(facts, "courier").get("up_s")
    if not _courier_answers(facts):
        yield _row("courier_hangs" if "courier_hangs" in codes else "courier_gone")
    else:
        yield _row("courier_up_s", time=_time(up_s)) if _is_number(up_s) else _row("courier_up")
    if _part(facts, "reception").get("alive") is True:
        yield _row("reception_up")
    else:
        yield _row("reception_gone" if "reception_gone" in codes else "reception_stopped")


def _shares(facts: Facts) -> Iterator[str]:
    names = _words()["share_states"]
    for role in _part(facts, "shares"):
        state = _part(facts, "shares", role).get("state")
        yield f"{_of_share(role)}: {names['not_tried'] if state is None else names.get(str(state), state)}"
    if not _part(facts, "shares"):
        yield _row("shares_unknown")


def _undelivered(facts: Facts) -> str:
    """Only a courier that sees all of its shares knows what waits in the terminal's folder."""
    delivery = _part(facts, "delivery")
    count, oldest_s = delivery.get("undelivered"), delivery.get("oldest_undelivered_s")
    if not _is_number(count):
        return _row("undelivered_unknown", why=_row("no_journal"))
    oldest, known = ("_oldest", {"time": _time(oldest_s)}) if _is_number(oldest_s) else ("", {})
    shares = _part(facts, "shares")
    if _courier_answers(facts) and shares and all(_part(shares, role).get("state") == "ok" for role in shares):
        return _row(f"undelivered{oldest}", count=count, **known)
    why = _row("no_share" if _courier_answers(facts) else "no_courier")
    return _row("undelivered_unknown", why=_row(f"recorded{oldest}", why=why, count=count, **known))


def _others(facts: Facts) -> str:
    count = facts.get("other_files")
    return _row("others", count=count) if _is_number(count) else _row("others_unknown")


def _subsidies(facts: Facts) -> str:
    if not isinstance(facts.get("delivery"), Mapping):
        return _row("subsidies_unknown")
    names, counts = _words()["subsidies"], _part(facts, "delivery", "subsidies")
    said = "、".join(f"{names.get(state, state)} {count} 件" for state, count in counts.items())
    return _row("subsidies", counts=said) if said else _row("subsidies_none")


def _printer(printer: Facts) -> Iterator[str]:
    """Both rows: the printer and its paper. One that is not asked says nothing of its paper."""
    state, paper_known = printer.get("state"), printer.get("paper_known")
    if state != "ready":
        yield _row("printer_wrong" if state else "printer_unknown")
        yield _row("paper_out" if state == "paper_out" else "paper_unknown")
        return
    yield _row("printer_connects" if paper_known is False else "printer_ready")
    if printer.get("paper_near_end") is True:
        yield _row("paper_near_end")
    else:
        yield _row("paper_there" if paper_known is True else "paper_unknown")


def _machine(machine: Facts) -> Iterator[str]:
    free, size = machine.get("disk_free_bytes"), machine.get("disk_size_bytes")
    if _is_number(free) and _is_number(size):
        yield _row("disk", free=f"{free / 1e9:.1f}", size=f"{size / 1e9:.1f}")
    else:
        yield _row("disk_unknown")
    sensors = [(value, name) for name, value in _part(machine, "celsius").items() if _is_number(value)]
    if sensors:
        celsius, name = max(sensors)
        yield _row("temperature", celsius=celsius, name=name)
    else:
        yield _row("temperature_unknown")
    synchronised = machine.get("clock_synchronised")
    if isinstance(synchronised, bool):
        yield _row("clock_right" if synchronised else "clock_not_set")
    else:
        yield _row("clock_unknown")


# --- facts of any shape -----------------------------------------------------------------------------------------------


def _part(facts: Facts, *names: str) -> Facts:
    """A table within the facts; {} where there is none."""
    for name in names:
        found = facts.get(name)
        facts = found if isinstance(found, Mapping) else {}
    return facts


def _listed(facts: Facts, name: str) -> list[Facts]:
    found = facts.get(name)
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def _courier_answers(facts: Facts) -> bool:
    return _part(facts, "courier").get("alive") is True


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and -_MOST < value < _MOST


def _retention(kept: Facts) -> list[str]:
    """Said for a week before anything is deleted for the first time."""
    start, days = str(kept.get("deletes_from") or ""), kept.get("keep_days")
    return [_row("retention", at=start, days=days)] if _DAY.fullmatch(start) and _is_number(days) else []


# --- words ------------------------------------------------------------------------------------------------------------


def _row(row: str, **values: object) -> str:
    return str(_words()["rows"][row]).format(**values)


def _of_share(role: str) -> str:
    return str(_words()["shares"].get(role, role))


def _time(seconds: object) -> str:
    """How long that is, in the two largest units."""
    if not _is_number(seconds):
        return ""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, days = minutes // 60, minutes // 1440
    unit = "days" if days else "hours" if hours else "minutes" if minutes else "seconds"
    return str(_words()["time"][unit]).format(days=days, hours=hours % 24, minutes=minutes % 60, seconds=rest)


@cache
def _words() -> Texts:
    return texts.load("status")


@cache
def _of_events() -> Mapping[str, str]:
    return words()
