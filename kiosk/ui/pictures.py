"""Every screen and variant as PNG, with a page that shows them all, for those who review words and looks.

The screens come through `screen_of` from states of a visit, as a patient's would. Made-up people only.
"""

from __future__ import annotations

import html
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from kiosk.screens.of_state import screen_of
from kiosk.screens.specimens import NOW, TIME_OF_DAY, specimens
from kiosk.screens.views import Screen
from kiosk.screens.wording import Wording
from kiosk.ui import kivy_setup
from kiosk.ui.frame import Stand
from kiosk.ui.pages import layout_at
from kiosk.ui.scale import glass_mm
from kiosk.visit.rules import Look


@dataclass(frozen=True)
class Size:
    """A display, as whoever stands before it sees it."""

    width_px: int
    height_px: int
    diagonal_inch: float

    def __str__(self) -> str:
        return f"{self.width_px}x{self.height_px}"


# The usual displays: of them pictures are made; all of them are measured.
PICTURED: Final = (Size(1080, 1920, 21.5), Size(1280, 1024, 19.0))
DISPLAYS: Final = (
    Size(1280, 800, 10.1),
    Size(1024, 768, 15.0),
    Size(1080, 1920, 21.5),
    Size(1920, 1080, 21.5),
    Size(2160, 3840, 32.0),
)
# All that a site can add to a page but for a phone, which changes the drawing.
WORDING: Final = Wording(counter_window="1", counter_text="総合受付（この画面の右うしろ）", slip_at="right-bottom")
STAND: Final = Stand("架空総合病院", slip_at="right-bottom")
INDEX: Final = "index.html"


def render(folder: Path, looks: Sequence[Look], sizes: Sequence[Size] = PICTURED) -> list[Path]:
    """Write `<nn>-<screen>-<variant>[-<look>]-<width>x<height>.png` and index.html into `folder`; returns the paths.

    Only in the main thread. Raises NoDisplay, and OSError if a file cannot be written.
    """
    os.environ.setdefault("SDL_VIDEODRIVER", "offscreen")
    kivy_setup.prepare(320, 240, fullscreen=False)
    from kivy.base import EventLoop

    from kiosk.ui.view import View

    EventLoop.ensure_window()
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for size in sizes:
        glass = glass_mm(size.width_px, size.height_px, size.diagonal_inch)
        view = View(
            layout_at(replace(STAND, glass_mm=glass)), size.diagonal_inch, lambda button: None, lambda: NOW,
            size=(size.width_px, size.height_px), time_of_day=lambda: TIME_OF_DAY,
        )  # fmt: skip
        for look in looks:
            for number, (variant, screen) in enumerate(screens(look), 1):
                view.show(screen)
                path = folder / f"{number:03}-{screen.name}-{variant}{_suffix(look)}-{size}.png"
                path.unlink(missing_ok=True)
                view.export_to_png(str(path))
                if not path.is_file():
                    raise OSError(f"{path} could not be written")
                paths.append(path)
    index = folder / INDEX
    index.write_text(_index(paths), encoding="utf-8")
    return [*paths, index]


def screens(look: Look | None = None) -> Iterator[tuple[str, Screen]]:
    """(variant, screen) of everything that a patient can be shown. `look`: another than the site's."""
    for variant, kiosk in specimens():
        yield variant, screen_of(kiosk if look is None else replace(kiosk, look=look), WORDING)


def _suffix(look: Look) -> str:
    """What is not as usual, for a file's name."""
    usual = Look()
    parts = [
        look.language if look.language != usual.language else "",
        look.theme if look.theme != usual.theme else "",
        look.size if look.size != usual.size else "",
        "wheelchair" if look.wheelchair else "",
    ]
    return "".join(f"-{part}" for part in parts if part)


def _index(paths: Sequence[Path]) -> str:
    """One page with all pictures, their names below."""
    figures = "\n".join(
        f'<figure><a href="{name}"><img src="{name}" loading="lazy" alt=""></a><figcaption>{name}</figcaption></figure>'
        for name in (html.escape(path.name) for path in paths)
    )
    style = "body{font-family:sans-serif}figure{display:inline-block;margin:8px}img{height:420px;border:1px solid #888}"
    return f'<!doctype html><meta charset="utf-8"><title>Screens</title><style>{style}</style>\n{figures}\n'
