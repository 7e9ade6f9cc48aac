"""The simulated ORCA itself: path, login, format, and which call it is."""

import base64
import binascii
import json
import secrets
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from email.message import Message
from http import HTTPStatus
from typing import Any, Final, Self
from urllib.parse import parse_qsl, urlsplit

from drivers.simulated.orca.faults import CALLS, NOTHING_DONE, Call, Fault, Faults, Kind
from drivers.simulated.orca.formats import NoType, Record, read_json, read_xml, write_json, write_xml
from drivers.simulated.orca.hospital import Hospital
from drivers.simulated.orca.line import Reply, Server, open_line, spoilt
from drivers.simulated.orca.lists import Answered, Lists
from drivers.simulated.orca.manners import Manners
from drivers.simulated.orca.reception import WARNINGS, ReceptionDesk

# Path, what the request's record is called, and the answer's.
_PATHS: Final[dict[str, Call]] = {
    "/orca11/acceptmodv2": "acceptmodv2",
    **{f"/api01rv2/{call}": call for call in CALLS if call != "acceptmodv2"},
}
_RECORDS: Final[dict[Call, tuple[str, str]]] = {
    "acceptmodv2": ("acceptreq", "acceptres"),
    "acceptlstv2": ("acceptlstreq", "acceptlstres"),
    "appointlst2v2": ("appointlst2req", "appointlst2res"),
    "appointlstv2": ("appointlstreq", "appointlstres"),
    "patientgetv2": ("", "patientinfores"),
    "system01lstv2": ("system01_managereq", ""),
}
_MASTERS: Final = {"01": "departmentres", "02": "physicianres"}
_STRANGER: Final = "99998"
_DAYS: Final = ("Acceptance_Date", "Appointment_Date", "Base_Date")


@dataclass(frozen=True)
class Asked:
    """One call that was carried out or went wrong. `method`: GET or POST; `query`, `record`: what was asked."""

    name: Call
    method: str
    query: Mapping[str, str] = field(repr=False)
    record: Mapping[str, Any] = field(repr=False)


