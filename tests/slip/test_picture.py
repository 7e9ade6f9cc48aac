"""A slip as dots: every character drawn, nothing cut, and a barcode that a decoder reads back."""

import random
import string
from dataclasses import replace
from datetime import date, time
from importlib.resources import files

import pytest
from fontTools.ttLib import TTFont
from PIL import Image

from kiosk.screens.wording import Wording
from kiosk.slip.barcode import BarcodeKind, WidthMm, barcode_kind
from kiosk.slip.content import Slip, SlipLine, counter_slip, reception_slip
from kiosk.slip.letters import lines_of, runs
from kiosk.slip.picture import HEIGHT_DOTS_MAX, draw
from kiosk.typography.coverage import MISSING
from kiosk.visit.state import RegisteredArrival, VisitAppointment, VisitReception
from kiosk.words.texts import LANGUAGES
from tests.escpos_decoder import read_barcodes

WORDS = Wording()

DAY = date(2026, 1, 15)
WIDTHS: tuple[WidthMm, ...] = (58, 80)
KINDS: tuple[BarcodeKind, ...] = ("code128", "nw7", "qr")
ZBAR_NAMES = {"code128": "CODE-128", "nw7": "Codabar", "qr": "QR-Code"}
RARE = "𠮷髙﨑①㈱ｱ〒℃Ⅳ彅靍葛\U000e0100辻\U000e0101か\u3099김张Nguyễn神"


def number_only(number: str) -> Slip:
    return Slip(lines=(SlipLine("受付票", "title"),), barcode=number)


def read_back(number: str, wanted: BarcodeKind, width_mm: WidthMm) -> None:
    kind = barcode_kind(number, wanted, width_mm)
    page = draw(number_only(number), width_mm=width_mm, barcode=wanted)
    expected = f"A{number}A" if kind == "nw7" else number
    assert read_barcodes(page) == [(ZBAR_NAMES[kind], expected)]


def numbers_of_a_hospital() -> list[str]:
    rng = random.Random(20260115)
    made = ["1", "0", "12", "007", "0000", "00000001", "12-345-6", "A123", "a-b", "0" * 20, "9" * 20, "Z" * 20]
    # python-barcode loses a leading 99 in Code 128.
    made += ["99", "991", "9912345678", "99-1", "99A", "9999", "9a", "100", "98989898"]
    for length in range(1, 21):
        made.append("".join(rng.choices(string.digits, k=length)))
        made.append("".join(rng.choices(string.digits + "-", k=length)))
        made.append("".join(rng.choices(string.ascii_letters + string.digits + "-", k=length)))
    return list(dict.fromkeys(made))


