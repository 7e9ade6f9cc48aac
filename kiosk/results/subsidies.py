"""A subsidy (PMH) result → its certificates, each with every leaf that is in the file.

The element names below `MedicalSubsidies` are not public. So nothing here needs a name to be known: what is known
(`pmh_names`) gets a label, a group and a role; all else is displayed with its raw name. Must never drop a leaf unseen,
and never let the order of elements matter.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from kiosk.results.certificate_face import Word, face, is_face
from kiosk.results.certificate_shapes import ROW, Node, cut, tree
from kiosk.results.documents import DEFAULT_MAX_BYTES, Unreadable, children, document
from kiosk.results.pmh_names import NOT_COMPARED, Group, Names, load
from kiosk.results.spelling import fold, fold_address, fold_day, is_hidden, is_moment

MAX_LEAVES: Final = 200  # of one certificate
MAX_CERTIFICATES: Final = 20
FACE: Final = "券面:"
SLOT: Final = ("payer", "recipient", "sub_key")  # the roles that say which certificate it is

# A hash under a name that the table does not know: it changes with what it is made of, and says nothing itself. By its
# text: numbers of subsidies have at most 30 characters.
_HASH_TEXT: Final = re.compile("[0-9A-Fa-f]{32,}|[0-9A-Za-z+/]{42,}={1,2}")
_PLACE: Final = re.compile("[0-9]{1,3}")
_DAYS: Final = frozenset({"valid_from", "valid_to"})
_CALLED_A_DAY: Final = re.compile("日|期間|期限|date|day|from|until", re.IGNORECASE)
_CALLED_A_NUMBER: Final = re.compile("番号|額|number|amount", re.IGNORECASE)
_SECTION_MIN: Final = 5
_AGAIN_MAX: Final = 10 * MAX_LEAVES  # leaves beside rows, that each of them has again
_GROUPS: Final[tuple[Group, ...]] = ("transfer", "face", "other")


@dataclass(frozen=True, repr=False, slots=True)
class Leaf:
    """One value: its name within the item ("" for the item's own), the name's label (raw where unknown), the text.

    `compared`: False for what changes without a change of the subsidy: a hash, a running number in a list.
    """

    name: str
    label: str
    value: str
    compared: bool = True


@dataclass(frozen=True, repr=False, slots=True)
class Item:
    """One row of a certificate.

    `name`: the element below the certificate, or `券面:X` for the item X of the certificate's face; unique in its
    certificate. `label`: Japanese, or the raw name (then `known` is False). `role`: see `assets/pmh-names.toml`.
    `lines`: one for each time it stands there (an upper limit for each kind of care), each with its leaves.
    `is_place`: it only numbers the certificates of its file.
    """

    name: str
    label: str
    known: bool
    group: Group
    role: str
    lines: tuple[tuple[Leaf, ...], ...]
    is_place: bool = False

    @property
    def texts(self) -> tuple[str, ...]:
        """Of its leaves that are compared."""
        return tuple(leaf.value for line in self.lines for leaf in line if leaf.compared)

    @property
    def hidden(self) -> bool:
        """Whether characters of it are missing, so that it cannot be compared."""
        return any(map(is_hidden, self.texts))

    @property
    def compared(self) -> bool:
        """Whether any of its leaves is."""
        return bool(self.texts)

    def is_day(self, leaf: Leaf) -> bool:
        """Whether digits in `leaf`, which is one of its, are a day: by its role, or by what it is called."""
        names = f"{self.name} {self.label} {leaf.name} {leaf.label}"
        return self.role in _DAYS or (
            self.role not in SLOT and _CALLED_A_DAY.search(names) is not None and _CALLED_A_NUMBER.search(names) is None
        )

    def canonical(self) -> str:
        """What it says, however it is spelt and in whatever order it is written: equal texts, equal content."""
        lines = [sorted((leaf.name, self._folded(leaf)) for leaf in line if leaf.compared) for line in self.lines]
        return json.dumps(sorted(filter(None, lines)), ensure_ascii=False)

    def _folded(self, leaf: Leaf) -> str:
        if self.role == "address":
            return fold_address(leaf.value)
        return fold_day(leaf.value) if self.is_day(leaf) else fold(leaf.value)


@dataclass(frozen=True, repr=False, slots=True)
class Certificate:
    """`items`: at most MAX_LEAVES leaves, in the file's order. `more`: leaves beyond; `rest`: hash of what they say."""

    items: tuple[Item, ...]
    more: int = 0
    rest: str = ""

    def by_role(self, role: str) -> str:
        """The text that has this role, its face asked last; "" where there is none, or more than one."""
        for of_face in (False, True):
            found = {
                leaf.value
                for item in self.items
                if item.role == role and (item.group == "face") == of_face
                for line in item.lines
                for leaf in line
            }
            if found:
                return next(iter(found)) if len(found) == 1 else ""
        return ""


@dataclass(frozen=True, slots=True)
class Subsidies:
    """A subsidy result. `more`: certificates beyond MAX_CERTIFICATES. `notices`: what stands beside certificates."""

    certificates: tuple[Certificate, ...] = field(repr=False)
    more: int = 0
    notices: tuple[Item, ...] = field(repr=False, default=())


def read(raw: bytes, names: Names | None = None, max_bytes: int = DEFAULT_MAX_BYTES) -> Subsidies | Unreadable:
    """Read a subsidy result; `names`: the table in force, None for the program's own. Never raises for `raw`."""
    root = document(raw, max_bytes, any_namespace=True)
    if isinstance(root, Unreadable):
        return root
    table = names or load()
    bodies = children([root], "MessageBody") or [root]
    nodes = [
        node for body in bodies for each in body if each.tag != "MessageHeader" and (node := tree(each)) is not None
    ]
    certificates, notices = cut(nodes, table)
    read_ones = [_limited(each) for each in _placed([_items(each.nodes, table) for each in certificates], table)]
    if len(read_ones) > MAX_CERTIFICATES:
        # Which are cut off must not follow from the order of the file.
        read_ones.sort(key=lambda each: (*(fold(each.by_role(role)) for role in SLOT), _content(each.items), each.rest))
    return Subsidies(
        certificates=tuple(read_ones[:MAX_CERTIFICATES]),
        more=max(0, len(read_ones) - MAX_CERTIFICATES),
        notices=_limited(_items(notices, table)).items,
    )


def _placed(certificates: list[tuple[Item, ...]], names: Names) -> list[tuple[Item, ...]]:
    """The certificates, their running numbers found: of a known name in any order, of another in the file's."""
    every = [{item.name: item for item in each} for each in certificates]
    first = [str(number) for number in range(1, len(every) + 1)]
    found = set()
    for name, item in every[0].items() if every else ():
        texts = [_number(each.get(name)) for each in every]
        if (item.name.lower() in names.order and sorted(texts) == sorted(first)) or (not item.known and texts == first):
            found.add(name)
    return [tuple(replace(each, is_place=each.name in found) for each in items) for items in certificates]


def _number(item: Item | None) -> str:
    texts = item.texts if item else ()
    return texts[0].lstrip("0") if len(texts) == 1 else ""


def _items(nodes: Sequence[Node], names: Names) -> tuple[Item, ...]:
    """What stands in a certificate, each name once, in the file's order."""
    found: dict[str, tuple[Item, list[tuple[Leaf, ...]]]] = {}
    for item in _found(nodes, names):
        found.setdefault(item.name, (item, []))[1].extend(item.lines)
    return tuple(
        replace(item, lines=tuple(lines)) for item, lines in found.values() if item.group == "face" or any(lines)
    )


def _found(nodes: Sequence[Node], names: Names) -> Iterator[Item]:
    # Elements of one name together: whether they are pairs is seen from all of them.
    alike: dict[str, list[Node]] = {}
    for node in nodes:
        alike.setdefault(node.tag, []).append(node)
    for tag, same in alike.items():
        grouped = [node for node in same if node.nodes]
        if tag.lower() in names.face_tags or (names.meaning(tag) is None and grouped == same and is_face(same, names)):
            yield from (_face_item(word, names) for word in face(same, names))
        else:
            sections = _sections(grouped, names)
            taken = {id(node) for node in sections}
            yield from _found([each for node in sections for each in node.nodes], names)
            if items := [node for node in same if id(node) not in taken]:
                yield _item(tag, items, names)


def _sections(nodes: list[Node], names: Names) -> list[Node]:
    """Of elements of one unknown name those that only gather items: known ones, groups, or many.

    Not those that say the same kind of thing twice: what one of them says belongs together.
    """
    leaves = Counter(
        tag for node in nodes for tag in {each.tag for each in node.nodes if not each.nodes} - names.face_tags
    )
    if not nodes or names.meaning(nodes[0].tag) is not None or any(count > 1 for count in leaves.values()):
        return []
    return [node for node in nodes if _is_section(node, names)]


def _is_section(node: Node, names: Names) -> bool:
    tags = [each.tag for each in node.nodes]
    return (
        any(names.meaning(tag) or tag.lower() in names.face_tags for tag in tags)
        or all(each.nodes for each in node.nodes)
        or (len(tags) >= _SECTION_MIN and len(set(tags)) == len(tags))
    )


def _item(tag: str, same: list[Node], names: Names) -> Item:
    meaning = names.meaning(tag)
    role = meaning.role if meaning else ""
    every = [line for node in same for line in _leaves(node)]
    lines = tuple(_line(line, names, listed=len(every) > 1) for line in every)
    if role == NOT_COMPARED:
        lines = tuple(tuple(replace(leaf, compared=False) for leaf in line) for line in lines)
    return Item(
        name=tag,
        label=meaning.label if meaning else ROW.join(map(names.label, tag.split(ROW))),
        known=meaning is not None,
        group=meaning.group if meaning else "other",
        role=role,
        lines=lines,
    )


def _leaves(node: Node, path: str = "") -> list[list[tuple[str, str]]]:
    """Of one element: (name within it, text), a line for each of the groups of one name in it, with what is beside."""
    counts = Counter(each.tag for each in node.nodes if each.nodes)
    own: list[tuple[str, str]] = [] if node.nodes else [(path, node.text)]
    rows: list[list[tuple[str, str]]] = []
    for each in node.nodes:
        lines = _leaves(each, f"{path}/{each.tag}" if path else each.tag)
        if counts[each.tag] > 1 or len(lines) > 1:
            rows += lines
        else:
            own += lines[0]
    if not rows:
        return [own]
    if len(own) * len(rows) > _AGAIN_MAX:
        return [own, *rows]
    return [[*own, *row] for row in rows]


def _face_item(word: Word, names: Names) -> Item:
    meaning = names.meaning(word.word) if word.is_tag else None
    return Item(
        name=FACE + word.word,
        label=meaning.label if meaning else word.word,
        known=not word.is_tag or meaning is not None,
        group="face",
        role=meaning.role if meaning else names.face.get(fold(word.word), ""),
        lines=(_line(word.leaves, names, listed=True),),
    )


def _line(leaves: Iterable[tuple[str, str]], names: Names, *, listed: bool) -> tuple[Leaf, ...]:
    return tuple(_leaf(path, text, names, listed=listed) for path, text in leaves if text)


def _leaf(path: str, text: str, names: Names, *, listed: bool) -> Leaf:
    tag = path.rpartition("/")[2]
    is_place = listed and tag.lower() in names.order and _PLACE.fullmatch(text) is not None
    is_noise = _HASH_TEXT.fullmatch(text) is not None or is_moment(text)
    return Leaf(path, names.label(tag), text, compared=not is_place and not is_noise)


def _limited(items: tuple[Item, ...]) -> Certificate:
    """The items with at most MAX_LEAVES leaves; of more, the same ones whatever their order was."""
    count = sum(len(line) for item in items for line in item.lines)
    if count <= MAX_LEAVES:
        return Certificate(items)
    kept, rest, room = list[Item](), list[tuple[str, str]](), MAX_LEAVES
    for item in sorted(items, key=lambda item: (_GROUPS.index(item.group), item.name)):
        lines = [sorted(((leaf.name, fold(leaf.value), leaf) for leaf in line), key=_spelt) for line in item.lines]
        fitting = []
        for line in sorted(lines, key=lambda line: [_spelt(each) for each in line]):
            fitting.append(tuple(leaf for _, _, leaf in line[:room]))
            rest += [(f"{item.name}/{name}", text) for name, text, leaf in line[room:] if leaf.compared]
            room -= len(fitting[-1])
        if any(fitting):
            kept.append(replace(item, lines=tuple(line for line in fitting if line)))
    text = json.dumps(sorted(rest), ensure_ascii=False).encode("utf-8", "surrogatepass")
    return Certificate(tuple(kept), more=count - MAX_LEAVES, rest=hashlib.sha256(text).hexdigest())


def _spelt(leaf: tuple[str, str, Leaf]) -> tuple[str, str]:
    return leaf[:2]


def _content(items: Sequence[Item]) -> list[tuple[str, str]]:
    return sorted((item.name, item.canonical()) for item in items if item.compared)
