"""A folder in the place of a printer."""

from pathlib import Path

from drivers.page_printer import DocumentKind, NotPrinted, NotReady, Paper, Printed, Ready, open_page_printer


class Text:
    """A page."""

    def render(self, paper: Paper, kind: DocumentKind) -> bytes:
        return f"%PDF {paper} {kind} 00123456".encode()


def test_a_folder_gets_a_whole_file_for_its_group(tmp_path: Path) -> None:
    printer = open_page_printer(f"file://{tmp_path}?paper=a5")
    assert printer.status() == Ready("a5", "pdf")
    printer.clear()
    assert [printer.print(Text()), printer.print(Text())] == [Printed(), Printed()]
    first, second = sorted(tmp_path.iterdir())
    assert first.read_bytes() == second.read_bytes() == b"%PDF a5 pdf 00123456"
    assert first.suffix == ".pdf"
    assert "00123456" not in first.name
    assert first.stat().st_mode & 0o777 == 0o640


def test_a_folder_that_is_missing_is_not_made(tmp_path: Path) -> None:
    printer = open_page_printer(f"file://{tmp_path}/missing")
    assert printer.status() == NotReady("folder_unwritable")
    assert printer.print(Text()) == NotPrinted("folder_unwritable", maybe_out=False)
    assert list(tmp_path.iterdir()) == []
