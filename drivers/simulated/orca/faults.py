"""What goes wrong, when asked for: a list of faults, each for some calls and a number of times."""

import threading
from dataclasses import dataclass
from typing import Final, Literal, get_args

Call = Literal["acceptmodv2", "acceptlstv2", "appointlst2v2", "appointlstv2", "patientgetv2", "system01lstv2"]
CALLS: Final[tuple[Call, ...]] = get_args(Call)

# result: Api_Result is `code`, and nothing is done ("90": another terminal has the patient). warning: a good answer has
#   `code` (K1 to K3) in place of 00.
# status: HTTP status `code` with an empty body, and nothing is done. page: 200 with somebody's HTML. empty: 200 with
#   nothing. garbage: 200 with bytes that are no document. doctype: the answer has a DOCTYPE in front. huge: it is
#   9 MiB long. other_patient: it is about somebody else; other_day: about the day after.
# delay: the answer comes `seconds` later. mute: nothing comes. lost: the line is cut before the answer, half: in the
#   middle of it. drip_head, drip_body: a byte of it every `seconds`.
Kind = Literal[
    "result", "warning", "status", "page", "empty", "garbage", "doctype", "huge", "other_patient", "other_day",
    "delay", "mute", "lost", "half", "drip_head", "drip_body",
]  # fmt: skip
NOTHING_DONE: Final[tuple[Kind, ...]] = ("result", "status")


@dataclass
class Fault:
    """One fault. `times`: how often still; None: for ever. `stores`: False: nothing is done before the line fails."""

    kind: Kind
    calls: tuple[Call, ...]
    times: int | None
    code: str
    seconds: float
    stores: bool


class Faults:
    """Those that wait for their turn; the oldest one that a call meets is its."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        """From now on, after those that are there."""
        with self._lock:
            self._waiting.append(fault)

    def clear(self) -> None:
        """All is well again."""
        with self._lock:
            self._waiting.clear()

    def take(self, call: Call) -> Fault | None:
        """What goes wrong with this call."""
        with self._lock:
            for fault in self._waiting:
                if call in fault.calls:
                    if fault.times is not None:
                        fault.times -= 1
                        if not fault.times:
                            self._waiting.remove(fault)
                    return fault
        return None
