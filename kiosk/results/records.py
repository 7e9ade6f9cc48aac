"""Who an eligibility result is about, and by which insurance: what staff see and what is compared from visit to visit.

Must never pick one record of several, and never believe a value that stands twice with two meanings: it is left out.
Source of the element names: public descriptions and open readers of such files; see `eligibility`.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, repr=False)
class Record:
    """One `ResultOfQualificationConfirmation`. Texts as written, without blanks around them; "" where there is none.

    `birthdate`, `valid_from`, `valid_to`: eight digits mostly (parts may be 00). `sex`: 1 man, 2 woman, 3 not set.
    `insurer_number`: six or eight digits without the padding. `branch`: two digits, none for the late elderly.
    `limit` and `elderly`: what 限度額適用認定証 and 高齢受給者証 say, as (element, value), only there with consent.
    """

    name: str = ""
    kana: str = ""
    other_name: str = ""  # 通称 and the like
    other_kana: str = ""
    sex: str = ""
    birthdate: str = ""
    address: str = ""
    post_number: str = ""
    classification: str = ""
    insurer_number: str = ""
    symbol: str = ""
    number: str = ""
    branch: str = ""
    family: str = ""  # 1 本人, 2 家族
    insurer_name: str = ""
    ratio: str = ""  # of the late elderly: `010` is a tenth
    valid_from: str = ""
    valid_to: str = ""
    reference_number: str = ""
    limit: tuple[tuple[str, str], ...] = ()
    elderly: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Confirmation:
    """What one eligibility result holds for staff, beside what `eligibility.Eligibility` concludes from it.

    `records`: in the file's order. `keys`: the 資格確認キー, opaque, sorted, each once. `validity`: the code of
    `QualificationValidity`. `message`: side information of the terminal, also of a result that is well.
    """

    records: tuple[Record, ...] = field(repr=False)
    keys: tuple[str, ...] = field(repr=False)
    validity: str = ""
    code: str = ""
    message: str = field(repr=False, default="")
    processed_at: str = ""  # ProcessExecutionTime, 14 digits
