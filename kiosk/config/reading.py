"""The text of site.toml → checked values of every table, and a line for each problem.

Owns the walk over tables and keys, derived from the classes in `model`, the wording of problems, and the bounds that
keep a file of anybody's from taking longer than a moment. Must never stop at the first problem, and never raise but
`Broken`.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path
from typing import Any, Final, get_type_hints

from kiosk.config.checks import Check, Refused
from kiosk.config.model import LISTS, OPTIONAL_TABLES, TABLES

# Every [[place]] that is taken, with the longest Japanese names, is 200 kB.
MAX_FILE_BYTES: Final = 256 * 1024
# tomllib's time and memory grow with the square of a key's parts: 50 kB of one dotted key are 24 s and 2.5 GB. No key
# of ours has a dot; what may have some are addresses. Dots side by side, as of an ellipsis, never divide a key.
MAX_DOTS: Final = 32
_DOT: Final = re.compile(r"(?<!\.)\.(?!\.)")
# Nobody reads more at once, and for each unknown name the nearest one is looked for.
MAX_PROBLEMS: Final = 100
# Longer ones, which only 0x… can write, str() refuses.
_MAX_BITS: Final = 1024


class Broken(Exception):
    """The file cannot be read at all. The text says why, without the file's name."""


@dataclass(frozen=True)
class Setting:
    """One key of site.toml. `default` is dataclasses.MISSING for a required key."""

    table: str
    key: str
    check: Check
    default: object

    @property
    def required(self) -> bool:
        """Whether the table cannot do without this key."""
        return self.default is dataclasses.MISSING


@dataclass(frozen=True)
class Read:
    """Accepted values, defaults filled in; a key whose value was refused is not there.

    `tables` by table and key; an optional table that was left out is not there. `lists`: the [[…]] tables.
    """

    tables: Mapping[str, dict[str, Any]]
    lists: Mapping[str, list[dict[str, Any]]]


def settings_of(table: str, cls: type) -> dict[str, Setting]:
    """The settings a class of `model` declares, by key. Fields without a check are not keys."""
    hints = get_type_hints(cls, include_extras=True)
    found = {}
    for declared in dataclasses.fields(cls):
        checks = [extra for extra in getattr(hints[declared.name], "__metadata__", ()) if isinstance(extra, Check)]
        if checks:
            found[declared.name] = Setting(table, declared.name, checks[0], declared.default)
    return found


SETTINGS: Final[dict[str, dict[str, Setting]]] = {
    table: settings_of(table, cls)
    for table, cls in [*TABLES.items(), *((table, cls) for table, (cls, _) in LISTS.items())]
}


def text_of(file: Path) -> str:
    """The text of the file. Raises Broken."""
    try:
        if file.is_dir():
            raise Broken("is a folder, expected a file such as site.toml")
        with file.open("rb") as opened:
            raw = opened.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        raise Broken("there is no such file") from None
    except (OSError, ValueError) as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "not a usable name"
        raise Broken(f"cannot be read: {reason}") from None
    if len(raw) > MAX_FILE_BYTES:
        raise Broken(f"is larger than {MAX_FILE_BYTES} bytes")
    try:
        # "-sig": some editors put a byte-order mark before UTF-8.
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise Broken(f"line {line}: is not UTF-8; save the file as UTF-8") from None


def document(text: str) -> dict[str, Any]:
    """The TOML document. Raises Broken, with the line. Takes well under a second for any text of MAX_FILE_BYTES."""
    number = _dotted_line(text)
    if number is not None:
        raise Broken(f"line {number}: has more than {MAX_DOTS} dots; write a long list on several lines")
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        # ValueError: TOMLDecodeError, and numbers too long for int(). Their texts hold lines and columns, no values.
        reason = "too many brackets within brackets" if isinstance(error, RecursionError) else _cut(str(error))
        raise Broken(f"is not TOML: {reason}{_where(text, reason)}") from None


def _dotted_line(text: str) -> int | None:
    """The first line with more than MAX_DOTS dots, from 1."""
    # Within a text of several lines a # begins no comment, and a key may come behind its end.
    comments = '"""' not in text and "'''" not in text
    # By "\n", which no key holds; splitlines() knows more ends, which a quoted key may hold.
    for number, line in enumerate(text.split("\n"), 1):
        if len(_DOT.findall(line)) > MAX_DOTS and not (comments and line.lstrip(" \t").startswith("#")):
            return number
    return None


def _cut(reason: str) -> str:
    """tomllib repeats a key as long as it is; where it stands is said at the end."""
    return reason if len(reason) <= 200 else f"{reason[:100]}…{reason[-90:]}"


