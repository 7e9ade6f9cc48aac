"""deploy/setup, tests/run and the rule of tests/conftest.py, run as programs.

The set-up is tried on a small repository made here, in a path with blanks: real bash, real venv (made once, later ones
are copies of it), real pip, locks without packages and a build backend of a few lines, so that no network is needed.
What must not happen on a tester's machine (apt-get, sudo) is replaced on PATH by programs that write down their
arguments.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests import ROOT

pytestmark = pytest.mark.long
RUN_S = 180  # a venv takes 5 s on an ordinary machine; this one may be slow and busy

PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "small"
version = "1"
"""

# PEP 660, as small as it gets: a wheel with a .pth file.
BACKEND = """
import pathlib, zipfile
FILES = {
    "small.pth": str(pathlib.Path(__file__).parent) + "\\n",
    "small-1.dist-info/METADATA": "Metadata-Version: 2.1\\nName: small\\nVersion: 1\\n",
    "small-1.dist-info/WHEEL": "Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
}
def build_editable(folder, config_settings=None, metadata_directory=None):
    record = "".join(f"{name},,\\n" for name in [*FILES, "small-1.dist-info/RECORD"])
    with zipfile.ZipFile(pathlib.Path(folder) / "small-1-py3-none-any.whl", "w") as wheel:
        for name, text in {**FILES, "small-1.dist-info/RECORD": record}.items():
            wheel.writestr(name, text)
    return "small-1-py3-none-any.whl"
build_wheel = build_editable
"""


