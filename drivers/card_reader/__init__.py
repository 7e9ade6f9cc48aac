"""The reader of patient cards (診察券): bytes on a serial line become card numbers.

Owns: frames (`frames`), the serial address (`address`), and the thread that keeps the port open (`line`).

Must never: let a card that was read before the patient was asked for it count for that patient; write what a card held
into a log, an exception or a `repr`; raise out of its thread. A reader in keyboard mode is not supported on purpose: it
could press any hotkey (BadBarcode, PacSec 2015).
"""

from drivers.bad_address import BadAddress
from drivers.card_reader.address import SerialAddress, parse_url
from drivers.card_reader.events import CardEvent, CardRead, CardUnreadable, ReaderDown, ReaderUp
from drivers.card_reader.frames import BadFrame, End, FrameDecoder, number_of
from drivers.card_reader.line import SerialCardReader

__all__ = [
    "BadAddress",
    "BadFrame",
    "CardEvent",
    "CardRead",
    "CardUnreadable",
    "End",
    "FrameDecoder",
    "ReaderDown",
    "ReaderUp",
    "SerialAddress",
    "SerialCardReader",
    "number_of",
    "parse_url",
]
