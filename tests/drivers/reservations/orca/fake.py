"""An ORCA of a few lines, and its faults, as the adapter's own tests need them."""

from __future__ import annotations

import base64
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from drivers.reservations import Order
from drivers.reservations.adapter import Settings
from drivers.reservations.orca.adapter import ADAPTER
from drivers.reservations.orca.system import OrcaSystem

JST = ZoneInfo("Asia/Tokyo")
DAY = date(2026, 11, 30)
NOW = datetime.combine(DAY, time(8, 52), JST)
USER, PASSWORD = "ormaster", "synthetic"

Fields = dict[str, str]
Answer = tuple[int, str] | bytes


@dataclass
class Call:
    method: str
    target: str
    fields: Fields
    head: str


@dataclass
class Booked:
    day: date
    at: str
    department: str
    doctor: str = "10001"
    kind: str = "01"
    number: str = "01"
    visited: bool = False
    note: str = ""


@dataclass
class Registered:
    number: str
    patient: str
    department: str
    doctor: str
    kind: str
    at: str


NAMES = {"01": "内科", "02": "眼科", "03": "外科"}
DOCTORS = {"10001": "髙橋　一郎", "10002": "𠮷田　花子"}
BAD = (OSError, ValueError)


@dataclass
class Fake:
    """`answers`: by the end of the path, what is answered instead; called with the fields."""

    patients: dict[str, str] = field(default_factory=lambda: {"00012": "試験　太郎"})
    booked: list[tuple[str, Booked]] = field(default_factory=list)
    received: list[Registered] = field(default_factory=list)
    answers: dict[str, Callable[[Fields], Answer]] = field(default_factory=dict)
    details: str = ""
    padding: bool = False
    calls: list[Call] = field(default_factory=list)
    connections: int = 0
    closes: bool = False
    received_max: int = 500
    booked_max: int = 500

    def names(self) -> list[str]:
        return [each.target.split("/")[-1].split("?")[0] for each in self.calls]

    def writes(self) -> list[Fields]:
        return [each.fields for each in self.calls if each.target.endswith("acceptmodv2")]

    def answer(self, call: Call) -> Answer:
        name = call.target.split("/")[-1].split("?")[0]
        if name in self.answers:
            return self.answers[name](call.fields)
        return getattr(self, f"_{name}")(call)  # type: ignore[no-any-return]

    def _appointlst2v2(self, call: Call) -> Answer:
        who = self._who(call.fields["Patient_ID"])
        if who is None:
            return xml("appointlst2res", "10")
        since = date.fromisoformat(call.fields["Base_Date"])
        own = [each for number, each in self.booked if number == who and each.day >= since]
        own.sort(key=lambda each: (each.day, each.at), reverse=True)
        code = "21" if not own else "20" if len(own) > 50 else "00"
        rows = [self._booked(each, with_day=True) for each in own[:50]]
        if self.padding:
            rows += ["<Appointment_Date type='string'></Appointment_Date><Patient_Information type='record'/>"] * 3
        return xml("appointlst2res", code, self._person(who) + array("Appointlst_Information", rows))

    def _appointlstv2(self, call: Call) -> Answer:
        on, doctor = date.fromisoformat(call.fields["Appointment_Date"]), call.fields["Physician_Code"]
        found = [each for each in self.booked if each[1].day == on and doctor in {"", each[1].doctor}]
        rows = [self._booked(each, with_day=False) + self._person(number) for number, each in found]
        code = "21" if not rows else "20" if len(rows) > self.booked_max else "00"
        if not rows:
            rows = [tag("Medical_Information", "01")]
        head = tag("Appointment_Date", on.isoformat())
        return xml("appointlstres", code, head + array("Appointlst_Information", rows[: self.booked_max]))

    def _acceptlstv2(self, call: Call) -> Answer:
        assert call.target.endswith("class=03")
        department, doctor = call.fields["Department_Code"], call.fields["Physician_Code"]
        found = [each for each in self.received if department in {"", each.department}]
        rows = [self._received(each) for each in found if doctor in {"", each.doctor}]
        code = "21" if not rows else "20" if len(rows) > self.received_max else "00"
        if not rows:
            rows = [tag("Department_Code", department)]
        head = tag("Acceptance_Date", call.fields["Acceptance_Date"])
        return xml("acceptlstres", code, head + array("Acceptlst_Information", rows[: self.received_max]))

    def _patientgetv2(self, call: Call) -> Answer:
        who = self._who(call.target.rpartition("=")[2])
        return xml("patientinfores", "00", self._person(who, self.details)) if who else xml("patientinfores", "10")

    def _system01lstv2(self, call: Call) -> Answer:
        of = DOCTORS if call.fields["Request_Number"] == "02" else NAMES
        name = "Physician_Information" if of is DOCTORS else "Department_Information"
        rows = [tag("Code", code) + tag("WholeName", text) for code, text in of.items()]
        return xml("departmentres", "00", array(name, rows))

    def _acceptmodv2(self, call: Call) -> Answer:
        fields = call.fields
        who = self._who(fields["Patient_ID"])
        if who is None:
            return xml("acceptres", "10")
        if fields["Request_Number"] == "02":
            assert fields["Acceptance_Id"]
            left = [each for each in self.received if each.number != fields["Acceptance_Id"]]
            code = "00" if len(left) < len(self.received) else "17"
            self.received = left
            return xml("acceptres", code, self._person(who))
        if any(each.patient == who and each.department == fields["Department_Code"] for each in self.received):
            return xml("acceptres", "16", self._person(who))
        return xml("acceptres", "00", self.store(who, fields))

    def store(self, who: str, fields: Fields) -> str:
        """The reception, as an answer says it."""
        made = Registered(
            f"{len(self.received) + 1:05d}",
            who,
            fields["Department_Code"],
            fields["Physician_Code"],
            fields["Medical_Information"] or "01",
            fields["Acceptance_Time"],
        )
        self.received.append(made)
        return tag("Acceptance_Date", fields["Acceptance_Date"]) + self._received(made)

    def _who(self, number: str) -> str | None:
        return next((each for each in self.patients if each.lstrip("0") == number.lstrip("0")), None)

    def _person(self, number: str, more: str = "") -> str:
        inside = tag("Patient_ID", number) + tag("WholeName", self.patients[number]) + tag("BirthDate", "1950-01-02")
        return f"<Patient_Information type='record'>{inside}{more}</Patient_Information>"

    def _booked(self, of: Booked, *, with_day: bool) -> str:
        day = tag("Appointment_Date", of.day.isoformat()) if with_day else ""
        return (
            day
            + tag("Appointment_Time", of.at)
            + tag("Medical_Information", of.kind)
            + coded(of.department, of.doctor)
            + tag("Visit_Information", "1" if of.visited else "")
            + tag("Appointment_Id", of.number)
            + (tag("Appointment_Note", of.note) if with_day else "")
        )

    def _received(self, of: Registered) -> str:
        return (
            tag("Acceptance_Time", of.at)
            + tag("Acceptance_Id", of.number)
            + coded(of.department, of.doctor)
            + tag("Medical_Information", of.kind)
            + self._person(of.patient)
        )


