"""Why a share did not do what was asked, in words of the technician who has to mend it.

Owns the translation of a `ShareError` and the question what is wrong with the way to a server. Must never change
anything on a server; beyond the share's own calls it only looks a name up and opens a TCP connection.
"""

from __future__ import annotations

import re
import socket

from drivers.resolve import resolve
from drivers.share import (
    Busy,
    FolderAddress,
    Full,
    LogonGate,
    Missing,
    Refused,
    ShareError,
    SmbAddress,
    Unreachable,
    parse,
)

_ANSWER_S = 3.0
_STATUS = re.compile(r"0x([0-9A-F]{8})")

_LOGON = {
    0xC0000064: "そのユーザーはありません",
    0xC000006A: "パスワードが違います",
    0xC000006D: "ユーザー名かパスワードが違います",
    0xC0000071: "パスワードの期限が切れています",
    0xC0000072: "アカウントが無効です",
    0xC0000133: "サーバーとの時計の差が大きすぎます",
    0xC0000193: "アカウントの期限が切れています",
    0xC0000224: "初回のパスワード変更が済んでいません",
    0xC0000234: "アカウントがロックされています",
}
_REFUSED = {
    0xC0000022: ("権利がありません", "共有とフォルダーの両方で、このアカウントに必要な権利を与えてください"),
    0xC000003A: ("フォルダーがありません", "サーバーにフォルダーを作るか、site.toml のフォルダー名を直してください"),
    0xC00000A2: ("ディスクが書き込み禁止です", "書き込める場所を共有してください"),
    0xC00000BB: ("サーバーが対応していません", "サーバーで SMB 3 を有効にしてください"),
    0xC00000CC: ("その名前の共有がありません", "サーバーで共有するか、site.toml の共有名を直してください"),
    0xC0000257: ("フォルダーは DFS のリンクです", "実際に置いてあるサーバーの名前を書いてください"),
    0xC0000906: ("サーバーのウイルス対策に止められました", "共有フォルダーを検査の対象から外してください"),
}


def explain(error: ShareError, url: str, gate: LogonGate) -> tuple[str, str]:
    """(what is wrong, what to do). `url`: the share's address; `gate`: the one it was opened with."""
    address = parse(url)
    said = str(error).removeprefix(f"{address.where}: ")
    if isinstance(error, Busy):
        return "ほかのプログラムが使用中です", "ウイルス対策や監視のプログラムを確かめ、もう一度実行してください"
    if isinstance(error, Full):
        return "ディスクがいっぱいです", "サーバーの空きを作ってください"
    if isinstance(error, Missing):
        return "ファイルがなくなりました", "このフォルダーのファイルを動かすプログラムを確かめてください"
    if isinstance(address, FolderAddress):
        return f"フォルダーを使えません（{said}）", "フォルダーの名前と、このユーザーの権利を確かめてください"
    if isinstance(error, Unreachable):
        return _way_to(address)
    if isinstance(error, Refused):
        return _refusal(said, address, gate)
    return f"できません（{said}）", "site.toml の設定とサーバーの状態を確かめてください"


def _refusal(said: str, address: SmbAddress, gate: LogonGate) -> tuple[str, str]:
    found = _STATUS.search(said)
    status = int(found[1], 16) if found else 0
    if gate.refusal(address.account):
        why = _LOGON.get(status, said)
        return f"ログオンできません（{why}）", "site.toml のユーザー名と、パスワードのファイルを確かめてください"
    if status in _REFUSED:
        return _REFUSED[status]
    if "SMB 2" in said:
        return "サーバーが SMB 2 までしか話しません", "サーバーで SMB 3 を有効にしてください"
    return f"サーバーに断られました（{said}）", "サーバーの設定を確かめてください"


def _way_to(address: SmbAddress) -> tuple[str, str]:
    """What is wrong on the way: the name, the host, the port, or the server behind it."""
    host, port = address.host, address.port
    check_name = "site.toml のホスト名と DNS の設定を確かめるか、IP アドレスで書いてください"
    try:
        resolve(host, port, _ANSWER_S)
        socket.create_connection((host, port), _ANSWER_S).close()
    except ConnectionRefusedError:
        return (
            f"ポート {port} が閉じています",
            "サーバーでファイル共有が動いているか、ファイアウォールが許しているかを確かめてください",
        )
    except TimeoutError as error:
        if "name server" in str(error):
            return "DNS が応答しません", check_name
        return "応答がありません", "サーバーの電源、LAN ケーブル、IP アドレス、ファイアウォールを確かめてください"
    except OSError as error:
        if error.errno is None:  # as `resolve` says it
            return f"ホスト名 {host} が見つかりません", check_name
        return f"届きません（{error.strerror}）", "LAN ケーブル、IP アドレス、経路の設定を確かめてください"
    return (
        "つながりますが、SMB の応答がありません",
        "サーバーの共有サービスが動いているか、ポート番号が正しいかを確かめてください",
    )
