"""How large the texts of a page are: one size a role, tried from large to small until all of it has room. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import Final

from kiosk.typography import setting
from kiosk.typography.setting import Align, Paragraph
from kiosk.ui.theme import Role

# Capital heights, (largest, smallest): one size a role and page. EN 301 549 5.1.4 asks for 6.1 at 500 mm.
ROLES: Final[dict[Role, tuple[float, float]]] = {
    "hero": (24.0, 14.0),
    "title": (17.0, 8.6),
    "choice": (13.5, 7.6),
    "body": (8.6, 6.1),
    "small": (6.1, 6.1),
    # Of the frame: buttons that end a page, and strip and bar.
    "label": (7.2, 6.1),
    "frame": (6.1, 6.1),
}
# How far from the largest (1) to the smallest (0) size.
_TRIALS: Final = (1.0, 0.75, 0.5, 0.25, 0.0)
# Large letters, of the usual ones of a page: as much larger as there is room for. What is large already (hero, title,
# choice) leaves room to what is read: it grows less or not at all and, only where nothing could grow then, is a little
# smaller than it was.
_LARGER: Final = (1.3, 1.2, 1.1)
_DISPLAY: Final[tuple[Role, ...]] = ("hero", "title", "choice")
_DISPLAY_SHARES: Final = ((1.3, 1.15, 1.0), (0.9, 0.8))
# Nothing is broken there.
WIDE_MM: Final = 1000.0


@dataclass
class Setter:
    """Sets text at the sizes of one trial. `torn`: whether a word had to be broken since the last look."""

    language: str
    large: bool = False
    # Whether what is touched has to be within reach; not where a display hangs too high for that.
    reachable: bool = True
    sizes: dict[Role, float] = field(default_factory=dict)
    torn: bool = False
    # Of this page only: it goes with it.
    _kept: dict[tuple[str, Role, float, float, bool, bool, str], setting.Block] = field(
        default_factory=dict, repr=False
    )

    def trials(self) -> Iterator[dict[Role, float]]:
        """The sizes that the roles allow, from large to small."""
        for share in _TRIALS:
            yield {role: low + (high - low) * share for role, (high, low) in ROLES.items()}

    def larger(self) -> Iterator[dict[Role, float]]:
        """Sizes larger than the present ones, from large to small; none for somebody who did not ask for them."""
        usual = dict(self.sizes)
        for shares in _DISPLAY_SHARES if self.large else ():
            for factor, share in product(_LARGER, shares):
                sizes = {role: size * factor for role, size in usual.items()}
                yield sizes | {role: max(usual[role] * min(share, factor), sizes["body"]) for role in _DISPLAY}

    def set(
        self, text: str, role: Role, width: float, *, bold: bool, centred: bool, language: str = ""
    ) -> setting.Block:
        """`text` in lines no wider than `width`. `language`: its own, where it is not the page's."""
        wanted = (text, role, self.sizes[role], width, bold, centred, language)
        done = self._kept.get(wanted)
        if done is None:
            align: Align = "centre" if centred else "left"
            paragraph = Paragraph(text, self.sizes[role], bold, language or self.language, align)
            done = self._kept[wanted] = setting.set_paragraphs((paragraph,), width)
        self.torn = self.torn or done.torn or _is_lonely(done)
        return done


def _is_lonely(done: setting.Block) -> bool:
    """Whether the last of several lines holds a single character."""
    return len(done.lines) > 1 and len(done.lines[-1].text.strip()) == 1
