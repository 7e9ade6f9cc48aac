"""The reader of patient cards (診察券): bytes on a serial line become card numbers.

Owns: frames (`frames`), and the thread that keeps the port open with its address and events (`line`).

Must never: let a card that was read before the patient was asked for it count for that patient; write what a card held
into a log, an exception or a `repr`; raise out of its thread. A reader in keyboard mode is not supported on purpose: it
could press any hotkey (BadBarcode, PacSec 2015).
"""

from drivers.card_reader.line import (
    CardEvent,
    CardRead,
    CardUnreadable,
    ReaderDown,
    ReaderUp,
    SerialCardReader,
    parse_url,
)

__all__ = ["CardEvent", "CardRead", "CardUnreadable", "ReaderDown", "ReaderUp", "SerialCardReader", "parse_url"]
