"""Names in the terminal's folders: which file is of which kind, and which subsidy file answers which request.

Owns the whitelist of names. A name from a share or from inside a document is hostile until it has passed here.
Must never touch a file, join a path, or let a name through that is not fully matched in ASCII.

Source of the names: public descriptions of the confirmation terminal's output. The Digital Agency's deck leaves open
whether an error file is `….xml.err` or `….err`, so both are taken, and both with `req` and with `res`.
"""

from __future__ import annotations

import re
from typing import Literal

Kind = Literal["eligibility", "subsidy_result", "subsidy_error"]

# What the server is asked to list. Wider than `kind`, because a server knows only `*` and `?`.
ELIGIBILITY_PATTERN = "OQSsiquc01res_face_*.xml"
SUBSIDY_PATTERN = "PMHsimsm01*"

# Windows compares names without case. Without re.ASCII, IGNORECASE would let U+017F pass for `s`.
_FLAGS = re.ASCII | re.IGNORECASE

# The id (institution code and hex digits) is left out by some programs that write such files, and nothing promises
# its form: a name that is refused here is a file the receipt computer never gets. So: any plain characters, in names
# of at most 128.
_FORMS: dict[Kind, re.Pattern[str]] = {
    "eligibility": re.compile(r"OQSsiquc01res_face_[0-9A-Z_-]{1,100}\.xml", _FLAGS),
    "subsidy_result": re.compile(r"PMHsimsm01res_(?P<id>[0-9A-Z_-]{1,100})_face\.xml", _FLAGS),
    "subsidy_error": re.compile(r"PMHsimsm01re[qs]_(?P<id>[0-9A-Z_-]{1,100})_face(?:\.xml)?\.err", _FLAGS),
}

# Subsidy files have hundredths too.
_TIME = re.compile(r"([0-9]{14})(?:[0-9]{2})?(?:_face)?(?:\.xml)?(?:\.err)?$", _FLAGS)

# The rule is stricter for a name that a document asks us to look for than for a name that is really there.
_REQUEST = re.compile(r"PMHsimsm01req_[0-9A-Za-z]{1,64}_face\.xml", re.ASCII)


def kind(name: str) -> Kind | None:
    """The kind of the file `name`, or None for everything that is to be left alone (requests among them)."""
    return next((kind for kind, form in _FORMS.items() if form.fullmatch(name)), None)


def request_name(text: str) -> str | None:
    """`text` if it is a plain request name (`RequestPmhFileName`), None if it is refused. Blanks are not stripped."""
    return text if _REQUEST.fullmatch(text) else None


def made_at(name: str) -> str:
    """When a file was made, as its name says: fourteen digits, year to second, by the terminal's clock; "" if not."""
    found = _TIME.search(name)
    return found[1] if found else ""


def request_key(name: str) -> str | None:
    """For a subsidy result or error file: the lower-cased name of the request it answers. None for other names."""
    match = _FORMS["subsidy_result"].fullmatch(name) or _FORMS["subsidy_error"].fullmatch(name)
    return f"pmhsimsm01req_{match['id'].lower()}_face.xml" if match else None
