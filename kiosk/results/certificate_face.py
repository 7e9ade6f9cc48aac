"""What stands on the face of a certificate (受給者証券面項目), as words and values, whatever elements carry them.

Taken: word and value in two elements or attributes, lists of such, lines 「氏名：…」, elements with names of their own.
Which of two elements has the word must never follow from their order.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from kiosk.results.certificate_shapes import TEXT, Node
from kiosk.results.pmh_names import Names
from kiosk.results.spelling import fold

_NAME: Final = re.compile(r"(?i)(.*?)(?:name|title|label|caption|key|koumoku|komoku|mei|項目名?|名称)")
_VALUE: Final = re.compile(r"(?i)(.*?)(?:value|val|contents?|text|body|data|naiyou?|atai|chi|内容|値)")
_LINE: Final = re.compile(r"\s*([^：:\n]{1,30}?)\s*[：:]\s*(\S.*)", re.DOTALL)
_WORD: Final = re.compile("[\u3041-\u30ff\u3400-\u9fff々〆]")
_WORD_MAX_CHARS: Final = 30
_DIGITS_AT_END: Final = re.compile("[0-9]+$")
# So many elements of one name are a list, whatever the name is.
_LIST_MIN: Final = 3


@dataclass(frozen=True, repr=False)
class Word:
    """One item of the face: the word (or the element's name) and its leaves, (name within it, text)."""

    word: str
    is_tag: bool
    leaves: tuple[tuple[str, str], ...]


def face(nodes: Sequence[Node], names: Names) -> Iterator[Word]:
    """The items in elements that lie side by side, each of them `CertificationDetail` or something within one."""
    word_tags = _word_tags(nodes, names, _LIST_MIN - 1)
    stems = Counter(_stem(node.tag) for node in nodes if not node.nodes)
    for node in nodes:
        if not node.nodes:
            yield from _line(node, names, listed=stems[_stem(node.tag)] > 1 or node.tag.lower() in names.face_tags)
        elif word_tag := _word_tag(node) or word_tags.get(node.tag):
            yield _pair(node, word_tag)
        else:
            yield from face(node.nodes, names)


def is_face(nodes: Sequence[Node], names: Names) -> bool:
    """Whether elements of one unknown name, side by side, are pairs of a word and a value, or hold a list of such."""
    if all(_word_tag(node) for node in nodes) or _word_tags(nodes, names, _LIST_MIN):
        return True
    return all(_holds_list(node, names) for node in nodes)


def _holds_list(node: Node, names: Names) -> bool:
    inner = node.nodes
    if all(each.nodes for each in inner):
        return len({each.tag for each in inner}) == 1 and (
            all(_word_tag(each) for each in inner) or bool(_word_tags(inner, names, _LIST_MIN))
        )
    stems = {_stem(each.tag) for each in inner}
    return len(inner) > 1 and len(stems) == 1 and all(not each.nodes and _has_word(each.text) for each in inner)


def _pair(node: Node, word_tag: str) -> Word:
    word = next(each for each in node.nodes if each.tag == word_tag)
    rest = [each for each in node.nodes if each is not word]
    # Of one value it does not matter what its element is called.
    leaves = tuple(rest[0].leaves() if len(rest) == 1 else (leaf for each in rest for leaf in each.leaves(each.tag)))
    return Word(word.text, is_tag=False, leaves=leaves)


def _word_tag(node: Node) -> str:
    """Which child has the word, by the names of two: ItemName and ItemValue, name and text; "": neither."""
    words = [(each, found[1].lower()) for each in node.nodes if (found := _NAME.fullmatch(each.tag))]
    if len(words) != 1 or words[0][0].nodes:
        return ""
    tag, stem = words[0][0].tag, words[0][1]
    values = [found[1].lower() for each in node.nodes if (found := _VALUE.fullmatch(each.tag))]
    values += [""] * any(each.tag == TEXT for each in node.nodes)
    return tag if values.count(stem) == 1 else ""


def _word_tags(nodes: Sequence[Node], names: Names, at_least: int) -> dict[str, str]:
    """By element, for lists of pairs of unknown names: the child whose texts are words, no two the same."""
    alike: dict[str, list[Node]] = defaultdict(list)
    for node in nodes:
        if node.nodes:
            alike[node.tag].append(node)
    found = {}
    for tag, pairs in alike.items():
        forms = {frozenset(each.tag for each in pair.nodes) for pair in pairs}
        flat = all(len(pair.nodes) == 2 and not any(each.nodes for each in pair.nodes) for pair in pairs)
        if len(pairs) >= at_least and flat and len(forms) == 1:
            found[tag] = _word_tag_of(pairs, sorted(next(iter(forms))), names)
    return {tag: word_tag for tag, word_tag in found.items() if word_tag}


def _word_tag_of(pairs: list[Node], tags: list[str], names: Names) -> str:
    if len(tags) < 2:
        return ""
    texts = {tag: [each.text for pair in pairs for each in pair.nodes if each.tag == tag] for tag in tags}
    able = [tag for tag in tags if all(map(_is_word, texts[tag])) and len(set(texts[tag])) == len(pairs)]
    if len(able) == 1:
        return able[0]
    known = [tag for tag in able if any(fold(text) in names.face for text in texts[tag])]
    return known[0] if len(known) == 1 else ""


def _is_word(text: str) -> bool:
    return len(text) <= _WORD_MAX_CHARS and bool(_WORD.search(text)) and not any(each.isdigit() for each in text)


def _line(node: Node, names: Names, *, listed: bool) -> Iterator[Word]:
    """A leaf: lines 「word：value」 where it is one of several, or the detail itself; else an item of its own name."""
    if not listed or names.meaning(node.tag) is not None:
        yield Word(node.tag, is_tag=True, leaves=(("", node.text),))
        return
    for line in filter(None, map(str.strip, node.text.splitlines())):
        found = _LINE.fullmatch(line)
        if found and _has_word(line):
            yield Word(found[1], is_tag=False, leaves=(("", found[2]),))
        else:
            # The number of a line is its place, and says nothing.
            yield Word(_stem(node.tag), is_tag=True, leaves=(("", line),))


def _has_word(line: str) -> bool:
    found = _LINE.fullmatch(line)
    return found is not None and _WORD.search(found[1]) is not None


def _stem(tag: str) -> str:
    return _DIGITS_AT_END.sub("", tag) or tag
