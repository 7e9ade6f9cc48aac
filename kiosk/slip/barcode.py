"""The patient number as a symbol that the hospital's scanners read: Code 128, NW-7 (Codabar) or QR.

Owns which kind a number gets and its dots. Must never print a symbol that says another number, nor one too fine or too
tight to be read: it becomes a QR code instead.
"""

import re
from functools import lru_cache
from typing import Literal

import qrcode
from barcode.codabar import CODABAR
from barcode.codex import Code128
from PIL import Image
from qrcode.constants import ERROR_CORRECT_M

BarcodeKind = Literal["code128", "nw7", "qr"]
WidthMm = Literal[58, 80]

WIDTH_DOTS: dict[WidthMm, int] = {58: 384, 80: 576}
NUMBER_CHARS_MAX = 120
# At 8 dots/mm: 2 dots are 0.25 mm, the finest module that a worn thermal head and a cheap scanner share.
MODULE_DOTS_MIN = 2
MODULE_DOTS_MAX = 3
QUIET_MODULES = 10
BAR_HEIGHT_DOTS = 96
_QR_QUIET_MODULES = 4
_QR_SIDE_DOTS = 232
_QR_MODULE_DOTS_MAX = 8
# NW-7: wide to narrow 1:2.5 at 2 dots and 1:2.67 at 3, inside the allowed 2 to 3.
_NW7_WIDE = {2: 5, 3: 8}
_NW7 = re.compile(r"[0-9$:/.+-]+")
# Scanners and decoders refuse shorter NW-7 symbols by default, because stray bars look like them.
_NW7_CHARS_MIN = 3
_CODE128 = re.compile(r"[\x20-\x7e]+")


class _FaithfulCode128(Code128):  # type: ignore[misc] # the library has no types
    """python-barcode 0.16.1 takes a leading "99" for a switch to set C and drops it: 9912345678 would say 12345678."""

    def _try_to_optimize(self, encoded: list[int]) -> list[int]:
        first_pair_is_data = len(self.code) > 1 and self.code[:2].isdigit()
        optimized: list[int] = encoded if first_pair_is_data else super()._try_to_optimize(encoded)
        return optimized


def barcode_kind(number: str, wanted: BarcodeKind, width_mm: WidthMm) -> BarcodeKind:
    """`wanted` when it can hold `number` and fits with modules of 2 dots and quiet zones of 10; "qr" otherwise."""
    if wanted == "qr" or _widest(number, wanted, WIDTH_DOTS[width_mm]) is None:
        return "qr"
    return wanted


def barcode_picture(number: str, wanted: BarcodeKind, width_mm: WidthMm) -> Image.Image:
    """The symbol with its quiet zones, mode "L", at most as wide as the paper. `number`: 1 to 120 characters."""
    bars = None if wanted == "qr" else _widest(number, wanted, WIDTH_DOTS[width_mm])
    return _qr(number, WIDTH_DOTS[width_mm]) if bars is None else _bars(*bars)


@lru_cache(maxsize=1)
def _widest(number: str, kind: BarcodeKind, width_dots: int) -> tuple[str, int] | None:
    """The symbol as a string of black "1" and white "0" dots, and its quiet zone in dots; None when it cannot be."""
    if len(number) > NUMBER_CHARS_MAX:
        return None
    for module in range(MODULE_DOTS_MAX, MODULE_DOTS_MIN - 1, -1):
        dots = _nw7(number, module) if kind == "nw7" else _code128(number, module)
        if dots is not None and len(dots) + 2 * QUIET_MODULES * module <= width_dots:
            return dots, QUIET_MODULES * module
    return None


def _code128(number: str, module: int) -> str | None:
    if not _CODE128.fullmatch(number):
        return None
    modules: str = _FaithfulCode128(number).build()[0]
    return "".join(one * module for one in modules)


def _nw7(number: str, module: int) -> str | None:
    """Start and stop are both A, which Japanese hospitals use; scanners are set to drop them."""
    if len(number) < _NW7_CHARS_MIN or not _NW7.fullmatch(number):
        return None
    dots: str = CODABAR(f"A{number}A", narrow=module, wide=_NW7_WIDE[module]).build()[0]
    return dots


def _bars(dots: str, quiet: int) -> Image.Image:
    row = [255] * quiet + [0 if dot == "1" else 255 for dot in dots] + [255] * quiet
    return Image.frombytes("L", (len(row), BAR_HEIGHT_DOTS), bytes(row) * BAR_HEIGHT_DOTS)


def _bytes(number: str) -> bytes:
    """Kanji in Shift_JIS, as JIS X 0510 has it: readers took the same kanji in UTF-8 for Big5."""
    try:
        return number.encode("cp932")
    except UnicodeEncodeError:
        return number.encode("utf-8", "replace")


def _qr(number: str, width_dots: int) -> Image.Image:
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_M, border=_QR_QUIET_MODULES)
    code.add_data(number if number.isascii() else _bytes(number))
    code.make(fit=True)
    rows = code.get_matrix()
    module = min(_QR_MODULE_DOTS_MAX, max(_QR_SIDE_DOTS // len(rows), 4), width_dots // len(rows))
    dots = bytes(0 if dark else 255 for row in rows for dark in row)
    small = Image.frombytes("L", (len(rows), len(rows)), dots)
    return small.resize((len(rows) * module, len(rows) * module), Image.Resampling.NEAREST)
