"""The patient's texts in seven languages: complete, current, with all their places and readings."""

from __future__ import annotations

import io
import re
import runpy
from functools import cache
from gettext import GNUTranslations
from string import Formatter
from typing import Any

import pytest
from babel.messages.catalog import Message

from kiosk.typography import ruby
from kiosk.visit import rules
from kiosk.words.texts import COUNT, LANGUAGES, UNTRANSLATED, Counted, load, sentences
from tests import ROOT

TRANSLATED = LANGUAGES[2:]  # ja_simple has only what differs
JAPANESE = ("ja", "ja_simple")
TITLE_MAX_CHARS = 19
KANJI = re.compile("[々〆\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
KANA = re.compile("[\u3041-\u3096\u30a1-\u30fa]")
# What a pattern of a day or a time may take, each language its own.
MOMENT = {"year", "month", "day", "weekday", "clock", "hour", "hour12", "minute", "half"}
MOMENTS = re.compile(r"dates\.(clock|day|opening|opening_today)|days\..+|slip\.day")


@cache
def tool() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "deploy" / "translations.py"))


@cache
def japanese() -> dict[str, str]:
    found: dict[str, str] = tool()["japanese"]()
    return found


def of(language: str) -> dict[str, str]:
    """All that a patient reads in a language, by key."""
    words = load("patient", language)
    kept = {table: each for table, each in words.items() if table not in {*UNTRANSLATED, "language"}}
    found = {}
    for key, text in sentences(kept):
        found[key] = text
        if isinstance(text, Counted):
            found |= {f"{key}.forms.{count}": text.format(count=count) for count in (1, 2)}
    return found


@cache
def messages(language: str) -> dict[str, Message]:
    return {each.context: each for each in tool()["stored"](language) if each.id}


def places(text: str) -> set[str]:
    return {place for _, place, _, _ in Formatter().parse(text) if place}


# -- complete and current ----------------------------------------------------------------------------------------------


def test_the_languages_are_those_of_the_visit() -> None:
    assert LANGUAGES == rules.LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_a_translation_has_the_sentences_of_the_japanese_catalogue(language: str) -> None:
    wanted = {key: (text, text) if COUNT in text else text for key, text in japanese().items()}
    assert {key: each.id for key, each in messages(language).items()} == wanted, "run python deploy/translations.py"


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_is_complete(language: str) -> None:
    left = [key for key, each in messages(language).items() if each.fuzzy or not all(tool()["forms"](each))]
    assert left == []


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_what_is_compiled_is_not_older_than_its_source(language: str) -> None:
    def catalogue(compiled: bytes) -> dict[Any, Any]:
        read: Any = GNUTranslations(io.BytesIO(compiled))
        return {key: text for key, text in read._catalog.items() if key != ""}

    written = {path.suffix: content for path, content in tool()["written"](language).items()}
    kept = (ROOT / "assets" / "texts" / language / "patient.mo").read_bytes()
    assert catalogue(kept) == catalogue(written[".mo"]), "run python deploy/translations.py"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_gives_the_same_mapping(language: str) -> None:
    def shape(words: Any) -> Any:
        if isinstance(words, dict):
            return {key: shape(each) for key, each in words.items()}
        return [shape(each) for each in words] if isinstance(words, list) else type(words)

    assert shape(load("patient", language)) == shape(load())
    assert load("patient", language)["language"]["code"] == language
    for table in UNTRANSLATED:
        assert load("patient", language)[table] == load()[table]


def test_a_language_without_a_catalogue_is_refused() -> None:
    with pytest.raises(FileNotFoundError):
        load("patient", "tlh")


# -- what a translation keeps ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_a_translation_keeps_all_places(language: str) -> None:
    for key, message in messages(language).items():
        for form in filter(None, tool()["forms"](message)):
            wanted = places(japanese()[key])
            assert places(form) <= MOMENT if MOMENTS.fullmatch(key) else places(form) == wanted, (key, form)


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_japanese_is_left_in_a_translation(language: str) -> None:
    assert [text for text in of(language).values() if KANA.search(text) or set("｜《》") & set(text)] == []
    if language != "zh_hans":
        assert [text for text in of(language).values() if KANJI.search(text)] == []


@pytest.mark.parametrize(
    ("language", "one", "two"),
    [
        ("ja", "あと 1 回ためせます。", "あと 2 回ためせます。"),
        ("en", "You can try 1 more time.", "You can try 2 more times."),
        ("ko", "앞으로 1번 더 할 수 있습니다.", "앞으로 2번 더 할 수 있습니다."),
        ("pt", "Você pode tentar mais 1 vez.", "Você pode tentar mais 2 vezes."),
    ],
)
def test_a_sentence_that_counts_has_the_form_of_its_number(language: str, one: str, two: str) -> None:
    text = load("patient", language)["insert_card"]["tries_left"]
    assert ruby.plain(text.format(count=1)) == one
    assert ruby.plain(text.format(count=2)) == two


def test_a_sentence_that_counts_wants_a_number() -> None:
    with pytest.raises(TypeError):
        load()["insert_card"]["tries_left"].format(count="2")


def test_chinese_says_report_not_sign_in() -> None:
    said = "".join(of("zh_hans").values())
    assert "签到" not in said and "报到" in said


# -- readings ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", JAPANESE)
def test_every_kanji_of_an_instruction_has_its_reading(language: str) -> None:
    bare = [
        text
        for text in of(language).values()
        if any(KANJI.search(part.base) for part in ruby.parts(text) if not part.reading)
    ]
    assert bare == []


@pytest.mark.parametrize("language", JAPANESE)
def test_a_reading_is_in_hiragana_and_belongs_to_its_kanji_alone(language: str) -> None:
    for text in of(language).values():
        assert not set("｜《》") & set(ruby.plain(text)), text
        for part in ruby.parts(text):
            assert re.fullmatch("[ぁ-ゖー]*", part.reading), text
            if part.reading:
                # The okurigana stays outside, so that the reading stands over what it reads; 5日 is read whole.
                assert re.sub(r"\d|\{day\}", "", KANJI.sub("", part.base)) == "", text


@pytest.mark.parametrize("language", JAPANESE)
def test_what_is_put_in_never_gets_the_reading_of_what_follows(language: str) -> None:
    """佐藤 put before 先生《せんせい》 would be read as せんせい."""
    assert [text for text in of(language).values() if re.search(r"\}[々〆\u3400-\u9fff]+《", text)] == []


# -- style -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", JAPANESE)
def test_a_title_can_be_read_at_a_glance(language: str) -> None:
    titles = {key: ruby.plain(text) for key, text in of(language).items() if key.endswith(("title", "_title"))}
    assert len(titles) > 15
    assert {key: text for key, text in titles.items() if len(text.replace(" ", "")) > TITLE_MAX_CHARS} == {}


def test_simple_japanese_is_short_and_spaced_and_has_no_humble_forms() -> None:
    forms = {key: tool()["forms"](each)[0] for key, each in messages("ja_simple").items()}
    hard = re.compile(
        "いたします|まいります|いただ|お手数|恐れ入り|ございます|お越し|お控え|お寄り|お取り|お待ち|お持ち"
    )
    written = {key: ruby.plain(text) for key, text in forms.items() if text}
    assert len(written) > 100
    assert {key: text for key, text in written.items() if hard.search(text)} == {}
    long = {key: text for key, text in written.items() if max(map(len, re.split("[。？]", text))) > 40}
    assert long == {}
