"""Is the site on a stick one that this machine can take? The files by themselves, then the check's findings.

Owns the rule what refuses and the words for the result page. Must never change anything or show a secret.

The rule: a fault of the files refuses always. A fault of the surroundings (a share, the printer, the reader, the clock)
refuses only when a site that works is installed already: then the stick would replace what works by what does not. On a
new or spare machine it is shown and the site is taken, because the printer may come tomorrow and the PC must not wait.
`take-anyway` on the stick turns the second refusal off.

A site that has a PIN is replaced only by a stick that knows it: whoever finds an open USB socket must not be able to
send patients' results to a server of his own. The PIN itself is changed by putting the old one into
`technician-old.secret`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from drivers import share
from kiosk.appliance.secrets import pin
from kiosk.appliance.site import apply
from kiosk.config import Config, ConfigError, load, password

OLD_PIN: Final = "technician-old.secret"
# The check looks at the machine as a whole. These say nothing about what is on the stick: the data folder is there or
# is made, and the services of the new site do not run yet.
_OF_THE_MACHINE: Final = frozenset(
    {"data_dir", "disk", "fonts", "reservations", "appointments_today", "import_dir", "courier_running"}
    | {"reception_running"}
)
_OF_THE_FILES: Final = frozenset({"site_toml", "secrets", "reference_numbers"})
_MAX_PIN_BYTES: Final = 200
_USB: Final = {"printer": "プリンター", "reader": "診察券リーダー", "keypad": "テンキー", "touch": "タッチパネル"}
_WITHOUT_PIN: Final = "使えません（technician.secret がなく、だれの USB メモリーでも設定を替えられます）"


class Unfit(Exception):
    """The files cannot be used; the arguments are Japanese lines, one a problem."""


def read(folder: Path) -> Config:
    """The site in `folder`, with its passwords. Raises Unfit with every problem of the files."""
    _, wrong = apply.judged(folder)
    if wrong:
        raise Unfit(*_with_heading(wrong))
    try:
        config = load(folder / "site.toml", {})
        password(config, "metrics", config.metrics.push, config.metrics.password_file, {})
        password(config, "update", config.update.folder, config.update.password_file, {})
        password(config, "reservations", config.reservations.share, config.reservations.password_file, {})
    except ConfigError as error:
        raise Unfit(*_with_heading(apply.told(error, folder))) from None
    table = config.reference_numbers.map
    if table is not None and not table.is_file():
        raise Unfit(f"site.toml: [reference_numbers] map: {table.name} が USB メモリーにありません")
    return config


def read_pin(file: Path) -> str | None:
    """The first line of a PIN file; None when there is no such file."""
    try:
        raw = file.read_bytes()[:_MAX_PIN_BYTES]
    except OSError:
        return None
    return raw.decode("utf-8-sig", "replace").split("\n", 1)[0].strip()


def replacement_problems(config: Config, folder: Path, kept: bytes | None, gate: pin.Gate) -> list[str]:
    """Why the stick may not replace the site whose PIN's record is `kept`, None: it has none; nothing: it may.

    A weak PIN is refused unless it is the one in force: rules that grow must not make a kiosk's own stick worthless.
    """
    given = read_pin(folder / config.technician.pin_file)
    fault = pin.fault(given) if given is not None else None
    weak = given is not None and pin.fits(given)
    if kept is not None and (fault is None or weak):
        # Before anything is said of a weak one: what it is compared with, it is compared with as a try.
        if wrong := pin_problems(config, folder, kept, gate):
            return wrong
        if given is not None and pin.matches(given, kept):
            return []
    return [f"{config.technician.pin_file}: {fault}"] if fault else []


def weak_pin_note(config: Config, folder: Path) -> list[str]:
    """A line when the PIN of the stick, which is in force, would not be taken as a new one."""
    given = read_pin(folder / config.technician.pin_file)
    if given is None or pin.fault(given) is None:
        return []
    do = f"新しい番号を {config.technician.pin_file} に、今の番号を {OLD_PIN} に入れた USB メモリーで変えてください"
    return [f"今の暗証番号は、簡単すぎて当てられやすい番号です（使えます）。{do}"]


def pin_problems(config: Config, folder: Path, kept: bytes, gate: pin.Gate) -> list[str]:
    """Whether the stick knows the PIN of the installed site; a line when it does not. A wrong one counts as a try."""
    given = read_pin(folder / OLD_PIN) or read_pin(folder / config.technician.pin_file)
    if given is None:
        return [f"この機械の暗証番号が要ります。{config.technician.pin_file} を USB メモリーに入れてください"]
    match gate.attempt(given, kept):
        case pin.Right():
            return []
        case pin.Locked(wait_s):
            return [f"暗証番号の間違いが続いています。{-(-wait_s // 60):.0f} 分後にやり直してください"]
        case _:
            return [f"暗証番号が、この機械のものと違います（変えるときは、前の番号を {OLD_PIN} に入れてください）"]


def decide(findings: Sequence[Mapping[str, Any]], *, installed: bool, anyway: bool) -> tuple[bool, list[str]]:
    """(taken?, what is wrong) from the check's findings."""
    if not findings:
        return False, ["点検を実行できませんでした。電源を入れ直して、もう一度差し込んでください"]
    wrong = [each for each in findings if each["result"] == "NG" and each["code"] not in _OF_THE_MACHINE]
    lines = [f"{each['message']} → {each['do']}" for each in wrong]
    of_files = any(each["code"] in _OF_THE_FILES for each in wrong)
    refused = of_files or (bool(wrong) and installed and not anyway)
    if refused and not of_files:
        lines.append("今の設定は動いているので、そのままにしました")
        lines.append("それでも替えるには take-anyway という名前のファイルを USB メモリーに入れてください")
    return not refused, lines


def summary(config: Config, secrets: int, *, has_pin: bool) -> list[str]:
    """What the stick brought, for the result page; never a password or a user's name."""
    shares = {
        "資格確認端末": config.terminal.results,
        "レセコン": config.receipt_computer.results,
        "予約": config.reservations.share,
        "更新": config.update.folder,
    }
    screen = config.screen
    lines = [
        f"病院: {config.site.name}（パターン {config.site.pattern}）",
        *(f"{name}: {share.parse(url).where}" for name, url in shares.items() if url),
        f"プリンター: {config.printer.url.partition('?')[0]}",
        f"画面: {screen.width_px}×{screen.height_px}、{screen.diagonal_inch:g} 型、回転 {screen.rotation}",
        f"ネットワーク: {'DHCP' if config.network.address == 'dhcp' else config.network.address}",
        f"パスワードのファイル: {secrets} 個（この機械の鍵で暗号化しました）",
        f"技術者用の画面: {'使えます' if has_pin else _WITHOUT_PIN}",
    ]
    if config.usb:
        lines.insert(-3, f"USB 機器: {'、'.join(f'{_USB[each.what]} {each.id}' for each in config.usb)}")
    if config.card_reader is not None:
        lines.insert(-3, f"診察券リーダー: {config.card_reader.url.partition('?')[0]}")
    return lines


def _with_heading(lines: Sequence[str]) -> list[str]:
    return ["site.toml かその仲間のファイルに誤りがあります。直して、もう一度差し込んでください", *lines]
