"""Sheet and slip on ordinary paper: all there, readable by a scanner, and nothing of it in the document's data."""

import io
import random
import subprocess
from dataclasses import replace
from datetime import date, time
from functools import cache
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from kiosk.screens.wording import Wording
from kiosk.slip.barcode import BarcodeKind
from kiosk.slip.columns import Box, Line, Rule, fill, fitting
from kiosk.slip.content import counter_slip, reception_slip
from kiosk.slip.page import ChartPage, DocumentKind, Paper, SlipPage
from kiosk.slip.sheet import Sheet, SheetAppointment, worded
from kiosk.visit.state import RegisteredArrival, VisitAppointment, VisitReception
from kiosk.words.texts import load
from tests.escpos_decoder import read_barcodes
from tests.peers import need

TEXTS, DATES = load("sheet"), load()
DAY = date(2026, 1, 15)
SHEET = Sheet(
    "みどり総合病院", DAY, time(9, 5), "00123456", "山田 花子", "ﾔﾏﾀﾞ ﾊﾅｺ", date(1956, 3, 3), (VisitReception("12"),),
    (SheetAppointment(time(9, 30), "内科", "佐藤", "A棟1階2番窓口"),),
)  # fmt: skip
LONG = replace(
    SHEET,
    hospital="医療法人社団みどりの丘記念会 みどりの丘記念総合リハビリテーション病院",
    patient_number="外来00000000001234567890",
    name="𠮷田 葛\U000e0100之助太郎左衛門 アレクサンドラ・マリア・デ・ラ・クルス・ゴンサレス" * 2,
    kana="ヨシダ カツノスケタロウザエモン" * 4,
    receptions=(VisitReception("123456"),),
    appointments=tuple(
        SheetAppointment(time(9, minute), "循環器・腎臓内科" * 5, "佐藤" * 20, "窓口" * 20) for minute in range(12)
    ),
    again=True,
)
SIZES: dict[Paper, tuple[int, int]] = {"a4": (2480, 3508), "a5": (1748, 2480)}
POINTS: dict[Paper, tuple[float, float]] = {"a4": (595.2, 841.9), "a5": (419.5, 595.2)}
MARGIN_DOTS = 90  # 7.6 mm


def chart(sheet: Sheet, barcode: BarcodeKind = "code128") -> ChartPage:
    return ChartPage(worded(sheet, TEXTS, DATES), barcode)


def slip(appointments: int, notes: tuple[str, ...] = (), fields: int = 1, language: str = "ja") -> SlipPage:
    each = tuple(
        VisitAppointment(time(9 + place, 30), "内科" * fields, "佐藤" * fields, "A棟1階2番窓口" * fields)
        for place in range(appointments)
    )
    arrival = RegisteredArrival(DAY, time(9, 5), "00123456", (VisitReception("12"),), each, notes)
    return SlipPage(reception_slip(Wording(), "みどり総合病院", arrival, language), "code128")


PAGES: dict[str, ChartPage | SlipPage] = {
    "sheet": chart(SHEET),
    "sheet, qr": chart(SHEET, "qr"),
    "sheet, all long": chart(LONG),
    "sheet, little known": chart(Sheet("", DAY, time(9, 5), "", "", "", None)),
    "slip": slip(1),
    "slip, notes": slip(3, ("insurance_check", "subsidy_failed")),
    "slip, in Vietnamese": slip(2, ("insurance_check", "arrived_late"), language="vi"),
    "slip, crowded": slip(10, ("insurance_check", "subsidy_failed"), fields=5),
    "slip of the counter": SlipPage(
        counter_slip(Wording(), hospital="みどり総合病院", day=DAY, at=time(9, 5), reason="not_registered"), "code128"
    ),
}


@cache
def picture_of(name: str, paper: Paper) -> Image.Image:
    return PAGES[name].picture(paper)


def ink(picture: Image.Image) -> tuple[int, int, int, int]:
    box = picture.convert("L").point([255] * 128 + [0] * 128).getbbox()
    assert box is not None
    return box


@pytest.mark.parametrize("paper", SIZES)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_the_papers_size_and_leaves_what_printers_cannot_reach(name: str, paper: Paper) -> None:
    picture = picture_of(name, paper)
    assert (picture.mode, picture.size) == ("1", SIZES[paper])
    left, top, right, bottom = ink(picture)
    assert left >= MARGIN_DOTS
    assert top >= MARGIN_DOTS
    assert right <= picture.width - MARGIN_DOTS
    assert bottom <= picture.height - MARGIN_DOTS


@pytest.mark.parametrize("name", [name for name in PAGES if name != "slip, crowded"])
def test_a4_holds_the_same_in_its_upper_half_and_leaves_the_lower_white(name: str) -> None:
    a4, a5 = picture_of(name, "a4"), picture_of(name, "a5")
    upper = a4.crop((0, 0, 2480, 1748))
    assert upper.tobytes() == a5.transpose(Image.Transpose.ROTATE_270).tobytes()
    assert ink(a4)[3] <= 1748 - MARGIN_DOTS


