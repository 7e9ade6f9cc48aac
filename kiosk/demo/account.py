"""What a demo tells: each step and its seconds, what was checked, and where the pictures are.

Owns wording and timing. Must never say that something happened because a step came to its end: that is for evidence.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

CLEAN_START = (
    "はじめの状態: 何も残っていない所から始めます (the demo starts clean)。病院では、起動から200秒の間は\n"
    "マイナンバーカードの方に誕生日の入力をお願いしますが、誰も使っていなかったデモでは省きます。"
)


class Account:
    """Lines as they come, through `say` and kept in `text`."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._lines: list[str] = []
        self._began = time.monotonic()
        self.failed = False
        now = datetime.now(ZoneInfo("Asia/Tokyo"))  # as the slips say
        self.tell(f"再来受付機デモ（自動運転） {now:%Y-%m-%d %H:%M}")
        self.tell(CLEAN_START)

    @property
    def text(self) -> str:
        """All of it."""
        return "\n".join(self._lines) + "\n"

    def tell(self, line: str) -> None:
        """One line."""
        self._lines.append(line)
        self._say(line)

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Time what happens inside; a step that fails is told as well."""
        began = time.monotonic()
        done = False
        try:
            yield
            done = True
        finally:
            self.tell(f"{time.monotonic() - began:7.2f} 秒  {what}" + ("" if done else "  … できませんでした"))

    def check(self, what: str, holds: bool) -> None:
        """A fact that must hold."""
        self.failed = self.failed or not holds
        self.tell(f"   {'OK' if holds else 'NG'}  {what}")

    def wrong(self, what: str) -> None:
        """Why the demo is not what it was to be."""
        self.failed = True
        self.tell(f"   NG  {what}")

    def close(self, out: Path) -> None:
        """The last lines. `out`: where everything is."""
        self.tell(f"写真・受付票・届いたファイル・記録: {out.resolve()}")
        self.tell(f"{time.monotonic() - self._began:7.2f} 秒  全体")
        self.tell("上の NG をご覧ください。デモは最後まで動きませんでした。" if self.failed else "すべて確かめました。")
