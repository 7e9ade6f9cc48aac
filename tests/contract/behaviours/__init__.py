"""All behaviours, by what they are about. `every()` imports them, so that they are in BEHAVIOURS."""

from importlib import import_module

from tests.contract.behaviour import BEHAVIOURS, Behaviour

_ABOUT = ("finding", "registering", "cancelling", "series", "day", "races", "line", "faults", "secrecy", "book")


def every() -> list[Behaviour]:
    """Every behaviour, in the order of the table."""
    for name in _ABOUT:
        import_module(f"{__name__}.{name}")
    return BEHAVIOURS
