"""The confirmation terminal's XML documents: bytes → a tree that may be trusted, or `Unreadable(why)`.

Owns decoding and hostile XML, and the finding of elements by name. Must never do I/O, never raise on any bytes, and
never find an element by its position. With it, only the readers beside it know lxml.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from lxml import etree

DEFAULT_MAX_BYTES: Final = 1_048_576
# Memory follows the number of nodes, not of bytes: some 300 bytes a node. 1 MiB of `<a/>` passes, 64 MiB does not.
_MAX_NODES: Final = 300_000

_XML_DECLARATION = re.compile(
    rb"""<\?xml(?:\s+version\s*=\s*(?:"1\.[0-9]{1,2}"|'1\.[0-9]{1,2}'))?"""
    rb"""(?:\s+encoding\s*=\s*(?:"(?P<double>[A-Za-z0-9._-]{1,40})"|'(?P<single>[A-Za-z0-9._-]{1,40})'))?"""
    rb"""(?:\s+standalone\s*=\s*(?:"(?:yes|no)"|'(?:yes|no)'))?\s*\?>"""
)
_DOCTYPE = re.compile(r"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_UTF8_NAMES: Final = frozenset({"utf-8", "utf8"})
_SHIFT_JIS_NAMES: Final = frozenset({"shift_jis", "shift-jis", "sjis", "x-sjis", "windows-31j", "ms932", "cp932"})
# zip (with its empty and spanned forms), gzip, 7z: what an encryption module leaves.
_ARCHIVES: Final = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08", b"\x1f\x8b", b"7z\xbc\xaf\x27\x1c")
# Python's cp932 gives these for bytes that CP932 does not define; "decodes strictly" must not include them.
_NOT_CP932 = re.compile("[\x80\uf8f0-\uf8f3]")
_THREE_BYTES = re.compile("[\u0800-\uffff]")


@dataclass(frozen=True)
class Unreadable:
    """The bytes are not a whole document that may be trusted.

    `why`: empty · too_large · archive (encryption may be on at the terminal) · encoding · doctype · too_many_nodes ·
    deep · not_xml · not_xmlmsg.
    """

    why: str


# Elements by name ------------------------------------------------------------------------------------------------


def children(parents: list[etree._Element], name: str) -> list[etree._Element]:
    """The children called `name` of all `parents`."""
    # No namespaces are known in these files: `{ns}Name` is another name.
    return [child for parent in parents for child in parent.iterchildren(name)]


def values(parents: list[etree._Element], name: str) -> set[str | None]:
    """The different values of the children `name`; None stands for one that holds elements instead of a value."""
    return {value(element) for element in children(parents, name)}


def value(element: etree._Element) -> str | None:
    """Its text without blanks around it; None where it holds elements."""
    # `.text` would silently end before a child element: half a number is another patient's number.
    return None if len(element) else (element.text or "").strip()


# Bytes to a tree -------------------------------------------------------------------------------------------------


def document(raw: bytes, max_bytes: int, *, any_namespace: bool = False) -> etree._Element | Unreadable:
    """The root of a document `XmlMsg`, or why there is none. Never raises for what is in `raw`.

    `any_namespace`: for documents whose names are not public: their elements are found by local name.
    """
    if not raw:
        return Unreadable("empty")
    if len(raw) > max_bytes:
        return Unreadable("too_large")
    if raw.startswith(_ARCHIVES):
        return Unreadable("archive")
    text = _text(raw)
    if isinstance(text, Unreadable):
        return text
    if _DOCTYPE.search(text):
        return Unreadable("doctype")
    if text.count("<") + text.count("=") > _MAX_NODES:
        return Unreadable("too_many_nodes")
    return _tree(text, any_namespace=any_namespace)


def _tree(text: str, *, any_namespace: bool) -> etree._Element | Unreadable:
    # Settings that passed a whole attack corpus with lxml 6.1; comments go, so that they cannot split a value.
    parser = etree.XMLParser(  # type: ignore[call-arg]  # the stubs are older than `decompress`
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
        recover=False,
        decompress=False,
        remove_comments=True,
        remove_pis=True,
        collect_ids=False,
    )
    try:
        root = etree.fromstring(text.encode("utf-8"), parser)
    except etree.XMLSyntaxError as error:
        return Unreadable("deep" if "depth" in (error.msg or "") else "not_xml")
    # The second lock on the same door: a document type declaration that the search above did not see.
    if root.getroottree().docinfo.internalDTD is not None or next(root.iter(etree.Entity), None) is not None:
        return Unreadable("doctype")
    if any_namespace:
        for element in root.iter(etree.Element):
            element.tag = etree.QName(element).localname
    return root if root.tag == "XmlMsg" else Unreadable("not_xmlmsg")


def _text(raw: bytes) -> str | Unreadable:
    """The document as text without byte-order mark and XML declaration (libxml2 must not decode by itself: it refuses
    CP932's own characters under the name Shift_JIS, and reads UTF-7 and UTF-16).
    """
    body = raw.removeprefix(b"\xef\xbb\xbf")
    if b"\0" in body or body.startswith((b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")):
        return Unreadable("encoding")
    declaration = _XML_DECLARATION.match(body)
    if declaration is None and re.match(rb"<\?xml[\s?]", body):
        return Unreadable("not_xml")
    rest = body[declaration.end() :] if declaration else body
    named = (declaration["double"] or declaration["single"]) if declaration else None
    name = named.decode("ascii").lower() if named else "utf-8"
    if name not in _UTF8_NAMES | _SHIFT_JIS_NAMES:
        return Unreadable("encoding")
    text = _decoded(rest, marked=len(body) < len(raw), japanese=name in _SHIFT_JIS_NAMES)
    return Unreadable("encoding") if text is None else text


def _decoded(rest: bytes, *, marked: bool, japanese: bool) -> str | None:
    """`rest` by its byte-order mark, else as declared, else as the other one; None when no way decodes strictly."""
    utf8 = _strict(rest, "utf-8")
    if marked:
        return utf8
    # Valid UTF-8 with kana or kanji in it is practically never CP932: there, the declaration lies.
    if utf8 is not None and (not japanese or _THREE_BYTES.search(utf8)):
        return utf8
    cp932 = _strict(rest, "cp932")
    if cp932 is not None and not _NOT_CP932.search(cp932):
        return cp932
    return utf8


def _strict(rest: bytes, codec: str) -> str | None:
    try:
        return rest.decode(codec)
    except UnicodeDecodeError:
        return None
