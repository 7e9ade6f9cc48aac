"""Names of departments (診療科) in the patient's language.

Standard names are data (assets/departments.toml); the hospital's own come from site.toml. Must never translate what it
does not know: that stands in Japanese, as the signs in the house do, beside its kind.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Final

READING: Final = "reading"


@dataclass(frozen=True)
class WordedDepartment:
    """A department as a patient reads it. `text`: in the patient's language; in Japanese with ruby where it is known.

    `japanese`: as the hospital and its signs write it. `reading`: in hiragana, "" where it is not known.
    """

    text: str = field(repr=False)
    japanese: str = field(repr=False)
    reading: str = field(repr=False, default="")


@dataclass(frozen=True)
class DepartmentNames:
    """`own`: the hospital's names by its department, then by language; `reading` beside them is in hiragana.

    `{"フットケア外来": {"reading": "ふっとけあがいらい", "en": "Foot Care Clinic"}}`.
    """

    own: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def worded(self, department: str, language: str) -> WordedDepartment:
        """`department`: cleaned already, without ruby; `language`: one of texts.LANGUAGES."""
        raise NotImplementedError


@cache
def standard() -> Mapping[str, Any]:
    """assets/departments.toml."""
    return tomllib.loads((files("assets") / "departments.toml").read_text(encoding="utf-8"))
