"""Names of departments (診療科) in the patient's language.

Standard names are data (assets/departments.toml); the hospital's own come from site.toml. Must never translate what it
does not know: that stands in Japanese, as the signs in the house do, beside its kind.
"""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Final

from kiosk.typography import ruby
from kiosk.words.texts import Texts

_READING: Final = "reading"
_JAPANESE: Final = frozenset({"ja", "ja_simple"})
# 内科外来 is the department 内科.
_OUTPATIENTS: Final = "外来"
_BETWEEN: Final = "・"


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
    """`own`: the hospital's names by its department, then by language; `reading` beside them is in kana.

    `{"フットケア外来": {"reading": "ふっとけあがいらい", "en": "Foot Care Clinic", "zh-Hans": "足部护理门诊"}}`.
    """

    own: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def worded(self, department: str, texts: Texts) -> WordedDepartment:
        """`department`: as another system wrote it, cleaned; `texts`: the patient's catalogue."""
        language = texts["language"]["code"]
        names = {**_known(department), **_by_language(self.own.get(department, {}))}
        reading = names.get(_READING, "")
        japanese = f"｜{department}《{reading}》" if reading else ruby.name(department)
        if language in _JAPANESE:
            return WordedDepartment(names.get(language, japanese), department, reading)
        return WordedDepartment(names.get(language) or _with_kind(department, texts), department, reading)


def _by_language(own: Mapping[str, str]) -> dict[str, str]:
    """Under the codes of texts.LANGUAGES: a hospital may write zh-Hans or zh, and katakana for the reading."""
    names = {key.casefold().replace("-", "_"): name for key, name in own.items() if name}
    if "zh" in names:
        names.setdefault("zh_hans", names["zh"])
    if _READING in names:
        names[_READING] = "".join(chr(ord(each) - 0x60) if "ァ" <= each <= "ヶ" else each for each in names[_READING])
    return names


def _known(department: str) -> Mapping[str, str]:
    """The standard names of a department, or of several with ・ between; none unless all are known."""
    whole = _standard(department)
    if whole or _BETWEEN not in department:
        return whole
    parts = [_standard(part) for part in department.split(_BETWEEN)]
    if not all(parts):
        return {}
    joined = {key: " / ".join(part[key] for part in parts) for key in parts[0]}
    return joined | {_READING: _BETWEEN.join(part[_READING] for part in parts)}


def _standard(department: str) -> Mapping[str, str]:
    names = standard("department")
    written = unicodedata.normalize("NFKC", department).strip()
    if written in names:
        return names[written]
    found = names.get(written.removesuffix(_OUTPATIENTS), {})
    # The reading is of the name as it is written, with 外来.
    return {key: name + "がいらい" if key == _READING else name for key, name in found.items()}


def _with_kind(department: str, texts: Texts) -> str:
    """The name in Japanese, and what it ends with in the patient's language: `第二内科 (Internal Medicine)`."""
    endings = standard("kind") if _BETWEEN in department else standard("department") | standard("kind")
    ending = max((each for each in endings if department.endswith(each)), key=len, default="")
    name = ruby.name(department)
    if not ending:
        return name
    return str(texts["parts"]["department"]).format(department=name, kind=endings[ending][texts["language"]["code"]])


@cache
def standard(table: str) -> dict[str, dict[str, str]]:
    """Names by language and `reading` under each way to write them; `table`: `department` or `kind`."""
    tables = tomllib.loads((files("assets") / "departments.toml").read_text(encoding="utf-8"))
    found: dict[str, dict[str, str]] = {}
    for written, names in tables[table].items():
        also = names.pop("also", {})
        found[written] = names
        found |= {other: names | {_READING: reading} for other, reading in also.items()}
    return found
