"""The catalogues of assets/texts, one folder a language.

The patient's catalogue is written in Japanese (patient.toml); its translations are gettext files (patient.po, and the
patient.mo made of it): msgctxt is the key, `choose_card.lines.0`, msgid the Japanese sentence. Japanese sentences hold
ruby in the notation of 青空文庫, `受付《うけつけ》`, which kiosk.typography.ruby reads and takes off.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Final

Texts = Mapping[str, Mapping[str, Any]]

# Of the patient's catalogue. ja_simple (やさしい日本語) has only the sentences that differ from the Japanese.
LANGUAGES: Final = ("ja", "ja_simple", "en", "zh_hans", "ko", "vi", "pt")
# Tables of the patient's catalogue that are not translated: staff's are Japanese, languages name themselves.
UNTRANSLATED: Final = frozenset({"staff", "slip_staff", "languages"})
# What a sentence with a plural counts: `あと {count} 回`.
COUNT: Final = "{count}"
_MANY: Final = 100


class Counted(str):
    """A sentence that counts, as it is for many: `.format(count=1)` takes the form of the language for one."""

    __slots__ = ("japanese", "key", "translations")
    key: str
    japanese: str
    translations: NullTranslations

    def format(self, *args: object, **values: object) -> str:
        """The form for `count`, with all places filled."""
        count = values.get("count")
        if not isinstance(count, int):
            raise TypeError("count is how many")
        form = self.translations.npgettext(self.key, self.japanese, self.japanese, count)
        return form.format(*args, **values)


@cache
def load(catalogue: str = "patient", language: str = "ja") -> Texts:
    """The sentences of one catalogue, by table. Raises FileNotFoundError.

    `patient`: screens and slip, in each of LANGUAGES; its table `language` has the `code`.
    """
    if catalogue != "patient" or language == "ja":
        words = tomllib.loads((_folder(language) / f"{catalogue}.toml").read_text(encoding="utf-8"))
        translations = NullTranslations()
    else:
        words = dict(load())
        with (_folder(language) / "patient.mo").open("rb") as compiled:
            translations = GNUTranslations(compiled)
    if catalogue != "patient":
        return words
    worded = {table: _translated(table, entries, translations) for table, entries in words.items()}
    return worded | {"language": {"code": language}}


def sentences(words: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Each sentence of a catalogue with its key: `tap_reader.title`, `tap_reader.lines.0`."""
    if isinstance(words, str):
        yield key, words
        return
    for name, each in enumerate(words) if isinstance(words, list) else words.items():
        yield from sentences(each, f"{key}.{name}" if key else str(name))


def event_sentences() -> dict[str, str]:
    """The Japanese sentence for each id of the event logs."""
    return {event: str(sentence) for event, sentence in load("events").items()}


def _folder(language: str) -> Traversable:
    return files("assets") / "texts" / language


def _translated(key: str, value: Any, translations: NullTranslations) -> Any:
    """The same shape with its sentences in the language."""
    if isinstance(value, dict):
        return {name: _translated(f"{key}.{name}", each, translations) for name, each in value.items()}
    if isinstance(value, list):
        return [_translated(f"{key}.{place}", each, translations) for place, each in enumerate(value)]
    if key.partition(".")[0] in UNTRANSLATED:
        return value
    if COUNT not in value:
        return translations.pgettext(key, value)
    counted = Counted(translations.npgettext(key, value, value, _MANY))
    counted.key, counted.japanese, counted.translations = key, value, translations
    return counted
