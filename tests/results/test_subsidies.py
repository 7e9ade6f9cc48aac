"""Certificates of a subsidy result, in every shape that is taken; every leaf is there, whatever it is called."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from random import Random
from xml.etree import ElementTree as ET

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kiosk.results.documents import Unreadable
from kiosk.results.pmh_names import load, parse
from kiosk.results.subsidies import MAX_CERTIFICATES, MAX_LEAVES, Certificate, Item, Subsidies, read
from tests import ROOT
from tests.desk.pmh import BODIES, CHILD, GUESSED, LETTERS, NAMES, PAIRS, PAPERS, ROMAJI, Hand, iso, written

SHAPES = [Hand(*parts) for parts in product(NAMES, BODIES, PAIRS)]
SHAPES += [Hand(names, body, "elements", iso, attributes=True) for names in NAMES for body in BODIES]


def subsidies(raw: bytes) -> Subsidies:
    found = read(raw)
    assert isinstance(found, Subsidies)
    return found


def one(inner: str, tag: str = "MedicalSubsidies") -> Certificate:
    (found,) = subsidies(f"<XmlMsg><MessageBody><{tag}>{inner}</{tag}></MessageBody></XmlMsg>".encode()).certificates
    return found


def texts(items: tuple[Item, ...]) -> set[str]:
    return {leaf.value for item in items for line in item.lines for leaf in line}


def by_name(certificate: Certificate) -> dict[str, Item]:
    return {item.name: item for item in certificate.items}


def written_texts(raw: bytes) -> set[str]:
    """Everything that stands in the body, as the standard library reads it."""
    body = ET.fromstring(raw.decode()).find("MessageBody")
    assert body is not None
    found = {(part or "").strip() for each in body.iter() for part in (each.text, each.tail, *each.attrib.values())}
    return found - {""}


@pytest.mark.parametrize(
    "hand", SHAPES, ids=lambda hand: f"{hand.names['whole']}-{hand.body}-{hand.pairs}-{hand.attributes}"
)
def test_every_shape_gives_its_certificates_and_every_leaf(hand: Hand) -> None:
    for papers in (PAPERS, (CHILD,)):
        raw = written(
            papers, replace(hand, shuffled=Random(len(papers))), beside="<SystemNotice><Code>N001</Code></SystemNotice>"
        )
        found = subsidies(raw)
        assert len(found.certificates) == len(papers)
        assert texts(found.notices) == {"N001"}
        seen = {text for each in found.certificates for item in each.items for text in (item.label, *texts((item,)))}
        if hand.pairs != "lines":  # there a line has both, the word and the value
            assert written_texts(raw) - seen == {"N001"}
        words = {item.name for each in found.certificates for item in each.items if item.group == "face"}
        if hand.names is not LETTERS or hand.pairs in {"items", "lines", "labelled"}:
            assert words == {f"券面:{word}" for paper in papers for word, _ in paper.face}


def test_known_names_have_labels_and_roles() -> None:
    found = by_name(subsidies(written((CHILD,), Hand(GUESSED))).certificates[0])
    assert (found["MaxCopaymentAmount"].label, found["MaxCopaymentAmount"].group) == ("自己負担上限額", "transfer")
    assert [[leaf.label for leaf in line] for line in found["MaxCopaymentAmount"].lines] == [
        ["種別", "負担定義", "金額"]
    ] * 2
    assert (found["券面:氏名"].role, found["券面:氏名"].group) == ("holder", "face")
    assert found["ValidTo"].role == "valid_to"


def test_unknown_names_are_displayed_as_they_are() -> None:
    found = by_name(one("<IncomeLimitFlag2027>Z9</IncomeLimitFlag2027><New><Kind>初診</Kind><Much>1000</Much></New>"))
    assert (found["IncomeLimitFlag2027"].label, found["IncomeLimitFlag2027"].known) == ("IncomeLimitFlag2027", False)
    assert [(leaf.label, leaf.value) for leaf in found["New"].lines[0]] == [("Kind", "初診"), ("Much", "1000")]


def test_names_are_known_in_any_case_and_namespace() -> None:
    found = one('<p:validto xmlns:p="urn:x">20260331</p:validto><VALIDFROM>20250401</VALIDFROM>')
    assert (found.by_role("valid_to"), found.by_role("valid_from")) == ("20260331", "20250401")


def test_roles_are_taken_from_the_face_where_no_element_has_them() -> None:
    found = subsidies(written((CHILD,), Hand(LETTERS, pairs="items"))).certificates[0]
    assert (found.by_role("payer"), found.by_role("recipient")) == ("81990277", "0010108")
    both = one("<PayerNumber>1</PayerNumber><CertificationDetail>負担者番号：2</CertificationDetail>")
    assert both.by_role("payer") == "1"
    assert one("<PayerNumber>1</PayerNumber><PayerNumber>2</PayerNumber>").by_role("payer") == ""


@pytest.mark.parametrize(
    ("inner", "word", "value"),
    [
        ("<CertificationDetail>氏名：例示　翔</CertificationDetail>", "氏名", "例示　翔"),
        (
            "<CertificationDetail>氏名: 例示　翔\n保護者氏名: 例示　一郎</CertificationDetail>",
            "保護者氏名",
            "例示　一郎",
        ),
        ("<CertificationDetail><Value>例示　翔</Value><Name>氏名</Name></CertificationDetail>", "氏名", "例示　翔"),
        ('<CertificationDetail title="氏名" content="例示　翔"/>', "氏名", "例示　翔"),
        (
            "<CertificationDetail><GuardianName>例示　一郎</GuardianName></CertificationDetail>",
            "GuardianName",
            "例示　一郎",
        ),
        ("<CertificationDetail><L1>氏名：例示</L1><L2>備考：無し</L2></CertificationDetail>", "備考", "無し"),
        (
            "<CertificationDetail><Rows><Row><Name>備考</Name><Value>無し</Value></Row></Rows></CertificationDetail>",
            "備考",
            "無し",
        ),
        ("<CertificationDetail><Note>更新：要</Note></CertificationDetail>", "Note", "更新：要"),
    ],
)
def test_words_on_the_face(inner: str, word: str, value: str) -> None:
    assert by_name(one(f"<ValidTo>20260331</ValidTo>{inner}"))[f"券面:{word}"].lines[-1][0].value == value


def test_one_name_may_be_an_item_here_and_a_section_there() -> None:
    found = one("<X>11</X><X><ValidTo>20260331</ValidTo></X><X><Y>1</Y></X>")
    assert texts(found.items) == {"11", "20260331", "1"}
    assert found.by_role("valid_to") == "20260331"


def test_lines_without_a_word_have_no_order() -> None:
    lines = ["通院は無料", "入院は一日500円", "9:00から"]
    one_way, other = (
        one(
            "<CertificationDetail>"
            + "".join(f"<L{n}>{t}</L{n}>" for n, t in enumerate(order))
            + "</CertificationDetail>"
        )
        for order in (lines, lines[::-1])
    )
    assert [item.canonical() for item in one_way.items] == [item.canonical() for item in other.items]
    assert texts(one_way.items) == set(lines)


def test_running_numbers_and_hashes_are_displayed_and_not_compared() -> None:
    row = "<CertificationDetail><No>{}</No><ItemName>備考</ItemName><ItemValue>無し</ItemValue></CertificationDetail>"
    first, second = one(row.format(1)), one(row.format(2))
    assert first.items[0].canonical() == second.items[0].canonical()
    assert texts(first.items) == {"1", "無し"}
    assert not by_name(one(f"<Unknown>{'0a' * 32}</Unknown>"))["Unknown"].compared
    assert not by_name(one("<MedicalSubsidyHash>x</MedicalSubsidyHash>"))["MedicalSubsidyHash"].compared
    # Not everything with `hash` in its name is one.
    assert by_name(one("<JukyushashoMei>証</JukyushashoMei>"))["JukyushashoMei"].compared


def test_a_wrapper_may_say_something_of_all_it_holds() -> None:
    inner = "<Count>2</Count><City>見本市</City>" + "<S><ValidTo>20260331</ValidTo><PayerNumber>1</PayerNumber></S>" * 2
    body = f"<XmlMsg><MessageBody><MedicalSubsidies>{inner}</MedicalSubsidies></MessageBody></XmlMsg>"
    found = subsidies(body.encode())
    assert [sorted(texts(each.items)) for each in found.certificates] == [["1", "20260331", "見本市"]] * 2
    assert texts(found.notices) == {"2"}


IDS = "<Ids><PayerNumber>81990277</PayerNumber><RecipientNumber>0010108</RecipientNumber></Ids>"
PERIOD = "<Period><ValidFrom>20250401</ValidFrom><ValidTo>20260331</ValidTo></Period>"


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ("", 0),
        ("<MedicalSubsidies/>", 0),
        ("<MedicalSubsidies></MedicalSubsidies><SystemNotice><Code>N001</Code></SystemNotice>", 0),
        ("<Result>0</Result>", 0),
        ("<L><MedicalSubsidies><A>1</A></MedicalSubsidies><MedicalSubsidies><A>1</A></MedicalSubsidies></L>", 2),
        ("<S><T>20250401</T><U>20260331</U><V>x</V></S><S><T>20250401</T><U>20260331</U><V>y</V></S>", 2),
        ("<ValidTo>20260331</ValidTo><PayerNumber>81990277</PayerNumber>", 1),
        (f"<MedicalSubsidies>{IDS}{PERIOD}</MedicalSubsidies>", 1),
        (f"<MedicalSubsidies>{IDS}{PERIOD}{PERIOD}<Limit><A>1</A></Limit></MedicalSubsidies>", 1),
        (f"<MedicalSubsidies><S>{IDS}{PERIOD}</S><S>{IDS}{PERIOD}</S></MedicalSubsidies>", 2),
        (f"<MedicalSubsidies><S>{IDS}{PERIOD}</S><S>{PERIOD}</S></MedicalSubsidies>", 2),
        (f"<MedicalSubsidies><Child>{IDS}</Child><Rare>{IDS}</Rare>{PERIOD}</MedicalSubsidies>", 2),
        (f"<MedicalSubsidies><All><S>{IDS}</S></All></MedicalSubsidies>", 1),
        (f"<List><One>{IDS}</One><One>{IDS}</One></List><Notice><Code>1</Code></Notice>", 2),
        (
            "<MedicalSubsidies><X>1</X><Faces><CertificationDetail>a：b</CertificationDetail></Faces></MedicalSubsidies>",
            1,
        ),
    ],
)
def test_certificates_are_counted(body: str, count: int) -> None:
    found = subsidies(f"<XmlMsg><MessageBody>{body}</MessageBody></XmlMsg>".encode())
    assert len(found.certificates) == count
    assert found.more == 0


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(SHAPES))
def test_the_order_of_elements_says_nothing(seed: int, hand: Hand) -> None:
    def content(raw: bytes) -> list[list[tuple[str, str]]]:
        return sorted(sorted((i.name, i.canonical()) for i in each.items) for each in subsidies(raw).certificates)

    assert content(written(PAPERS, replace(hand, shuffled=Random(seed)))) == content(written(PAPERS, hand))


# Hostile ---------------------------------------------------------------------------------------------------------


def test_of_ten_thousand_leaves_some_are_kept_and_all_are_compared() -> None:
    leaves = [f"<T{n}>v{n}</T{n}>" for n in range(10_000)]
    found, turned = one("".join(leaves)), one("".join(Random(1).sample(leaves, len(leaves))))
    assert sum(len(line) for item in found.items for line in item.lines) == MAX_LEAVES
    assert found.more == 10_000 - MAX_LEAVES
    assert [item.canonical() for item in found.items] == [item.canonical() for item in turned.items]
    assert found.rest == turned.rest
    last = max(leaves, key=lambda leaf: leaf)
    assert one("".join(leaves).replace(last, last.replace(">v", ">w"))).rest != found.rest


def test_of_many_certificates_the_same_are_kept_in_any_order() -> None:
    every = [f"<MedicalSubsidies><PayerNumber>{n:08d}</PayerNumber></MedicalSubsidies>" for n in range(500)]
    for order in (every, every[::-1]):
        found = subsidies(f"<XmlMsg><MessageBody>{''.join(order)}</MessageBody></XmlMsg>".encode())
        assert [each.by_role("payer") for each in found.certificates] == [f"{n:08d}" for n in range(MAX_CERTIFICATES)]
        assert found.more == 500 - MAX_CERTIFICATES


def test_what_is_nested_deeply_is_one_text() -> None:
    found = one("<a>" * 200 + '<b note="x">1</b>' + "</a>" * 200)
    assert [text.split() for text in texts(found.items)] == [["x", "1"]]


def test_markup_in_a_text_stays_text() -> None:
    found = one("<A>&lt;script&gt;alert(1)&lt;/script&gt;\u202e&amp;</A><B><![CDATA[<b>]]></B>")
    assert texts(found.items) == {"<script>alert(1)</script>\u202e&", "<b>"}


@pytest.mark.parametrize(
    "inner",
    [
        "<CertificationDetail>x" + " " * 300_000 + "y</CertificationDetail>",
        "<CertificationDetail>" + "a:b\n" * 20_000 + "</CertificationDetail>",
        "<X>" + "<xname>1</xname><xvalue>2</xvalue>" * 5_000 + "</X>",
        "<X>" + "".join(f"<a{n}>1</a{n}><b{n}>2</b{n}><c>{n}</c>" for n in range(5_000)) + "</X>",
        "<X>" + "<z>1</z>" * 5_000 + "<y><x>1</x></y>" * 5_000 + "</X>",
        "".join(f"<S><ValidTo>{n}</ValidTo></S><Z>1</Z>" for n in range(5_000)),
        "<a>" * 10 + "".join(f"<b><c>{n}</c><d>20260101</d><e>x</e></b>" for n in range(3_000)) + "</a>" * 10,
    ],
)
def test_no_shape_takes_long(inner: str) -> None:
    found = subsidies(
        f"<XmlMsg><MessageBody><MedicalSubsidies>{inner}</MedicalSubsidies></MessageBody></XmlMsg>".encode()
    )
    assert found.certificates


def test_what_is_no_document_is_unreadable() -> None:
    assert read(b"") == Unreadable("empty")
    assert read(b"<XmlMsg><MessageBody>") == Unreadable("not_xml")


@settings(max_examples=60, deadline=None)
@given(
    st.recursive(
        st.text("ab<>&：1", max_size=6),
        lambda inner: st.lists(
            st.tuples(st.sampled_from(["Name", "Value", "MedicalSubsidies", "CertificationDetail", "No", "X"]), inner),
            max_size=4,
        ),
        max_leaves=12,
    )
)
@example([("Name", [("Name", "11")]), ("Name", "1"), ("Value", "1")])
@example([("MedicalSubsidies", "1")])
def test_no_tree_breaks_the_reader_or_loses_a_leaf(tree: object) -> None:
    def xml(node: object) -> str:
        if isinstance(node, str):
            return node.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        assert isinstance(node, list)
        return "".join(f"<{tag}>{xml(inner)}</{tag}>" for tag, inner in node)

    raw = f"<XmlMsg><MessageBody><T>{xml(tree)}</T></MessageBody></XmlMsg>".encode()
    found = subsidies(raw)
    parts = [item for each in found.certificates for item in each.items] + list(found.notices)
    seen = "\n".join(text for item in parts for text in (item.label, *texts((item,))))
    assert all(part.strip() in seen for text in written_texts(raw) for part in text.split("："))


def test_nothing_of_a_certificate_is_in_a_repr() -> None:
    found = subsidies(written(PAPERS, Hand(GUESSED)))
    assert not [
        text for text in ("例示", "81990277", "架空病") if text in repr(found) + repr(found.certificates[0].items)
    ]


# The table of names ----------------------------------------------------------------------------------------------


def test_a_site_can_say_what_a_name_means() -> None:
    raw = written((CHILD,), Hand(ROMAJI))
    table = '[transfer]\nFutanshaBango = { label = "負担者番号", role = "payer" }\n[structure]\nface = ["Kenmen"]\n'
    names = parse(table, load())
    found = read(raw, names)
    assert isinstance(found, Subsidies)
    assert found.certificates[0].by_role("payer") == "81990277"
    assert by_name(found.certificates[0])["FutanshaBango"].label == "負担者番号"
    assert names.meaning("ValidTo") == load().meaning("ValidTo")
    assert dict(names.listed())["futanshabango"].label == "負担者番号"


@pytest.mark.parametrize("table", ["[transfer", "[transfer]\nX = 1", "[transfer]\nX = {}", "[structure]\nface = 1"])
def test_a_table_of_another_form_is_refused(table: str) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        parse(table)


def test_every_role_of_the_table_is_explained_in_it() -> None:
    text = (ROOT / "assets" / "pmh-names.toml").read_text("utf-8")
    roles = {meaning.role for _, meaning in load().listed()} | set(load().face.values())
    head = text[: text.index("[transfer]")]
    assert [role for role in roles - {""} if role not in head] == []
