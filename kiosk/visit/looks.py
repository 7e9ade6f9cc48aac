"""The tools at the foot of every page: language, size, colours, reach. They change how pages look, never the visit."""

from __future__ import annotations

from dataclasses import replace

from kiosk.visit.rules import Look
from kiosk.visit.state import Kiosk, Start

_LANGUAGE = "lang_"


def tools(kiosk: Kiosk) -> tuple[str, ...]:
    """What can be pressed on every page, besides its buttons."""
    languages = kiosk.rules.languages
    named = ("language", *(_LANGUAGE + each for each in languages)) if len(languages) > 1 else ()
    return (*named, "text_size", "contrast", "wheelchair")


def with_tool(kiosk: Kiosk, tool: str, now: float) -> Kiosk:
    """The look after a press of `tool`. At the start page it is the site's again once nobody touches it."""
    kiosk = touched(kiosk, now)
    if tool == "language":
        return replace(kiosk, choosing_language=not kiosk.choosing_language)
    choosing = kiosk.choosing_language and not tool.startswith(_LANGUAGE)
    return replace(kiosk, look=_changed(kiosk.look, tool, kiosk), choosing_language=choosing)


def _changed(look: Look, tool: str, kiosk: Kiosk) -> Look:
    match tool:
        case "text_size":
            return replace(look, size="large" if look.size == "normal" else "normal")
        case "contrast":
            return replace(look, theme="high_contrast" if look.theme == "normal" else "normal")
        case "wheelchair":
            return replace(look, wheelchair=not look.wheelchair)
    chosen = next(each for each in kiosk.rules.languages if tool == _LANGUAGE + each)
    return replace(look, language=chosen)


def touched(kiosk: Kiosk, now: float) -> Kiosk:
    """Somebody touched the page: at the start, the look they chose stays a little longer."""
    return replace(kiosk, look_until=now + kiosk.rules.look_s if isinstance(kiosk.stage, Start) else None)


def with_site_look(kiosk: Kiosk, now: float) -> Kiosk:
    """The site's own look once whoever chose another one at the start page has left."""
    if kiosk.look_until is None or now < kiosk.look_until:
        return kiosk
    return _site_look(kiosk)


def followed(before: Kiosk, after: Kiosk) -> Kiosk:
    """After each event: the list of languages hides no new page, and the next patient gets the site's look."""
    if type(after.stage) is type(before.stage):
        return after
    if isinstance(after.stage, Start):
        return _site_look(after)
    return replace(after, choosing_language=False, look_until=None)


def _site_look(kiosk: Kiosk) -> Kiosk:
    return replace(kiosk, look=kiosk.rules.look, look_until=None, choosing_language=False)
