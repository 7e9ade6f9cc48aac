"""The simulated ORCA answers a client that shares no code with it, or with the adapter, as the manufacturer says."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import subprocess
import time as clocks
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import pytest

from drivers.simulated.orca import Manners, Patient, SimulatedOrca, server_tls
from drivers.simulated.orca.manners import JAPAN
from tests.peers import need
from tests.peers.orca_client import OrcaClient, Reply

DAY = date(2026, 11, 24)
TODAY = DAY.isoformat()
AT = datetime(2026, 11, 24, 8, 50, 31)


@pytest.fixture
def orca() -> Iterator[SimulatedOrca]:
    with SimulatedOrca() as server:
        server.hospital.add(
            Patient("12", "髙橋　𠮷子", "タカハシ　ヨシコ", date(1944, 3, 9), "2"),
            Patient("34", "山田　太郎", "ヤマダ　タロウ", date(1951, 12, 1)),
        )
        server.hospital.book("12", DAY, time(11, 0), "26", "10002", note="前回欠席")
        server.hospital.book("12", DAY, time(9, 0), "01", "10001")
        server.hospital.book("12", DAY + timedelta(7), time(9, 30), "01", "10001")
        server.hospital.book("34", DAY, time(8, 30), "01", "10003", "02")
        yield server


def client_of(orca: SimulatedOrca) -> OrcaClient:
    return OrcaClient(orca.http_url, orca.user, orca.password)


def xml2(orca: SimulatedOrca, path: str, body: str) -> bytes:
    """What the server answers in its own format; the login is right."""
    where = urlsplit(orca.http_url)
    assert where.hostname
    line = http.client.HTTPConnection(where.hostname, where.port, timeout=20)
    login = b64encode(f"{orca.user}:{orca.password}".encode()).decode("ascii")
    try:
        line.request(
            "POST", where.path + path, body.encode(),
            {"Authorization": f"Basic {login}"},
        )  # fmt: skip
        return line.getresponse().read()
    finally:
        line.close()


def accepted(reply: Reply) -> tuple[str, str]:
    return reply["Api_Result"], reply.get("Acceptance_Id", "")


def test_a_patients_appointments_come_last_day_first_with_codes_names_and_memo(orca: SimulatedOrca) -> None:
    reply = client_of(orca).appointments("00012", TODAY)
    assert reply["Api_Result"] == "00"
    assert reply["Patient_Information"]["Patient_ID"] == "00012"
    assert reply["Patient_Information"]["WholeName"] == "髙橋　𠮷子"
    assert reply["Patient_Information"]["BirthDate"] == "1944-03-09"
    rows = reply["Appointlst_Information"]
    assert [(row["Appointment_Date"], row["Appointment_Time"]) for row in rows] == [
        ("2026-12-01", "09:30:00"), (TODAY, "11:00:00"), (TODAY, "09:00:00"),
    ]  # fmt: skip
    assert (rows[1]["Department_WholeName"], rows[1]["Physician_Code"]) == ("眼科", "10002")
    assert rows[1]["Appointment_Note"] == "前回欠席"
    assert "Visit_Information" not in rows[1]


def test_a_number_of_nobody_and_a_patient_without_an_appointment_are_told_apart(orca: SimulatedOrca) -> None:
    client = client_of(orca)
    assert client.appointments("777", TODAY)["Api_Result"] == "10"
    reply = client.appointments("34", "2026-11-25")
    assert reply["Api_Result"] == "21"
    (stub,) = reply["Appointlst_Information"]
    assert "Appointment_Time" not in stub and "Physician_Code" in stub
    assert client.appointments("34", "2026-11-31")["Api_Result"] == "11"


def test_a_reception_is_numbered_and_its_appointment_visited(orca: SimulatedOrca) -> None:
    client = client_of(orca)
    assert accepted(client.register("12", AT, "01", "10001")) == ("00", "00001")
    again = client.register("012", AT, "01", "10002")
    assert again["Api_Result"] == "16"  # whoever the doctor is
    assert accepted(client.register("12", AT, "26", "10002")) == ("00", "00002")
    visited = [row.get("Visit_Information") for row in client.appointments("12", TODAY)["Appointlst_Information"]]
    assert visited == [None, "1", "1"]
    rows = client.receptions(TODAY)["Acceptlst_Information"]
    assert [(row["Acceptance_Id"], row["Department_Code"], row["Acceptance_Time"]) for row in rows] == [
        ("00001", "01", "08:50:31"), ("00002", "26", "08:50:31"),
    ]  # fmt: skip
    assert len(client.receptions(TODAY, "26")["Acceptlst_Information"]) == 1
    assert client.receptions(TODAY, "19")["Api_Result"] == "21"


def test_windows_and_kiosks_share_the_numbers_of_a_day(orca: SimulatedOrca) -> None:
    client = client_of(orca)
    at_window = orca.hospital.staff_register("12", DAY, time(8, 41), "01", "10001")
    assert at_window.kind == "01" and at_window.by_staff
    assert client.register("12", AT, "01", "10001")["Api_Result"] == "16"
    assert accepted(client.register("34", AT, "01", "10003")) == ("00", "00002")
    assert accepted(client.register("34", AT + timedelta(1), "01", "10003")) == ("00", "00001")


def test_after_the_bill_a_second_reception_is_taken(orca: SimulatedOrca) -> None:
    client = client_of(orca)
    client.register("12", AT, "01", "10001")
    orca.hospital.receptions[0].paid = True
    assert accepted(client.register("12", AT, "01", "10001")) == ("00", "00002")


def test_what_is_left_out_is_filled_in_with_a_warning_in_place_of_00(orca: SimulatedOrca) -> None:
    client = client_of(orca)
    reply = client.accept(Request_Number="01", Patient_ID="12", Department_Code="01", Physician_Code="10001")
    assert accepted(reply) == ("K1", "00001")
    assert len([row for row in reply["Api_Warning_Message_Information"] if row]) == 3
    reply = client.accept(
        Request_Number="01", Patient_ID="34", Acceptance_Date=TODAY, Acceptance_Time="09:00:00",
        Department_Code="01", Physician_Code="10003",
    )  # fmt: skip
    assert reply["Api_Result"] == "K3" and reply["Medical_Information"] == "02"  # the appointment's
    orca.fail("warning", "acceptmodv2", code="K2")
    assert accepted(client.register("12", AT, "26", "10002"))[0] == "K2"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"Patient_ID": ""}, "01"),
        ({"Patient_ID": "777"}, "10"),
        ({"Department_Code": ""}, "02"),
        ({"Physician_Code": ""}, "03"),
        ({"Acceptance_Date": "20261124"}, "11"),
        ({"Acceptance_Time": "0900"}, "12"),
        ({"Department_Code": "77"}, "13"),
        ({"Physician_Code": "77"}, "14"),
        ({"Medical_Information": "77"}, "15"),
        ({"Request_Number": "77"}, "91"),
    ],
)
def test_a_wrong_request_has_its_own_code_and_no_effect(orca: SimulatedOrca, fields: dict[str, str], code: str) -> None:
    right = {
        "Request_Number": "01", "Patient_ID": "12", "Acceptance_Date": TODAY, "Acceptance_Time": "09:00:00",
        "Department_Code": "01", "Physician_Code": "10001", "Medical_Information": "01",
    }  # fmt: skip
    assert client_of(orca).accept(**{**right, **fields})["Api_Result"] == code
    assert not orca.hospital.receptions


def test_a_cancelled_reception_frees_the_appointment_and_not_the_number(orca: SimulatedOrca) -> None:
    client = client_of(orca)
    client.register("12", AT, "01", "10001")
    assert client.cancel("34", TODAY, "00001")["Api_Result"] == "20"
    assert client.cancel("12", TODAY, "00009")["Api_Result"] == "17"
    reply = client.cancel("12", TODAY, "00001")
    assert accepted(reply) == ("00", "00001")
    assert "Visit_Information" not in client.appointments("12", TODAY)["Appointlst_Information"][-1]
    assert accepted(client.register("12", AT, "01", "10001")) == ("00", "00002")


def test_cancelling_without_an_id_takes_all_of_the_department(orca: SimulatedOrca) -> None:
    client = client_of(orca)
    client.register("12", AT, "01", "10001")
    orca.hospital.staff_register("12", DAY, time(9, 0), "01", "10002")
    client.register("12", AT, "26", "10002")
    client.accept(Request_Number="02", Patient_ID="12", Acceptance_Date=TODAY, Department_Code="01")
    assert [one.department for one in orca.hospital.receptions] == ["26"]
    assert [one.acceptance_id for one in orca.hospital.cancelled] == ["00001", "00002"]


def test_the_query_is_there_or_not(orca: SimulatedOrca) -> None:
    client = client_of(orca)
    assert client.accept(Request_Number="00", Patient_ID="12", Acceptance_Date=TODAY)["Api_Result"] == "60"
    client.register("12", AT, "01", "10001")
    assert accepted(client.accept(Request_Number="00", Patient_ID="12", Acceptance_Date=TODAY)) == ("00", "00001")
    orca.manners.has_query = False
    assert client.accept(Request_Number="00", Patient_ID="12", Acceptance_Date=TODAY)["Api_Result"] == "91"


def test_lists_are_cut_and_say_so(orca: SimulatedOrca) -> None:
    client = client_of(orca)
    for week in range(1, 51):
        orca.hospital.book("12", DAY + timedelta(7 * week), time(10, 0), "01", "10001")
    reply = client.appointments("12", TODAY)
    assert reply["Api_Result"] == "20" and len(reply["Appointlst_Information"]) == 50
    assert reply["Appointlst_Information"][-1]["Appointment_Date"] != TODAY  # today's are not among them
    orca.manners.rows_max = 2
    reply = client.appointments_of_day(TODAY)
    assert reply["Api_Result"] == "20" and len(reply["Appointlst_Information"]) == 2
    reply = client.appointments_of_day(TODAY, "10002")
    assert reply["Api_Result"] == "00"
    assert [row["Patient_Information"]["Patient_ID"] for row in reply["Appointlst_Information"]] == ["00012"]


def test_patient_and_masters(orca: SimulatedOrca) -> None:
    client = client_of(orca)
    orca.hospital.add(Patient("56", "鈴木　花", "スズキ　ハナ", date(1938, 1, 5), in_hospital=True, deceased=True))
    known = client.patient("56")["Patient_Information"]
    assert known["Outpatient_Class"] == "1" and known["Death_Flag"] == "1" and known["BirthDate"] == "1938-01-05"
    assert "Death_Flag" not in client.patient("12")["Patient_Information"]
    assert client.patient("777")["Api_Result"] == "10"
    assert {"Code": "26", "WholeName": "眼科"} in client.master("01", TODAY)
    assert {"Code": "10003", "WholeName": "髙木　𠮷朗"} in client.master("02", TODAY)


def test_installations_differ(orca: SimulatedOrca) -> None:
    client = client_of(orca)
    orca.manners.patient_digits, orca.manners.code_digits, orca.manners.chunked = 8, 4, False
    reply = client.appointments("12", TODAY)
    assert reply["Api_Result"] == "0000" and reply["Patient_Information"]["Patient_ID"] == "00000012"
    orca.manners.prefix = "/api"
    with pytest.raises(HTTPError, match="404") as refused:
        client.appointments("12", TODAY)
    assert json.loads(refused.value.read())["message"] == "APIが存在しません"
    orca.manners.wrong_path = 405
    with pytest.raises(HTTPError, match="405"):
        client.appointments("12", TODAY)
    assert client_of(orca).appointments("12", TODAY)["Api_Result"] == "0000"
    assert orca.url == f"orca+http://kiosk@127.0.0.1:{orca.port}/api"


def test_an_unknown_user_meets_404_and_a_wrong_password_401(orca: SimulatedOrca) -> None:
    with pytest.raises(HTTPError, match="404") as refused:
        OrcaClient(orca.http_url, "nobody", orca.password).appointments("12", TODAY)
    assert refused.value.read() == b""
    with pytest.raises(HTTPError, match="401"):
        OrcaClient(orca.http_url, orca.user, "wrong").appointments("12", TODAY)
    assert not orca.calls


def test_the_servers_clock_is_in_the_answer_and_in_its_head(orca: SimulatedOrca) -> None:
    orca.manners.clock = lambda: datetime(2026, 11, 25, 0, 0, 30, tzinfo=JAPAN)
    assert client_of(orca).receptions("")["Acceptance_Date"] == "2026-11-25"
    with socket.create_connection(("127.0.0.1", orca.port), timeout=20) as line:
        line.sendall(b"GET / HTTP/1.1\r\n\r\n")
        head = line.recv(65_536).decode()
    (moment,) = (row.partition(": ")[2] for row in head.splitlines() if row.startswith("Date: "))
    assert parsedate_to_datetime(moment) == datetime(2026, 11, 25, 0, 0, 30, tzinfo=JAPAN)


REGISTER = """<data><acceptreq type="record"><Request_Number type="string">01</Request_Number>
<Patient_ID type="string">12</Patient_ID><Acceptance_Date type="string">2026-11-24</Acceptance_Date>
<Acceptance_Time type="string">08:50:31</Acceptance_Time><Department_Code type="string">01</Department_Code>
<Physician_Code type="string">10001</Physician_Code><Medical_Information type="string">01</Medical_Information>
<HealthInsurance_Information type="record">
<Insurance_Combination_Number type="string">0001</Insurance_Combination_Number></HealthInsurance_Information>
</acceptreq></data>"""


def test_xml2_says_the_same_as_json(orca: SimulatedOrca) -> None:
    whole = ET.fromstring(xml2(orca, "/orca11/acceptmodv2", REGISTER))
    assert whole.tag == "xmlio2" and whole[0].tag == "acceptres" and whole[0].get("type") == "record"
    message = {element.tag: element.text for element in whole[0]}
    assert (message["Api_Result"], message["Acceptance_Id"], message["Department_WholeName"]) == ("00", "00001", "内科")
    assert (
        message.get("Acceptance_Time")
        == client_of(orca).receptions(TODAY)["Acceptlst_Information"][0]["Acceptance_Time"]
    )
    rows = ET.fromstring(
        xml2(
            orca, "/api01rv2/acceptlstv2?class=03",
            '<data><acceptlstreq type="record"><Acceptance_Date type="string">2026-11-24</Acceptance_Date>'
            "</acceptlstreq></data>",
        )
    ).find("acceptlstres/Acceptlst_Information")  # fmt: skip
    assert rows is not None and rows.get("type") == "array"
    assert [row.findtext("Patient_Information/Patient_ID") for row in rows] == ["00012"]


def test_without_type_attributes_nothing_is_answered_and_nothing_done(orca: SimulatedOrca) -> None:
    assert xml2(orca, "/orca11/acceptmodv2", REGISTER.replace(' type="string"', "")) == b""
    assert b">98<" in xml2(orca, "/orca11/acceptmodv2", "<data><acceptreq")
    assert b">97<" in xml2(orca, "/orca11/acceptmodv2", REGISTER.replace("acceptreq", "appointreq"))
    assert not orca.hospital.receptions


def test_codes_are_answered_so_many_times_and_nothing_is_done(orca: SimulatedOrca) -> None:
    client = client_of(orca)
    orca.fail("result", "acceptmodv2", times=2)
    orca.fail("result", "appointlst2v2", code="77")
    codes = [client.register("12", AT, "01", "10001")["Api_Result"] for _ in range(3)]
    assert codes == ["90", "90", "00"]
    assert len(orca.hospital.receptions) == 1 and orca.count("acceptmodv2", "01") == 3
    assert client.appointments("12", TODAY)["Api_Result"] == "77"
    orca.heal()
    assert client.appointments("12", TODAY)["Api_Result"] == "00"


def test_a_patient_open_at_a_terminal_and_a_department_that_takes_nobody(orca: SimulatedOrca) -> None:
    client = client_of(orca)
    orca.hospital.at_terminal.add("12")
    orca.hospital.refuses["01"] = "52"
    assert client.register("12", AT, "26", "10002")["Api_Result"] == "90"
    orca.hospital.at_terminal.clear()
    assert client.register("12", AT, "01", "10001")["Api_Result"] == "52"
    assert client.register("12", AT, "26", "10002")["Api_Result"] == "00"


def test_an_http_status_is_somebody_elses(orca: SimulatedOrca) -> None:
    orca.fail("status", code="503", times=1)
    with pytest.raises(HTTPError, match="503"):
        client_of(orca).register("12", AT, "01", "10001")
    assert not orca.hospital.receptions


def test_what_is_stored_before_the_line_fails_stays(orca: SimulatedOrca) -> None:
    client = client_of(orca)
    for kind in ("lost", "half"):
        orca.fail(kind, "acceptmodv2", times=1)
        with pytest.raises((OSError, http.client.HTTPException)):
            client.register("12", AT, "01" if kind == "lost" else "26", "10001")
    assert [one.department for one in orca.hospital.receptions] == ["01", "26"]
    orca.fail("lost", "acceptmodv2", times=1, stores=False)
    with pytest.raises((OSError, http.client.HTTPException)):
        client.register("34", AT, "01", "10003")
    assert len(orca.hospital.receptions) == 2


def test_mute_and_dripping_peers_outlive_a_clients_patience(orca: SimulatedOrca) -> None:
    client = OrcaClient(orca.http_url, orca.user, orca.password, timeout_s=0.2)
    orca.fail("mute", times=1)
    with pytest.raises((URLError, TimeoutError)):
        client.register("12", AT, "01", "10001")
    assert len(orca.hospital.receptions) == 1
    for kind in ("drip_head", "drip_body"):
        orca.fail(kind, times=1, seconds=0.0005)
        before = clocks.monotonic()
        assert client.receptions(TODAY)["Api_Result"] == "00"  # no byte is missing
        assert clocks.monotonic() - before > 0.2  # and no read took longer than a client waits
    orca.fail("delay", times=1, seconds=0.3)
    with pytest.raises((URLError, TimeoutError)):
        client.receptions(TODAY)


def test_documents_that_are_none(orca: SimulatedOrca) -> None:
    path = "/api01rv2/acceptlstv2?class=03"
    ask = '<data><acceptlstreq type="record"></acceptlstreq></data>'
    for kind in ("huge", "doctype", "garbage", "page", "empty"):
        orca.fail(kind, times=1)
    huge, doctype, garbage, page, empty = (xml2(orca, path, ask) for _ in range(5))
    assert len(huge) > 9_000_000 and ET.fromstring(huge).tag == "xmlio2"
    assert b"<!DOCTYPE xmlio2" in doctype and ET.fromstring(doctype).tag == "xmlio2"
    with pytest.raises(ET.ParseError):
        ET.fromstring(garbage)
    assert page.startswith(b"<!DOCTYPE html") and empty == b""


def test_an_answer_about_somebody_else(orca: SimulatedOrca) -> None:
    orca.fail("other_patient", times=1)
    assert client_of(orca).appointments("12", TODAY)["Patient_Information"]["Patient_ID"] == "99998"


def test_switched_off_nobody_answers_and_what_was_stored_is_still_there(orca: SimulatedOrca) -> None:
    client = client_of(orca)
    client.register("12", AT, "01", "10001")
    with socket.create_connection(("127.0.0.1", orca.port), timeout=20) as kept:
        while orca.connections < 2:
            clocks.sleep(0.005)
        orca.stop()
        with suppress(ConnectionError):
            assert kept.recv(1) == b""  # a kept line ends with the machine
    with pytest.raises(URLError):
        client.receptions(TODAY)
    orca.start()
    assert len(client.receptions(TODAY)["Acceptlst_Information"]) == 1


@pytest.mark.parametrize("serialises", [False, True])
def test_sixteen_at_once_pass_the_look_for_a_double_unless_it_serialises(serialises: bool) -> None:
    with SimulatedOrca(manners=Manners(serialises=serialises, race_s=0.0 if serialises else 0.5)) as orca:
        orca.hospital.add(Patient("12", "日医　太郎", "ニチイ　タロウ", date(1975, 1, 1)))
        client = client_of(orca)
        with ThreadPoolExecutor(16) as kiosks:
            replies = list(kiosks.map(lambda _: client.register("12", AT, "01", "10001"), range(16)))
        numbers = [reply["Acceptance_Id"] for reply in replies if reply["Api_Result"] == "00"]
        assert len(set(numbers)) == len(numbers) == len(orca.hospital.receptions)
        assert (len(numbers) == 1) is serialises


def test_nobody_is_in_the_text_of_a_value(orca: SimulatedOrca) -> None:
    client_of(orca).register("12", AT, "01", "10001")
    texts = repr((orca.calls, orca.hospital.patients["34"], orca.hospital.bookings, orca.hospital.receptions))
    assert "髙橋" not in texts and "山田" not in texts and "'12'" not in texts and "欠席" not in texts


@pytest.mark.peers
def test_tls_with_and_without_the_clients_own_certificate(tmp_path: Path) -> None:
    certificate = tmp_path / "server.pem"
    subprocess.run(
        [
            need("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-days", "2", "-subj", "/CN=orca", "-addext", "subjectAltName=IP:127.0.0.1",
            "-keyout", certificate.with_suffix(".key"),
            "-out", certificate,
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    certificate.write_bytes(certificate.read_bytes() + certificate.with_suffix(".key").read_bytes())
    trusting = ssl.create_default_context(cafile=str(certificate))
    with SimulatedOrca(tls=server_tls(certificate)) as orca:
        assert orca.url.startswith("orca+https://kiosk@127.0.0.1:")
        client = OrcaClient(orca.http_url, orca.user, orca.password, tls=trusting)
        assert client.receptions(TODAY)["Api_Result"] == "21"
        with pytest.raises(URLError, match="CERTIFICATE_VERIFY_FAILED"):
            OrcaClient(orca.http_url, orca.user, orca.password, tls=ssl.create_default_context()).receptions(TODAY)
    with SimulatedOrca(tls=server_tls(certificate, clients=certificate)) as orca:
        client = OrcaClient(orca.http_url, orca.user, orca.password, tls=trusting)
        with pytest.raises((OSError, http.client.HTTPException)):
            client.receptions(TODAY)
        trusting.load_cert_chain(certificate)
        assert client.receptions(TODAY)["Api_Result"] == "21"
