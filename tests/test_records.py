"""`kiosk.records`: its classes are those that `dataclasses` makes, but that nothing refuses an assignment."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk import records


def made(decorator: Any) -> Any:
    """A family of classes with all that the kiosk's have: hidden and uncompared fields, defaults, keywords, nothing."""

    @decorator(frozen=True)
    class Nothing:
        pass

    @decorator(frozen=True)
    class Way:
        """With a docstring."""

        number: int
        name: str = dataclasses.field(default="", repr=False)
        seen: float = dataclasses.field(default=0.0, compare=False)

        @property
        def twice(self) -> int:
            return 2 * self.number

    @decorator(frozen=True)
    class Longer(Way):
        parts: tuple[object, ...] = ()
        more: dict[str, int] = dataclasses.field(default_factory=dict)

    @decorator(frozen=True, kw_only=True)
    class Named:
        at: int

        def __repr__(self) -> str:
            return "its own"

    return Nothing, Way, Longer, Named


OURS, THEIRS = made(records.dataclass), made(dataclasses.dataclass)
VALUES = st.one_of(
    st.tuples(st.just(0)),
    st.tuples(st.just(1), st.integers(0, 1), st.sampled_from(["", "a"]), st.sampled_from([0.0, 1.0])),
    st.tuples(st.just(2), st.integers(0, 1), st.sampled_from(["", "a"]), st.just(0.0), st.sampled_from([(), (1,)])),
)


@given(VALUES, VALUES)
def test_they_are_alike_unlike_hashed_and_displayed_as_those_of_the_standard_library(
    one: tuple[Any, ...], other: tuple[Any, ...]
) -> None:
    ours, theirs = ([family[kind](*values) for kind, *values in (one, other)] for family in (OURS, THEIRS))
    assert (ours[0] == ours[1], ours[0] != ours[1]) == (theirs[0] == theirs[1], theirs[0] != theirs[1])
    assert repr(ours[0]).replace(made.__qualname__, "") == repr(theirs[0]).replace(made.__qualname__, "")
    if 2 not in (one[0], other[0]):  # a field of those is a dict
        assert hash(ours[0]) != hash(ours[1]) or ours[0] == ours[1]
        assert len({*ours}) == len({*theirs})


def test_they_are_dataclasses_in_all_else() -> None:
    nothing, way, longer, named = OURS
    assert [field.name for field in dataclasses.fields(longer)] == ["number", "name", "seen", "parts", "more"]
    assert dataclasses.replace(way(1, "a"), number=2) == way(2, "a")
    assert dataclasses.asdict(longer(1, parts=(way(2),)))["parts"][0]["number"] == 2
    assert (way(3).twice, longer.__match_args__) == (6, ("number", "name", "seen", "parts", "more"))
    assert way(1) != longer(1)
    assert way(1).__eq__(1) is NotImplemented
    assert repr(named(at=1)) == "its own"
    assert (way.__doc__, nothing.__doc__) == ("With a docstring.", "Nothing")
    with pytest.raises(TypeError):
        named(1)
    with pytest.raises(TypeError, match="unhashable"):
        hash(longer(1))


def test_what_is_not_frozen_is_an_ordinary_dataclass() -> None:
    @records.dataclass
    class Counter:
        count: int = 0

    counter = Counter()
    counter.count += 1
    assert counter == Counter(1)
    with pytest.raises(TypeError, match="unhashable"):
        hash(counter)