class SimulatedOrca:
    """A server at `url`; a context manager. `calls`: what it was asked, in order; `connections`: how many there were.

    `tls`: a server's context; then it speaks https only. A user that it does not know gets 404, a wrong password 401.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        user: str = "kiosk",
        password: str = "",
        tls: ssl.SSLContext | None = None,
        hospital: Hospital | None = None,
        manners: Manners | None = None,
    ) -> None:
        self.user = user
        self.password = password or secrets.token_hex(8)
        self.port = port
        self.tls = tls
        self.hospital = hospital or Hospital()
        self.manners = manners or Manners()
        self.calls: list[Asked] = []
        self.connections = 0
        self._faults = Faults()
        self._lists = Lists(self.hospital, self.manners)
        self._desk = ReceptionDesk(self._lists)
        self._server: Server | None = None
        self.ended = threading.Event()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def http_url(self) -> str:
        """Where it is, with its prefix and without its user."""
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}{self.manners.prefix}"

    @property
    def url(self) -> str:
        """As `[his] url` of a site.toml has it."""
        return f"orca+http{'s' if self.tls else ''}://{self.user}@127.0.0.1:{self.port}{self.manners.prefix}"

    def start(self) -> None:
        """Open the port: a free one at first, then always the same."""
        self.ended.clear()
        self._server = open_line(self, self.port, self.tls)
        self.port = self._server.server_address[1]

    def stop(self) -> None:
        """Switch off: every connection ends, and nobody answers. Patients and receptions stay."""
        self.ended.set()
        if self._server is not None:
            self._server.switch_off()
            self._server = None

    def fail(
        self,
        kind: Kind,
        *calls: Call,
        times: int | None = None,
        code: str = "90",
        seconds: float = 0.4,
        stores: bool = True,
    ) -> None:
        """Let something go wrong, with every call or some, for ever or so many times. See `faults` and `Fault`."""
        self._faults.add(Fault(kind, calls or CALLS, times, code, seconds, stores))

    def heal(self) -> None:
        """All is well again, from the next call on."""
        self._faults.clear()

    def count(self, call: Call, request_number: str = "") -> int:
        """How often it was asked; of acceptmodv2, with one Request_Number."""
        return sum(
            one.name == call and request_number in ("", one.record.get("Request_Number", "")) for one in self.calls
        )

    def reply(self, method: str, target: str, headers: Message, body: bytes) -> Reply:
        """What a request is answered with, and how that goes wrong."""
        split = urlsplit(target)
        path = split.path.removeprefix(self.manners.prefix)
        call = _PATHS.get(path)
        if call is None or not split.path.startswith(self.manners.prefix):
            return self._no_path()
        known, right = self._login(headers.get("Authorization", ""))
        if not right:
            refused = (("WWW-Authenticate", 'Basic realm="ORCA"'),)
            return Reply(HTTPStatus.UNAUTHORIZED, headers=refused) if known else Reply(HTTPStatus.NOT_FOUND)
        if method != ("GET" if call == "patientgetv2" else "POST"):
            return Reply(HTTPStatus.METHOD_NOT_ALLOWED)
        query = dict(parse_qsl(split.query))
        as_json = query.get("format") == "json"
        read = read_json if as_json or "json" in headers.get("Content-Type", "") else read_xml
        typed, wrong, record = True, "", Record()
        try:
            if method == "POST":
                name, record = read(body)
                wrong = "" if name == _RECORDS[call][0] else "97"
        except NoType:
            typed = False
        except ValueError:
            wrong = "98"
        fault = self._faults.take(call)
        self.calls.append(Asked(call, method, query, record))
        if fault is not None and fault.kind == "status":
            return Reply(int(fault.code))
        answer = self._answer(call, query, record, wrong, fault, as_json=as_json) if typed else b""
        kind = f"application/{'json' if as_json else 'xml'}; charset=UTF-8"
        return Reply(HTTPStatus.OK, spoilt(answer, fault), (("Content-Type", kind),), fault)

    def _no_path(self) -> Reply:
        if self.manners.wrong_path == 405:
            return Reply(HTTPStatus.METHOD_NOT_ALLOWED, headers=(("Allow", "OPTIONS, GET"),))
        message = json.dumps({"message": "APIが存在しません"}, ensure_ascii=False).encode()
        return Reply(HTTPStatus.NOT_FOUND, message, (("Content-Type", "application/json"),))

    def _login(self, given: str) -> tuple[bool, bool]:
        """Whether the user is known, or none is named, and whether the password is right."""
        scheme, _, rest = given.partition(" ")
        if scheme != "Basic":
            return True, False
        try:
            user, _, password = base64.b64decode(rest, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return True, False
        right = secrets.compare_digest(password.encode(), self.password.encode())
        return user == self.user, user == self.user and right

    def _answer(
        self, call: Call, query: Mapping[str, str], record: Record, wrong: str, fault: Fault | None, *, as_json: bool
    ) -> bytes:
        kind = query.get("class", "")
        if call == "system01lstv2":
            kind = record.get("Request_Number", "") or kind
        name = _RECORDS[call][1] or _MASTERS.get(kind, "system01_manageres")
        code, message, rest = (
            (wrong, "送信内容に誤りがあります", {}) if wrong else self._carried_out(call, kind, query, record, fault)
        )
        if fault is not None and fault.kind == "warning" and not code.strip("0"):
            code, rest = fault.code, {**rest, "Api_Warning_Message_Information": [_warning(fault.code)]}
        if code.isdigit():
            code = code.zfill(self.manners.code_digits)
        now = self.manners.clock()
        whole = {
            "Information_Date": now.date().isoformat(),
            "Information_Time": now.time().isoformat("seconds"),
            "Api_Result": code,
            "Api_Result_Message": message,
            "Reskey": "Patient Info",
            **rest,
        }
        if fault is not None and fault.kind == "other_patient":
            whole = _of_a_stranger(whole, _STRANGER)
        if fault is not None and fault.kind == "other_day":
            whole = _of_the_day_after(whole)
        return (write_json if as_json else write_xml)(name, whole)

    def _carried_out(
        self, call: Call, kind: str, query: Mapping[str, str], record: Record, fault: Fault | None
    ) -> Answered:
        if fault is not None and (fault.kind in NOTHING_DONE or not fault.stores):
            return fault.code, "他端末使用中" if fault.code == "90" else "エラー", {}
        match call:
            case "acceptmodv2":
                return self._desk.accept(kind, record)
            case "patientgetv2":
                return self._lists.patientgetv2(query.get("id", ""))
            case "system01lstv2" if kind not in _MASTERS:
                return "91", "処理区分未設定", {}
            case "system01lstv2":
                return self._lists.system01lstv2(kind, record)
            case "acceptlstv2":
                return self._lists.acceptlstv2(kind, record)
            case "appointlstv2":
                return self._lists.appointlstv2(kind, record)
            case "appointlst2v2":
                return self._lists.appointlst2v2(kind, record)


def _warning(code: str) -> Record:
    return {"Api_Warning_Message": WARNINGS.get(code, code)}


def _of_the_day_after(whole: Record) -> Record:
    return {
        key: (date.fromisoformat(one) + timedelta(1)).isoformat() if key in _DAYS else one for key, one in whole.items()
    }


def _of_a_stranger(value: Any, number: str) -> Any:
    if isinstance(value, dict):
        return {key: number if key == "Patient_ID" else _of_a_stranger(one, number) for key, one in value.items()}
    if isinstance(value, list):
        return [_of_a_stranger(one, number) for one in value]
    return value
