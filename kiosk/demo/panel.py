"""The panel beside the kiosk in a demo: draws knobs and what there is to see. Needs Kivy's window to be there.

Must never be part of a hospital's window, nor know what a knob does.
"""

from __future__ import annotations

from typing import Any

from kivy.clock import Clock
from kivy.graphics import Color, Rectangle
from kivy.graphics.texture import Texture
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.button import Button
from kivy.uix.gridlayout import GridLayout
from kivy.uix.image import Image
from kivy.uix.label import Label
from kivy.uix.widget import Widget
from kivy.utils import escape_markup

from kiosk.demo import word
from kiosk.demo.knobs import Bench, Glance, Grey, Knob, Section
from kiosk.typography.font_files import path
from kiosk.ui import theme

LOOK_EVERY_S = 0.5
# The panel is laid out for this height and grows and shrinks with the kiosk beside it.
_DESIGNED_FOR = 960
_REGULAR, _BOLD = "BIZUDPGothic-Regular.ttf", "BIZUDPGothic-Bold.ttf"
# For names of files: the underscore of BIZ UDPGothic lies below what Kivy draws of a line.
_FOR_FILES = "NotoSansCJKjp-Regular.otf"
_GROUND, _OFF, _ON = "#DDE3E8", theme.PAPER, theme.AMBER


class Panel(BoxLayout):  # type: ignore[misc]  # Kivy ships no types
    """Shows `bench`. `knobs`: its buttons, in order."""

    def __init__(self, bench: Bench, **kwargs: Any) -> None:
        super().__init__(orientation="vertical", **kwargs)
        self._bench = bench
        self._seen: Glance | None = None
        self._slip = Image(fit_mode="contain")
        self._delivered = self._text(_FOR_FILES)
        self._events = self._text(_FOR_FILES)
        self.knobs: list[tuple[Knob, Button]] = []
        with self.canvas.before:
            Color(*theme.channels(_GROUND))
            self._ground = Rectangle()
        self.bind(pos=self._lay_ground, size=self._lay_out)
        self._looking = Clock.schedule_interval(lambda _: self.look(), LOOK_EVERY_S)

    # -- look ---------------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Draw what has changed."""
        for knob, button in self.knobs:
            is_on = knob.is_on is not None and knob.is_on()
            button.background_color = (*theme.channels(_ON if is_on else _OFF), 1)
        now = self._bench.look()
        if now == self._seen:
            return
        if self._seen is None or now.slip is not self._seen.slip:
            self._slip.texture = _texture(now.slip) if now.slip else None
            self._slip.opacity = 1 if now.slip else 0
        self._delivered.text = "\n".join(now.delivered)
        self._events.text = "\n".join(now.events)
        self._seen = now

    # -- layout -------------------------------------------------------------------------------------------------

    def _lay_ground(self, *_: object) -> None:
        self._ground.pos, self._ground.size = self.pos, self.size

    def _lay_out(self, *_: object) -> None:
        self._lay_ground()
        unit = self.height / _DESIGNED_FOR
        self.padding, self.spacing = 14 * unit, 6 * unit
        self.clear_widgets()
        self.knobs = []
        self.add_widget(self._title(word("panel.title"), unit, 17))
        for section in self._bench.sections:
            self.add_widget(self._title(section.title, unit))
            self.add_widget(self._grid(section, unit))
        self.add_widget(self._below(unit))
        self.look()

    def _grid(self, section: Section, unit: float) -> Widget:
        high = 54 if any(knob.note for knob in section.knobs) else 36
        rows = -(-len(section.knobs) // section.columns)
        grid = GridLayout(
            cols=section.columns, spacing=6 * unit, size_hint_y=None, height=(rows * (high + 6) - 6) * unit
        )
        for knob in section.knobs:
            button = self._button(knob, unit)
            self.knobs.append((knob, button))
            grid.add_widget(button)
        return grid

    def _button(self, knob: Knob, unit: float) -> Button:
        note = f"\n[font={path(_REGULAR)}]{escape_markup(knob.note)}[/font]" if knob.note else ""
        button = Button(
            text=escape_markup(knob.label) + note,
            markup=True,
            font_name=path(_BOLD),
            font_size=13.5 * unit,
            line_height=1.25,
            halign="center",
            color=(*theme.channels(theme.INK), 1),
            background_normal="",
            background_color=(*theme.channels(_OFF), 1),
        )
        button.bind(on_release=lambda _: knob.turn())
        return button

    def _below(self, unit: float) -> Widget:
        """The slip at the left; files and events at the right."""
        below = BoxLayout(spacing=12 * unit)
        left = BoxLayout(orientation="vertical", spacing=4 * unit, size_hint_x=0.7)
        right = BoxLayout(orientation="vertical", spacing=4 * unit)
        for each in (self._slip, self._delivered, self._events):
            if each.parent:
                each.parent.remove_widget(each)
        left.add_widget(self._title(word("panel.slip"), unit))
        left.add_widget(self._slip)
        for title, label, share in (
            (word("panel.delivered"), self._delivered, 0.28),
            (word("panel.events"), self._events, 0.72),
        ):
            label.font_size, label.size_hint_y = 12 * unit, share
            right.add_widget(self._title(title, unit))
            right.add_widget(label)
        below.add_widget(left)
        below.add_widget(right)
        return below

    def _title(self, text: str, unit: float, size: float = 14) -> Label:
        label = self._text(_BOLD)
        label.text, label.font_size, label.size_hint_y, label.height = text, size * unit, None, (size + 8) * unit
        label.valign = "middle"
        return label

    def _text(self, font: str) -> Label:
        label = Label(
            font_name=path(font),
            color=(*theme.channels(theme.INK), 1),
            halign="left",
            valign="top",
        )
        label.bind(size=lambda it, size: setattr(it, "text_size", size))
        return label


def _texture(picture: Grey) -> Any:
    texture = Texture.create(size=(picture.width, picture.height), colorfmt="luminance")
    texture.blit_buffer(picture.pixels, colorfmt="luminance", bufferfmt="ubyte")
    texture.flip_vertical()
    return texture
