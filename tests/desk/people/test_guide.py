"""What deploy/DESK.md says of people is what the desk does."""

from __future__ import annotations

from kiosk.config.installed import DESK_CHIEF
from kiosk.desk.people import accounts, limits, passwords, sessions
from kiosk.desk.people.people import CHIEF
from kiosk.desk.people.roles import Role
from kiosk.process import pins, tries
from kiosk.words import texts
from tests import ROOT

TEXT = (ROOT / "deploy/DESK.md").read_text(encoding="utf-8")


def test_the_figures_are_those_of_the_program() -> None:
    figures = [
        f"パスワードは {passwords.LEAST} 文字から {passwords.MOST} 文字",
        f"{tries.TRIES} 回間違えると、その名前は {tries.LOCK_S / 60:.0f} 分使えません",
        f"最長 {tries.LOCK_MAX_S / 3600:.0f} 時間",
        f"{sessions.IDLE_S / 60:.0f} 分使わないと画面を隠します",
        f"暗証番号（{pins.MIN_DIGITS} から {pins.MAX_DIGITS} 桁）",
        f"{sessions.TRIES} 回間違えるとログアウト",
        f"翌朝 {sessions.ENDS_AT.hour} 時まで",
        f"使えるのは {accounts.FIRST_PASSWORD.days} 日",
        f"1 台から {limits.ADDRESS_AT_ONCE} 回、全体で {limits.ALL_AT_ONCE} 回",
        f"利用者名 `{CHIEF}`",
        f"`{DESK_CHIEF}`",
    ]
    assert [each for each in figures if each not in TEXT] == []


def test_every_role_and_button_has_its_name() -> None:
    words = texts.load("desk_pages")
    assert all(f"| {words['role'][role.value]}（`{role.value}`） |" in TEXT for role in Role)
    assert f"［{words['nav']['lock']}］" in TEXT and f"［{words['button']['reset']}］" in TEXT
    assert f"［{texts.load('technician')['buttons']['desk_chief']}］" in TEXT
