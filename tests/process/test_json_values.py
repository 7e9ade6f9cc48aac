"""What programs of different versions leave for each other: nothing that one says stops another."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from kiosk.process.json_values import NULLABLE, Count, Number, decode, encode


@dataclass(frozen=True)
class Inner:
    """Part of Outer."""

    name: str = ""


@dataclass(frozen=True)
class Outer:
    """One field of each kind."""

    inner: Inner = Inner()
    count: Count | None = None
    seconds: Number | None = field(default=None, metadata=NULLABLE)
    names: tuple[str, ...] = ()
    by_role: Mapping[str, Inner] = field(default_factory=dict)


FULL = Outer(Inner("a"), 3, 1.5, ("b", "c"), {"d": Inner("e")})


def test_what_was_encoded_is_decoded_again() -> None:
    assert decode(encode(FULL).encode(), Outer) == FULL
    assert json.loads(encode(Outer())) == {"inner": {"name": ""}, "seconds": None, "names": [], "by_role": {}}


def test_a_newer_version_may_add_keys_and_an_older_one_lack_them() -> None:
    newer = json.loads(encode(FULL)) | {"new": 1}
    newer["inner"]["new"] = [{}]
    assert decode(json.dumps(newer).encode(), Outer) == FULL
    assert decode(b"{}", Outer) == Outer()


@pytest.mark.parametrize("odd", ["{}", "[]", "7.5", '"x"', "true", "1e300", "null", "[null]", '{"x": 1}', "[" * 900])
def test_a_part_of_another_form_costs_nothing_but_itself(odd: str) -> None:
    for name in ("inner", "count", "seconds", "names", "by_role"):
        found = decode(f'{{"{name}": {odd}, "count": 3, "names": ["b"]}}'.encode(), Outer)
        assert odd.startswith("[[") or (found is not None and (name == "count" or found.count == 3))


def test_an_entry_of_another_form_costs_nothing_but_itself() -> None:
    found = decode(b'{"by_role": {"a": {"name": "x"}, "b": 7, "c": [NaN]}, "seconds": NaN, "count": 3}', Outer)
    assert found == Outer(count=3, by_role={"a": Inner("x")})


@pytest.mark.parametrize("content", [b"", b"\xff", b"[]", b"7", b"{", b'{"a": "\xff"}', b'{"a":' * 100_000])
def test_what_is_no_object_is_none(content: bytes) -> None:
    assert decode(content, Outer) is None
