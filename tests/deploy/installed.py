"""A PC in a folder: deploy/install and deploy/uninstall run on it as programs, with --root.

Owns a copy of what is installed of this repository, so that a test may change it (an upgrade) or cut it off. The long
part of an installation, Python packages from the network, is replaced in the copy by the packages the tests themselves
run on; tests/deploy/test_install_real.py does it with the real deploy/setup.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from tests import ROOT

RUN_S = 300  # a second as a rule; this machine may be slow and busy

# Stands for deploy/setup: an environment in the same place, with this Python's own packages.
LIGHT_SETUP = f"""#!/bin/sh
set -eu
packages="$KIOSK_VENV/lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
mkdir -p "$KIOSK_VENV/bin" "$packages"
ln -s "{Path(sys.executable).resolve()}" "$KIOSK_VENV/bin/python"
printf 'home = %s\\n' "{Path(sys.executable).resolve().parent}" >"$KIOSK_VENV/pyvenv.cfg"
echo "{sysconfig.get_path("purelib")}" >"$packages/packages.pth"
"""

SITE = """
[site]
name = "架空総合病院"
institution_code = "9912345678"
pattern = 2
data_dir = "/var/lib/kiosk"
[terminal]
results = "smb://kiosk@127.0.0.1:1/face"
[receipt_computer]
results = "smb://kiosk@127.0.0.1:1/to_face"
[printer]
url = "tcp://127.0.0.1:1"
"""


class Pc:
    """`folder` is the PC; `source` the copy that is installed; `site` the administrator's folder with site.toml."""

    def __init__(self, place: Path, *, light: bool = True) -> None:
        self.folder = place / "pc"
        self.source = place / "a path with blanks"
        self.site = place / "site"
        for folder in (self.folder, self.source, self.site):
            folder.mkdir()
        for name in ("kiosk", "drivers", "assets", "deploy"):
            shutil.copytree(
                ROOT / name, self.source / name, ignore=shutil.ignore_patterns("__pycache__"), symlinks=True
            )
        for name in ("pyproject.toml", "LICENSE", "README.md", "CHANGELOG.md"):
            shutil.copy2(ROOT / name, self.source / name)
        if light:
            (self.source / "deploy/setup").write_text(LIGHT_SETUP, encoding="utf-8")
        self.write_site(SITE)
        for name in ("terminal.secret", "receipt_computer.secret"):
            (self.site / name).write_text(f"pass of {name}\n", encoding="utf-8")
            (self.site / name).chmod(0o600)

    def write_site(self, text: str) -> Path:
        path = self.site / "site.toml"
        path.write_text(text, encoding="utf-8")
        return path

    def run(self, program: str | Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A program of the copy (a relative path) or any other, as from an administrator's terminal."""
        return subprocess.run(
            [str(self.source / program), *arguments],
            cwd=self.site, env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **_pip()},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=RUN_S, check=False,
        )  # fmt: skip

    def install(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run("deploy/install", "--root", str(self.folder), *arguments)

    def uninstall(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run("deploy/uninstall", "--root", str(self.folder), *arguments)

    def kiosk(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run(self.folder / "usr/local/bin/kiosk", *arguments)

    def release(self, link: str = "current") -> Path:
        return (self.folder / "opt/kiosk" / link).resolve(strict=True)

    def change_source(self, text: str) -> None:
        """Another version: one file differs."""
        (self.source / "CHANGELOG.md").write_text(text, encoding="utf-8")

    def tree(self, *, but: str = "opt/kiosk/releases") -> dict[str, str]:
        """Every file and link of the PC but those under `but`, with mode and digest."""
        found = {}
        for path in sorted(self.folder.rglob("*")):
            name = path.relative_to(self.folder).as_posix()
            if name.startswith(but) or (path.is_dir() and not path.is_symlink()):
                continue
            content = bytes(path.readlink()) if path.is_symlink() else path.read_bytes()
            found[name] = f"{path.lstat().st_mode:o} {hashlib.sha256(content).hexdigest()}"
        return found


def _pip() -> dict[str, str]:
    """How this machine reaches its packages is its own affair."""
    return {name: value for name, value in os.environ.items() if name.startswith("PIP_") or name == "HOME"}
