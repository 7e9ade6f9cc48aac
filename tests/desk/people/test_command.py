"""`kiosk desk user` and `kiosk desk audit verify`, as they are typed."""

from __future__ import annotations

import io
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from kiosk import __main__ as command_line
from kiosk.config import load
from kiosk.config.installed import DESK_CHIEF
from kiosk.desk.people import command, first_chief
from kiosk.desk.people.gate import LoggedIn, Wrong
from kiosk.desk.people.people import People
from kiosk.desk.people.roles import Act, Role
from kiosk.process import secret_hash
from kiosk.process.data_folder import DeskFolder
from kiosk.process.event_log import EventLog
from tests.desk.people.office import CHIEF, HOME, SATO, TOKYO, Office

SITE = """
[site]
name = "架空医院"
institution_code = "9912345678"
pattern = 1
data_dir = "{folder}/data"
[terminal]
results = "file://{folder}/face"
[desk]
feed = "watch"
"""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Site:
    """A site with a desk alone; `do` types a command with `typed` on standard input."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        monkeypatch.setattr(secret_hash, "_COST", 2)
        self.terminal = False
        self.file = path / "site.toml"
        self.file.write_text(SITE.format(folder=path), encoding="utf-8")
        monkeypatch.setenv("KIOSK_DESK_DIR", str(path / "desk"))
        monkeypatch.setenv("KIOSK_DESK_RUN_DIR", str(path / "run"))
        self.folder = DeskFolder(path / "desk", path / "run")
        self._patch, self._capsys = monkeypatch, capsys

    def do(self, *words: str, typed: str = "") -> tuple[int, str, str]:
        """Exit code, standard output and standard error."""
        self._patch.setattr("sys.stdin", Terminal() if self.terminal else io.StringIO(typed))
        code = command_line.main(["desk", *words, "--config", str(self.file)])
        captured = self._capsys.readouterr()
        return code, captured.out, captured.err


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Site:
    return Site(tmp_path, monkeypatch, capsys)


def test_users_come_and_go(site: Site) -> None:
    assert site.do("user", "add", "chief", "--role", "chief", typed=f"{CHIEF}\n") == (0, "", "")
    assert site.do("user", "add", "佐藤", typed=SATO)[0] == 0
    assert site.do("user", "list")[1] == "chief\tchief\n佐藤\tdesk\n"
    assert site.do("user", "password", "佐藤", "--role", "view", typed="whale-umbrella-21\r\n")[0] == 0
    assert site.do("user", "list")[1] == "chief\tchief\n佐藤\tview\n"
    assert site.do("user", "remove", "佐藤") == (0, "", "")
    assert site.do("user", "list")[1] == "chief\tchief\n"
    assert site.do("audit", "verify")[0] == 0


@pytest.mark.parametrize(
    ("words", "typed", "why"),
    [
        (("add", "田中"), "short\n", "a password has 13 to 128 characters"),
        (("add", "田中"), "", "no password was given on standard input; nothing was changed"),
        (("add", "a b"), f"{SATO}\n", "a name has 1 to 32 letters or digits, or .-_, and no blank"),
        (("add", "chief"), f"{SATO}\n", "there is an account of that name already"),
        (("password", "田中"), f"{SATO}\n", "there is no account of that name"),
        (
            ("password", "chief", "--role", "view"),
            f"{SATO}\n",
            "it is the only chief; make another account chief first",
        ),
        (("remove", "chief"), "", "it is the only chief; make another account chief first"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(site: Site, words: tuple[str, ...], typed: str, why: str) -> None:
    site.do("user", "add", "chief", "--role", "chief", typed=f"{CHIEF}\n")
    assert site.do("user", *words, typed=typed) == (1, "", f"{why}\n")
    assert site.do("user", "list")[1] == "chief\tchief\n"


def test_a_password_is_asked_for_twice_at_a_terminal(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [CHIEF, "another", CHIEF, CHIEF]
    monkeypatch.setattr("getpass.getpass", lambda prompt: answers.pop(0))
    site.terminal = True
    assert site.do("user", "add", "chief")[2] == "the two passwords differ; nothing was changed\n"
    assert site.do("user", "add", "chief")[0] == 0


def test_a_made_password_is_for_the_first_log_in(site: Site) -> None:
    code, made, _ = site.do("user", "add", "chief", "--role", "chief", "--generate")
    assert (code, len(made)) == (0, 20)
    assert site.do("user", "list")[1] == "chief\tchief\tfirst password\n"
    again = site.do("user", "password", "chief", "--generate")[1]
    assert again != made


def test_the_chief_is_made_or_gets_another_password(site: Site) -> None:
    for _ in range(2):
        code, out, _ = site.do("user", "chief")
        name, password = out.split()
        assert (code, name, len(password)) == (0, "chief", 19)
        assert site.do("user", "list")[1] == "chief\tchief\tfirst password\n"


def test_a_running_desk_follows_at_the_next_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    office = Office(tmp_path, monkeypatch)
    cookie = office.enter()
    monkeypatch.setattr("sys.stdin", io.StringIO("whale-umbrella-21\n"))
    assert command.user(office.folder, "password", "佐藤", None) == 0
    assert office.people.session(cookie) is None
    assert office.people.log_in("佐藤", SATO, HOME) == Wrong(4)
    assert isinstance(office.people.log_in("佐藤", "whale-umbrella-21", HOME), LoggedIn)
    assert office.people.audit(count=9)[2].address == "command line"


def test_a_folder_of_another_user_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    office = Office(tmp_path, monkeypatch)
    monkeypatch.setattr("os.geteuid", lambda: os.getuid() + 1)
    assert command.user(office.folder, "list", None, None) == 1
    assert command.verify(office.folder) == 1
    assert "belongs to another user" in capsys.readouterr().err


# -- audit verify ---------------------------------------------------------------------------------------------------


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    made = Office(tmp_path, monkeypatch)
    session = made.chief()
    for visit in range(1, 6):
        made.people.permit(session, Act.REGISTER, visit)
    made.people.upkeep()
    return made


def test_an_untouched_chain_agrees_with_the_event_log(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.verify(office.folder) == 0
    assert capsys.readouterr().out.splitlines() == [
        "8 lines from number 1",
        "1 hashes of the event log agree, 0 are of lines that are past keeping",
    ]


def test_a_changed_line_is_named(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(sqlite3.connect(office.folder.people)) as connection, connection:
        connection.execute("UPDATE audit SET user = 'x' WHERE number = 6")
    assert command.verify(office.folder) == 1
    assert "line 6: was changed, or does not follow the one before" in capsys.readouterr().out


def test_a_cut_end_is_found_by_a_copy_of_the_log_that_was_kept_elsewhere(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy.log"
    copy.write_bytes(office.folder.event_log.read_bytes())
    office.folder.event_log.write_bytes(b"")
    with closing(sqlite3.connect(office.folder.people)) as connection, connection:
        connection.execute("DELETE FROM audit WHERE number > 6")
    assert command.verify(office.folder) == 0
    assert "nothing to compare with" in capsys.readouterr().out
    assert command.verify(office.folder, [copy]) == 1
    assert "line 8: the event log has another hash, or the line is gone" in capsys.readouterr().out
    monkeypatch.setattr("sys.stdin", io.StringIO(copy.read_text(encoding="utf-8")))
    assert command.verify(office.folder, [Path("-")]) == 1
    assert command.verify(office.folder, [tmp_path / "missing"]) == 1


# -- the password on the stick --------------------------------------------------------------------------------------


@pytest.mark.parametrize("as_credential", [False, True])
def test_the_chiefs_first_password_comes_with_the_site(site: Site, tmp_path: Path, as_credential: bool) -> None:
    (tmp_path / "credentials").mkdir()
    file = tmp_path / ("credentials" if as_credential else ".") / DESK_CHIEF
    file.write_text("brought-by-stick-1\n", encoding="utf-8")
    file.chmod(0o600)
    (tmp_path / "desk").mkdir()
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path / "credentials")}
    config = load(site.file, passwords=False)
    for _ in range(2):
        people = People(site.folder, TOKYO, EventLog(site.folder.path, "desk", echo=False))
        first_chief.take(people, config, environ)
        entered = people.log_in("chief", "brought-by-stick-1", HOME)
        assert isinstance(entered, LoggedIn)
        assert (entered.session.user.role, entered.session.user.must_change) == (Role.CHIEF, True)


@pytest.mark.parametrize(("content", "mode"), [("short\n", 0o600), ("brought-by-stick-1\n", 0o644), ("", 0o600)])
def test_a_file_that_cannot_be_used_is_reported_without_its_content(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, mode: int
) -> None:
    (tmp_path / DESK_CHIEF).write_text(content, encoding="utf-8")
    (tmp_path / DESK_CHIEF).chmod(mode)
    (tmp_path / "desk").mkdir()
    people = People(site.folder, TOKYO, EventLog(site.folder.path, "desk", echo=False))
    first_chief.take(people, load(site.file, passwords=False), {})
    printed = capsys.readouterr().err
    assert DESK_CHIEF in printed
    assert not content or content.strip() not in printed
    assert people.users() == []


def test_without_the_file_nothing_happens(site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "desk").mkdir()
    people = People(site.folder, TOKYO, EventLog(site.folder.path, "desk", echo=False))
    first_chief.take(people, load(site.file, passwords=False), {})
    assert (capsys.readouterr().err, people.users()) == ("", [])
