"""KEEP=dir: what failed tests leave there, and that nothing else does. On small tests, in a pytest of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import ROOT
from tests.keep import folder_name

SMALL = '''
import logging
from pathlib import Path
import pytest
from tests.keep import last_log, log_of


class Peer:
    """A server with a log and a folder."""

    def __init__(self, name, folder):
        self.name, self.folder = name, folder
        (folder / "state").write_text(f"state of {name}")
        log_of(name, self.log)

    def log(self):
        return f"log of {self.name}"


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    return Peer("shared", tmp_path_factory.mktemp("shared"))


@pytest.fixture
def own(tmp_path):
    own = Peer("own", tmp_path)
    yield own
    (own.folder / "state").unlink()
    last_log("ended", own.log)


def test_passes(shared, own, tmp_path):
    (tmp_path / "of a test that passed").touch()


@pytest.mark.parametrize("what", ["a/b", "a_b"])
def test_fails(shared, own, tmp_path, what, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a socket's path may have no more than 107 bytes
    (tmp_path / "made").write_text(what)
    (tmp_path / "dangling").symlink_to("nowhere")
    print("said", what)
    logging.getLogger("small").warning("warned of %s", what)
    import os, socket
    os.mkfifo(tmp_path / "pipe")
    socket.socket(socket.AF_UNIX).bind("socket")
    assert what == "nothing"


@pytest.fixture
def broken(tmp_path):
    (tmp_path / "half").touch()
    raise OSError("does not start")


def test_whose_server_does_not_start(broken):
    pass


@pytest.fixture
def unclean(tmp_path):
    yield
    (tmp_path / "late").touch()
    raise OSError("does not end")


def test_whose_server_does_not_end(unclean):
    pass


@pytest.mark.xfail(strict=True)
def test_that_may_fail(tmp_path):
    assert not tmp_path


def test_skipped(tmp_path):
    pytest.skip("no peer")
'''


def run(folder: Path, *options: str, **environment: str) -> str:
    """What pytest printed on the small tests in `folder`, with its temporary folders in `folder`/base."""
    (folder / "test_small.py").write_text(SMALL, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    inherited = {name: value for name, value in os.environ.items() if name != "KEEP" and "XDIST" not in name}
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider"),
            *("--rootdir", str(folder), f"--basetemp={folder / 'base'}", *options, str(folder)),
        ],
        cwd=ROOT, env={**inherited, **environment}, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert "2 failed, 2 passed, 1 skipped, 1 xfailed, 2 errors" in done.stdout, done.stdout + done.stderr
    return done.stdout


def kept(folder: Path, test: str) -> dict[str, str]:
    """Relative path → text of all files that `test` left."""
    place = folder / folder_name(f"test_small.py::{test}")
    files = {path.relative_to(place).as_posix(): path for path in place.rglob("*") if path.is_file()}
    return {name: path.read_text(encoding="utf-8") for name, path in files.items()}


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["one process", "workers"])
def test_only_failed_tests_leave_their_folders_logs_and_output(tmp_path: Path, workers: tuple[str, ...]) -> None:
    keep = tmp_path / "keep"
    earlier = keep / folder_name("test_small.py::test_whose_server_does_not_start") / "of an earlier run"
    earlier.mkdir(parents=True)
    run(tmp_path, *workers, KEEP=str(keep))
    assert not earlier.exists()
    assert {path.name for path in keep.iterdir()} == {
        folder_name(f"test_small.py::{test}")
        for test in (
            "test_fails[a/b]",
            "test_fails[a_b]",
            "test_whose_server_does_not_start",
            "test_whose_server_does_not_end",
        )
    }
    for what in ("a/b", "a_b"):
        left = kept(keep, f"test_fails[{what}]")
        own = {name.partition("/")[2]: text for name, text in left.items() if name.startswith("test_fails_")}
        assert own == {"made": what, "state": "state of own"}  # copied before the fixture took it away
        assert left["shared0/state"] == "state of shared"
        logs = {name.partition("-")[2]: text for name, text in left.items() if name.endswith(".log")}
        assert logs == {"ended.log": "log of own", "shared.log": "log of shared"}, "and of no other test's"
        for part in (f"said {what}", f"warned of {what}", 'assert what == "nothing"'):
            assert part in left["output.txt"], left["output.txt"]
    before = kept(keep, "test_whose_server_does_not_start")
    assert "does not start" in before["output.txt"]
    assert any(name.endswith("/half") for name in before)
    after = kept(keep, "test_whose_server_does_not_end")
    assert "does not end" in after["output.txt"]
    assert any(name.endswith("/late") for name in after)


def test_without_keep_nothing_is_copied(tmp_path: Path) -> None:
    run(tmp_path, KEEP="")
    assert {path.name for path in tmp_path.iterdir()} - {"__pycache__"} == {"test_small.py", "pytest.ini", "base"}


def test_every_test_has_a_folder_name_of_its_own_that_any_file_system_takes() -> None:
    ids = ["tests/a.py::test_x[a/b]", "tests/a.py::test_x[a_b]", "tests/a.py::test_x[架空]", "t" * 999, "t" * 998]
    names = [folder_name(each) for each in ids]
    assert len(set(names)) == len(ids)
    assert all(name.isascii() and len(name) < 200 and not set(name) & set("/ []:") for name in names)
