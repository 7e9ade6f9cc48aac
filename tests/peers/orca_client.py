"""A client of ORCA's API as the manufacturer's pages describe it, in JSON: a witness beside adapter and simulator.

It shares no line with either. Owns one connection a call. Must never be careful: what the server says is returned as it
stands, and what HTTP refuses is an `urllib.error.HTTPError`.
"""

import json
import ssl
from base64 import b64encode
from datetime import datetime
from typing import Any
from urllib.request import Request, urlopen

Reply = dict[str, Any]


class OrcaClient:
    """Asks the server at `http_url` (its prefix with it) as `user`."""

    def __init__(
        self, http_url: str, user: str, password: str, *, timeout_s: float = 20.0, tls: ssl.SSLContext | None = None
    ) -> None:
        self._url, self._tls = http_url, tls
        self._login = b64encode(f"{user}:{password}".encode()).decode("ascii")
        self._timeout_s = timeout_s

    def appointments(self, patient: str, day: str) -> Reply:
        """appointlst2v2: of one patient from `day` (2026-11-24) on."""
        return self._post("/api01rv2/appointlst2v2?class=01", "appointlst2", {"Patient_ID": patient, "Base_Date": day})

    def appointments_of_day(self, day: str, doctor: str = "") -> Reply:
        """appointlstv2."""
        return self._post(
            "/api01rv2/appointlstv2?class=01", "appointlst", {"Appointment_Date": day, "Physician_Code": doctor}
        )

    def receptions(self, day: str, department: str = "") -> Reply:
        """acceptlstv2: all of a day."""
        return self._post(
            "/api01rv2/acceptlstv2?class=03", "acceptlst", {"Acceptance_Date": day, "Department_Code": department}
        )

    def register(self, patient: str, at: datetime, department: str, doctor: str, kind: str = "01") -> Reply:
        """acceptmodv2, 01."""
        return self.accept(
            Request_Number="01", Patient_ID=patient, Acceptance_Date=f"{at:%Y-%m-%d}", Acceptance_Time=f"{at:%H:%M:%S}",
            Department_Code=department, Physician_Code=doctor, Medical_Information=kind,
        )  # fmt: skip

    def cancel(self, patient: str, day: str, acceptance_id: str) -> Reply:
        """acceptmodv2, 02."""
        return self.accept(Request_Number="02", Patient_ID=patient, Acceptance_Date=day, Acceptance_Id=acceptance_id)

    def accept(self, **fields: str) -> Reply:
        """acceptmodv2 with these fields."""
        return self._post("/orca11/acceptmodv2", "accept", fields)

    def patient(self, number: str) -> Reply:
        """patientgetv2."""
        return self._ask(Request(f"{self._url}/api01rv2/patientgetv2?id={number}&format=json"), "patientinfores")  # noqa: S310

    def master(self, what: str, day: str) -> list[Reply]:
        """system01lstv2: `what` is 01 (departments) or 02 (doctors); rows without the empty ones."""
        answer = {"01": "departmentres", "02": "physicianres"}[what]
        reply = self._post(
            f"/api01rv2/system01lstv2?class={what}", "system01_manage",
            {"Request_Number": what, "Base_Date": day}, answer,
        )  # fmt: skip
        (rows,) = (value for name, value in reply.items() if name.endswith("_Information"))
        return [row for row in rows if row]

    def _post(self, path: str, name: str, record: dict[str, str], answer: str = "") -> Reply:
        joint = "&" if "?" in path else "?"
        body = json.dumps({f"{name}req": record}).encode()
        request = Request(f"{self._url}{path}{joint}format=json", body)  # noqa: S310 - a server of the test's
        return self._ask(request, answer or f"{name}res")

    def _ask(self, request: Request, answer: str) -> Reply:
        request.add_header("Authorization", f"Basic {self._login}")
        request.add_header("Content-Type", "application/json")
        with urlopen(request, timeout=self._timeout_s, context=self._tls) as reply:  # noqa: S310 - the same
            found: Reply = json.loads(reply.read().decode("utf-8"))[answer]
            return found
