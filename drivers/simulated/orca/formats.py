"""The two formats: xml2, in which every element says its type, and JSON with the same names."""

import json
from collections.abc import Mapping
from typing import Any, Final
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

# A record: text, records and arrays of records by name.
Record = dict[str, Any]
HEAD: Final = '<?xml version="1.0" encoding="UTF-8"?>'


class NoType(ValueError):
    """An element without its type attribute: a real server answers nothing at all."""


def read_xml(body: bytes) -> tuple[str, Record]:
    """Name and content of the one record in `<data>`. NoType; other ValueError: it is no such document."""
    try:
        data = ET.fromstring(body)  # noqa: S314 - who asks is a program under test
    except ET.ParseError as error:
        raise ValueError(str(error)) from error
    if data.tag != "data" or len(data) != 1:
        raise ValueError("one record in <data> is wanted")
    return data[0].tag, _record(data[0])


def _record(element: ET.Element) -> Record:
    kind = element.get("type")
    if kind is None:
        raise NoType(element.tag)
    found: Record = {}
    for child in element:
        kind = child.get("type")
        if kind is None:
            raise NoType(child.tag)
        if kind == "array":
            found[child.tag] = [_record(row) for row in child]
        elif kind == "record":
            found[child.tag] = _record(child)
        else:
            found[child.tag] = (child.text or "").strip()
    return found


def read_json(body: bytes) -> tuple[str, Record]:
    """Name and content of the one record, in `data` or by itself. ValueError: it is no such document."""
    whole = json.loads(body)
    if isinstance(whole, dict) and isinstance(whole.get("data"), dict):
        whole = whole["data"]
    if not isinstance(whole, dict) or len(whole) != 1:
        raise ValueError("one record is wanted")
    ((name, record),) = whole.items()
    if not isinstance(record, dict):
        raise ValueError("one record is wanted")
    return name, record


def write_xml(name: str, record: Mapping[str, Any]) -> bytes:
    """The answer `name` as xml2. Text that is empty is left out."""
    return f"{HEAD}\n<xmlio2>\n{_written(name, 'record', record, '  ')}</xmlio2>\n".encode()


def _written(name: str, kind: str, record: Mapping[str, Any], indent: str) -> str:
    rows = "".join(_field(key, value, f"{indent}  ") for key, value in record.items())
    return f'{indent}<{name} type="{kind}">\n{rows}{indent}</{name}>\n'


def _field(name: str, value: Any, indent: str) -> str:
    if isinstance(value, dict):
        return _written(name, "record", value, indent)
    if isinstance(value, list):
        rows = "".join(_written(f"{name}_child", "record", row, f"{indent}  ") for row in value)
        return f'{indent}<{name} type="array">\n{rows}{indent}</{name}>\n'
    return f'{indent}<{name} type="string">{escape(value)}</{name}>\n' if value else ""


def write_json(name: str, record: Mapping[str, Any]) -> bytes:
    """The answer `name` as JSON. Text that is empty is left out."""
    return json.dumps({name: _without_empty(record)}, ensure_ascii=False).encode()


def _without_empty(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_empty(one) for key, one in value.items() if one != ""}
    if isinstance(value, list):
        return [_without_empty(one) for one in value]
    return value
