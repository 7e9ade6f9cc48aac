"""Printer and card reader: do they answer, is there paper, does a slip come out, is a card read.

Owns the test slip and the one test card. Must never show what was on a card, and never talk to a printer while the
reception does.
"""

from __future__ import annotations

import queue
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from drivers.card_reader import CardEvent, CardRead, CardUnreadable, ReaderDown, ReaderUp, SerialCardReader
from drivers.printer import NotPrinted, NotReady, Printer, Reason
from kiosk.config import CardReader, Config
from kiosk.operations.check.finding import Finding, Findings, ng, ok, skip
from kiosk.process import locks
from kiosk.reception import run_status
from kiosk.slip import picture as slip_picture
from kiosk.slip.content import Slip, SlipLine

PRINTER_CODES = ("printer", "paper", "test_slip")
CARD_CODES = ("card_reader", "card_read")
CARD_WAIT_S = 20.0
OPEN_WAIT_S = 3.0
SAMPLE = "髙﨑𠮷①㈱葛󠄀"
_NOT_A_PATIENT = "0000000000"

_PRINTER_NG: dict[Reason, tuple[str, str]] = {
    "paper_out": ("用紙がありません", "用紙を入れてください"),
    "cover_open": ("カバーが開いています", "カバーを閉めてください"),
    "printer_offline": (
        "届きません",
        "電源と LAN・USB・シリアルのケーブル、[printer] url を確かめてください",
    ),
    "printer_silent": (
        "つながりますが、答えがありません",
        "電源を入れ直してください。状態を答えられない機種なら [printer] status = false にします",
    ),
    "printer_stalled": ("データを受け取りません", "プリンターの表示を確かめ、電源を入れ直してください"),
}


# --- printer -------------------------------------------------------------------------------------------------------


def printer(device: Printer, config: Config, *, print_slip: bool) -> Findings:
    """`PRINTER_CODES`. With `print_slip` a test slip comes out."""
    answer = device.status()
    if isinstance(answer, NotReady) and answer.reason != "paper_out":
        what, do = _PRINTER_NG[answer.reason]
        yield ng("printer", what, do)
        yield skip("paper", "プリンターの用意ができていません")
        yield skip("test_slip", "プリンターの用意ができていません")
        return
    if isinstance(answer, NotReady):
        yield ok("printer", "応答します")
        yield ng("paper", *_PRINTER_NG["paper_out"])
        yield skip("test_slip", "用紙がありません")
        return
    if answer.paper_near_end is None:
        yield ok("printer", "つながります（状態は尋ねない設定です）", "--print で試験印刷をして確かめてください")
        yield skip("paper", "状態を尋ねない設定です")
    else:
        yield ok("printer", "応答します")
        yield ok("paper", "用紙があります", "残りが少なくなっています" if answer.paper_near_end else "")
    if print_slip:
        yield _printed(device, config)
    else:
        yield skip("test_slip", "印刷していません", "--print を付けると試験の受付票を印刷します")


def test_slip(hospital: str, at: datetime) -> Slip:
    """What is printed: width, sizes, hard characters and a barcode that is no patient's."""
    return Slip(
        lines=(
            SlipLine(hospital, "body"),
            SlipLine("試験印刷", "title"),
            SlipLine("これは試験印刷です", "body"),
            SlipLine(f"{at:%Y-%m-%d %H:%M}", "body"),
            SlipLine("", "rule"),
            # The frame is exactly as wide as the picture.
            SlipLine("この枠の左右が見えること", "note"),
            SlipLine("A棟1階2番窓口", "large"),
            SlipLine(SAMPLE, "large"),
            SlipLine("0123456789 ABC abc あいう アイウ", "body"),
            SlipLine("この字が読めること", "small"),
            SlipLine("下の符号が読み取れること", "body"),
        ),
        barcode=_NOT_A_PATIENT,
    )


