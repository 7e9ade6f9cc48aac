"""The values of pages as hashes, so that a page that looks otherwise than before is looked at by a person.

python -m tests.ui.golden        # writes tests/ui/golden.json anew, and says which pages differ
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Final

from kiosk.ui.measure import Combination, pages
from kiosk.ui.pictures import DISPLAYS
from kiosk.visit.rules import Look

FILE: Final = Path(__file__).with_name("golden.json")
CHOSEN: Final = (
    Combination(Look(), DISPLAYS[2]),
    Combination(Look("en"), DISPLAYS[1]),
    Combination(Look("zh_hans", "high_contrast", "large", wheelchair=True), DISPLAYS[3]),
)
# A hundredth of a millimetre is nothing that anybody sees.
_DIGITS: Final = 2


def hashes() -> dict[str, str]:
    """Of every page of CHOSEN, by its name."""
    return {name: _hash(page.items) for chosen in CHOSEN for name, page in pages(chosen)}


def _hash(value: object) -> str:
    return hashlib.sha256("\n".join(_plain(value)).encode()).hexdigest()[:12]


def _plain(value: object) -> Iterator[str]:
    if is_dataclass(value):
        yield type(value).__name__
        for each in fields(value):
            yield from _plain(getattr(value, each.name))
    elif isinstance(value, tuple | list):
        for part in value:
            yield from _plain(part)
    else:
        yield f"{value:.{_DIGITS}f}" if isinstance(value, float) else str(value)


def main() -> None:
    before = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    now = hashes()
    FILE.write_text(json.dumps(now, indent=0, ensure_ascii=False) + "\n", encoding="utf-8")
    changed = sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
    sys.stdout.writelines(f"{name}\n" for name in changed)


if __name__ == "__main__":
    main()
