"""What the screen may ask of root: a closed list of verbs, each with who may use it.

Owns the list, the checks of a request and the log of every use. Must never put a word of the client into an argument
list (the name of an update or a disk is compared with what was listed), and never log or return a PIN.

A verb gives any number of {"line": …} and {"progress": …} and one last object with "ok".
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final
from zoneinfo import ZoneInfo

from kiosk.appliance.machine import check_run, event_log, screen_owner
from kiosk.appliance.machine.lock import Busy
from kiosk.appliance.machine.places import Places
from kiosk.appliance.machine.programs import ProgramResult
from kiosk.appliance.machine.refused_usb import refused_devices
from kiosk.appliance.root import description
from kiosk.appliance.root import verbs_reservations as reservations
from kiosk.appliance.root.verb import CONFIRMED, Answer, Answers, Request, Verb, refuse
from kiosk.appliance.root.verbs_update import Updates
from kiosk.appliance.secrets import pin, sealed
from kiosk.appliance.words import line
from kiosk.config import ConfigError, load
from kiosk.operations import report, status_rows

# A technician's page whose program has died must not keep the reception closed.
FORGOTTEN_S: Final = 150.0
_STATUS_S: Final = 60.0
_SYSTEMD_S: Final = 90.0
_MAX_LINES: Final = 400
_OF_PAPER: Final = (["printer"], ["paper"], ["test_slip"])  # the second word of a line of the check


class Verbs:
    """The verbs of one machine. `now`: seconds that never go back."""

    def __init__(
        self, places: Places, log: event_log.StaffLog, *, now: Callable[[], float] = time.monotonic,
        gate: pin.Gate | None = None,
    ) -> None:  # fmt: skip
        self._places = places
        self._log = log
        self._now = now
        self._gate = gate or pin.Gate(places.appliance / "pin.json")
        self._session = pin.Session(now)
        self._busy = threading.Lock()
        self._used_at = now()
        updates = Updates(places)
        self._verbs: dict[str, Verb] = {
            "state": Verb(self._state, key=False),
            "open": Verb(self._open, key=False),
            "unlock": Verb(self._unlock, key=False),
            "leave": Verb(self._leave, key=False),
            "keep": Verb(self._keep),
            "status": Verb(lambda request: self._status(acknowledge=False)),
            "acknowledge": Verb(lambda request: self._status(acknowledge=True)),
            "network": Verb(self._network),
            "events": Verb(self._events),
            "check": Verb(lambda request: self._check(print_slip=False), alone=True),
            "print": Verb(lambda request: self._check(print_slip=True), alone=True),
            "restart": Verb(self._restart, alone=True),
            "restore": Verb(lambda request: reservations.restore(places), alone=True),
            "reboot": Verb(lambda request: self._down("reboot", request), key=False),
            "poweroff": Verb(lambda request: self._down("poweroff", request), key=False),
            "updates": Verb(updates.list_bundles, alone=True),
            "update": Verb(updates.install, alone=True),
            "previous": Verb(updates.previous, alone=True),
            "format": Verb(self._format, key=False, alone=True),
            "disks": Verb(updates.disks, key=False, alone=True),
            "write_disk": Verb(updates.write_disk, key=False, alone=True),
        }

    def answer(self, request: Request) -> Answers:
        """The answers to one request. Never raises for what is in the request."""
        name = request.get("do")
        verb = self._verbs.get(name) if isinstance(name, str) else None
        if verb is None or not isinstance(name, str):
            yield refuse("unknown")
            return
        if name != "state":
            self._used_at = self._now()
        if verb.key and not self._session.use(request.get("key")):
            yield refuse("no_session")
            return
        if verb.alone and not self._busy.acquire(blocking=False):
            yield refuse("busy")
            return
        last: Answer = refuse("broken_off")
        try:
            for each in verb.run(request):
                last = each
                yield each
        finally:
            if verb.alone:
                self._busy.release()
            self._used_at = self._now()
            if verb.key:
                self._session.renew()
            self._log_use(name, last)

    def close_idle_page(self) -> None:
        """To be called now and then: brings the reception back when the technician's page is up and unused."""
        if self._busy.locked() or self._now() - self._used_at < FORGOTTEN_S:
            return
        if screen_owner.current_page(self._places).get("page") == "technician":
            self._used_at = self._now()
            self._leave_page()

    def _log_use(self, name: str, last: Answer) -> None:
        if name not in ("state", "keep", "unlock", "leave"):
            code = "ok" if last.get("ok") else str(last.get("reason", "wrong"))
            self._log.write("staff_used", what=name, code=code)

    # --- for everybody who stands in front of the screen -------------------------------------------------------------

    def _state(self, request: Request) -> Answers:
        places = self._places
        yield {
            "ok": True,
            "page": screen_owner.current_page(places),
            "site": places.site_file.is_file() and not places.site_wrong.exists(),
            "technician": sealed.pin_file(places).is_file(),
            "locked_s": round(self._gate.locked_s()),
            "var": "broken" if places.var_broken.exists() else "ok",
            "stick": places.stick_link.exists(),
            "version": places.version,
            "slot": places.on_cmdline("rauc.slot") or "",
        }

    def _open(self, request: Request) -> Answers:
        if not sealed.pin_file(self._places).is_file():
            yield refuse("no_pin")
            return
        # Not from a page that asks for something else: only the reception and the page without a site lead here.
        if screen_owner.current_page(self._places).get("page") not in ("reception", "no_site", "technician"):
            yield refuse("busy")
            return
        yield {"ok": screen_owner.show({"page": "technician"}, self._places)}

    def _unlock(self, request: Request) -> Answers:
        given = request.get("pin")
        kept = sealed.pin_record(self._places)
        if kept is None or not isinstance(given, str) or len(given) > 64:
            yield refuse("no_pin")
            return
        outcome = self._gate.attempt(given, kept)
        if isinstance(outcome, pin.Right):
            self._log.write("staff_unlocked")
            yield {"ok": True, "key": self._session.begin()}
        elif isinstance(outcome, pin.Wrong):
            self._log.write("staff_wrong_pin", count=outcome.left)
            yield refuse("wrong_pin", left=outcome.left)
        else:
            self._log.write("staff_locked", seconds=round(outcome.wait_s))
            yield refuse("locked", wait_s=round(outcome.wait_s))

    def _leave(self, request: Request) -> Answers:
        if self._busy.locked():
            yield refuse("busy")
            return
        if screen_owner.current_page(self._places).get("page") == "technician":
            self._log.write("staff_left")
        yield {"ok": self._leave_page()}

    def _leave_page(self) -> bool:
        self._session.end()
        return screen_owner.leave_page(self._places)

    # --- with the PIN ------------------------------------------------------------------------------------------------

    def _keep(self, request: Request) -> Answers:
        yield {"ok": True}

    def _status(self, *, acknowledge: bool) -> Answers:
        """`acknowledge`: a person has seen what is wrong; alarms about single events are over."""
        yield from _lines(description.version(self._places))
        yield from _lines(line("machine.refused_usb", **each._asdict()) for each in refused_devices())
        if not self._places.site_file.is_file():
            yield refuse("no_site")
            return
        more = ["--acknowledge"] if acknowledge else []
        site = str(self._places.site_file)
        done = self._places.as_kiosk("status", "--config", site, "--json", *more, limit_s=_STATUS_S)
        found = report.decode(done.out)
        # 1: something is wrong, and the report says what.
        if done.code not in (0, 1) or found is None:
            yield refuse("failed", text=line("machine.no_status", code=done.code))
            return
        yield from _lines(status_rows.rows(found))
        yield {"ok": True, "well": done.code == 0}

    def _network(self, request: Request) -> Answers:
        yield from _lines(description.network(self._places))
        yield {"ok": True}

    def _events(self, request: Request) -> Answers:
        zone = ZoneInfo("Asia/Tokyo")
        with suppress(ConfigError):
            zone = load(self._places.site_file, {}, passwords=False).site.zone
        yield from _lines(event_log.last(self._places, zone))
        yield {"ok": True}

    def _check(self, *, print_slip: bool) -> Answers:
        wrong = 0
        seen = 0
        try:
            for each in check_run.lines(self._places, print_slip=print_slip):
                seen += 1
                # The paper test says what became of the paper; the other lines are the check's.
                if not print_slip or each.split()[1:2] in _OF_PAPER:
                    wrong += each.startswith("NG")
                    yield {"line": each}
        except Busy:
            yield refuse("busy")
            return
        yield {"ok": seen > 0, "wrong": wrong} if seen else refuse("failed", text=line("machine.no_check"))

    def _restart(self, request: Request) -> Answers:
        done = self._places.call("systemctl", "restart", "kiosk-courier.service", limit_s=_SYSTEMD_S)
        self._leave_page()
        yield _done(done)

    # --- with the PIN, or without where nobody can have one -------------------------------------------------------

    def _down(self, what: str, request: Request) -> Answers:
        """Without the PIN where no reception would be interrupted: there may be no site, hence no PIN."""
        if screen_owner.usual_page(self._places) is None and not self._session.use(request.get("key")):
            yield refuse("no_session")
            return
        yield _done(self._places.call("systemctl", "--no-block", what, limit_s=_SYSTEMD_S))

    def _format(self, request: Request) -> Answers:
        """The next boot formats /var. Without the PIN only where it is lost with /var itself and a stick with the
        site is plugged in.
        """
        if request.get("confirmed") != CONFIRMED:
            yield refuse("not_confirmed")
            return
        lost = self._places.var_broken.exists() and self._places.stick_link.exists()
        if not lost and not self._session.use(request.get("key")):
            yield refuse("no_session")
            return
        done = self._places.call("grub-editenv", str(self._places.grubenv), "set", "kiosk_format=1", limit_s=_SYSTEMD_S)
        if done.ok:
            done = self._places.call("systemctl", "--no-block", "reboot", limit_s=_SYSTEMD_S)
        yield _done(done)


def _lines(texts: Iterable[str]) -> Answers:
    yield from ({"line": text} for text in itertools.islice(texts, _MAX_LINES))


def _done(result: ProgramResult) -> Answer:
    return {"ok": True} if result.ok else refuse("failed", text=line("machine.not_done", code=result.code))
