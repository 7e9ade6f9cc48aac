"""What the names in subsidy results mean, from `assets/pmh-names.toml`: labels, groups and roles.

A table, because the real names are not public: when they are known, a line of data changes, and no program. A site may
lay a table of its own over it. Must never be needed: a name that it lacks is displayed as it is.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal

from kiosk.results.spelling import fold

# 転記項目 (what the receipt computer has a field for) · 券面項目 · その他
Group = Literal["transfer", "face", "other"]
NOT_COMPARED: Final = "not_compared"
ORDER: Final = "order"


@dataclass(frozen=True)
class Meaning:
    """Of an element's name. `role`: "" where the program takes nothing from it."""

    label: str
    group: Group
    role: str = ""


@dataclass(frozen=True)
class Names:
    """The table. `tags`: by the lower-case name of an element; `face`: roles by the folded word on a certificate."""

    tags: Mapping[str, Meaning] = field(default_factory=dict)
    certificate: frozenset[str] = frozenset()
    face_tags: frozenset[str] = frozenset()
    order: frozenset[str] = frozenset()
    face: Mapping[str, str] = field(default_factory=dict)

    def meaning(self, tag: str) -> Meaning | None:
        """None: an unknown name."""
        return self.tags.get(tag.lower())

    def role(self, tag: str) -> str:
        """What the program takes from the element; "" for nothing."""
        found = self.tags.get(tag.lower())
        return found.role if found else ""

    def label(self, tag: str) -> str:
        """For staff; the name itself where it is unknown."""
        found = self.tags.get(tag.lower())
        return found.label if found else tag

    def listed(self) -> Iterator[tuple[str, Meaning]]:
        """Every known name, for the page that lists them."""
        yield from sorted(self.tags.items())


@cache
def load() -> Names:
    """The program's own table."""
    return parse((files("assets") / "pmh-names.toml").read_text(encoding="utf-8"))


def parse(text: str, under: Names | None = None) -> Names:
    """A table in the form of `assets/pmh-names.toml`; what it does not say is as in `under`.

    Raises ValueError (TOML's own errors are such), KeyError or TypeError for a table of another form.
    """
    table, base = tomllib.loads(text), under or Names()
    tags = {**base.tags}
    groups: tuple[Group, ...] = ("transfer", "other")
    for group in groups:
        for tag, entry in table.get(group, {}).items():
            tags[tag.lower()] = Meaning(str(entry["label"]), group, str(entry.get("role", "")))
    structure = table.get("structure", {})
    return Names(
        tags=tags,
        certificate=base.certificate | _lower(structure, "certificate"),
        face_tags=base.face_tags | _lower(structure, "face"),
        order=base.order | _lower(structure, "order"),
        face={**base.face, **{fold(word): str(role) for word, role in table.get("face", {}).items()}},
    )


def _lower(structure: Mapping[str, Any], name: str) -> frozenset[str]:
    return frozenset(str(tag).lower() for tag in structure.get(name, ()))
