"""Whether an eligibility result says anything new about a patient: its keys and fields against those accepted last.

Everything here is keyed hashes; no old value is needed or kept. For the desk, and for whoever reads the file before it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from kiosk.results.records import Confirmation
from kiosk.results.spelling import fold, fold_address, fold_kana, is_hidden

# The eligibility key against the patient's last one. Where the files have no key, the fields speak for it.
KeyVerdict = Literal["first", "same", "changed", "unknown"]


class Hash(Protocol):
    """A keyed hash of texts; parts that are divided otherwise give another one."""

    def __call__(self, *parts: str) -> str: ...


@dataclass(frozen=True)
class Prints:
    """Hashes of one result, or of the last one accepted.

    `keys`: of each 資格確認キー. `fields`: by element name, of the folded values; a field that cannot be compared (it
    holds ●, or is only there with consent) is left out.
    """

    keys: frozenset[str] = field(repr=False)
    fields: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class EligibilityChange:
    """`changed`: element names of the fields that differ; none, and `key` changed: the key alone says it (limit class,
    elderly certificate, or what ● hides). `alarm`: staff are to look. `now`: what is known once they have confirmed it.
    `learn`: what is to be known from now on without asking anybody (first sight, or nothing new); None: nothing.
    `mark`: what staff settle the change by; "": there is nothing to settle.
    """

    key: KeyVerdict
    changed: tuple[str, ...]
    alarm: bool
    now: Prints
    learn: Prints | None
    mark: str = ""


# What is compared, in the order in which it is named; the first ones are of the person, the others of the insurance.
# The household's head, the insurer's name and the day of issue are left out: they change without a change.
_FIELDS: Final[tuple[tuple[str, str, Callable[[str], str]], ...]] = (
    ("Name", "name", fold),
    ("NameKana", "kana", fold_kana),
    ("Sex1", "sex", fold),
    ("Birthdate", "birthdate", fold),
    ("Address", "address", fold_address),
    ("InsuredCardClassification", "classification", fold),
    ("InsurerNumber", "insurer_number", fold),
    ("InsuredCardSymbol", "symbol", fold),
    ("InsuredIdentificationNumber", "number", fold),
    ("InsuredBranchNumber", "branch", fold),
    ("PersonalFamilyClassification", "family", fold),
    ("InsuredPartialContributionRatio", "ratio", fold),
    ("InsuredCardValidDate", "valid_from", fold),
    ("InsuredCardExpirationDate", "valid_to", fold),
)
# Often absent from one file and there in the next, of the same insurance: only two values can differ.
_MAY_BE_ABSENT: Final = frozenset({"InsuredCardValidDate", "InsuredCardExpirationDate"})
# Only there with the patient's consent.
_GROUPS: Final = (("LimitApplicationCertificateRelatedInfo", "limit"), ("ElderlyRecipientCertificateInfo", "elderly"))
COMPARED: Final = (*(element for element, _, _ in _FIELDS), *(element for element, _ in _GROUPS))


def prints_of(confirmation: Confirmation, hashed: Hash) -> Prints:
    """Of one result. `hashed`: keyed for this patient, so that equal values of two patients have nothing in common."""
    fields = {}
    for element, name, folded in _FIELDS:
        values = [str(getattr(record, name)) for record in confirmation.records]
        if any(map(is_hidden, values)) or (element in _MAY_BE_ABSENT and not any(values)):
            continue
        # Of several records none is the first.
        fields[element] = hashed(element, *sorted(map(folded, values)))
    for element, name in _GROUPS:
        leaves = [(tag, text) for record in confirmation.records for tag, text in getattr(record, name)]
        if leaves and not any(is_hidden(text) for _, text in leaves):
            fields[element] = hashed(element, *sorted(f"{tag}={fold(text)}" for tag, text in leaves))
    return Prints(frozenset(hashed("key", key) for key in confirmation.keys), fields)


def compare(now: Prints, known: Prints | None) -> EligibilityChange:
    """`known`: what was accepted of the patient, None: never seen."""
    if known is None:
        return EligibilityChange("first", (), alarm=False, now=now, learn=now)
    both = now.fields.keys() & known.fields.keys()
    changed = tuple(name for name in COMPARED if name in both and now.fields[name] != known.fields[name])
    # What cannot be compared today stays as it was known. So do keys, which a result without one does not take back.
    whole = Prints(now.keys or known.keys, {**known.fields, **now.fields})
    if known.keys and not now.keys:
        return EligibilityChange("unknown", changed, alarm=True, now=whole, learn=None)
    # The key is made so that spelling does not change it: if there are two, the fields are not asked.
    if now.keys != known.keys if known.keys else changed:
        return EligibilityChange("changed", changed, alarm=True, now=whole, learn=None)
    return EligibilityChange("same", (), alarm=False, now=whole, learn=whole)
