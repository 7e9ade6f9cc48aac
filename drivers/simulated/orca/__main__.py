"""`python -m drivers.simulated.orca`: the simulated ORCA by itself, for whoever tries a kiosk by hand.

    python -m drivers.simulated.orca --port 18000 --password-file his.secret

It writes one JSON object with its `url`, and one for each line that it reads from standard input:

    patient NUMBER BIRTH NAME [KANA] [--deceased] [--in-hospital]     somebody new; BIRTH as 1944-03-09
    book NUMBER DAY TIME DEPARTMENT DOCTOR [KIND]                     codes; DAY as 2026-11-24 or today+7; TIME as 09:00
    window NUMBER TIME DEPARTMENT DOCTOR                              staff register him today
    receptions                                                        of today, with who made each
    calls                                                             how often each call was asked
    fail KIND [CALL …] [times=N] [code=90] [seconds=0.4] [stores=no]  see drivers/simulated/orca/faults.py
    refuse DEPARTMENT CODE                                            it takes no reception
    set NAME VALUE                                                    see drivers/simulated/orca/manners.py
    heal                                                              nothing fails, nobody is refused
    off, on                                                           the server

Serves until it is asked to end (SIGTERM, Ctrl-C), whether standard input ends or not. `--example` makes two patients
with appointments today: 12 (09:00 内科, 11:00 眼科) and 34 (in a week).
"""

import argparse
import json
import shlex
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any, Final, get_args

from drivers.simulated.orca import CALLS, Call, Kind, Manners, Patient, SimulatedOrca, server_tls

TYPES: Final[dict[type, Callable[[str], Any]]] = {bool: lambda text: text == "yes", int: int, float: float, str: str}


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(
        prog="python -m drivers.simulated.orca",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    parser.add_argument("--user", default="kiosk")
    parser.add_argument("--password-file", type=Path, help="its first line; default: the password is made up and shown")
    parser.add_argument("--prefix", default="", help="/api as WebORCA has it")
    parser.add_argument("--certificate", type=Path, help="PEM with certificate and key; then it speaks https")
    parser.add_argument("--client-ca", type=Path, help="PEM; a client must have one of these certificates")
    parser.add_argument("--example", action="store_true", help="two patients with appointments")
    asked = parser.parse_args(argv)
    password = asked.password_file.read_text(encoding="utf-8").splitlines()[0] if asked.password_file else ""
    tls = server_tls(asked.certificate, clients=asked.client_ca) if asked.certificate else None
    manners = Manners(prefix=asked.prefix)
    orca = SimulatedOrca(port=asked.port, user=asked.user, password=password, tls=tls, manners=manners)
    ended = threading.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: ended.set())
    with orca:
        if asked.example:
            _example(orca)
        _write({"url": orca.url, **({} if asked.password_file else {"password": orca.password})})
        threading.Thread(target=_read, args=(Commands(orca),), daemon=True).start()
        ended.wait()
    return 0


def _read(commands: "Commands") -> None:
    for line in sys.stdin:
        if line.strip():
            _write(commands.carry_out(line))


def _write(answer: dict[str, Any]) -> None:
    print(json.dumps(answer, ensure_ascii=False), flush=True)  # noqa: T201 - the command's answer


def _example(orca: SimulatedOrca) -> None:
    today = orca.manners.clock().date()
    orca.hospital.add(
        Patient("12", "日医　太郎", "ニチイ　タロウ", date(1944, 3, 9)),
        Patient("34", "例示　花子", "レイジ　ハナコ", date(1951, 12, 1), "2"),
    )
    orca.hospital.book("12", today, time(9, 0), "01", "10001")
    orca.hospital.book("12", today, time(11, 0), "26", "10002", note="前回欠席")
    orca.hospital.book("34", today + timedelta(days=7), time(10, 0), "01", "10001")