def test_a_crowded_slip_takes_all_of_a4_rather_than_be_small() -> None:
    assert ink(picture_of("slip, crowded", "a4"))[3] > 1748


@pytest.mark.peers
@pytest.mark.parametrize("paper", SIZES)
@pytest.mark.parametrize(
    ("number", "wanted", "read"),
    [
        ("00123456", "code128", ("CODE-128", "00123456")),
        ("9912345678", "code128", ("CODE-128", "9912345678")),
        ("00123456", "nw7", ("Codabar", "A00123456A")),
        ("00123456", "qr", ("QR-Code", "00123456")),
        ("外来123", "code128", ("QR-Code", "外来123")),
        ("ABCDEFGHIJKLMNOPQRST", "code128", ("CODE-128", "ABCDEFGHIJKLMNOPQRST")),
    ],
)
def test_a_scanner_reads_the_number(paper: Paper, number: str, wanted: BarcodeKind, read: tuple[str, str]) -> None:
    page = chart(replace(SHEET, patient_number=number), wanted)
    assert read_barcodes(page.picture(paper)) == [read]


@pytest.mark.peers
def test_the_pdf_is_one_page_of_its_paper_and_its_data_name_nobody(tmp_path: Path) -> None:
    for paper, points in POINTS.items():
        file = tmp_path / f"{paper}.pdf"
        file.write_bytes(chart(SHEET).render(paper, "pdf"))
        answer = subprocess.run([need("pdfinfo"), file], capture_output=True, text=True, timeout=60, check=True).stdout
        values = {name: value.strip() for name, _, value in (line.partition(":") for line in answer.splitlines())}
        width, _, high, *_ = values["Page size"].split()
        assert (float(width), float(high)) == pytest.approx(points, abs=0.1)
        assert (values["Pages"], values["Title"], values.get("Author", "")) == ("1", "kiosk", "")
        subprocess.run([need("pdftoppm"), "-r", "150", "-png", "-singlefile", file, file], timeout=60, check=True)
        with Image.open(f"{file}.png") as picture:
            assert read_barcodes(picture) == [("CODE-128", "00123456")]


@pytest.mark.parametrize(("kind", "begins"), [("pdf", b"%PDF-"), ("jpeg", b"\xff\xd8")])
def test_a_document_is_small_and_has_no_letters_of_the_page(kind: DocumentKind, begins: bytes) -> None:
    for page in (chart(SHEET), slip(3)):
        document = page.render("a4", kind)
        assert document.startswith(begins)
        assert len(document) < 1_000_000
        for private in ("00123456", "山田", "花子"):
            for encoding in ("utf-8", "utf-16-be", "cp932"):
                assert private.encode(encoding) not in document


def test_a_jpeg_has_the_page_and_its_dots_an_inch() -> None:
    with Image.open(io.BytesIO(chart(SHEET).render("a5", "jpeg"))) as picture:
        assert (picture.mode, picture.size, picture.info["dpi"]) == ("L", SIZES["a5"], (300, 300))


def test_a_png_is_the_page_as_it_is_read() -> None:
    for page in (chart(SHEET), slip(1)):
        with Image.open(io.BytesIO(page.png())) as picture:
            assert picture.size == (2480, 1748)
            assert picture.tobytes() == page.picture("a4").crop((0, 0, 2480, 1748)).tobytes()


# --- columns -------------------------------------------------------------------------------------------------------

LETTERS = "山田花子アレクサンドラ・（）、。abc 123ー"


def some_lines(rng: random.Random) -> list[Line | Rule]:
    lines: list[Line | Rule] = []
    for _ in range(rng.randint(1, 12)):
        text = "".join(rng.choices(LETTERS, k=rng.randint(0, 60)))
        lines.append(Line(text, rng.uniform(3, 15), above=rng.uniform(0, 3), shrinks=rng.random() < 0.3))
        if rng.random() < 0.3:
            lines.append(Rule(above=1, below=1))
    return lines


def test_nothing_is_drawn_outside_its_box_and_no_word_is_lost_in_silence() -> None:
    rng = random.Random(14)
    cut = 0
    for _ in range(12):
        box = Box(100, 100, rng.randint(300, 1500), rng.randint(200, 900))
        lines = some_lines(rng)
        canvas = Image.new("L", (1800, 1200), 255)
        fill(ImageDraw.Draw(canvas), box, lines)
        drawn = canvas.point([255] * 128 + [0] * 128).getbbox()
        assert drawn is not None
        # A letter may reach a dot or two beyond its advance, and its foot below its square.
        assert drawn[0] >= box.left - 6
        assert drawn[2] <= box.left + box.width + 6
        assert drawn[1] >= box.top - 2
        assert drawn[3] <= box.bottom + 12
        wanted = "".join(line.text for line in lines if isinstance(line, Line)).replace(" ", "")
        words = "".join(run.text for row in fitting(tuple(lines), box) for run in row.runs).replace(" ", "")
        if words != wanted:
            cut += 1
            assert words.endswith("…")
            assert wanted.startswith(words[:-1])
    assert 0 < cut < 12
