"""Which parts of a subsidy result are certificates, whatever its elements are called: a tree of our own, and its cuts.

Seen in public: each certificate a `MedicalSubsidies`, or one of them around several. Taken besides: other names, more
levels, attributes for elements. Must never let the order of elements matter, and never lose a leaf: what is in no
certificate is a notice.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from sys import intern
from typing import Final

from lxml import etree

from kiosk.results.pmh_names import Names
from kiosk.results.spelling import as_date

ROW: Final = "・"  # joins the names of what belongs together without an element around it
TEXT: Final = "#text"  # what stands in an element beside others, or beside attributes
_INSTANCE: Final = "{http://www.w3.org/2001/XMLSchema-instance}"
# What says which certificate it is, or for how long.
_NAMING: Final = frozenset({"certificate_name", "payer", "recipient"})
_IDENTIFYING: Final = _NAMING | {"valid_from", "valid_to"}
# An attribute that is the element's text, where there is nothing else.
_VALUE: Final = frozenset({"value", "val", "v", "text"})
_NUMBER: Final = re.compile("[0-9]+")
_COUNT: Final = re.compile(r"(?i)count|total|kensu|件数|numberof")
# The shape of a payer number, and of most dates.
_EIGHT_DIGITS: Final = re.compile(r"\s*[0-9]{8}\s*")
_LEAVES_MIN: Final = 3
_SHARING_MAX: Final = 100
_ROW_MAX: Final = 50  # leaves
# What is nested deeper is one text: nobody nests so, and every leaf carries its names.
_DEPTH_MAX: Final = 12


@dataclass(frozen=True, repr=False, slots=True)
class Node:
    """An element or attribute that says something. `nodes` empty: a leaf with `text`. Nodes are told apart by `is`."""

    tag: str
    text: str
    nodes: tuple[Node, ...] = ()

    def leaves(self, path: str = "") -> Iterator[tuple[str, str]]:
        """(names joined by `/` from `path` on, text) of each leaf in it."""
        if not self.nodes:
            yield path, self.text
        for each in self.nodes:
            yield from each.leaves(f"{path}/{each.tag}" if path else each.tag)


def tree(element: etree._Element, depth: int = 0) -> Node | None:
    """The element with its attributes as its first children; None where nothing is written."""
    tag = intern(etree.QName(element).localname)  # the same in every file of the day
    if depth == _DEPTH_MAX:
        return _flat(tag, (text for each in element.iter() for text in (*_attributes(each).values(), *_texts(each))))
    nodes = [Node(name, text) for name, text in _attributes(element).items()]
    inner = _rows([found for child in element if (found := _child(child, element, depth)) is not None])
    if not any(each.nodes or each.text for each in inner):
        inner = []
    if not nodes and not inner:
        return _flat(tag, _texts(element))
    if len(nodes) == 1 and nodes[0].tag.lower() in _VALUE and not inner and not _texts(element):
        return Node(tag, nodes[0].text)
    mixed = _flat(TEXT, _texts(element))
    return Node(tag, "", (*nodes, *inner, *([mixed] if mixed else [])))


def _child(child: etree._Element, parent: etree._Element, depth: int) -> Node | None:
    """In it. Nothing is written in one of two elements: it is kept, for they may be a word and its value."""
    found = tree(child, depth + 1)
    return Node(intern(etree.QName(child).localname), "") if found is None and len(parent) == 2 else found


def _rows(nodes: list[Node]) -> list[Node]:
    """Leaves that say by their place or number which of them belong together (a, b, a, b or a1, b1, a2, b2): in groups.

    What a group says must not be lost among the others of its kind: 500 of which, 5000 of which.
    """
    return _repeated_rows(_numbered_rows(nodes))


def _numbered_rows(nodes: list[Node]) -> list[Node]:
    numbers: dict[str, set[str]] = {}
    for node in nodes:
        if not node.nodes and len(_NUMBER.findall(node.tag)) == 1:
            numbers.setdefault(_NUMBER.sub("", node.tag), set()).add(_NUMBER.findall(node.tag)[0])
    stems = {stem for stem, found in numbers.items() if stem and len(found) > 1}
    if len(stems) < 2:
        return nodes
    rows: dict[str, list[Node]] = {}
    others = []
    for node in nodes:
        stem = _NUMBER.sub("", node.tag)
        if not node.nodes and stem in stems and stem != node.tag:
            rows.setdefault(_NUMBER.findall(node.tag)[0], []).append(replace(node, tag=intern(stem)))
        else:
            others.append(node)
    return [*others, *(_row(sorted(stems), row) for row in rows.values())]


def _repeated_rows(nodes: list[Node]) -> list[Node]:
    found: list[Node] = []
    at = 0
    while at < len(nodes):
        width = _width(nodes, at)
        tags = [node.tag for node in nodes[at : at + width]]
        end = at + width
        while width and [node.tag for node in nodes[end : end + width] if not node.nodes] == tags:
            end += width
        if width and end > at + width:
            found += [_row(sorted(tags), nodes[start : start + width]) for start in range(at, end, width)]
            at = end
        else:
            found.append(nodes[at])
            at += 1
    return found


def _width(nodes: list[Node], at: int) -> int:
    """Of a row that begins here: leaves of different names, up to the next one of the first name; 0: there is none."""
    tags = {nodes[at].tag}
    for end in range(at + 1, min(len(nodes), at + _ROW_MAX)):
        if nodes[at].nodes or nodes[end].nodes:
            return 0
        if nodes[end].tag in tags:
            return end - at if nodes[end].tag == nodes[at].tag and end - at > 1 else 0
        tags.add(nodes[end].tag)
    return 0


def _row(tags: list[str], nodes: list[Node]) -> Node:
    return Node(intern(ROW.join(tags)), "", tuple(nodes))


def _flat(tag: str, texts: Iterable[str]) -> Node | None:
    text = " ".join(texts)
    return Node(tag, text) if text else None


def _attributes(element: etree._Element) -> dict[str, str]:
    found = {str(name): str(text).strip() for name, text in element.attrib.items()}
    return {
        intern(etree.QName(name).localname): text
        for name, text in found.items()
        if text and not name.startswith(_INSTANCE)
    }


def _texts(element: etree._Element) -> list[str]:
    """What stands directly in it, around its children."""
    found = ((element.text or "").strip(), *((child.tail or "").strip() for child in element))
    return [text for text in found if text]


def cut(body: Sequence[Node], names: Names) -> tuple[list[Node], list[Node]]:
    """(certificates, notices) of a message's body, each in the file's order."""
    certificates: list[Node] = []
    notices: list[Node] = []
    for node in body:
        _collect(node, names, certificates, notices)
    if certificates:
        return certificates, notices
    # No element of a known name holds them.
    whole = Node("", "", tuple(body))
    parts = _parts(whole, names)
    if parts:
        notices = _others(whole, parts)
        return [found for part in parts for found in _split(part, names, notices)], notices
    return ([whole], []) if _is_certificate(whole, names) else ([], notices)


def _collect(node: Node, names: Names, certificates: list[Node], notices: list[Node]) -> None:
    if node.tag.lower() in names.certificate and node.nodes and not all(_is_count(each) for each in node.nodes):
        certificates += _split(node, names, notices)
    elif _holds(node, names):
        for each in node.nodes:
            _collect(each, names, certificates, notices)
    else:
        notices.append(node)


def _holds(node: Node, names: Names) -> bool:
    return any(each.tag.lower() in names.certificate or _holds(each, names) for each in node.nodes)


def _split(node: Node, names: Names, notices: list[Node]) -> list[Node]:
    """The certificates in `node`, itself mostly. What a wrapper says beside them, it says of each, but their number."""
    parts = [] if _is_certificate(node, names) else _parts(node, names)
    if not parts:
        return [node]
    found = [each for part in parts for each in _split(part, names, notices)]
    others = _others(node, parts)
    # Of more certificates nobody looks at each.
    shared = [each for each in others if not _is_count(each) and len(found) <= _SHARING_MAX]
    taken = {id(each) for each in shared}
    notices += [each for each in others if id(each) not in taken]
    return [replace(each, nodes=(*each.nodes, *shared)) for each in found] if shared else found


def _is_count(node: Node) -> bool:
    return not node.nodes and _COUNT.search(node.tag) is not None


def _is_certificate(node: Node, names: Names) -> bool:
    return any(
        names.role(each.tag) in _IDENTIFYING or each.tag.lower() in names.face_tags
        for each in node.nodes
        if not each.nodes or each.tag.lower() in names.face_tags
    )


def _parts(node: Node, names: Names) -> list[Node]:
    """The certificates, or what holds them, among the children of what is no certificate by itself."""
    groups = [each for each in node.nodes if each.nodes]
    named = [each for each in groups if _is_certificate(each, names) or _holds_one(each, names)]
    return _parts_by_name(named, names) if named else _parts_by_form(node, groups)


def _parts_by_name(groups: list[Node], names: Names) -> list[Node]:
    """Those that say the same kind of thing, each for itself; none, if each says another part of one certificate."""
    roles = [_roles(each, names) for each in groups]
    wanted = _NAMING if any(each & _NAMING for each in roles) else _IDENTIFYING
    counts = Counter(role for each in roles for role in each & wanted)
    tags = {each.tag for each, its in zip(groups, roles, strict=True) if any(counts[role] > 1 for role in its)}
    if tags:
        return [each for each in groups if each.tag in tags]
    return groups if len({each.tag for each in groups}) == 1 else []


def _roles(node: Node, names: Names) -> set[str]:
    found = {names.role(each.tag) for each in node.nodes if not each.nodes}
    return found.union(*(_roles(each, names) for each in node.nodes if each.nodes))


def _holds_one(node: Node, names: Names) -> bool:
    return any(each.nodes and (_is_certificate(each, names) or _holds_one(each, names)) for each in node.nodes)


def _parts_by_form(node: Node, groups: list[Node]) -> list[Node]:
    """Where no name is known: children of one name, all with a number of eight digits or a date, if `node` has none."""
    if any(_tells(each.text) for each in node.nodes if not each.nodes):
        return []
    full = [each for each in groups if _is_full(each)]
    tags = {each.tag for each in full}
    alike = [each for each in groups if each.tag in tags]
    return full if len(tags) == 1 and len(alike) == len(full) else []


def _is_full(node: Node) -> bool:
    texts = [text for _, text in node.leaves()]
    return len(texts) >= _LEAVES_MIN and any(_tells(text) for text in texts)


def _tells(text: str) -> bool:
    return _EIGHT_DIGITS.fullmatch(text) is not None or as_date(text) is not None


def _others(node: Node, parts: Sequence[Node]) -> list[Node]:
    taken = {id(part) for part in parts}
    return [each for each in node.nodes if id(each) not in taken]
