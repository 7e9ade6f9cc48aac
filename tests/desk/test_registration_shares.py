"""A registration and an export through a real Samba with encryption required, as a hospital's folders are."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.share import open_share
from drivers.simulated.registrations import RegistrationTerminal
from kiosk.desk.registration_work import Folders
from tests.desk.registering import CONFIRMED, FOUND, NOON, Site
from tests.peers.samba import lend

pytestmark = pytest.mark.peers


def test_a_number_is_registered_through_the_terminals_shares(tmp_path: Path) -> None:
    site = Site(tmp_path)
    folders = {"face": tmp_path / "res", "oqs": tmp_path / "req"}
    with lend(folders, which="terminal", encryption="required") as server:
        requests, answers = (open_share(server.url(name), server.password) for name in ("oqs", "face"))
        site.terminal = RegistrationTerminal(server.url("oqs"), server.url("face"), server.password)
        desk = site.start(folders=Folders(requests, answers))
        (tmp_path / "req" / "OQSsiimm01req_202601150001.xml").write_text("another program's")
        assert isinstance(desk.send(FOUND, CONFIRMED, "sato"), int)
        assert desk.advance() and desk.troubles == {}
        (tmp_path / "req" / "OQSsiimm01req_202601150001.xml").unlink()
        assert site.requests() == ["OQSsiimm01req_202601150002.xml"]
        assert site.terminal.poll() == 1
        site.wait(1)
        assert desk.advance()
        (found,) = desk.of_day(NOON.date())
        assert (found.state, site.requests()) == ("registered", [])
        site.file.close()
        for share in (requests, answers):
            share.drop()
