"""A folder in the place of a printer: each page becomes a PDF file, for another program to print or keep."""

import os
import secrets
import time
from collections.abc import Callable

from drivers.durable import write_whole
from drivers.page_printer import NotPrinted, NotReady, Page, Printed, PrinterStatus, PrintOutcome, Ready, Reason
from drivers.page_printer.address import FolderAddress

FILE_MODE = 0o640
"""The program that takes the files runs as another user: the folder's group decides."""


class FolderPrinter:
    """The `PagePrinter` behind a file:// address. Never makes the folder, and never deletes a file."""

    def __init__(self, address: FolderAddress, *, where: str) -> None:
        self._address = address
        self._where = where

    @property
    def where(self) -> str:
        """The folder's URL."""
        return self._where

    def status(self) -> PrinterStatus:
        """Whether files can be made in the folder."""
        path = self._address.path
        if path.is_dir() and os.access(path, os.W_OK | os.X_OK):
            return Ready(self._address.paper, "pdf")
        return NotReady("folder_unwritable")

    def print(self, page: Page, *, on_waiting: Callable[[Reason | None], None] | None = None) -> PrintOutcome:
        """Make one file, named by the moment and chance; whole when its name appears."""
        document = page.render(self._address.paper, "pdf")
        name = f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{secrets.token_hex(4)}.pdf"
        try:
            write_whole(self._address.path / name, document, FILE_MODE)
        except OSError:
            return NotPrinted("folder_unwritable", maybe_out=False)
        return Printed()

    def clear(self) -> None:
        """Nothing waits in a folder."""
