"""What the screen may ask of root: a closed list of verbs, each with who may use it.

Owns the list, the checks of a request and the log of every use. Must never put a word of the client into an argument
list (the name of an update or a disk is compared with what was listed), and never log or return a PIN.

A verb gives any number of {"line": …} and {"progress": …} and one last object with "ok".
"""

from __future__ import annotations

import itertools
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from kiosk.appliance.machine import check_run, event_log, screen_owner
from kiosk.appliance.machine.places import Busy, Places, ProgramResult
from kiosk.appliance.machine.refused_usb import refused_devices
from kiosk.appliance.root import description
from kiosk.appliance.secrets import pin, sealed
from kiosk.appliance.site import outcomes
from kiosk.appliance.update import bundle_sources, bundles, installer, update
from kiosk.appliance.words import Failure, line, worded
from kiosk.config import ConfigError, load
from kiosk.operations import report, status_rows
from kiosk.process import tries

# A technician's page whose program has died must not keep the reception closed.
FORGOTTEN_S: Final = 150.0
# What a request that cannot be undone has as "confirmed": the person was asked so often.
CONFIRMED: Final = 2
_STATUS_S: Final = 60.0
_SYSTEMD_S: Final = 90.0
# A large database is copied and checked, and exports are imported again.
_RESTORE_S: Final = 240.0
_MAX_LINES: Final = 400
# What `kiosk desk user chief` prints: the account, and a password made of groups.
_FIRST_PASSWORD: Final = re.compile(rb"([a-z]{1,32}) ([2-9a-z]{4}(?:-[2-9a-z]{4}){3})")
_OF_PAPER: Final = (["printer"], ["paper"], ["test_slip"])  # the second word of a line of the check

Request = Mapping[str, Any]
Answer = dict[str, Any]
Answers = Iterator[Answer]


@dataclass(frozen=True)
class Verb:
    """`run`: the last object, or all of them. `key`: only with a session's key. `alone`: one such verb at a time."""

    run: Callable[[Request], Answer | Answers]
    key: bool = True
    alone: bool = False


