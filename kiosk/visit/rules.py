"""What the site decided for visits, and how its pages look. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

BirthdayRule = Literal["always", "after_unclean", "never"]
CardBirthdayRule = Literal["never", "qr", "always"]
EarlyRule = Literal["counter", "refuse", "register"]
LateRule = Literal["counter", "register"]
Language = Literal["ja", "ja_simple", "en", "zh_hans", "ko", "vi", "pt"]
Theme = Literal["normal", "high_contrast"]
Size = Literal["normal", "large"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)


@dataclass(frozen=True)
class Look:
    """How pages look for who stands there now; the next one gets the site's again.

    `wheelchair`: everything that is touched lies within reach of somebody who sits.
    """

    language: Language = "ja"
    theme: Theme = "normal"
    size: Size = "normal"
    wheelchair: bool = False


@dataclass(frozen=True)
class Rules:
    """The site's rules a visit depends on (site.toml), in seconds and minutes."""

    result_wait_s: float = 60.0
    reader_min_s: float = 6.0
    settle_s: float = 0.5
    unclean_s: float = 200.0
    birthday: BirthdayRule = "after_unclean"
    card_wait_s: float = 60.0
    birthday_wait_s: float = 60.0
    done_s: float = 15.0
    counter_s: float = 20.0
    early_min: int = 0
    late_min: int = 0
    patient_cards: bool = True
    counter_slip: bool = False
    # What a patient who comes outside early_min and late_min gets: the counter, unless the site says more.
    early: EarlyRule = "counter"
    late: LateRule = "counter"
    # The third way of the start page: no card, no appointment.
    no_card: bool = False
    # Whether patients without an appointment may be received here; which departments do comes with each look-up.
    walk_in: bool = False
    # Of whom the birth day is asked who came by card or by the code of a phone, where the system knows it.
    card_birthday: CardBirthdayRule = "never"
    # Whether `call` is offered where staff take over.
    staff_call: bool = False
    languages: tuple[Language, ...] = LANGUAGES
    look: Look = Look()
    # Not in site.toml: bounds of our own, so that no stage can last for ever whatever a device does.
    baseline_s: float = 10.0
    baseline_slow_s: float = 0.4
    look_up_s: float = 12.0
    print_s: float = 110.0  # a printer's own worst case is below that
    again_after_s: float = 3.0
    card_tries: int = 3
    warn_s: float = 20.0
    readable_s: float = 20.0  # time and place of a patient; then they are covered
    notice_s: float = 20.0  # that the patient is registered, at least so long once the rest is covered
    ask_s: float = 60.0  # a question
    look_s: float = 60.0  # a look that somebody chose at the start page, and left
    call_every_s: float = 120.0
    cards_max: int = 5  # after so many different numbers within cards_s the card reader rests for cards_rest_s
    cards_s: float = 60.0
    cards_rest_s: float = 60.0
    served_max: int = 1000