class Commands:
    """Carries out a line of standard input on `orca`."""

    def __init__(self, orca: SimulatedOrca) -> None:
        self._orca = orca

    def carry_out(self, line: str) -> dict[str, Any]:
        """What to answer; `error`: the line is none, and nothing was done."""
        try:
            name, *rest = shlex.split(line)
            does: Callable[..., dict[str, Any] | None] = getattr(self, f"do_{name}")
            return does(*rest) or {"ok": name}
        except (AttributeError, TypeError, ValueError, KeyError, AssertionError) as error:
            return {"error": f"{type(error).__name__}: {error}", "line": line.strip()}

    def do_patient(self, number: str, birth: str, name: str, *more: str) -> None:
        """Somebody new."""
        kana = [text for text in more if not text.startswith("--")]
        self._orca.hospital.add(
            Patient(
                number, name, kana[0] if kana else "", date.fromisoformat(birth),
                deceased="--deceased" in more, in_hospital="--in-hospital" in more,
            )
        )  # fmt: skip

    def do_book(self, number: str, day: str, at: str, department: str, doctor: str, kind: str = "01") -> None:
        """An appointment."""
        self._orca.hospital.book(number, self._day(day), time.fromisoformat(at), department, doctor, kind)

    def do_window(self, number: str, at: str, department: str, doctor: str) -> dict[str, Any]:
        """Staff register somebody."""
        day = self._day("today")
        made = self._orca.hospital.staff_register(number, day, time.fromisoformat(at), department, doctor)
        return {"ok": "window", "acceptance_id": made.acceptance_id}

    def do_receptions(self) -> dict[str, Any]:
        """Those of today."""
        return {
            "receptions": [
                {
                    "patient": one.number, "acceptance_id": one.acceptance_id, "at": one.at.isoformat("seconds"),
                    "department": one.department, "doctor": one.doctor, "by_staff": one.by_staff,
                }
                for one in self._orca.hospital.receptions_of(self._day("today"))
            ]
        }  # fmt: skip

    def do_calls(self) -> dict[str, Any]:
        """How often each was asked."""
        return {"calls": Counter(call.name for call in self._orca.calls)}

    def do_fail(self, kind: Kind, *more: str) -> None:
        """Something goes wrong."""
        calls: list[Call] = [call for call in CALLS if call in more]
        wishes = dict(text.split("=", 1) for text in more if "=" in text)
        unknown = {text for text in more if "=" not in text} - set(calls)
        if (
            kind not in get_args(Kind)
            or unknown
            or int(wishes.get("times", "1")) < 1
            or wishes.keys() - {"times", "code", "seconds", "stores"}
        ):
            raise ValueError(f"kinds: {', '.join(get_args(Kind))}; calls: {', '.join(CALLS)}")
        self._orca.fail(
            kind, *calls,
            times=int(wishes["times"]) if "times" in wishes else None,
            code=wishes.get("code", "90"),
            seconds=float(wishes.get("seconds", "0.4")),
            stores=wishes.get("stores", "yes") == "yes",
        )  # fmt: skip

    def do_refuse(self, department: str, code: str) -> None:
        """A department takes no reception."""
        self._orca.hospital.refuses[department] = code

    def do_set(self, name: str, value: str) -> None:
        """How this installation is."""
        before = getattr(self._orca.manners, name)
        setattr(self._orca.manners, name, TYPES[type(before)](value))

    def do_heal(self) -> None:
        """Nothing fails any more."""
        self._orca.heal()
        self._orca.hospital.refuses.clear()

    def do_off(self) -> None:
        """Switch the server off."""
        self._orca.stop()

    def do_on(self) -> None:
        """Switch it on again."""
        self._orca.start()

    def _day(self, text: str) -> date:
        """2026-11-24, today or today+7."""
        if not text.startswith("today"):
            return date.fromisoformat(text)
        return self._orca.manners.clock().date() + timedelta(days=int(text.removeprefix("today") or 0))


if __name__ == "__main__":
    sys.exit(main())
