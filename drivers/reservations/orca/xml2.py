"""xml2, the form of ORCA's requests and answers: records of texts, records and arrays, each with its type.

Source of the format: https://www.orca.med.or.jp/receipt/tec/api/overview.html and the samples beside it. A request is
`<data><NAMEreq type="record">…`, an answer `<xmlio2><NAMEres type="record">…`; the rows of an array `Rows` are called
`Rows_child`, and empty ones pad it. Servers gave empty answers to requests without types.

Must never resolve anything: a document type is refused, so there are no entities, and nothing expands.
"""

import html
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

# 1,500 receptions, the most that is listed, with two certificates each are 100,000.
_ELEMENTS_MAX: Final = 250_000
_DEPTH_MAX: Final = 16


class NotXml2(ValueError):
    """These bytes are no answer. It carries none of their text: it may be about a patient."""


@dataclass(slots=True)
class Record:
    """An element: its own text, without blanks around it, and those inside it."""

    name: str
    text: str = field(default="", repr=False)
    parts: "list[Record]" = field(default_factory=list, repr=False)

    def record(self, name: str) -> "Record":
        """The first one of this name; an empty one where there is none."""
        return next((part for part in self.parts if part.name == name), _EMPTY)

    def of(self, name: str) -> str:
        """The text of the first one of this name, or ""."""
        return self.record(name).text

    def rows(self, name: str) -> "list[Record]":
        """The rows of the array of this name, without empty ones."""
        return [row for row in self.record(name).parts if row.name == f"{name}_child" and row.is_filled]

    @property
    def is_filled(self) -> bool:
        """Whether there is any text in it."""
        return bool(self.text) or any(part.is_filled for part in self.parts)


_EMPTY: Final = Record("")


def request(name: str, fields: Mapping[str, str]) -> bytes:
    """The document that asks `name` with `fields`, in UTF-8."""
    lines = "".join(f'<{key} type="string">{html.escape(value, quote=False)}</{key}>' for key, value in fields.items())
    return f'<data><{name} type="record">{lines}</{name}></data>'.encode()


def answer(document: bytes) -> Record:
    """The record that `document` holds. Raises NotXml2."""
    reader = _Reader()
    try:
        root = reader.read(document)
    except expat.ExpatError:
        raise NotXml2("not well-formed") from None
    if root.name != "xmlio2" or len(root.parts) != 1:
        raise NotXml2("not one record in xmlio2")
    return root.parts[0]


class _Reader:
    def __init__(self) -> None:
        self._open = [Record("")]
        self._count = 0
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.buffer_size = 1 << 16
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters

    def read(self, document: bytes) -> Record:
        self._parser.Parse(document, True)
        return self._open[0].parts[0]

    def _doctype(self, *_: object) -> None:
        raise NotXml2("a document type")

    def _start(self, name: str, _: object) -> None:
        self._count += 1
        if self._count > _ELEMENTS_MAX or len(self._open) > _DEPTH_MAX:
            raise NotXml2("more elements than any answer has")
        record = Record(name)
        self._open[-1].parts.append(record)
        self._open.append(record)

    def _end(self, _: str) -> None:
        record = self._open.pop()
        record.text = record.text.strip()

    def _characters(self, text: str) -> None:
        self._open[-1].text += text
