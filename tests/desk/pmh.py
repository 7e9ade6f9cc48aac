"""Subsidy results in every shape that is taken: certificates as words and values, written by any of many hands.

The people and numbers do not exist. What a shape calls its elements is made up, but for the first one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import TypeVar
from xml.sax.saxutils import escape, quoteattr

T = TypeVar("T")
Pair = tuple[str, str]

GUESSED = {
    "name": "CertificationName",
    "payer": "MedicalSubsidyInsurerNumber",
    "recipient": "MedicalSubsidyRecipientNumber",
    "sub_key": "CertificationSubKey",
    "income": "IncomeSegment",
    "always": "IsAlwaysReimbursement",
    "limit": "MaxCopaymentAmount",
    "limit.kind": "CopaymentType",
    "limit.unit": "CopaymentUnit",
    "limit.amount": "CopaymentAmount",
    "from": "ValidFrom",
    "to": "ValidTo",
    "face": "CertificationDetail",
    "word": "ItemName",
    "value": "ItemValue",
    "whole": "MedicalSubsidies",
    "one": "MedicalSubsidy",
}
ROMAJI = {
    "name": "JukyushashoMei",
    "payer": "FutanshaBango",
    "recipient": "JukyushaBango",
    "sub_key": "EdaKey",
    "income": "ShotokuKubun",
    "always": "Shokanbarai",
    "limit": "JikoFutan",
    "limit.kind": "Shubetsu",
    "limit.unit": "Tani",
    "limit.amount": "Kingaku",
    "from": "YukoKaishi",
    "to": "YukoShuryo",
    "face": "Kenmen",
    "word": "Koumoku",
    "value": "Naiyou",
    "whole": "KohiJoho",
    "one": "Kohi",
}
LETTERS = {name: f"X{number:03d}" for number, name in enumerate(GUESSED, 10)}
NAMES = (GUESSED, ROMAJI, LETTERS, {key: name.lower() for key, name in GUESSED.items()})


@dataclass(frozen=True)
class Paper:
    """One certificate. `limits`: kind, unit, amount. `face`: words and values, each word once."""

    name: str = "子ども医療費受給者証"
    payer: str = "81990277"
    recipient: str = "0010108"
    sub_key: str = ""
    income: str = ""
    always: str = "0"
    limits: tuple[tuple[str, str, str], ...] = (("外来", "回", "500"), ("入院", "月", "5000"))
    first: str = "20250401"
    last: str = "20260331"
    face: tuple[Pair, ...] = (
        ("公費負担者番号", "81990277"),
        ("受給者番号", "0010108"),
        ("氏名", "例示　翔"),
        ("保護者氏名", "例示　一郎"),
        ("一部負担金", "通院 1回500円"),
    )


CHILD = Paper()
RARE_DISEASE = Paper(
    name="特定医療費（指定難病）受給者証",
    payer="54995014",
    recipient="0185488",
    income="一般所得Ⅰ",
    limits=(("入外合算", "月", "10000"),),
    face=(
        ("公費負担者番号", "54995014"),
        ("受給者番号", "0185488"),
        ("疾病名", "架空病"),
        ("指定医療機関", "架空総合病院"),
    ),
)
DISABLED = Paper(
    name="重度心身障害者医療費受給者証",
    payer="80990807",
    recipient="12-3456-789",
    limits=(("外来", "日", "0"),),
    last="20271231",
    face=(("公費負担者番号", "80990807"), ("受給者番号", "12-3456-789"), ("備考", "償還払い無し")),
)
PAPERS = (CHILD, RARE_DISEASE, DISABLED)


def iso(day: str) -> str:
    return f"{day[:4]}-{day[4:6]}-{day[6:]}"


def slashed(day: str) -> str:
    return f"{day[:4]}/{int(day[4:6])}/{int(day[6:])}"


def japanese(day: str) -> str:
    return f"令和{int(day[:4]) - 2018}年{int(day[4:6])}月{int(day[6:])}日"


DATES: tuple[Callable[[str], str], ...] = (str, iso, slashed, japanese)


@dataclass(frozen=True)
class Hand:
    """How a program writes its files. `shuffled`: None, the order of the paper.

    `body`: repeated · wrapped · sections (a wrapper whose certificates have groups of items). `pairs`: elements ·
    items · lines · attributes · labelled (the word is an attribute of the value) · list (one element around all).
    """

    names: dict[str, str]
    body: str = "repeated"
    pairs: str = "elements"
    date: Callable[[str], str] = str
    attributes: bool = False  # the plain items of a certificate are attributes of it
    shuffled: Random | None = None


BODIES = ("repeated", "wrapped", "sections")
PAIRS = ("elements", "items", "lines", "attributes", "labelled", "list")


def written(papers: tuple[Paper, ...], hand: Hand, beside: str = "") -> bytes:
    """The file. `beside`: XML in the body, beside the certificates."""
    bodies = mixed([certificate(paper, hand) for paper in papers], hand)
    if hand.body == "repeated":
        body = "".join(f"<{hand.names['whole']}{each}</{hand.names['whole']}>" for each in bodies)
    else:
        inner = "".join(f"<{hand.names['one']}{each}</{hand.names['one']}>" for each in bodies)
        body = f"<{hand.names['whole']}>{inner}</{hand.names['whole']}>" if bodies else ""
    header = "<MessageHeader><MedicalInstitutionCode>9912345678</MedicalInstitutionCode></MessageHeader>"
    return f"<XmlMsg>{header}<MessageBody>{beside}{body}</MessageBody></XmlMsg>".encode()


def certificate(paper: Paper, hand: Hand) -> str:
    """Its attributes, `>` and its content."""
    of = hand.names
    plain = [(of[key], value) for key, value in plain_items(paper, hand).items() if value]
    limits = []
    for kind, unit, much in paper.limits:
        parts = [(of["limit.kind"], kind), (of["limit.unit"], unit), (of["limit.amount"], much)]
        limits.append(element(of["limit"], mixed(parts, hand)))
    face = faces(paper, hand)
    if hand.attributes:
        attributes = "".join(f" {tag}={quoteattr(value)}" for tag, value in mixed(plain, hand))
        return attributes + ">" + "".join(mixed([*limits, *face], hand))
    items = [element(tag, value) for tag, value in plain]
    if hand.body == "sections":
        ids, rest = "".join(mixed(items[:3], hand)), "".join(mixed([*items[3:], *limits], hand))
        return ">" + "".join(mixed([element("Tenki", ids), element("Joken", rest), *face], hand))
    return ">" + "".join(mixed([*items, *limits, *face], hand))


def plain_items(paper: Paper, hand: Hand) -> dict[str, str]:
    return {
        "name": paper.name,
        "payer": paper.payer,
        "recipient": paper.recipient,
        "sub_key": paper.sub_key,
        "income": paper.income,
        "always": paper.always,
        "from": hand.date(paper.first),
        "to": hand.date(paper.last),
    }


def faces(paper: Paper, hand: Hand) -> list[str]:
    of, pairs = hand.names, mixed(list(paper.face), hand)
    match hand.pairs:
        case "elements":
            return [element(of["face"], mixed([(of["word"], w), (of["value"], v)], hand)) for w, v in pairs]
        case "attributes":
            return [f"<{of['face']} {of['word']}={quoteattr(w)} {of['value']}={quoteattr(v)}/>" for w, v in pairs]
        case "labelled":
            return [f"<{of['face']} name={quoteattr(w)}>{escape(v)}</{of['face']}>" for w, v in pairs]
        case "lines":
            lines = [element(f"Item{number:02d}", f"{w}：{v}") for number, (w, v) in enumerate(pairs, 1)]
        case "items":
            lines = [element("Item", mixed([("Name", w), ("Value", v)], hand)) for w, v in pairs]
        case _:
            lines = [element("Gyo", mixed([(of["word"], w), (of["value"], v)], hand)) for w, v in pairs]
    return [element(of["face"], "".join(lines))]


def element(tag: str, content: str | list[Pair]) -> str:
    if isinstance(content, str):
        text = content if content.startswith("<") else escape(content)
        return f"<{tag}>{text}</{tag}>"
    return element(tag, "".join(element(name, text) for name, text in content))


def mixed(parts: list[T], hand: Hand) -> list[T]:
    if hand.shuffled is None:
        return parts
    return hand.shuffled.sample(parts, len(parts))


def changes(paper: Paper) -> list[Paper]:
    """The paper with each one of its values changed."""
    found = [
        replace(paper, name=f"{paper.name}他"),
        replace(paper, payer=f"{int(paper.payer) + 8}"),
        replace(paper, recipient=f"{paper.recipient}9"),
        replace(paper, sub_key=f"{paper.sub_key}1"),
        replace(paper, income=f"{paper.income}甲"),
        replace(paper, always="1"),
        replace(paper, first="20200101"),
        replace(paper, last="20291231"),
    ]
    for number, (kind, unit, much) in enumerate(paper.limits):
        others = ((f"{kind}外", unit, much), (kind, f"{unit}度", much), (kind, unit, f"{much}0"))
        before, after = paper.limits[:number], paper.limits[number + 1 :]
        found += [replace(paper, limits=(*before, other, *after)) for other in others]
    for number, (word, value) in enumerate(paper.face):
        found.append(replace(paper, face=(*paper.face[:number], (word, f"{value}他"), *paper.face[number + 1 :])))
    return found