class Verbs:
    """The verbs of one machine. `now`: seconds that never go back."""

    def __init__(
        self, places: Places, log: event_log.StaffLog, *, now: Callable[[], float] = time.monotonic,
        gate: tries.Tries | None = None,
    ) -> None:  # fmt: skip
        self._places = places
        self._log = log
        self._now = now
        self._gate = gate or tries.Tries(places.pin_tries)
        self._session = pin.Session(now)
        self._busy = threading.Lock()
        self._used_at = now()
        self._bundles: frozenset[str] = frozenset()  # as listed last
        self._disks: frozenset[str] = frozenset()
        self._desk_of = (0, False)  # the site's [desk], by the time of its file: the page asks each second
        self._verbs: dict[str, Verb] = {
            "state": Verb(self._state, key=False),
            "open": Verb(self._open, key=False),
            "unlock": Verb(self._unlock, key=False),
            "leave": Verb(self._leave, key=False),
            "keep": Verb(lambda request: {"ok": True}),
            "status": Verb(lambda request: self._status(acknowledge=False)),
            "acknowledge": Verb(lambda request: self._status(acknowledge=True)),
            "network": Verb(self._network),
            "events": Verb(self._events),
            "check": Verb(lambda request: self._check(print_slip=False), alone=True),
            "print": Verb(lambda request: self._check(print_slip=True), alone=True),
            "restart": Verb(self._restart, alone=True),
            "restore": Verb(self._restore, alone=True),
            "desk_chief": Verb(self._desk_chief, alone=True),
            "reboot": Verb(lambda request: self._down("reboot", request), key=False),
            "poweroff": Verb(lambda request: self._down("poweroff", request), key=False),
            "updates": Verb(self._list_bundles, alone=True),
            "update": Verb(self._install, alone=True),
            "previous": Verb(lambda request: _last(update.start_previous(places)), alone=True),
            "format": Verb(self._format, key=False, alone=True),
            "disks": Verb(self._list_disks, key=False, alone=True),
            "write_disk": Verb(self._write_disk, key=False, alone=True),
        }

    def answer(self, request: Request) -> Answers:
        """The answers to one request. Never raises for what is in the request."""
        name = request.get("do")
        if not isinstance(name, str) or name not in self._verbs:
            yield refuse("unknown")
            return
        verb = self._verbs[name]
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
            answers = verb.run(request)
            for each in [answers] if isinstance(answers, dict) else answers:
                last = each
                yield each
        finally:
            if verb.alone:
                self._busy.release()
            self._used_at = self._now()
            if verb.key:
                self._session.renew()
            if name not in ("state", "keep", "unlock", "leave"):
                code = "ok" if last.get("ok") else str(last.get("reason", "wrong"))
                self._log.write("staff_used", what=name, code=code)

    def close_idle_page(self) -> None:
        """To be called now and then: brings the reception back when the technician's page is up and unused."""
        if self._busy.locked() or self._now() - self._used_at < FORGOTTEN_S:
            return
        if screen_owner.current_page(self._places).get("page") == "technician":
            self._used_at = self._now()
            self._leave_page()

    # --- for everybody who stands in front of the screen -------------------------------------------------------------

    def _state(self, request: Request) -> Answer:
        places = self._places
        return {
            "ok": True,
            "page": screen_owner.current_page(places),
            "site": places.site_file.is_file() and not places.site_wrong.exists(),
            "technician": sealed.pin_file(places).is_file(),
            "locked_s": round(self._gate.locked_s()),
            "var": "broken" if places.var_broken.exists() else "ok",
            "stick": places.stick_link.exists(),
            "version": places.version,
            "slot": places.on_cmdline("rauc.slot") or "",
            "desk": self._has_desk(),
        }

    def _open(self, request: Request) -> Answer:
        if not sealed.pin_file(self._places).is_file():
            return refuse("no_pin")
        # Not from a page that asks for something else: only the reception and the page without a site lead here.
        if screen_owner.current_page(self._places).get("page") not in ("reception", "no_site", "technician"):
            return refuse("busy")
        return {"ok": screen_owner.show({"page": "technician"}, self._places)}

    def _unlock(self, request: Request) -> Answer:
        given = request.get("pin")
        kept = sealed.pin_record(self._places)
        if kept is None or not isinstance(given, str) or len(given) > 64:
            return refuse("no_pin")
        match self._gate.attempt(given, kept):
            case tries.Right():
                self._log.write("staff_unlocked")
                return {"ok": True, "key": self._session.begin()}
            case tries.Wrong(left):
                self._log.write("staff_wrong_pin", count=left)
                return refuse("wrong_pin", left=left)
            case tries.Locked(wait_s):
                self._log.write("staff_locked", seconds=round(wait_s))
                return refuse("locked", wait_s=round(wait_s))

    def _leave(self, request: Request) -> Answer:
        if self._busy.locked():
            return refuse("busy")
        if screen_owner.current_page(self._places).get("page") == "technician":
            self._log.write("staff_left")
        return {"ok": self._leave_page()}

    def _leave_page(self) -> bool:
        self._session.end()
        return screen_owner.leave_page(self._places)

    # --- with the PIN ------------------------------------------------------------------------------------------------

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
        wrong, seen = 0, False
        try:
            for each in check_run.lines(self._places, print_slip=print_slip):
                seen = True
                # The paper test says what became of the paper; the other lines are the check's.
                if not print_slip or each.split()[1:2] in _OF_PAPER:
                    wrong += each.startswith("NG")
                    yield {"line": each}
        except Busy:
            yield refuse("busy")
            return
        yield {"ok": True, "wrong": wrong} if seen else refuse("failed", text=line("machine.no_check"))

    def _restart(self, request: Request) -> Answer:
        done = self._systemctl("restart", "kiosk-courier.service")
        # Only where it runs. A reception without it sends patients to the counter, and goes on.
        self._systemctl("try-restart", "kiosk-his.service")
        self._leave_page()
        return done

    def _restore(self, request: Request) -> Answers:
        """The reservations from their backup. `well` False: a person must still import something.

        The old database is put aside, whatever is wrong with it. No line of the command that is none of its answers
        is passed on.
        """
        if not self._places.site_file.is_file():
            yield refuse("no_site")
            return
        command = ("reservations", "restore", "--json", "--config", str(self._places.site_file))
        done = self._places.as_kiosk(*command, limit_s=_RESTORE_S)
        found = outcomes.answers_in(done.out)
        if any(each.code.startswith("restored.") for each in found) and done.code in (0, 1):
            yield from _lines(outcomes.in_japanese(each) for each in found)
            yield {"ok": True, "well": done.code == 0}
        else:
            why = outcomes.why(found, done, _RESTORE_S, "command.not_restored")
            yield refuse("failed", text=outcomes.in_japanese(why))

    def _desk_chief(self, request: Request) -> Answers:
        """A first password for the desk's chief. It is on the screen once, and in no log."""
        if not self._places.site_file.is_file():
            yield refuse("no_site")
            return
        command = ("desk", "user", "chief", "--config", str(self._places.site_file))
        done = self._places.as_desk(*command, limit_s=_STATUS_S)
        found = _FIRST_PASSWORD.fullmatch(done.out.strip())
        if not done.ok or found is None:
            yield refuse("failed", text=line("machine.not_done", code=done.code))
            return
        name, password = (each.decode() for each in found.groups())
        yield from _lines((line("desk_chief.name", name=name), line("desk_chief.password", password=password)))
        yield {"ok": True}

    def _has_desk(self) -> bool:
        try:
            changed = self._places.site_file.stat().st_mtime_ns
            if changed != self._desk_of[0]:
                self._desk_of = changed, load(self._places.site_file, {}, passwords=False).desk is not None
        except (OSError, ConfigError):
            return False
        return self._desk_of[1]

    def _list_bundles(self, request: Request) -> Answer:
        found = bundle_sources.list_bundles(self._places)
        self._bundles = frozenset(bundle.name for bundle in found)
        return {"ok": True, "bundles": [asdict(bundle) for bundle in found]}

    def _install(self, request: Request) -> Answers:
        """The machine goes on with the old version until it is restarted."""
        name = request.get("name")
        if not isinstance(name, str) or name not in self._bundles:
            yield refuse("unknown")
            return
        for step in update.install(name, self._places):
            yield {"progress": step} if isinstance(step, int) else _last(step)

    # --- with the PIN, or without where nobody can have one -------------------------------------------------------

    def _down(self, what: str, request: Request) -> Answer:
        """Without the PIN where no reception would be interrupted: there may be no site, hence no PIN."""
        if screen_owner.usual_page(self._places) is None and not self._session.use(request.get("key")):
            return refuse("no_session")
        return self._systemctl("--no-block", what)

    def _systemctl(self, *arguments: str) -> Answer:
        return _done(self._places.call("systemctl", *arguments, limit_s=_SYSTEMD_S))

    def _format(self, request: Request) -> Answer:
        """The next boot formats /var. Without the PIN where it is lost with /var itself and the site's stick is in."""
        if request.get("confirmed") != CONFIRMED:
            return refuse("not_confirmed")
        lost = self._places.var_broken.exists() and self._places.stick_link.exists()
        if not lost and not self._session.use(request.get("key")):
            return refuse("no_session")
        done = self._places.call("grub-editenv", str(self._places.grubenv), "set", "kiosk_format=1", limit_s=_SYSTEMD_S)
        return self._systemctl("--no-block", "reboot") if done.ok else _done(done)

    # --- from the installer's stick ----------------------------------------------------------------------------------

    def _list_disks(self, request: Request) -> Answer:
        if not self._places.is_installer:
            return refuse("not_installing")
        found = installer.disks(self._places)
        self._disks = frozenset(disk.name for disk in found)
        return {"ok": True, "disks": [asdict(disk) for disk in found]}

    def _write_disk(self, request: Request) -> Answers:
        name = request.get("name")
        if not self._places.is_installer or request.get("confirmed") != CONFIRMED:
            yield refuse("not_confirmed" if self._places.is_installer else "not_installing")
            return
        if not isinstance(name, str) or name not in self._disks:
            yield refuse("unknown")
            return
        try:
            for percent in installer.write(self._places, name):
                yield {"progress": percent}
        except Failure as error:
            yield refuse("failed", text=worded(error.problem))
            return
        yield {"ok": True}


def refuse(reason: str, **more: str | int) -> Answer:
    """The last object of an answer when nothing was done; `reason` is a word of [reasons] or one for the log."""
    return {"ok": False, "reason": reason, **more}


def _last(step: update.Done | bundles.Refused) -> Answer:
    if isinstance(step, bundles.Refused):
        return refuse(step.reason, text=line(f"reasons.{step.reason}"))
    return {"ok": True, "version": step.version, "slot": step.slot}


def _lines(texts: Iterable[str]) -> Answers:
    yield from ({"line": text} for text in itertools.islice(texts, _MAX_LINES))


def _done(result: ProgramResult) -> Answer:
    return {"ok": True} if result.ok else refuse("failed", text=line("machine.not_done", code=result.code))
