"""The four shares: reachable, protected, listed, the right to delete, and whose clock differs.

Owns what is looked at without changing anything on a server; what is written is in `probe`. Must never read, rename or
delete a file that is there, and never tell its name.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field

from drivers.share import LogonGate, Share, ShareError, ShareFacts
from drivers.share.protocol import ENTRIES_MAX
from kiosk.operations.check.finding import Finding, Findings, ng, ok, skip
from kiosk.operations.check.refusals import explain
from kiosk.results import names as result_files

CROWDED_ENTRIES = 500
SKEW_HINT_S = 5.0
SKEW_MAX_S = 60.0
DELETE_LATER = "最初の患者さんの後、端末のフォルダーからファイルが消えたことを確かめてください"

Open = Callable[[str, str | None, LogonGate], Share]


@dataclass(frozen=True)
class Role:
    """One share of site.toml. `code` begins its codes; `setting` is where it stands, such as `[terminal] results`."""

    code: str
    setting: str
    url: str
    password: str | None = field(repr=False)

    @property
    def is_smb(self) -> bool:
        """False for a folder of this machine."""
        return self.url.lower().startswith("smb://")

    def codes(self, *further: str) -> tuple[str, ...]:
        """The codes of this share, in the order in which they are told."""
        return tuple(f"{self.code}_{end}" for end in ("share", "signing", "encryption", "list", *further, "clock"))


def source(role: Role, share: Share, gate: LogonGate, may_delete: Callable[[Share], bool | None]) -> Findings:
    """A folder that files are taken from: `role.codes("delete")`."""
    facts = yield from reach(role, share, gate)
    if facts is None:
        yield from unreached(role.codes("delete"))
        return
    yield listing(role, share, gate)
    yield _delete(role, share, gate, may_delete)
    yield clock(role, facts)


def unreached(codes: tuple[str, ...]) -> Iterator[Finding]:
    """SKIP for whatever needs a share that could not be reached (its first code has said so)."""
    return (skip(code, "共有に届かないため調べていません") for code in codes[1:])


def reach(role: Role, share: Share, gate: LogonGate) -> Generator[Finding, None, ShareFacts | None]:
    """The share itself, signing and encryption; None (and only the first finding) when it cannot be reached."""
    share_code, signing, encryption, *_ = role.codes()
    began_s = time.monotonic()
    try:
        facts = share.facts()
    except ShareError as error:
        what, do = explain(error, role.url, gate)
        yield ng(share_code, f"{role.setting} {share.where}: {what}", do)
        return None
    took_ms = (time.monotonic() - began_s) * 1000
    if not role.is_smb:
        yield ok(share_code, f"{role.setting} {share.where} はこの装置のフォルダーです")
        yield skip(signing, "この装置のフォルダーです")
        yield skip(encryption, "この装置のフォルダーです")
        return facts
    yield ok(share_code, f"{role.setting} {share.where} に届きます（{facts.dialect}、{took_ms:.0f} ms）")
    if facts.signed:
        yield ok(signing, "署名あり")
    else:
        yield ng(signing, "通信に署名がありません", "サーバーで SMB 署名を有効にしてください")
    if facts.encrypted:
        yield ok(encryption, "暗号化あり")
    else:
        yield ok(encryption, "暗号化なし", "できればサーバーで SMB の暗号化を有効にしてください")
    return facts


def listing(role: Role, share: Share, gate: LogonGate) -> Finding:
    """How many files there are and how long it takes to see them."""
    code = f"{role.code}_list"
    began_s = time.monotonic()
    try:
        entries = share.entries("*")
    except ShareError as error:
        what, do = explain(error, role.url, gate)
        return ng(code, f"一覧できません: {what}", do)
    took_ms = (time.monotonic() - began_s) * 1000
    results = sum(result_files.kind(entry.name) is not None for entry in entries)
    more = "以上" if len(entries) >= ENTRIES_MAX else ""
    crowded = len(entries) > CROWDED_ENTRIES
    return ok(
        code,
        f"{len(entries)} 件{more}（うち結果ファイル {results} 件）、{took_ms:.0f} ms",
        "ファイルが溜まっています。片付けるプログラムが動いているか確かめてください" if crowded else "",
    )


def exports(code: str, role: Role, share: Share, gate: LogonGate) -> Finding:
    """The folder that exports of appointments are fetched from; it is only read."""
    try:
        count = len(share.entries("*.csv", ENTRIES_MAX))
    except ShareError as error:
        what, do = explain(error, role.url, gate)
        return ng(code, f"{role.setting} {share.where}: {what}", do)
    do = "" if count else "書き出しの設定を確かめてください"
    return ok(code, f"予約の CSV が {count} 件あります（{share.where}）", do)


def clock(role: Role, facts: ShareFacts) -> Finding:
    """The server's clock against ours."""
    code, skew_s = f"{role.code}_clock", facts.server_time_skew_s
    if skew_s is None:
        return skip(code, "サーバーの時刻がわかりません" if role.is_smb else "この装置のフォルダーです")
    said = f"サーバーの時計は {abs(skew_s):.1f} 秒{'進んでいます' if skew_s > 0 else '遅れています'}"
    do = "この装置とサーバーを同じ NTP サーバーに合わせてください"
    if abs(skew_s) > SKEW_MAX_S:
        return ng(code, said, do)
    if abs(skew_s) > SKEW_HINT_S:
        return ok(code, said, do)
    return ok(code, f"時計の差は {abs(skew_s):.1f} 秒です")


def _delete(role: Role, share: Share, gate: LogonGate, may_delete: Callable[[Share], bool | None]) -> Finding:
    """The courier deletes what it has delivered. Asked without touching a file, so the server may leave it open."""
    code = f"{role.code}_delete"
    try:
        may = may_delete(share)
    except ShareError as error:
        what, do = explain(error, role.url, gate)
        return ng(code, f"消す権利を調べられません: {what}", do)
    if may is None:
        return skip(code, "消す権利があるかは、ファイルがないと決まりません", DELETE_LATER)
    if may:
        return ok(code, "ファイルを消す権利があります")
    return ng(
        code,
        "ファイルを消す権利がありません。届けたファイルが端末のフォルダーに残ります",
        "共有とフォルダーの両方で、このアカウントに「変更」の権利を与えてください",
    )