def _where(text: str, reason: str) -> str:
    """The key of the line that tomllib names, and what is usually wrong there; never the value."""
    found = re.search(r"at line ([0-9]+)", reason)
    lines = text.splitlines()
    if found is None or not 1 <= int(found[1]) <= len(lines):
        return ""
    key = re.match(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*=", lines[int(found[1]) - 1])
    hint = 'expected texts in straight quotes (name = "…"), numbers without, and each key and table once'
    return f"; {f'key {key[1]}: ' if key else ''}{hint}"


def read(raw: Mapping[str, Any], base: Path, problems: list[str]) -> Read:
    """Check every table of `raw`. `base`: the folder relative paths start at. Problems are appended."""
    unknown = [name for name in raw if name not in SETTINGS]
    problems += [_unknown_table(name, raw[name]) for name in unknown[: MAX_PROBLEMS + 1]]
    tables = {}
    for name in TABLES:
        if name not in raw and name in OPTIONAL_TABLES:
            continue
        value = raw.get(name, {})
        if isinstance(value, dict):
            tables[name] = _values(name, f"[{name}]", value, base, problems)
        else:
            problems.append(f"[{name}]: expected one table [{name}], got {got(value)}")
            # Its keys cannot be read, so they are not told as missing as well.
            tables[name] = {}
    lists = {name: _list(name, raw.get(name, []), limit, base, problems) for name, (_, limit) in LISTS.items()}
    return Read(tables, lists)


def _list(name: str, value: object, limit: int, base: Path, problems: list[str]) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        problems.append(f"[[{name}]]: expected tables [[{name}]], with two brackets, got {got(value)}")
        return []
    if len(value) > limit:
        problems.append(f"[[{name}]]: expected at most {limit} of them, got {len(value)}")
        return []
    return [_values(name, f"[[{name}]] no. {n}", item, base, problems) for n, item in enumerate(value, 1)]


def _values(table: str, where: str, raw: Mapping[str, Any], base: Path, problems: list[str]) -> dict[str, Any]:
    settings = SETTINGS[table]
    unknown = [key for key in raw if key not in settings]
    room = max(0, MAX_PROBLEMS + 1 - len(problems))
    problems += [f"{where} {shown(key)}: unknown key; {_nearest(key, table)}" for key in unknown[:room]]
    values: dict[str, Any] = {}
    for key, setting in settings.items():
        if key not in raw:
            if setting.required:
                problems.append(f"{where} {key}: missing, expected {setting.check.expected}")
            else:
                values[key] = setting.default
            continue
        try:
            values[key] = setting.check.accept(raw[key], base)
        except Refused as refused:
            more = f" ({refused})" if str(refused) else ""
            what = got(raw[key], private=setting.check.private)
            problems.append(f"{where} {key}: expected {setting.check.expected}, got {what}{more}")
    return values


# Words ------------------------------------------------------------------------------------------------------------


def got(value: object, *, private: bool = False) -> str:
    """A raw value in words, short. A private one only by its kind."""
    kinds: list[tuple[type | tuple[type, ...], str]] = [
        (bool, "true/false"),
        (int, "whole number"),
        (float, "number"),
        (str, "text"),
        (dict, "table"),
        (list, "list"),
        ((date, time), "date or time"),
    ]
    kind = next(words for types, words in kinds if isinstance(value, types))
    if private or isinstance(value, dict | list):
        return f"a {kind}"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and value.bit_length() > _MAX_BITS:
        return f"a {kind}"
    return f"{kind} {quoted(value)}" if isinstance(value, str) else f"{kind} {_short(str(value))}"


def shown(key: str) -> str:
    """A key from the file as one short, printable piece; a plain one stays plain."""
    plain = key.isascii() and key.replace("_", "").replace("-", "").isalnum()
    return _short(key) if plain else quoted(key)


def quoted(text: str) -> str:
    """A text from the file as one short, quoted, printable piece."""
    return _short(json.dumps("".join(char if char.isprintable() else "\ufffd" for char in text), ensure_ascii=False))


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"


def _unknown_table(name: str, value: object) -> str:
    if not isinstance(value, dict | list):
        homes = _homes(name)
        hint = f"it belongs under {homes}" if homes else f"nearest known name: {_closest(name, _all_keys())}"
        return f"{shown(name)}: a key outside of any table; {hint}"
    return f"[{shown(name)}]: unknown table; nearest known name: {_closest(name, SETTINGS)}"


def _nearest(key: str, table: str) -> str:
    homes = _homes(key)
    if homes:
        return f"it is known in {homes}"
    return f"nearest known name: {_closest(key, SETTINGS[table])}"


def _homes(key: str) -> str:
    return " and ".join(f"[{table}]" for table, settings in SETTINGS.items() if key in settings)


def _all_keys() -> list[str]:
    return [key for settings in SETTINGS.values() for key in settings]


def _closest(name: str, known: Iterable[str]) -> str:
    known = list(known)
    # Compared in lower case: a capital letter is the likeliest slip. Cut: comparing costs the square of the length.
    near = difflib.get_close_matches(name[:80].lower(), known, n=1, cutoff=0.5)
    return near[0] if near else f"none; known are {', '.join(known)}"
