"""Killed at every boundary, against real Samba and a receipt computer that takes files at once: delivered once."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import ROOT, VECTORS
from tests.courier.bench import DEADLINE_S
from tests.peers.receipt_computer import ReceiptComputer
from tests.peers.samba import Smbd

pytestmark = pytest.mark.peers

ELIGIBILITY = "OQSsiquc01res_face_99123456784e891deb5237d4b044e3_20260115090206.xml"
SUBSIDY = "PMHsimsm01res_99123456789564CC2026011509020600_face.xml"
PLAIN = "OQSsiquc01res_face_9912345678a9dca8cf56849d9e3dbe_20260115090007.xml"
RUNS_MAX = 200


class Zygote:
    """The warm process that runs the couriers."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.courier.crash_courier"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, command: dict[str, Any]) -> dict[str, bool]:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        answer: dict[str, bool] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        self._process.communicate(timeout=60)


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    process = Zygote()
    yield process
    process.close()


class Bench:
    """The folders of one kill, made anew for each."""

    def __init__(self, root: Path, urls: dict[str, str], password: str) -> None:
        self.root = root
        self.urls = urls
        self.password = password

    def folder(self, name: str) -> Path:
        return self.root / name

    def prepare(self, data_dir: Path, files: dict[str, str]) -> None:
        for folder_name in ("face", "res", "to_face", "to_res"):
            place = self.folder(folder_name)
            place.mkdir(exist_ok=True, parents=True)
            for left in place.iterdir():
                left.unlink()
        data_dir.mkdir()
        for name, folder in files.items():
            shutil.copyfile(VECTORS / name, self.folder(folder) / name)

    def command(self, data_dir: Path, files: int, kill_at: int) -> dict[str, Any]:
        return {
            "url": self.urls,
            "password": self.password,
            "data_dir": str(data_dir),
            "files": files,
            "kill_at": kill_at,
        }


def sha256(name: str) -> str:
    return hashlib.sha256((VECTORS / name).read_bytes()).hexdigest()


def kill_everywhere(zygote: Zygote, bench: Bench, tmp_path: Path, files: dict[str, str], kills_min: int) -> None:
    """Kill at boundary 1, 2, 3 … until a run passes untouched; each time recover and count what was delivered."""
    expected = sorted((name, sha256(name)) for name in files)
    for kill_at in range(1, RUNS_MAX):
        data_dir = tmp_path / f"data{kill_at}"
        bench.prepare(data_dir, files)
        with (
            ReceiptComputer(bench.folder("to_face")) as results,
            ReceiptComputer(bench.folder("to_res")) as subsidies,
        ):
            first = zygote.run(bench.command(data_dir, len(files), kill_at))
            if first["killed"]:
                again = zygote.run(bench.command(data_dir, len(files), 0))
                assert again["finished"], f"not delivered after a kill at {kill_at}"
            else:
                assert first["finished"], f"not delivered in the run of {kill_at}"
            assert results.wait_for(sum(folder == "face" for folder in files.values()), DEADLINE_S)
            assert subsidies.wait_for(sum(folder == "res" for folder in files.values()), DEADLINE_S)
            taken = sorted((file.name, file.sha256) for file in results.taken + subsidies.taken)
        assert taken == expected, f"killed at {kill_at}"
        assert not list(bench.folder("face").iterdir()) and not list(bench.folder("res").iterdir())
        if not first["killed"]:
            assert kill_at > kills_min, "the run had fewer boundaries than the protocol has steps"
            return
    raise AssertionError("no run passed untouched")


def test_pattern_1_copies_across_two_servers_exactly_once_whenever_it_is_killed(zygote: Zygote, tmp_path: Path) -> None:
    root = tmp_path / "files"
    for name in ("face", "res", "to_face", "to_res"):
        (root / name).mkdir(parents=True)
    with (
        Smbd({"face": root / "face", "res": root / "res"}) as terminal,
        Smbd({"face": root / "to_face", "res": root / "to_res"}) as receipt_computer,
    ):
        urls = {
            "source": terminal.url("face"),
            "destination": receipt_computer.url("face"),
            "subsidies": terminal.url("res"),
            "subsidies_to": receipt_computer.url("res"),
        }
        bench = Bench(root, urls, terminal.password)
        kill_everywhere(zygote, bench, tmp_path, {ELIGIBILITY: "face", SUBSIDY: "res"}, kills_min=14)


def test_pattern_2_copies_between_two_shares_exactly_once_whenever_it_is_killed(zygote: Zygote, tmp_path: Path) -> None:
    root = tmp_path / "files"
    for name in ("face", "to_face"):
        (root / name).mkdir(parents=True)
    with Smbd({"face": root / "face", "usual": root / "to_face"}) as server:
        bench = Bench(root, {"source": server.url("face"), "destination": server.url("usual")}, server.password)
        kill_everywhere(zygote, bench, tmp_path, {PLAIN: "face"}, kills_min=7)


@pytest.mark.parametrize("over", ["smb", "folder"])
def test_pattern_2_renames_on_one_share_exactly_once_whenever_it_is_killed(
    zygote: Zygote, tmp_path: Path, over: str
) -> None:
    root = tmp_path / "files"
    for name in ("face", "to_face"):
        (root / name).mkdir(parents=True)
    files = {PLAIN: "face"}
    if over == "folder":
        urls = {"source": f"file://{root / 'face'}", "destination": f"file://{root / 'to_face'}"}
        kill_everywhere(zygote, Bench(root, urls, ""), tmp_path, files, kills_min=2)
        return
    with Smbd({"oqs": root}) as server:
        urls = {"source": server.url("oqs/face"), "destination": server.url("oqs/to_face")}
        kill_everywhere(zygote, Bench(root, urls, server.password), tmp_path, files, kills_min=2)
