"""What lies on the kiosk's own disk: settings, secrets, data, appointments, the table of numbers, the alarm program.

Owns the questions about owners, rights and contents. Must never make a file: a check run as root would leave files that
the kiosk's own user cannot open. Never shows what is inside.
"""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from drivers.reservations import ReservationsDown
from drivers.reservations.opening import open_reservations
from drivers.reservations.sqlite.beside import Beside
from kiosk.appointments.reference_numbers import BadMap, ReferenceNumbers
from kiosk.config import Config
from kiosk.operations.check.finding import Finding, Findings, ng, ok, skip
from kiosk.operations.check.machine import nearest
from kiosk.process import locks
from kiosk.process.data_folder import DataFolder

APPOINTMENT_CODES = ("reservations", "appointments_today", "import_dir")


def site_toml(file: Path) -> Finding:
    """A loaded site.toml; it decides where patients' files go, so nobody else may write it."""
    mode = file.stat().st_mode
    if mode & 0o002:
        return ng("site_toml", f"{file} をだれでも書き換えられます", f"chmod o-w {file}")
    return ok("site_toml", f"{file} を読めました")


def broken_site_toml(problems: str) -> Iterator[Finding]:
    """A line for each problem of a site.toml that cannot be used, as the loader tells them."""
    for line in problems.splitlines():
        yield ng("site_toml", line, "直してからもう一度実行してください。書き方は deploy/site.toml にあります")


def secrets(config: Config) -> Finding:
    """The password files in use. Modes were checked when they were loaded; a stranger may own one all the same."""
    code = "secrets"
    tables = (config.terminal, config.receipt_computer)
    names = dict.fromkeys(table.password_file for table in tables if table.password is not None)
    if not names:
        return skip(code, "パスワードの要る共有はありません")
    files = [config.file.parent / name for name in names]
    trusted = {0, os.geteuid(), *_owner(config.site.data_dir), *_owner(config.courier_dir)}
    for file in files:
        # A systemd credential needs no file beside site.toml.
        if (owner := _owner(file)) and not owner <= trusted:
            return ng(code, f"{file} の持ち主は {_user(*owner)} です", f"chown で持ち主を直してください: {file}")
        if owner and stat.S_IMODE(file.stat().st_mode) & 0o077:
            return ng(code, f"{file} をほかの人も読めます", f"chmod 600 {file}")
    return ok(code, f"パスワードのファイル {len(files)} 個、持ち主だけが読めます")


def data_dir(folder: Path) -> Finding:
    """The data folder, or the place where it will be made."""
    code = "data_dir"
    try:
        facts = folder.stat()
    except FileNotFoundError:
        above = nearest(folder)
        if os.access(above, os.W_OK | os.X_OK):
            return ok(code, f"{folder} はまだありません", "初めて起動するときに作られます")
        return ng(code, f"{folder} がなく、作れません", "作って持ち主を kiosk の利用者にしてください")
    except OSError as error:
        return ng(code, f"{folder} を調べられません（{error.strerror}）", "kiosk の利用者か root で実行してください")
    if not stat.S_ISDIR(facts.st_mode):
        return ng(code, f"{folder} はフォルダーではありません", "[site] data_dir を直してください")
    if stat.S_IMODE(facts.st_mode) & 0o077:
        return ng(code, f"{folder} をほかの人も見られます（{stat.S_IMODE(facts.st_mode):04o}）", f"chmod 700 {folder}")
    if os.geteuid() not in (0, facts.st_uid):
        return ng(code, f"{folder} の持ち主は {_user(facts.st_uid)} です", "その利用者か root で実行してください")
    return ok(code, f"{folder}（持ち主 {_user(facts.st_uid)}、{stat.S_IMODE(facts.st_mode):04o}）")


def appointments(config: Config) -> Findings:
    """`APPOINTMENT_CODES`."""
    folder, today = config.site.data_dir, datetime.now(config.site.zone).date()
    if os.access(folder, os.F_OK) and not os.access(folder, os.R_OK | os.X_OK):
        yield skip("reservations", f"{folder} を見る権利がありません", "kiosk の利用者か root で実行してください")
        yield skip("appointments_today", "予約を調べられません")
    # Asking a database that is not there would make one, unless there was one before.
    elif not os.access(DataFolder(folder).reservations, os.F_OK) and not Beside(folder).traces():
        yield skip("reservations", "まだ予約が取り込まれていません", "kiosk reservations import で取り込みます")
        yield skip("appointments_today", "まだ予約が取り込まれていません")
    else:
        try:
            count = open_reservations(config.reservations.url, folder).count(today)
        except ReservationsDown as error:
            do = "権利を確かめるか、kiosk reservations restore で作り直してください"
            yield ng("reservations", f"予約を調べられません（{error}）", do)
            yield skip("appointments_today", "予約を調べられません")
        else:
            yield ok("reservations", "予約を調べられます")
            hint = "取り込みを確かめてください"
            if config.closed_on(today):
                hint = "今日は休診日の設定です"
            yield ok("appointments_today", f"今日 {today:%Y-%m-%d} の予約は {count} 件です", "" if count else hint)
    yield _import_dir(config.reservations.import_dir)


def _import_dir(folder: Path | None) -> Finding:
    code = "import_dir"
    if folder is None:
        return skip(code, "設定がありません")
    if not folder.is_dir():
        return ng(code, f"{folder} がありません", "フォルダーを作るか、[reservations] import_dir を直してください")
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return ng(code, f"{folder} に書けません", "kiosk の利用者に読み書きの権利を与えてください")
    return ok(code, f"{folder} を読み書きできます")


def reference_numbers(table: Path | None) -> Finding:
    """The table of reference numbers."""
    code = "reference_numbers"
    if table is None:
        return skip(code, "設定がありません（照会番号＝患者番号）")
    try:
        ReferenceNumbers.load(table)
    except BadMap as bad:
        return ng(code, f"対応表を使えません（{bad}）", "対応表を直してください")
    return ok(code, "対応表を読めました")


def alarm(command: tuple[str, ...]) -> Finding:
    """The alarm program; it is not run."""
    code = "alarm"
    if not command:
        return skip(code, "設定がありません", "配送が止まったときに知らせるには [alarm] command を設定します")
    program = Path(command[0])
    if program.is_file() and os.access(program, os.X_OK):
        return ok(code, f"{program} を実行できます")
    return ng(code, f"{program} がないか、実行できません", "[alarm] command のパスと chmod +x を確かめてください")


def running(data_dir: Path, courier_dir: Path) -> Findings:
    """Whether courier and reception run now. Not running is no fault: at installation they are started later."""
    for code, folder, what, name in (
        ("courier_running", courier_dir, "courier", "配送（courier）"),
        ("reception_running", data_dir, "run", "受付"),
    ):
        if locks.is_held(folder, what):
            yield ok(code, f"{name}は動いています", "詳しくは kiosk status")
        else:
            unit = "kiosk-courier" if what == "courier" else "kiosk"
            yield skip(code, f"{name}は動いていません", f"運用中なら sudo systemctl start {unit}")


def _owner(path: Path) -> set[int]:
    try:
        return {path.stat().st_uid}
    except OSError:
        return set()


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)
