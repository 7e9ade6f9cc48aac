"""The text of site.toml → checked values of every table, and every problem.

Owns the walk over tables and keys, derived from the classes in `model`, what is quoted of the file, and the bounds that
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
from itertools import chain
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

from kiosk.config.checks import Check, Refused, choice
from kiosk.config.model import LISTS, OF_A_KIOSK, OPTIONAL_TABLES, TABLES
from kiosk.words.problems import Parameter, Problem, Refusal

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


class Broken(Refusal):
    """The file cannot be read at all."""


@dataclass(frozen=True)
class Setting:
    """One key of site.toml. `default` is dataclasses.MISSING for a required key."""

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


def settings_of(cls: type) -> dict[str, Setting]:
    """The settings a class of `model` declares, by key. Fields without a check are not keys."""
    hints = get_type_hints(cls, include_extras=True)
    found = {}
    for declared in dataclasses.fields(cls):
        hint = hints[declared.name]
        checks = [extra for extra in getattr(hint, "__metadata__", ()) if isinstance(extra, Check)]
        if get_origin(hint) is Literal:
            checks = [choice(*get_args(hint))]
        if checks:
            found[declared.name] = Setting(checks[0], declared.default)
    return found


SETTINGS: Final[dict[str, dict[str, Setting]]] = {
    table: settings_of(cls) for table, cls in {**TABLES, **{table: cls for table, (cls, _) in LISTS.items()}}.items()
}


def text_of(file: Path) -> str:
    """The text of the file. Raises Broken."""
    try:
        if file.is_dir():
            raise Broken(Problem("problem.folder"))
        with file.open("rb") as opened:
            raw = opened.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        raise Broken(Problem("problem.no_file")) from None
    except (OSError, ValueError) as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "not a usable name"
        raise Broken(Problem("problem.unreadable", {"reason": reason})) from None
    if len(raw) > MAX_FILE_BYTES:
        raise Broken(Problem("problem.too_large", {"size": MAX_FILE_BYTES}))
    try:
        # "-sig": some editors put a byte-order mark before UTF-8.
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise Broken(Problem("problem.not_utf8", {"line": line})) from None


def document(text: str) -> dict[str, Any]:
    """The TOML document. Raises Broken, with the line. Takes well under a second for any text of MAX_FILE_BYTES."""
    number = _dotted_line(text)
    if number is not None:
        raise Broken(Problem("problem.many_dots", {"line": number, "most": MAX_DOTS}))
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        # ValueError: TOMLDecodeError, and numbers too long for int(). Their texts hold lines and columns, no values.
        if isinstance(error, RecursionError):
            raise Broken(Problem("problem.not_toml", {"toml": Problem("toml.brackets")})) from None
        raise Broken(_not_toml(text, _cut(str(error)))) from None


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
    """Tomllib repeats a key as long as it is; where it stands comes at the end."""
    return reason if len(reason) <= 200 else f"{reason[:100]}…{reason[-90:]}"


def _not_toml(text: str, reason: str) -> Problem:
    """Where tomllib stopped, the key of that line, and what is usually wrong there; never the value."""
    at = re.search(r"at line ([0-9]+), column ([0-9]+)", reason)
    lines = text.splitlines()
    if at is None or not 1 <= int(at[1]) <= len(lines):
        code = "toml.unclosed" if "at end of document" in reason else "toml.value"
        return Problem("problem.not_toml", {"toml": Problem(code, english=reason)})
    code = "toml.key_twice" if reason.startswith("Cannot overwrite a value") else "toml.at"
    code = "toml.table_twice" if reason.startswith("Cannot declare") else code
    toml = Problem(code, {"line": int(at[1]), "column": int(at[2])}, english=reason)
    key = re.match(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*=", lines[int(at[1]) - 1])
    if key is None:
        return Problem("problem.not_toml_line", {"toml": toml})
    return Problem("problem.not_toml_key", {"toml": toml, "key": key[1]})


def read(raw: Mapping[str, Any], base: Path, problems: list[Problem]) -> Read:
    """Check every table of `raw`. `base`: the folder relative paths start at. Problems are appended."""
    unknown = [name for name in raw if name not in SETTINGS]
    problems += [_unknown_table(name, raw[name]) for name in unknown[: MAX_PROBLEMS + 1]]
    tables = {}
    optional = OPTIONAL_TABLES | _of_a_kiosk(raw.get("desk"))
    for name in TABLES:
        if name not in raw and name in optional:
            continue
        value = raw.get(name, {})
        if isinstance(value, dict):
            tables[name] = _values(name, Problem("where.table", {"table": name}), value, base, problems)
        else:
            problems.append(Problem("problem.one_table", {"name": name, "got": got(value)}))
            # Its keys cannot be read, so they are not missing as well.
            tables[name] = {}
    lists = {name: _list(name, raw.get(name, []), limit, base, problems) for name, (_, limit) in LISTS.items()}
    return Read(tables, lists)


def _of_a_kiosk(desk: object) -> frozenset[str]:
    """Tables that a PC with this [desk] may lack: a kiosk's; with a desk that watches by itself the delivery's too."""
    if not isinstance(desk, dict):
        return frozenset()
    return OF_A_KIOSK if desk.get("feed") == "watch" else OF_A_KIOSK - {"receipt_computer"}


def _list(name: str, value: object, limit: int, base: Path, problems: list[Problem]) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        problems.append(Problem("problem.list_of_tables", {"name": name, "got": got(value)}))
        return []
    if len(value) > limit:
        problems.append(Problem("problem.many_tables", {"name": name, "limit": limit, "count": len(value)}))
        return []
    return [
        _values(name, Problem("where.nth", {"table": name, "n": n}), item, base, problems)
        for n, item in enumerate(value, 1)
    ]


def _values(table: str, where: Problem, raw: Mapping[str, Any], base: Path, problems: list[Problem]) -> dict[str, Any]:
    settings = SETTINGS[table]
    unknown = [key for key in raw if key not in settings]
    room = max(0, MAX_PROBLEMS + 1 - len(problems))
    problems += [
        Problem("problem.unknown_key", {"where": where, "key": plain_name(key), "nearest": _nearest(key, table)})
        for key in unknown[:room]
    ]
    values: dict[str, Any] = {}
    parts: dict[str, Parameter]
    for key, setting in settings.items():
        if key not in raw:
            if setting.required:
                parts = {"where": where, "key": key, "expected": setting.check.expected}
                problems.append(Problem("problem.missing", parts))
            else:
                values[key] = setting.default
            continue
        try:
            values[key] = setting.check.accept(raw[key], base)
        except Refused as refused:
            what = got(raw[key], private=setting.check.private)
            parts = {"where": where, "key": key, "expected": setting.check.expected, "got": what}
            if refused.why is None:
                problems.append(Problem("problem.refused", parts))
            else:
                problems.append(Problem("problem.refused_because", {**parts, "why": refused.why}))
    return values


# What is quoted --------------------------------------------------------------------------------------------------


def got(value: object, *, private: bool = False) -> Problem:
    """A raw value, short. A private one only by its kind."""
    if isinstance(value, dict):
        return Problem("got.a_table")
    if isinstance(value, list):
        return Problem("got.a_list")
    if isinstance(value, bool):
        return Problem("got.a_flag" if private else "got.true" if value else "got.false")
    if isinstance(value, str):
        return Problem("got.a_text") if private else Problem("got.text", {"value": quoted(value)})
    if isinstance(value, int):
        if private or value.bit_length() > _MAX_BITS:
            return Problem("got.a_whole_number")
        return Problem("got.whole_number", {"value": _short(str(value))})
    if isinstance(value, float):
        return Problem("got.a_number") if private else Problem("got.number", {"value": _short(str(value))})
    return Problem("got.a_time") if private else Problem("got.time", {"value": _short(str(value))})


def plain_name(key: str) -> str:
    """A key from the file as one short, printable piece; a plain one stays plain."""
    plain = key.isascii() and key.replace("_", "").replace("-", "").isalnum()
    return _short(key) if plain else quoted(key)


def quoted(text: str) -> str:
    """A text from the file as one short, quoted, printable piece."""
    return _short(json.dumps("".join(char if char.isprintable() else "\ufffd" for char in text), ensure_ascii=False))


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"


def _unknown_table(name: str, value: object) -> Problem:
    if isinstance(value, dict | list):
        return Problem("problem.unknown_table", {"name": plain_name(name), "closest": _closest(name, SETTINGS)})
    homes = _homes(name)
    near = (
        Problem("nearest.below", {"homes": homes})
        if homes
        else _near_name(name, chain.from_iterable(SETTINGS.values()))
    )
    return Problem("problem.outside", {"name": plain_name(name), "nearest": near})


def _nearest(key: str, table: str) -> Problem:
    homes = _homes(key)
    return Problem("nearest.elsewhere", {"homes": homes}) if homes else _near_name(key, SETTINGS[table])


def _near_name(name: str, known: Iterable[str]) -> Problem:
    return Problem("nearest.name", {"closest": _closest(name, known)})


def _homes(key: str) -> tuple[str, ...]:
    return tuple(f"[{table}]" for table, settings in SETTINGS.items() if key in settings)


def _closest(name: str, known: Iterable[str]) -> Problem:
    known = tuple(dict.fromkeys(known))  # a key of several tables once
    # Compared in lower case: a capital letter is the likeliest slip. Cut: comparing costs the square of the length.
    near = difflib.get_close_matches(name[:80].lower(), known, n=1, cutoff=0.5)
    return Problem("closest.one", {"name": near[0]}) if near else Problem("closest.none", {"names": known})
