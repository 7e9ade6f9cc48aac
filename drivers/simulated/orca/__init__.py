"""An ORCA (日医標準レセプトソフト) on a loopback port, as far as a reception asks it, with fault knobs.

For the demo and for tests.

    >>> from datetime import date, time
    >>> from urllib.request import HTTPBasicAuthHandler, HTTPPasswordMgrWithPriorAuth, build_opener
    >>> day = date(2026, 11, 24)
    >>> with SimulatedOrca() as orca:
    ...     orca.hospital.add(Patient("12", "日医　太郎", "ニチイ　タロウ", date(1975, 1, 1)))
    ...     _ = orca.hospital.book("12", day, time(9, 0), "01", "10001")
    ...     _ = orca.hospital.staff_register("12", day, time(8, 52), "01", "10001")
    ...     logins = HTTPPasswordMgrWithPriorAuth()
    ...     logins.add_password(None, orca.http_url, orca.user, orca.password, is_authenticated=True)
    ...     browser = build_opener(HTTPBasicAuthHandler(logins))
    ...     asked = f"{orca.http_url}/api01rv2/acceptlstv2?class=03&format=json"
    ...     with browser.open(asked, b'{"acceptlstreq": {"Acceptance_Date": "2026-11-24"}}') as reply:
    ...         answer = reply.read().decode()
    >>> '"Acceptance_Id": "00001"' in answer, orca.hospital.receptions[0].at, [call.name for call in orca.calls]
    (True, datetime.time(8, 52), ['acceptlstv2'])

`orca.url` is what a site.toml has ([his] url), `orca.password` what its secret file holds. `orca.hospital`: patients,
appointments and receptions, the windows' too. `orca.manners`: how this installation is. `orca.fail(…)`, `orca.heal()`:
what goes wrong. `orca.stop()` and `start()`: the server is off, and on again at the same port.

Sources of the format: the manufacturer's public pages of the API (acceptmod, acceptancelst, appointlst, appointlst2,
patientget, systemkanri), and the published source of 5.1 for what they leave out: nothing locks a patient between the
look for a double and the entry; a cancelling without Acceptance_Id takes every reception of the department; an unknown
user is a 404. Must never be imported by anything that runs in a hospital, or hold anything of a real person.
"""

from drivers.simulated.orca.faults import CALLS, Call, Fault, Kind
from drivers.simulated.orca.hospital import Booked, Hospital, Patient, Received
from drivers.simulated.orca.line import server_tls
from drivers.simulated.orca.manners import Manners
from drivers.simulated.orca.server import Asked, SimulatedOrca

__all__ = [
    "CALLS",
    "Asked",
    "Booked",
    "Call",
    "Fault",
    "Hospital",
    "Kind",
    "Manners",
    "Patient",
    "Received",
    "SimulatedOrca",
    "server_tls",
]
