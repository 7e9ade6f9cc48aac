"""Bring the translations of the patient's texts up to date: `.po` from the Japanese catalogue, `.mo` from `.po`.

    python deploy/translations.py     # after patient.toml or a .po was changed; says what is left to translate

A sentence whose Japanese was changed keeps its translation, marked fuzzy: it is not shown until somebody has looked at
it. Needs Babel (deploy/requirements-dev.txt). A test fails while a file is old. deploy/TRANSLATING.md.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from kiosk.words.texts import COUNT, LANGUAGES, UNTRANSLATED, load, sentences  # noqa: E402 - of this clone

FOLDER = ROOT / "assets" / "texts"
# gettext names a language as a locale; やさしい日本語 has none of its own.
LOCALES = {"ja_simple": "ja", "en": "en", "zh_hans": "zh_Hans", "ko": "ko", "vi": "vi", "pt": "pt"}
HEADER = """\
# Patient's texts of the kiosk, {language}. msgctxt is the key, msgid the Japanese with its ruby.
# How to translate: deploy/TRANSLATING.md"""


def japanese() -> dict[str, str]:
    """All sentences that are translated, by key."""
    return {key: text for key, text in sentences(load()) if key.partition(".")[0] not in {*UNTRANSLATED, "language"}}


def catalogue(language: str) -> Catalog:
    """The catalogue of a language as it should be: the keys of the Japanese, the translations of its file."""
    old = stored(language)
    by_key = {message.context: message for message in old}
    new = Catalog(
        LOCALES[language],
        header_comment=HEADER.format(language=language),
        project="kiosk",
        version="patient",
        creation_date=old.creation_date,
        revision_date=old.revision_date,
        last_translator=old.last_translator,
        language_team=old.language_team,
        msgid_bugs_address="deploy/TRANSLATING.md",
        fuzzy=False,
    )
    for key, text in japanese().items():
        msgid = (text, text) if COUNT in text else text
        message = new.add(msgid, context=key)
        before = by_key.get(key)
        if before is None or not any(forms(before)):
            continue
        message.string = fitted(before, plurals=new.num_plurals if COUNT in text else 0)
        if before.id != msgid or before.fuzzy:
            message.flags.add("fuzzy")
    return new


def stored(language: str) -> Catalog:
    """The catalogue as it is; an empty one of a new language."""
    path = FOLDER / language / "patient.po"
    if not path.exists():
        return Catalog(LOCALES[language])
    with path.open("rb") as file:
        return read_po(file, LOCALES[language])


def forms(message: Message) -> tuple[str, ...]:
    """The translations of a message, one for each plural form."""
    return (message.string,) if isinstance(message.string, str) else tuple(message.string or ())


def fitted(message: Message, plurals: int) -> str | tuple[str, ...]:
    """The translation as one text, or in as many forms as the language has."""
    found = forms(message)
    return tuple((*found, *[found[-1]] * plurals)[:plurals]) if plurals else found[-1]


def written(language: str) -> dict[Path, bytes]:
    """What the two files of a language should hold."""
    made = catalogue(language)
    text, compiled = io.BytesIO(), io.BytesIO()
    write_po(text, made, width=0, ignore_obsolete=True)
    write_mo(compiled, made)
    folder = FOLDER / language
    return {folder / "patient.po": text.getvalue(), folder / "patient.mo": compiled.getvalue()}


def left(language: str) -> int:
    """How many sentences are shown in Japanese for now."""
    return sum(1 for message in catalogue(language) if message.id and (message.fuzzy or not all(forms(message))))


def main() -> None:
    """Write what has changed."""
    for language in LANGUAGES[1:]:
        for path, content in written(language).items():
            if not path.exists() or path.read_bytes() != content:
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(content)
                sys.stdout.write(f"{path.relative_to(ROOT)} written\n")
        # やさしい日本語 need not have all: the Japanese is shown.
        if language != "ja_simple" and (count := left(language)):
            sys.stdout.write(f"{language}: {count} to translate or to look at\n")


if __name__ == "__main__":
    main()
