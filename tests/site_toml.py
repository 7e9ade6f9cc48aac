"""A folder with a site.toml and its secrets, for tests that load a configuration.

Owns the shortest valid file. It must never be imported by anything that ships.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from kiosk import config
from kiosk.config import Config, ConfigError

REQUIRED = """
[site]
name = "架空総合病院"
institution_code = "9912345678"
pattern = 1
data_dir = "/nowhere/kiosk"
[terminal]
results = "smb://kiosk@192.0.2.10:445/face"
[receipt_computer]
results = "smb://kiosk@192.0.2.20/face"
[printer]
url = "tcp://192.0.2.30:9100"
"""


class Site:
    """A folder with a site.toml and its secrets."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "site.toml"
        for table in ("terminal", "receipt_computer"):
            self.secret(f"{table}.secret", f"pass of {table}\n")

    def secret(self, name: str, content: str | bytes, mode: int = 0o600) -> Path:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        path.chmod(mode)
        return path

    def load(self, text: str | bytes = REQUIRED, credentials: Path | None = None) -> Config:
        self.file.write_bytes(text.encode() if isinstance(text, str) else text)
        return config.load(self.file, {"CREDENTIALS_DIRECTORY": str(credentials)} if credentials else {})

    def problems(self, text: str | bytes = REQUIRED) -> list[str]:
        """What is said about `text`, without the file's name before each line."""
        with pytest.raises(ConfigError) as caught:
            self.load(text)
        lines = str(caught.value).splitlines()
        assert all(line.startswith(f"{self.file}: ") for line in lines)
        return [line.removeprefix(f"{self.file}: ") for line in lines]


def with_(table: str, *lines: str, text: str = REQUIRED) -> str:
    """`text` with lines added to a table; a key given again is replaced; a missing table is made."""
    if f"[{table}]\n" not in text:
        text += f"[{table}]\n"
    head, tail = text.split(f"[{table}]\n")
    body, bracket, rest = tail.partition("\n[")
    keys = {line.split("=")[0].strip() for line in lines}
    kept = [line for line in body.splitlines() if line.split("=")[0].strip() not in keys]
    return f"{head}[{table}]\n" + "\n".join([*kept, *lines]) + f"\n{bracket}{rest}"


def without(key: str) -> str:
    """REQUIRED without the lines of one key."""
    return "\n".join(line for line in REQUIRED.splitlines() if not line.startswith(f"{key} "))


def shares(**urls: str) -> str:
    """REQUIRED with other share addresses, `terminal_results` and so on."""
    text = REQUIRED
    for name, url in urls.items():
        table, _, key = name.rpartition("_")
        text = with_(table, f'{key} = "{url}"', text=text)
    return text
