"""What the server's refusals and a broken connection mean to who asked, as `Trouble`."""

from typing import Final

from drivers.reservations import Trouble, TroubleKind

# Raised by the server's functions.
NOT_RELEASED: Final = "KF001"
TOO_LATE: Final = "KW001"
CLOCKS_DIFFER: Final = "KC001"
TAKEN: Final = "KB001"
# Whose detail is a number of seconds, and what that is.
_SECONDS: Final = {CLOCKS_DIFFER: "seconds", TAKEN: "wait_s"}

# By SQLSTATE, or by its first two characters. No text of the server: it may quote what was asked.
_MEANINGS: Final[dict[str, tuple[TroubleKind, str, str]]] = {
    NOT_RELEASED: (
        "refused",
        "not_released",
        "another server has taken over and is not released: kiosk book after-failover",
    ),
    TOO_LATE: ("refused", "too_late", "too late"),
    CLOCKS_DIFFER: ("refused", "clock_differs", "its clock and this machine's differ by more than 60 s"),
    TAKEN: ("busy", "taken", "another attempt is registering this patient"),
    "28": ("login", "login", "user or password refused"),
    "42501": ("login", "rights", "the role may not: a kiosk needs kiosk_register, who imports kiosk_hub"),
    "3D000": ("refused", "no_database", "there is no such database"),
    "3F000": ("refused", "not_migrated", "the database has no book: kiosk book migrate"),
    "42883": ("refused", "not_migrated", "the database has no book of this version: kiosk book migrate"),
    "55P03": ("busy", "locked", "somebody held the row for too long"),
    "40": ("busy", "conflict", "two calls met"),
    "57014": ("busy", "slow", "the server took too long"),
    "53": ("busy", "resources", "the server is out of connections, memory or disk"),
    "57P": ("unreachable", "shutting_down", "the server is stopping or starting"),
    "25006": ("unreachable", "read_only", "the server takes no writes"),
}
# Of what the server does not say itself.
_CODES: Final = (
    "unreachable", "connection_refused", "late", "name_server", "unknown_host", "no_tls", "certificate", "ca_file",
    "misunderstood", "old_primary",
)  # fmt: skip
CODES: Final = frozenset((*_CODES, *(code for _, code, _ in _MEANINGS.values())))
# The server stops while a commit waits for a standby: it may be done.
_MAYBE_DONE: Final = ("57P", "XX", "58")


class Failed(Exception):
    """No answer. `state`: SQLSTATE, "" where the server said none. `kept`: the connection can be used again."""

    def __init__(self, trouble: Trouble, state: str = "", *, kept: bool = False) -> None:
        super().__init__(trouble.what)
        self.trouble = trouble
        self.state = state
        self.kept = kept


def unreachable(why: str, code: str = "unreachable", *, maybe_done: bool = False) -> Failed:
    """`why`: for staff, without an address of a person."""
    return Failed(Trouble("unreachable", f"the book's server: {why}", maybe_done, code))


def refused(error: object) -> Failed:
    """What the server answered: the fields of its message (a dict), or something that is none."""
    fields = error if isinstance(error, dict) else {}
    state = str(fields.get("C", ""))
    known = next((_MEANINGS[each] for each in (state, state[:3], state[:2]) if each in _MEANINGS), None)
    kind, code, what = known or ("refused", "failed", f"refused ({state or 'no reason'})")
    seconds, name = str(fields.get("D", "")), _SECONDS.get(state, "")
    parameters = {name: abs(int(seconds))} if name and seconds.lstrip("-").isdigit() else {}
    trouble = Trouble(kind, f"the book's server: {what}", state.startswith(_MAYBE_DONE), code, parameters)
    return Failed(trouble, state, kept=fields.get("S") == "ERROR" and state != CLOCKS_DIFFER)
