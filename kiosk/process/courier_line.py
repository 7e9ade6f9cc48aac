"""Asking the courier: one question and its answer over the socket in the courier's folder.

What may be asked, and what is answered, stands in `kiosk/courier/line.py`. Must never wait longer than it was told.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from drivers.unix_path import short_path
from kiosk.process.data_folder import DataFolder

GARBLED = "garbled"  # the event that stands for a line that is no message
ANSWER_MAX = 1 << 20
Message = dict[str, Any]


def parsed(line: bytes) -> Message:
    """A line that is no message must not end the connection."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        message = None
    return message if isinstance(message, dict) else {"event": GARBLED}


def connect(folder: Path, timeout_s: float) -> socket.socket:
    """The courier's socket; each wait on it ends after `timeout_s`. Raises OSError."""
    line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    line.settimeout(timeout_s)
    try:
        with short_path(DataFolder(folder).courier_socket) as path:
            line.connect(path)
    except BaseException:
        line.close()
        raise
    return line


def ask(folder: Path, question: Mapping[str, Any], event: str, timeout_s: float = 5.0) -> Message | None:
    """Put `question` to the courier and return its answer, the first message with this `event`.

    None: no courier answers in time, whatever else it sends meanwhile.
    """
    deadline = time.monotonic() + timeout_s
    try:
        with connect(folder, timeout_s) as line, line.makefile("rb") as lines:
            line.sendall(json.dumps(question).encode() + b"\n")
            while time.monotonic() < deadline and (text := lines.readline(ANSWER_MAX)):
                message = parsed(text)
                if message.get("event") == event:
                    return message
    except OSError:
        pass  # no courier, or one that hangs: the caller says so
    return None


def ask_once(folder: Path, question: str, timeout_s: float = 5.0) -> Message | None:
    """Ask the courier {"ask": question} and return its `status` answer; None if no courier answers in time."""
    return ask(folder, {"ask": question}, "status", timeout_s)