def tag(name: str, text: str) -> str:
    return f"<{name} type='string'>{text}</{name}>"


def coded(department: str, doctor: str) -> str:
    return (
        tag("Department_Code", department)
        + tag("Department_WholeName", NAMES.get(department, ""))
        + tag("Physician_Code", doctor)
        + tag("Physician_WholeName", DOCTORS.get(doctor, ""))
    )


def array(name: str, rows: list[str]) -> str:
    inside = "".join(f"<{name}_child type='record'>{row}</{name}_child>" for row in rows)
    return f"<{name} type='array'>{inside}</{name}>"


def xml(name: str, code: str, inside: str = "") -> tuple[int, str]:
    now = datetime.now(JST)
    head = tag("Information_Date", f"{now:%Y-%m-%d}") + tag("Information_Time", f"{now:%H:%M:%S}")
    result = tag("Api_Result", code)
    return (
        200,
        f"<?xml version='1.0' encoding='UTF-8'?><xmlio2><{name} type='record'>{head}{result}{inside}</{name}></xmlio2>",
    )


class Server:
    """Serves `fake` on `port`. `respond(connection, reply)` may be replaced, to be slow or rude."""

    def __init__(self, fake: Fake, prefix: str = "") -> None:
        self.fake = fake
        self.prefix = prefix
        self.respond: Callable[[socket.socket, bytes, Call], None] = lambda connection, reply, call: connection.sendall(
            reply
        )
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for each in (self._listener, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def wrap(self, connection: socket.socket) -> socket.socket:
        return connection

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.fake.connections += 1
                self._open.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(*BAD), self.wrap(connection) as line:
            self._open.append(line)
            while call := _received(line):
                reply = self._reply(call)
                self.respond(line, reply, call)
                if self.fake.closes:
                    return

    def _reply(self, call: Call) -> bytes:
        self.fake.calls.append(call)
        wanted = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if not call.target.startswith(f"{self.prefix}/api01rv2") and not call.target.startswith(
            f"{self.prefix}/orca11"
        ):
            return http(404, '{"message":"none"}')
        if f"Basic {wanted}" not in call.head:
            return http(401, "")
        found = self.fake.answer(call)
        return found if isinstance(found, bytes) else http(*found)


def http(status: int, text: str, more: str = "") -> bytes:
    body = text.encode()
    date_ = datetime.now(ZoneInfo("UTC")).strftime("%a, %d %b %Y %H:%M:%S GMT")
    head = f"HTTP/1.1 {status} X\r\nDate: {date_}\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    return head.encode() + body


def _received(connection: socket.socket) -> Call | None:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return None
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(found[1]) if (found := re.search(rb"Content-Length: (\d+)", head)) else 0
    while len(body) < length:
        body += connection.recv(65536)
    method, target, _ = head.decode().split("\r\n")[0].split(" ")
    fields = dict(re.findall(r'<(\w+) type="string">([^<]*)</', body.decode()))
    return Call(method, target, fields, head.decode())


@contextmanager
def serving(fake: Fake, prefix: str = "") -> Iterator[Server]:
    server = Server(fake, prefix)
    try:
        yield server
    finally:
        server.close()


def opened(port: int, **settings: object) -> OrcaSystem:
    from pathlib import Path

    chosen: dict[str, object] = {"password": PASSWORD, "clock": lambda: NOW, "doctor": "10001", **settings}
    made = Settings(Path("/nonexistent"), **chosen)  # type: ignore[arg-type]
    assert ADAPTER.system is not None
    found = ADAPTER.system(f"orca+http://{USER}@127.0.0.1:{port}", made)
    assert isinstance(found, OrcaSystem)
    return found


def order(number: str = "12", **more: object) -> Order:
    chosen: dict[str, object] = {
        "attempt": "6c9b5f7e-0000-4000-8000-000000000001",
        "patient_number": number,
        "day": DAY,
        "at": NOW,
        "not_after": NOW + timedelta(seconds=10),
        **more,
    }
    return Order(**chosen)  # type: ignore[arg-type]