def _printed(device: Printer, config: Config) -> Finding:
    composed = test_slip(config.site.name, datetime.now(config.site.zone))
    settings = config.printer
    picture = slip_picture.draw(composed, width_mm=settings.width_mm, barcode=settings.barcode)
    outcome = device.print(picture)
    if isinstance(outcome, NotPrinted):
        what, do = _PRINTER_NG[outcome.reason]
        return ng("test_slip", f"印刷できませんでした: {what}", do)
    kind = slip_picture.barcode_kind(_NOT_A_PATIENT, settings.barcode, settings.width_mm)
    return ok(
        "test_slip",
        f"印刷しました（用紙幅 {settings.width_mm} mm、{kind}）",
        "枠の左右が切れていないこと、字と符号が読めることを目で確かめてください",
    )


# --- card reader ---------------------------------------------------------------------------------------------------


def reception_runs(data_dir: Path) -> bool:
    """Whether a reception works on this data folder; it holds the card reader then."""
    return locks.is_held(data_dir, "run")


def card_reader(
    settings: CardReader | None, data_dir: Path, ask: Callable[[str], None] | None, *, wait_s: float = CARD_WAIT_S
) -> Findings:
    """`CARD_CODES`. `ask` tells the person to put a card in; None: nobody is there."""
    if settings is None:
        yield skip("card_reader", "設定がありません（診察券での受付はしません）")
        yield skip("card_read", "設定がありません")
        return
    if reception_runs(data_dir):
        yield _as_the_reception_says(data_dir)
        yield skip("card_read", "受付が使用中です", "受付を止めて実行するか、受付の画面で診察券を試してください")
        return
    events: queue.SimpleQueue[CardEvent] = queue.SimpleQueue()
    reader = SerialCardReader(settings.url, settings.end, re.compile(settings.pattern), events.put)
    reader.start()
    try:
        up = _next(events, OPEN_WAIT_S)
        if not isinstance(up, ReaderUp):
            why = up.message if isinstance(up, ReaderDown) else "開けません"
            yield ng(
                "card_reader",
                f"開けません（{why}）",
                "ケーブル、[card_reader] url の機器名、権利（dialout グループ）を確かめてください",
            )
            yield skip("card_read", "リーダーを開けません")
            return
        yield ok("card_reader", "開けます")
        if ask is None:
            yield skip("card_read", "読んでいません", "端末から対話で実行する（--json なし）と、カードを1枚読みます")
            return
        reader.arm(1)
        ask(f"カードを1枚入れてください（{wait_s:.0f} 秒）")
        yield _card(_next(events, wait_s), wait_s)
    finally:
        reader.stop()


def _card(event: CardEvent | None, wait_s: float) -> Finding:
    code = "card_read"
    check_line = "[card_reader] の baudrate と end、カードの向きを確かめてください"
    match event:
        case CardRead():
            return ok(code, f"読めました（{len(event.number)} 文字、設定の形と一致）")
        case CardUnreadable():
            return ng(code, "読めましたが、設定の形と一致しません", "[card_reader] の pattern と end を確かめます")
        case ReaderDown():
            return ng(code, f"途中で切れました（{event.message}）", "ケーブルを確かめてください")
    return ng(code, f"{wait_s:.0f} 秒以内に読めませんでした", check_line)


def _next(events: queue.SimpleQueue[CardEvent], wait_s: float) -> CardEvent | None:
    try:
        return events.get(timeout=wait_s)
    except queue.Empty:
        return None


def _as_the_reception_says(data_dir: Path) -> Finding:
    state = run_status.read(data_dir).card_reader
    if state == "up":
        return ok("card_reader", "受付（kiosk run）が使用中で、開けています")
    if state == "down":
        return ng("card_reader", "受付（kiosk run）が開けずにいます", "ケーブルと [card_reader] url を確かめてください")
    return skip("card_reader", "受付（kiosk run）が使用中です", "kiosk status を見てください")
