"""What to do where no command can be typed: the remedies of `kiosk check` on the appliance, a machine without a shell.

Owns the one table of remedies that differ there. The checks themselves are written for a PC and know of no other
machine. Must never change what was found, only what to do about it.

The table is by remedy and not by code: one code has several, and "once more" may stand behind any.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from kiosk.operations.check.finding import Finding

_STICK: Final = "設定用 USB（KIOSK-SITE）を挿し直してください"
# Owners, rights, folders and the disk are the image's own: nobody there can set them, a start mends what can be mended.
_MACHINE: Final = "［再起動］を押してください。続くときはこの行を添えて保守会社へ知らせてください"
_TRY_A_CARD: Final = "受付の画面で診察券を試してください"
# There is no device there that [[usb]] does not name.
_READER: Final = "ケーブルと、site.toml の [card_reader] url と [[usb]] を確かめてください"

# On the left the whole remedy of a PC, … for what differs each time (a path, a name, a number).
INSTEAD: Final[dict[str, str]] = {
    "直してからもう一度実行してください。書き方は deploy/site.toml にあります": f"site.toml を直し、{_STICK}",
    "site.toml の隣に置き、chmod 600 してください": f"パスワードのファイルを入れて、{_STICK}",
    "chmod o-w …": _MACHINE,
    "chmod 600 …": _MACHINE,
    "chmod 700 …": _MACHINE,
    "chown で持ち主を直してください: …": _MACHINE,
    "作って持ち主を kiosk の利用者にしてください": _MACHINE,
    "kiosk の利用者か root で実行してください": _MACHINE,
    "その利用者か root で実行してください": _MACHINE,
    "[site] data_dir を直してください": _MACHINE,
    "[site] data_dir のディスクを確かめてください": _MACHINE,
    "… MB 以上空けてください": _MACHINE,
    "権利を確かめるか、kiosk reservations restore で作り直してください": (
        "［予約の復元］を押してください。続くときはこの行を添えて保守会社へ知らせてください"
    ),
    "フォルダーを作るか、[reservations] import_dir を直してください": _MACHINE,
    "kiosk の利用者に読み書きの権利を与えてください": _MACHINE,
    "もう一度インストールしてください（deploy/install）": "［前の版に戻す］を押すか、保守会社へ知らせてください",
    "もう一度実行し、続くときはこの行を添えて開発元へ知らせてください": (
        "［点検］をもう一度押すか設定用 USB を挿し直し、続くときはこの行を添えて保守会社へ知らせてください"
    ),
    "ウイルス対策や監視のプログラムを確かめ、もう一度実行してください": (
        "ウイルス対策や監視のプログラムを確かめ、［点検］をもう一度押すか設定用 USB を挿し直してください"
    ),
    "--print で試験印刷をして確かめてください": "［用紙テスト］を押し、紙が出ることを確かめてください",
    "--print を付けると試験の受付票を印刷します": "［用紙テスト］で試験の受付票を印刷します",
    "ケーブル、[card_reader] url の機器名、権利（dialout グループ）を確かめてください": _READER,
    "ケーブルと [card_reader] url を確かめてください": _READER,
    "受付を止めて実行するか、受付の画面で診察券を試してください": _TRY_A_CARD,
    "端末から対話で実行する（--json なし）と、カードを1枚読みます": _TRY_A_CARD,
    "kiosk status を見てください": "［状態］を見てください",
    "詳しくは kiosk status": "詳しくは［状態］",
    "運用中なら sudo systemctl start …": (
        "運用中なら［受付の再起動］を押してください（技術者用の画面を開いている間、受付は止まります）"
    ),
    "kiosk reservations import で取り込みます": (
        "[reservations] share か、設定用 USB（KIOSK-SITE）の appointments フォルダーで取り込みます"
    ),
    "配送が止まったときに知らせるには [alarm] command を設定します": (
        "専用機では使えません。監視（[metrics]）か、毎朝の［状態］で見守ります"
    ),
    "[alarm] command のパスと chmod +x を確かめてください": (
        f"専用機では使えません。site.toml から [alarm] command を消し、{_STICK}"
    ),
    "院内の NTP サーバーを設定してください（専用機は site.toml の [time]、PC は systemd-timesyncd か chrony）": (
        f"［ネットワーク］で時刻サーバーを見て、違えば site.toml の [time] を直し、{_STICK}"
    ),
}
_TABLE: Final = [(re.compile(".+".join(map(re.escape, pc.split("…"))), re.DOTALL), do) for pc, do in INSTEAD.items()]


def reworded(finding: Finding) -> Finding:
    """`finding` with what can be done on the appliance; most remedies are the same everywhere."""
    do = next((instead for pc, instead in _TABLE if pc.fullmatch(finding.do)), finding.do)
    return replace(finding, do=do)
