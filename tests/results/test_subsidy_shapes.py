"""Shapes of a certificate in which what belongs together is said by groups, places or numbers; and what says nothing.

Each line: two contents of a certificate, and whether they say the same.
"""

from __future__ import annotations

import pytest

from kiosk.desk.compare import fetched
from kiosk.desk.register import ShortRegister
from kiosk.results.records import Confirmation
from kiosk.results.subsidies import Subsidies, read
from tests.desk.test_compare import DAY, NUMBER

IDS = "<PayerNumber>81990277</PayerNumber><RecipientNumber>0010108</RecipientNumber><ValidTo>20260331</ValidTo>"
PLACES = (("外来", "500"), ("入院", "5000"))
SWAPPED = (("外来", "5000"), ("入院", "500"))


def group(tag: str, pairs: tuple[tuple[str, str], ...], names: tuple[str, str] = ("Kind", "Amount")) -> str:
    return "".join(f"<{tag}>{row((pair,), names)}</{tag}>" for pair in pairs)


def row(
    pairs: tuple[tuple[str, str], ...], names: tuple[str, str] = ("Kind", "Amount"), *, numbered: bool = False
) -> str:
    found = []
    for number, pair in enumerate(pairs, 1):
        tags = [f"{name}{number}" if numbered else name for name in names]
        found += [f"<{tag}>{text}</{tag}>" for tag, text in zip(tags, pair, strict=True)]
    return "".join(found)


def nested(pairs: tuple[tuple[str, str], ...]) -> str:
    """Groups in groups: what is beside the inner ones belongs to each of them."""
    (first, one), (second, other) = pairs
    return "".join(
        f"<Limit><Place>{place}</Place><Per><Unit>日</Unit><Much>{day}</Much></Per>"
        f"<Per><Unit>月</Unit><Much>{month}</Much></Per></Limit>"
        for place, day, month in ((first, one, other), (second, other, one))
    )


def faces(pairs: tuple[tuple[str, str], ...]) -> str:
    return "".join(
        f"<CertificationDetail><ItemName value='{word}'/><ItemValue value='{text}'/></CertificationDetail>"
        for word, text in pairs
    )


def body(*contents: str) -> str:
    return "".join(f"<MedicalSubsidies>{content}</MedicalSubsidies>" for content in contents)


def against(then: str, now: str, *, keep_values: bool = True) -> tuple[str, tuple[str, ...]]:
    """What is concluded of the second body, the first one accepted."""
    register = ShortRegister(keep_values=keep_values)
    hashed = register.hashed(NUMBER)
    verdict = "", tuple[str, ...]()
    for each in (then, now):
        answer = read(f"<XmlMsg><MessageBody>{each}</MessageBody></XmlMsg>".encode())
        assert isinstance(answer, Subsidies)
        change = fetched(answer, register.certificates(NUMBER), hashed, Confirmation((), ()), DAY)
        verdict = change.against, change.changed
        for certificate in change.certificates:
            if certificate.now is not None and certificate.standing != "same":
                register.accept(NUMBER, certificate.accepted(hashed))
    return verdict


