"""A subsidy (PMH) result → its certificates, each with every leaf that is in the file.

The element names below `MedicalSubsidies` are not public. So nothing here needs a name to be known: what is known
(`pmh_names`) gets a label, a group and a role; all else is shown with its raw name. Must never drop a leaf unseen, and
never let the order of elements matter.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

MAX_LEAVES: Final = 200  # of one certificate
MAX_CERTIFICATES: Final = 20

# 転記項目 (what the receipt computer has a field for) · 券面項目 · その他
Group = Literal["transcribed", "face", "other"]


@dataclass(frozen=True, repr=False)
class Leaf:
    """One value: its name within the item ("" for the item's own), the name's label (raw where unknown), the text."""

    name: str
    label: str
    value: str


@dataclass(frozen=True, repr=False)
class Item:
    """One row of a certificate.

    `name`: the element below the certificate, or `券面:X` for the item X of the certificate's face; it is unique in its
    certificate. `label`: Japanese, or the raw name. `role`: what the table says it is: "" unknown, `certificate_name`,
    `payer`, `recipient`, `sub_key`, `valid_from`, `valid_to`, `holder`, `holder_birth`, `hash`, … `lines`: one for each
    time it stands there (an upper limit for each kind of care), each with its leaves.
    """

    name: str
    label: str
    group: Group
    role: str
    lines: tuple[tuple[Leaf, ...], ...]


@dataclass(frozen=True, repr=False)
class Certificate:
    """`items`: at most MAX_LEAVES leaves, in the file's order. `more`: leaves beyond; `rest` stands for what they say."""

    items: tuple[Item, ...]
    more: int = 0
    rest: str = ""

    def by_role(self, role: str) -> str:
        """The text of the only leaf that has this role; "" where there is none, or more than one."""
        found = {leaf.value for item in self.items if item.role == role for line in item.lines for leaf in line}
        return next(iter(found)) if len(found) == 1 else ""


@dataclass(frozen=True)
class Subsidies:
    """A subsidy result. `more`: certificates beyond MAX_CERTIFICATES. `notices`: what stands beside the certificates."""

    certificates: tuple[Certificate, ...] = field(repr=False)
    more: int = 0
    notices: tuple[Item, ...] = field(repr=False, default=())
