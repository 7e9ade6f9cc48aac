"""Certificates of subsidies (受給者証) as a subsidy result holds them, about people who do not exist.

For the demo and for tests.

    >>> text = written((CHILD,))
    >>> text.count("<MedicalSubsidies>"), "<ValidFrom>20260401</ValidFrom>" in text
    (1, True)
    >>> written((CHILD, CHILD)).count("<MedicalSubsidies>")
    2

The payer numbers have right check digits. Must never hold anything of a real person, or be imported by anything that
runs in a hospital. Source of the format: the names are guesses, as in `assets/pmh-names.toml`.
"""

from dataclasses import dataclass, field
from datetime import date
from xml.sax.saxutils import escape


@dataclass(frozen=True)
class Paper:
    """One certificate. `limits`: kind, unit and yen of the most a patient pays; `face`: words and what they say."""

    name: str
    payer: str
    recipient: str = field(repr=False)
    limits: tuple[tuple[str, str, str], ...] = ()
    face: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    income: str = ""
    first: date = date(2026, 4, 1)
    last: date = date(2027, 3, 31)


CHILD = Paper(
    "子ども医療費受給者証",
    "81990277",
    "0010108",
    (("外来", "回", "500"), ("入院", "月", "5000")),
    (("一部負担金", "通院 1回500円"),),
)


def written(papers: tuple[Paper, ...]) -> str:
    """The elements of the papers, one after the other."""
    return "".join(f"<MedicalSubsidies>{_paper(each)}</MedicalSubsidies>" for each in papers)


def _paper(paper: Paper) -> str:
    plain = [
        ("CertificationName", paper.name),
        ("MedicalSubsidyInsurerNumber", paper.payer),
        ("MedicalSubsidyRecipientNumber", paper.recipient),
        ("IncomeSegment", paper.income),
        ("IsAlwaysReimbursement", "0"),
    ]
    limits = (
        _wrapped("MaxCopaymentAmount", CopaymentType=kind, CopaymentUnit=unit, CopaymentAmount=yen)
        for kind, unit, yen in paper.limits
    )
    days = [("ValidFrom", f"{paper.first:%Y%m%d}"), ("ValidTo", f"{paper.last:%Y%m%d}")]
    face = (("公費負担者番号", paper.payer), ("受給者番号", paper.recipient), *paper.face)
    faces = (_wrapped("CertificationDetail", ItemName=word, ItemValue=value) for word, value in face)
    return "".join((_elements(plain), *limits, _elements(days), *faces))


def _wrapped(tag: str, **values: str) -> str:
    return f"<{tag}>{_elements(list(values.items()))}</{tag}>"


def _elements(values: list[tuple[str, str]]) -> str:
    return "".join(f"<{tag}>{escape(value)}</{tag}>" for tag, value in values if value)