class SmallRepo:
    """A repository with the real deploy/setup and tests/run, and a PATH that starts with programs of the test's own."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "a path with blanks" / "kiosk"
        self.programs = folder / "programs"
        self.said = folder / "said.txt"
        self.home = folder / "home"
        for path in (self.root / "deploy", self.root / "tests", self.root / "kiosk", self.programs, self.home):
            path.mkdir(parents=True)
        for name in ("deploy/setup", "tests/run"):
            shutil.copy2(ROOT / name, self.root / name)
        for name in ("requirements.txt", "requirements-dev.txt"):
            (self.root / "deploy" / name).write_text("# no packages\n", encoding="utf-8")
        (self.root / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
        (self.root / "backend.py").write_text(BACKEND, encoding="utf-8")
        self.axe = self.root / "tests/desk/web/axe"
        self.axe.mkdir(parents=True)
        (self.axe / "package-lock.json").write_text("{}\n", encoding="utf-8")
        self.program("npm", "mkdir -p node_modules/axe-core")
        self.program("node", "exit 0")
        self.program("pg_createcluster", "exit 0")
        self.program("python3", f'exec "{Path(sys.executable).resolve()}" "$@"')
        self.program("dpkg-query", "printf installed")
        self.program("apt-get", "exit 99")
        self.program("sudo", "exit 99")

    def program(self, name: str, script: str) -> None:
        """A program on PATH that writes down its arguments, then runs `script`."""
        path = self.programs / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >>"{self.said}"\n{script}\n', encoding="utf-8")
        path.chmod(0o755)

    def copy_environments_of(self, other: SmallRepo) -> None:
        """From now on `python3 -m venv` copies what it made for `other`: making one takes 5 s of computing."""
        python, kept = Path(sys.executable).resolve(), other.root.parent / "kept"
        if not kept.exists():
            shutil.copytree(other.root / ".venv", kept, symlinks=True)
        copies = f'rm -rf "$4" && exec cp -a "{kept}" "$4"'
        self.program("python3", f'if [ "$1 $2 $3" = "-m venv --clear" ]; then {copies}; fi\nexec "{python}" "$@"')

    def run(self, name: str, *args: str, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
        path = f"{self.programs}:/usr/bin:/bin"
        return subprocess.run(
            [str(self.root / name), *args],
            cwd=cwd or self.home, env={"PATH": path, "HOME": str(self.home), "LC_ALL": "C.UTF-8", **env},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=RUN_S, check=False,
        )  # fmt: skip

    def calls(self, program: str) -> list[str]:
        lines = self.said.read_text(encoding="utf-8").splitlines() if self.said.exists() else []
        return [line for line in lines if line.startswith(f"{program} ")]

    @property
    def python(self) -> Path:
        return self.root / ".venv/bin/python"


@pytest.fixture(scope="module")
def ready() -> Iterator[SmallRepo]:
    """A repository whose set-up ran once, with --dev. Tests that spoil its .venv let the set-up mend it."""
    with TemporaryDirectory(prefix="kiosk-setup-") as folder:
        repo = SmallRepo(Path(folder))
        done = repo.run("deploy/setup", "--dev")
        assert done.returncode == 0, done.stderr
        repo.copy_environments_of(repo)
        yield repo


@pytest.fixture
def fresh(tmp_path: Path, ready: SmallRepo) -> SmallRepo:
    """One whose set-up never ran."""
    repo = SmallRepo(tmp_path)
    repo.copy_environments_of(ready)
    return repo


def test_the_first_run_makes_an_environment_that_sees_the_kiosk(ready: SmallRepo) -> None:
    done = subprocess.run([ready.python, "-c", "import backend"], cwd=ready.home, timeout=RUN_S, check=False)
    assert done.returncode == 0


def test_a_second_run_installs_nothing_and_says_so_in_one_line(ready: SmallRepo) -> None:
    before = {path: path.stat().st_mtime_ns for path in (ready.root / ".venv").rglob("*")}
    for args in (["--dev"], []):
        done = ready.run("deploy/setup", *args)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("setup: nothing to do")
        assert done.stdout.count("\n") == 1
    assert {path: path.stat().st_mtime_ns for path in (ready.root / ".venv").rglob("*")} == before
    assert ready.calls("apt-get") == ready.calls("sudo") == []


def test_a_changed_lock_is_installed_into_the_same_environment(ready: SmallRepo) -> None:
    kept = ready.root / ".venv/kept"
    kept.touch()
    with (ready.root / "deploy/requirements-dev.txt").open("a", encoding="utf-8") as lock:
        lock.write("# changed\n")
    done = ready.run("deploy/setup", "--dev")
    assert done.returncode == 0, done.stderr
    assert "installing the packages locked in deploy/requirements-dev.txt" in done.stdout
    assert kept.exists()


def test_packages_of_npm_are_installed_once_and_again_when_their_lock_changed(ready: SmallRepo) -> None:
    asked = len(ready.calls("npm"))
    assert (ready.axe / "node_modules/axe-core").is_dir()
    assert set(ready.calls("npm")) == {"npm ci --ignore-scripts --no-audit --no-fund --loglevel=error"}
    (ready.axe / "package-lock.json").write_text('{"lockfileVersion": 3}\n', encoding="utf-8")
    assert ready.run("deploy/setup").stdout.startswith("setup: nothing to do"), "a kiosk needs none of them"
    done = ready.run("deploy/setup", "--dev")
    assert done.returncode == 0, done.stderr
    assert "tests/desk/web/axe/package-lock.json" in done.stdout
    assert ready.run("deploy/setup", "--dev").stdout.startswith("setup: nothing to do")
    assert len(ready.calls("npm")) == asked + 1


def test_npm_that_fails_is_named_and_tried_at_the_next_run(ready: SmallRepo) -> None:
    (ready.axe / "node_modules/.kiosk-setup").unlink()
    works = (ready.programs / "npm").read_text(encoding="utf-8")
    ready.program("npm", "exit 1")
    done = ready.run("deploy/setup", "--dev")
    assert done.returncode == 1
    assert "npm failed" in done.stderr
    (ready.programs / "npm").write_text(works, encoding="utf-8")
    assert ready.run("deploy/setup", "--dev").returncode == 0


@pytest.mark.parametrize("spoilt", ["no pip", "no python", "cut off", "moved here"])
def test_an_environment_that_does_not_work_is_made_anew(ready: SmallRepo, spoilt: str) -> None:
    venv = ready.root / ".venv"
    left = venv / "left-over"
    left.touch()
    if spoilt == "no pip":
        for found in venv.glob("lib/python3*/site-packages/pip"):
            shutil.rmtree(found)
    elif spoilt == "no python":
        for found in venv.glob("bin/python*"):
            found.unlink()
    elif spoilt == "cut off":
        (venv / ".kiosk-setup-unfinished").touch()
    else:
        (venv / "bin/pip").write_text("#!/elsewhere/.venv/bin/python\n", encoding="utf-8")
    done = ready.run("deploy/setup", "--dev")
    assert done.returncode == 0, done.stderr
    assert "setup: making" in done.stdout
    assert not left.exists()
    assert ready.run("deploy/setup", "--dev").stdout.startswith("setup: nothing to do")


def test_a_folder_that_is_no_environment_is_never_emptied(fresh: SmallRepo) -> None:
    (fresh.home / "letters.txt").write_text("mine", encoding="utf-8")
    done = fresh.run("deploy/setup", KIOSK_VENV=str(fresh.home))
    assert done.returncode == 1
    assert "no Python environment" in done.stderr
    assert (fresh.home / "letters.txt").read_text(encoding="utf-8") == "mine"


def test_tests_run_hands_arguments_and_exit_code_through(ready: SmallRepo) -> None:
    # A `pytest` of the small repository's own: the locks here are empty.
    said = "import os, sys\nprint(os.getcwd(), os.environ.get('KEEP'), sys.argv[1:])\nsys.exit(5)\n"
    (ready.root / "pytest.py").write_text(said)
    done = ready.run("tests/run", "-k", "two words")
    assert done.returncode == 5, done.stderr
    options = "'-n', '8', '--dist', 'loadfile', '--no-loadscope-reorder', '--durations=25'"
    assert done.stdout.splitlines()[-1] == f"{ready.root} None [{options}, '-k', 'two words']"
    done = ready.run("tests/run", KEEP="what is left")
    assert done.stdout.splitlines()[-1] == f"{ready.root} {ready.home}/what is left [{options}]"


@pytest.mark.parametrize("args", [["--unknown"], ["--dev", "--dev"]])
def test_a_wrong_option_is_refused_before_anything_happens(fresh: SmallRepo, args: list[str]) -> None:
    done = fresh.run("deploy/setup", *args)
    assert done.returncode == 2
    assert "option" in done.stderr
    assert not (fresh.root / ".venv").exists()


RUN_PACKAGES = ("libusb-1.0-0", "libgl1", "libegl1", "libxi6", "libxcursor1", "libxrandr2", "libxss1")
DEV_PACKAGES = (
    "samba", "smbclient", "xvfb", "xauth", "xdotool", "imagemagick", "zbar-tools", "systemd", "prometheus", "rsyslog",
    "nftables",
    "iproute2", "rauc", "squashfs-tools", "cryptsetup-bin", "openssl", "swtpm", "grub-common",
    "chromium", "firefox-esr", "cups", "cups-ipp-utils", "dbus-daemon", "poppler-utils",
)  # fmt: skip
IMAGE_PACKAGES = (
    "mmdebstrap", "eatmydata", "fdisk", "dosfstools", "mtools", "cpio", "e2fsprogs", "git", "python3-pip", "util-linux",
    "zstd", "qemu-system-x86", "qemu-utils", "ovmf", "chrony", "socat",
)  # fmt: skip


def test_an_ordinary_user_is_told_what_and_why_and_sudo_is_asked(fresh: SmallRepo) -> None:
    fresh.program("dpkg-query", "exit 1")
    fresh.program("id", "echo 1000")
    fresh.program("sudo", "exit 0")
    done = fresh.run("deploy/setup", "--dev")
    assert done.returncode == 0, done.stderr
    for package, why in {
        "libusb-1.0-0": "receipt printers on USB",
        "libgl1": "draws the screen",
        "libxi6": "touches",
        "samba": "in the place of terminal and receipt computer",
        "xdotool": "the same",
        "smbclient": "second client",
        "zbar-tools": "barcodes",
    }.items():
        assert [line for line in done.stdout.splitlines() if package in line and why in line], package
    asked = fresh.said.read_text(encoding="utf-8")
    assert "sudo env DEBIAN_FRONTEND=noninteractive sh -eu -c" in asked
    assert "--no-install-recommends -o DPkg::Lock::Timeout=300" in asked
    assert asked.count(f" setup {' '.join((*RUN_PACKAGES, *DEV_PACKAGES))}\n") == 1


def test_the_image_needs_all_that_and_more(fresh: SmallRepo) -> None:
    fresh.program("dpkg-query", "exit 1")
    fresh.program("id", "echo 1000")
    fresh.program("sudo", "exit 0")
    done = fresh.run("deploy/setup", "--image")
    assert done.returncode == 0, done.stderr
    asked = fresh.said.read_text(encoding="utf-8")
    assert asked.count(f" setup {' '.join((*RUN_PACKAGES, *DEV_PACKAGES, *IMAGE_PACKAGES))}\n") == 1


def test_a_kiosk_gets_no_packages_that_only_tests_need(fresh: SmallRepo) -> None:
    fresh.program("dpkg-query", "exit 1")
    fresh.program("id", "echo 1000")
    fresh.program("sudo", "exit 1")
    done = fresh.run("deploy/setup")
    assert done.returncode == 1
    assert "libusb-1.0-0" in done.stdout
    assert "samba" not in done.stdout
    assert "apt-get failed" in done.stderr
    assert not (fresh.root / ".venv").exists()


def test_without_root_or_sudo_the_missing_packages_are_named(fresh: SmallRepo) -> None:
    fresh.program("dpkg-query", "exit 1")
    fresh.program("id", "echo 1000")
    (fresh.programs / "sudo").unlink()
    # A PATH with the few tools that are needed up to there, and no sudo.
    for tool in ("bash", "env", "dirname", "readlink", "flock", "head", "grep"):
        (fresh.programs / tool).symlink_to(shutil.which(tool) or f"/usr/bin/{tool}")
    done = fresh.run("deploy/setup", PATH=str(fresh.programs))
    assert done.returncode == 1
    assert "neither root nor sudo" in done.stderr
    assert "apt-get install libusb-1.0-0" in done.stderr


def test_an_old_python_is_passed_over_with_a_message(fresh: SmallRepo) -> None:
    for name in ("python3", "python3.13", "python3.12", "python3.11"):
        fresh.program(name, "exit 1")
    done = fresh.run("deploy/setup")
    assert done.returncode == 1
    assert "no Python 3.11 or newer found" in done.stderr


PEER_TESTS = {
    "skips in the test": "@pytest.mark.peers\ndef test_x():\n    pytest.skip('no smbd')\n",
    "skips in its fixture": (
        "@pytest.fixture\ndef p():\n    pytest.skip('no smbd')\n@pytest.mark.peers\ndef test_x(p): pass\n"
    ),
    "skips as a file": "pytest.skip('no smbd', allow_module_level=True)\n",
}


def run_pytest(folder: Path, body: str, ci: str, *more: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_small.py").write_text(f"import pytest\n{body}\ndef test_other(): pass\n", encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n    peers: x\n    slow_desk: x\n", encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider", "-rA", str(folder), *more],
        cwd=ROOT, env={**os.environ, "CI": ci, "KEEP": ""}, capture_output=True, text=True, timeout=RUN_S, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("how", PEER_TESTS)
def test_a_missing_peer_fails_in_ci_and_skips_on_a_desk(tmp_path: Path, how: str) -> None:
    in_ci = run_pytest(tmp_path, PEER_TESTS[how], "true")
    assert in_ci.returncode != 0
    assert "no smbd" in in_ci.stdout
    on_a_desk = run_pytest(tmp_path, PEER_TESTS[how], "")
    assert on_a_desk.returncode in {0, 5}, on_a_desk.stdout
    assert "1 skipped" in on_a_desk.stdout


def test_ci_leaves_other_skips_and_expected_failures_alone(tmp_path: Path) -> None:
    body = "def test_s(): pytest.skip('x')\n@pytest.mark.peers\n@pytest.mark.xfail\ndef test_f(): assert False\n"
    done = run_pytest(tmp_path, body, "true")
    assert done.returncode == 0, done.stdout
    assert "1 passed, 1 skipped, 1 xfailed" in done.stdout


def test_what_takes_too_long_runs_only_when_it_is_named(tmp_path: Path) -> None:
    body = "@pytest.mark.slow_desk\ndef test_slow(): pass\n"
    assert "1 passed, 1 deselected" in run_pytest(tmp_path, body, "true", "-m", "not peers").stdout
    named = run_pytest(tmp_path, body, "true", "-m", "slow_desk").stdout
    assert "1 passed, 1 deselected" in named
    assert "PASSED" in named
    assert "test_slow" in named