KNOWN = ("CopaymentType", "CopaymentAmount")
WORDS = ("ItemName", "ItemValue")
SHAPES = {
    "groups": lambda pairs: group("Limit", pairs),
    "groups of known names": lambda pairs: group("Limit", pairs, KNOWN),
    "groups in an unknown element": lambda pairs: f"<Limits>{group('Limit', pairs)}</Limits>",
    "groups in a known element": lambda pairs: (
        f"<MaxCopaymentAmount>{group('Limit', pairs, KNOWN)}</MaxCopaymentAmount>"
    ),
    "groups in groups": nested,
    "in turn": row,
    "in turn in an element": lambda pairs: f"<MaxCopaymentAmount>{row(pairs, KNOWN)}</MaxCopaymentAmount>",
    "numbered": lambda pairs: row(pairs, numbered=True),
    "words in turn": lambda pairs: f"<CertificationDetail>{row(pairs, WORDS)}</CertificationDetail>",
    "words numbered": lambda pairs: f"<CertificationDetail>{row(pairs, WORDS, numbered=True)}</CertificationDetail>",
    "words as attributes of their own": faces,
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("keep_values", [True, False])
def test_what_belongs_together_is_compared_together(shape: str, keep_values: bool) -> None:
    then, swapped, turned = (body(IDS + SHAPES[shape](pairs)) for pairs in (PLACES, SWAPPED, PLACES[::-1]))
    assert against(then, swapped, keep_values=keep_values)[0] == "changed"
    if shape != "groups in groups":
        assert against(then, turned, keep_values=keep_values) == ("same", ())


@pytest.mark.parametrize("shape", ["words in turn", "words numbered", "words as attributes of their own"])
def test_items_of_the_face_are_named_by_their_words(shape: str) -> None:
    now = (("外来", "500"), ("入院", "6000"))
    assert against(body(IDS + SHAPES[shape](PLACES)), body(IDS + SHAPES[shape](now))) == ("changed", ("券面:入院",))


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ("<Asked>20260115090503</Asked>", "<Asked>20260116101112</Asked>"),
        ("<HashValue>a1</HashValue>", "<HashValue>b2</HashValue>"),
        ("<Amount>5,000</Amount>", "<Amount>5000</Amount>"),
        (
            "<CertificationDetail>住所：架空市一丁目２番３号</CertificationDetail>",
            "<CertificationDetail>住所：架空市1-2-3</CertificationDetail>",
        ),
        ("<GuardianName>例示　●</GuardianName>", "<GuardianName>例示　翔</GuardianName>"),
        (row((("備考", ""),), WORDS).join(("<CertificationDetail>", "</CertificationDetail>")), ""),
        ("<IncomeSegment/>", ""),
    ],
)
def test_what_says_nothing_new_is_the_same(then: str, now: str) -> None:
    assert against(body(IDS + then), body(IDS + now)) == ("same", ())
    assert against(body(IDS + now), body(IDS + then), keep_values=False) == ("same", ())


def test_a_name_of_which_a_character_is_hidden_may_be_another_one_all_the_same() -> None:
    then, now = "<GuardianName>例示　一郎</GuardianName>", "<GuardianName>●示　花子</GuardianName>"
    assert against(body(IDS + then), body(IDS + now)) == ("changed", ("GuardianName",))


OTHER = "<PayerNumber>54990013</PayerNumber><RecipientNumber>7</RecipientNumber><ValidTo>20260930</ValidTo>"


@pytest.mark.parametrize("tag", ["No", "Renban", "Unknown"])
@pytest.mark.parametrize("keep_values", [True, False])
def test_a_certificates_number_in_its_file_is_its_place(tag: str, keep_values: bool) -> None:
    def numbered(*contents: str) -> str:
        return body(*(f"<{tag}>{number}</{tag}>{each}" for number, each in enumerate(contents, 1)))

    assert against(numbered(IDS, OTHER), numbered(OTHER, IDS), keep_values=keep_values) == ("same", ())
    assert against(numbered(IDS, OTHER), numbered(OTHER), keep_values=keep_values) == ("fewer", ())
    assert against(body(f"<{tag}>7</{tag}>{IDS}"), numbered(IDS), keep_values=keep_values) == ("changed", (tag,))


def test_a_count_is_no_certificate() -> None:
    assert against(body(IDS), body("<Count>0</Count>"))[0] == "missing"


def test_a_namespace_says_nothing() -> None:
    raw = f"<p:XmlMsg xmlns:p='urn:x'><p:MessageBody>{body(IDS)}</p:MessageBody></p:XmlMsg>".encode()
    found = read(raw)
    assert isinstance(found, Subsidies)
    assert found.certificates[0].by_role("payer") == "81990277"