@pytest.mark.peers
@pytest.mark.parametrize("width_mm", WIDTHS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_decoder_reads_the_patient_number_back(kind: BarcodeKind, width_mm: WidthMm) -> None:
    for number in numbers_of_a_hospital():
        read_back(number, kind, width_mm)


@pytest.mark.peers
@pytest.mark.parametrize(
    "number", ["外来123", "患者番号0001", "ｱ-12", "A 1+2/3", "~^|{}", "漢" * 20, "x" * 50, "1" * 50]
)
def test_numbers_of_other_kinds_are_read_back_too(number: str) -> None:
    for width_mm in WIDTHS:
        for kind in KINDS:
            read_back(number, kind, width_mm)


@pytest.mark.parametrize(
    ("number", "wanted", "width_mm", "kind"),
    [
        ("0012345678", "code128", 58, "code128"),
        ("0012345678", "nw7", 58, "nw7"),
        ("0012345678", "qr", 80, "qr"),
        ("A-12", "nw7", 80, "qr"),
        ("外来1", "code128", 80, "qr"),
        ("ABCDEFGHIJKLMNOPQRST", "code128", 80, "code128"),
        ("ABCDEFGHIJKLMNOPQRST", "code128", 58, "qr"),
        ("01234567890123456789", "nw7", 58, "qr"),
        ("01234567890123456789", "nw7", 80, "nw7"),
    ],
)
def test_a_number_that_does_not_fit_becomes_qr(
    number: str, wanted: BarcodeKind, width_mm: WidthMm, kind: BarcodeKind
) -> None:
    assert barcode_kind(number, wanted, width_mm) == kind


@pytest.mark.parametrize("width_mm", WIDTHS)
def test_bars_are_two_dots_or_more_ten_millimetres_high_and_stand_free(width_mm: WidthMm) -> None:
    for kind in ("code128", "nw7"):
        page = draw(Slip(lines=(), barcode="0012345678"), width_mm=width_mm, barcode=kind)
        middle = [page.getpixel((x, 60)) == 0 for x in range(page.width)]
        bars = [len(bar) for bar in "".join("#" if dark else " " for dark in middle).split()]
        assert min(bars) >= 2
        assert middle.index(True) >= 10 * min(bars) and middle[::-1].index(True) >= 10 * min(bars)
        first_bar = middle.index(True)
        assert sum(page.getpixel((first_bar, y)) == 0 for y in range(page.height)) >= 80


@pytest.mark.parametrize("weight", ["regular", "bold"])
def test_no_character_is_drawn_by_a_font_that_lacks_it(weight: str) -> None:
    cmaps: dict[str, set[int]] = {}
    for run in runs(RARE + "\U0001f600\u0915ع", "bold" if weight == "bold" else "regular", 32):
        path = str(run.font.path)
        if path not in cmaps:
            with TTFont(path) as font:
                cmaps[path] = set(font.getBestCmap())
        letters = {ord(one) for one in run.text if not "\U000e0100" <= one <= "\U000e01ef"}
        assert letters <= cmaps[path]
    drawn = "".join(run.text for run in runs(RARE, "regular", 32))
    assert MISSING not in drawn
    assert all(letter in drawn for letter in "𠮷髙﨑①㈱ｱ神김张")


@pytest.mark.parametrize("character", [one for one in RARE if not "\U000e0100" <= one <= "\U000e01ef"])
def test_a_rare_character_does_not_look_like_the_box_for_a_missing_one(character: str) -> None:
    """Compared with the same font's .notdef, dot by dot."""
    for run in runs(character, "bold", 32):
        box = run.font.getmask("\U0010fffd")
        shape = run.font.getmask(run.text)
        assert (shape.size, bytes(shape)) != (box.size, bytes(box))
        assert any(bytes(shape))


def test_a_variation_selector_changes_the_letter_and_draws_nothing_of_its_own() -> None:
    plain = sum(run.width for run in runs("葛", "regular", 40))
    assert sum(run.width for run in runs("葛\U000e0100", "regular", 40)) == plain
    assert sum(run.width for run in runs("葛\U000e01ef\ufe0f", "regular", 40)) == plain


def test_what_no_font_has_is_marked_and_not_lost() -> None:
    assert [run.text for run in runs("\U0001f600", "regular", 32)] == [MISSING]
    assert "".join(run.text for run in runs("内\U0001f600科", "regular", 32)) == f"内{MISSING}科"


def test_a_compatibility_letter_keeps_its_shape_and_a_split_kana_is_joined() -> None:
    assert "".join(run.text for run in runs("神か\u3099", "regular", 32)) == "神が"


def ink(page: Image.Image) -> tuple[int, int, int, int]:
    box = page.convert("L").point([255] * 128 + [0] * 128).getbbox()
    assert box is not None
    return box


def full(text: str, appointments: int = 12) -> Slip:
    arrival = RegisteredArrival(
        date(2026, 12, 31),
        time(18, 52),
        "漢" * 50,
        (VisitReception("99999"),),
        tuple(VisitAppointment(time(9, i), text, text, text) for i in range(appointments)),
        ("insurance_check", "subsidy_failed", *(f"{text[:20]}{i}" for i in range(9))),
    )
    return reception_slip(WORDS, text, arrival)


@pytest.mark.parametrize("width_mm", WIDTHS)
@pytest.mark.parametrize(
    "text", ["漢" * 200, "W" * 200, "Wide words " * 20, "、" * 200, "葛\U000e0100" * 99, "김" * 200]
)
def test_the_fullest_slip_fits_on_the_paper_with_nothing_cut(text: str, width_mm: WidthMm) -> None:
    page = draw(full(text), width_mm=width_mm, barcode="code128")
    assert page.mode == "1"
    assert page.width == {58: 384, 80: 576}[width_mm]
    # Less than the limit by more than a line: the limit has not cut anything.
    assert page.height < HEIGHT_DOTS_MAX - 100
    words = tuple(line for line in full(text).lines if line.style not in ("rule", "note"))
    assert edges_are_white(draw(Slip(words, None), width_mm=width_mm, barcode="qr"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_slip_in_any_language_has_every_letter_and_stays_on_the_paper(language: str) -> None:
    place = VisitAppointment(
        time(13), "フットケア外来", "𠮷田", "A棟地下1階2番窓口", "A", -1, "2", "採尿してから診察へ"
    )
    notes = ("insurance_check", "subsidy_failed", "insurance_monthly", "arrived_late", "arrived_early")
    arrival = RegisteredArrival(
        DAY, time(13, 5), "00123456", (VisitReception("12"),), (place,), notes, True, time(14, 30)
    )
    slips = (
        reception_slip(WORDS, "架空総合病院", arrival, language, time(13, 20)),
        counter_slip(WORDS, hospital="", day=DAY, at=time(9), reason="no_card", code="N5", language=language),
    )
    for slip in slips:
        for line in (*slip.lines, *slip.caption):
            drawn = runs(line.text, "bold", 34, line.language)
            assert MISSING not in "".join(run.text for run in drawn)
        unframed = replace(slip, lines=tuple(line for line in slip.lines if line.style not in ("rule", "note")))
        for width_mm in WIDTHS:
            page = draw(unframed, width_mm=width_mm, barcode="code128")
            assert edges_are_white(page) and page.height < HEIGHT_DOTS_MAX / 2


def edges_are_white(page: Image.Image) -> bool:
    """Whether no ink is within two dots of either side: a line too wide for the paper would run over one of them."""
    sides = (page.crop((0, 0, 2, page.height)), page.crop((page.width - 2, 0, page.width, page.height)))
    return all(side.convert("L").getextrema() == (255, 255) for side in sides)


@pytest.mark.parametrize("width_mm", WIDTHS)
def test_no_wrapped_line_is_wider_than_the_paper(width_mm: WidthMm) -> None:
    text = "耳鼻咽喉科・頭頸部外科センター（めまい専門外来）Wide-words-without-a-blank-0123456789。"
    for style in ("title", "large", "body", "small"):
        for cut in range(1, len(text)):
            page = draw(
                Slip((SlipLine("", "rule"), SlipLine(text[:cut], style)), None), width_mm=width_mm, barcode="qr"
            )
            assert edges_are_white(page)


def test_a_text_that_fits_is_not_broken_whichever_way_it_is_measured() -> None:
    chance, fitted = random.Random(7), 0
    letters = "内科整形外科センター階番窓口（）「」、。ーっゃ ABCTVWaefgijlmo0123456789-/" + RARE
    for _ in range(400):
        text = "".join(chance.choices(letters, k=chance.randint(0, 30)))
        size = chance.choice((26, 34, 60))
        whole = sum(run.width for run in runs(text, "bold", size))
        lines = list(lines_of(text, "bold", size, 564))
        assert (len(lines) == 1) == (whole <= 564)
        fitted += len(lines) == 1
    assert 50 < fitted < 350, "both kinds were tried"


@pytest.mark.peers
def test_a_slip_beyond_every_limit_ends_with_an_ellipsis_and_keeps_its_barcode() -> None:
    endless = Slip(tuple(SlipLine("内科", "large") for _ in range(1000)), "123")
    page = draw(endless, width_mm=80, barcode="qr")
    assert HEIGHT_DOTS_MAX - 100 < page.height <= HEIGHT_DOTS_MAX
    assert read_barcodes(page) == [("QR-Code", "123")]


def test_the_number_is_the_largest_and_shrinks_rather_than_breaks() -> None:
    page = draw(Slip((SlipLine("7", "number"),), None), width_mm=80, barcode="qr")
    _, top, _, bottom = ink(page)
    assert bottom - top >= 120
    wide = draw(Slip((SlipLine("1234567890", "number"),), None), width_mm=58, barcode="qr")
    assert wide.height < 150 and ink(wide)[2] - ink(wide)[0] > 300


def test_a_slip_of_the_counter_is_drawn_at_both_widths() -> None:
    for width_mm in WIDTHS:
        page = draw(
            counter_slip(WORDS, hospital="架空総合病院", day=DAY, at=time(8, 52), reason="no_appointment"),
            width_mm=width_mm,
            barcode="code128",
        )
        assert 200 < page.height < 700


def test_every_font_travels_with_its_licence_and_its_origin() -> None:
    folder = files("assets") / "fonts"
    names = {one.name for one in folder.iterdir()}
    licences = {"BIZUD": "OFL-BIZUDGothic.txt", "NotoSans-": "OFL-NotoSans.txt", "NotoSans": "OFL-NotoSansCJK.txt"}
    assert {*licences.values(), "README.md"} <= names
    origin = (folder / "README.md").read_text(encoding="utf-8")
    for name in names:
        if name.endswith((".ttf", ".otf")):
            assert name in origin
            licence = next((licence for family, licence in licences.items() if name.startswith(family)), "")
            assert licence and "SIL OPEN FONT LICENSE" in (folder / licence).read_text(encoding="utf-8")
