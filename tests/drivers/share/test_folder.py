"""Local folders keep the promises of a share as far as they can; simulated neighbours write and take there."""

import hashlib
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from drivers.share import Busy, Digest, Exists, Missing, Refused, Share, ShareError, TooLarge, Unfit, open_share
from drivers.simulated.terminal import TerminalWriter
from tests import ROOT
from tests.peers.receipt_computer import ReceiptComputer

FACE = "OQSsiquc01res_face_0000000001.xml"
BODY = b"<XmlMsg>" + b"x" * 6000 + b"</XmlMsg>"
SAME = Digest(hashlib.sha256(BODY).hexdigest(), len(BODY))
OTHER = Digest(hashlib.sha256(b"other").hexdigest(), len(BODY))
PATIENCE_S = 30.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "受付 共有"
    (folder / "done").mkdir(parents=True)
    return folder


@pytest.fixture
def share(path: Path) -> Share:
    return open_share(path.as_uri(), None)


def outcome(call: Callable[[], object]) -> str:
    try:
        call()
    except ShareError as error:
        return type(error).__name__
    return "done"


def test_what_is_put_can_be_listed_read_hashed_and_streamed(share: Share, path: Path) -> None:
    assert share.put(FACE, [BODY[:100], b"", BODY[100:]]) == SAME
    [entry] = share.entries("oqssiquc01res_FACE_*.XML")
    assert (entry.name, entry.size) == (FACE, len(BODY))
    assert share.read(FACE, len(BODY)) == BODY
    assert share.digest(FACE) == SAME
    assert b"".join(share.chunks(FACE, 1000)) == BODY
    with pytest.raises(TooLarge):
        share.read(FACE, len(BODY) - 1)
    assert (path / FACE).stat().st_mode & 0o007 == 0


def test_listing_knows_no_folders_links_or_unusable_names(share: Share, path: Path) -> None:
    for name in ("a.xml", "B.XML", "c.txt", "bad\nname.xml", "x:y.xml"):
        (path / name).write_bytes(b"x")
    (path / "dir.xml").mkdir()
    (path / "link.xml").symlink_to(path / "a.xml")
    os.mkfifo(path / "pipe.xml")
    assert sorted(entry.name for entry in share.entries("*.xml")) == ["B.XML", "a.xml"]
    assert sorted(entry.name for entry in share.entries("?.x*")) == ["B.XML", "a.xml"]
    assert share.entries("[ab].xml") == [], "only '*' and '?' are special"
    assert len(share.entries("*", limit=2)) == 2


def test_a_link_a_pipe_or_a_folder_is_no_file(share: Share, path: Path) -> None:
    (path / "a.xml").write_bytes(BODY)
    (path / "link.xml").symlink_to(path / "a.xml")
    os.mkfifo(path / "pipe.xml")
    for name in ("link.xml", "pipe.xml", "done"):
        assert outcome(lambda name=name: share.read(name, 9999)) == "Refused"  # type: ignore[misc]
        assert outcome(lambda name=name: share.delete_same(name, SAME)) == "Refused"  # type: ignore[misc]
    assert (path / "link.xml").is_symlink()


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "a\\b", "x:y", "a*", "a\0", "a\n", "dot.", "a" * 256])
def test_hostile_names_are_refused(share: Share, name: str) -> None:
    for call in (
        lambda: share.read(name, 9),
        lambda: share.put(name, [b"x"]),
        lambda: share.remove(name),
        lambda: share.rename_new(FACE, name),
        lambda: share.delete_same(name, SAME),
    ):
        assert outcome(call) == "Unfit"
    with pytest.raises(Unfit):
        share.at("done/../..")


def test_put_and_rename_never_replace(share: Share, path: Path) -> None:
    (path / "b.xml").write_bytes(b"old")
    share.put("a.xml", [BODY])
    for call in (
        lambda: share.put("b.xml", [BODY]),
        lambda: share.rename_new("a.xml", "b.xml"),
        lambda: share.move_same("a.xml", SAME, "b.xml", share),
        lambda: share.rename_new("a.xml", "a.xml"),
    ):
        assert outcome(call) == "Exists"
    assert ((path / "b.xml").read_bytes(), (path / "a.xml").read_bytes()) == (b"old", BODY)


def test_put_that_fails_half_way_leaves_nothing(share: Share) -> None:
    def broken() -> Iterator[bytes]:
        yield BODY
        raise Busy("the source went away")

    with pytest.raises(Busy):
        share.put(FACE, broken())
    assert share.entries("*") == []


def test_what_does_not_read_back_the_same_is_deleted(share: Share, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sync = os.fsync

    def spoiling(descriptor: int) -> None:
        sync(descriptor)
        if (path / FACE).exists():
            os.pwrite(descriptor, b"?", 3)

    monkeypatch.setattr(os, "fsync", spoiling)
    with pytest.raises(Busy) as failed:
        share.put(FACE, [BODY])
    assert failed.value.code == "written_otherwise"
    assert share.entries("*") == []


@pytest.mark.parametrize("umask", [0o077, 0o022, 0o000])
@pytest.mark.parametrize(("folder_mode", "mode"), [(0o2770, 0o660), (0o2750, 0o640), (0o700, 0o600), (0o777, 0o660)])
def test_a_file_is_for_the_folders_group_as_the_folder_is_and_for_nobody_else(
    share: Share, path: Path, umask: int, folder_mode: int, mode: int
) -> None:
    path.chmod(folder_mode)
    (path / "done").chmod(0o700)
    before = os.umask(umask)
    try:
        share.put("a", [BODY])
        share.at("done").put("b", [BODY])
        assert ((path / "done/b").stat().st_mode & 0o7777) == 0o600
        share.at("done").rename_new("b", "b", into=share)
    finally:
        os.umask(before)
    assert [(path / name).stat().st_mode & 0o7777 for name in ("a", "b")] == [mode, mode]


def test_no_rename_is_promised_between_two_mounts_of_one_disk(tmp_path: Path) -> None:
    """A service of systemd sees every folder of its ReadWritePaths as a mount of its own."""
    script = (
        "import sys; from drivers.share import open_share\n"
        "a, b = (open_share(f'file://{path}', None) for path in sys.argv[1:])\n"
        "print(a.reaches(a), a.reaches(b))"
    )
    folders = [str(tmp_path / name) for name in ("a", "b")]
    for folder in folders:
        Path(folder).mkdir()
    ask = [sys.executable, "-c", script, *folders]
    mounted = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-ec",
               'mount --bind "$1" "$1"; mount --bind "$2" "$2"; shift 2; exec "$@"', "sh", *folders]  # fmt: skip
    if subprocess.run([*mounted, "true"], capture_output=True, check=False, timeout=60).returncode != 0:
        pytest.skip("this machine lets nobody mount in a namespace of his own")
    root = ROOT
    for command, expected in ((ask, "True True"), ([*mounted, *ask], "True False")):
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True, timeout=60)
        assert done.stdout.strip() == expected


def test_move_and_delete_keep_a_file_whose_content_is_another(share: Share, path: Path) -> None:
    share.put(FACE, [BODY])
    done = share.at("done")
    assert share.reaches(done)
    assert share.move_same(FACE, OTHER, "new.xml", done) is False
    assert share.delete_same(FACE, OTHER) is False
    assert share.move_same(FACE, SAME, "new.xml", done) is True
    assert done.delete_same("new.xml", SAME) is True
    with pytest.raises(Missing):
        done.delete_same("new.xml", SAME)


def test_a_missing_folder_is_never_taken_for_a_missing_file(share: Share, path: Path) -> None:
    share.put(FACE, [BODY])
    gone = share.at("gone")
    for call in (
        lambda: share.rename_new(FACE, "b.xml", gone),
        lambda: share.move_same(FACE, SAME, "b.xml", gone),
        lambda: gone.rename_new(FACE, "b.xml"),
        lambda: gone.remove(FACE),
        lambda: gone.read(FACE, 99),
        lambda: gone.entries("*"),
        lambda: gone.session_info(),
    ):
        assert outcome(call) == "Refused"
    done = share.at("done")
    pieces = (chunk for chunk in [BODY])
    shutil.rmtree(path / "done")
    assert outcome(lambda: done.put("a.xml", pieces)) == "Refused"
    assert [entry.name for entry in share.entries("*")] == [FACE]


def test_a_file_that_grows_while_it_is_read_is_busy(share: Share, path: Path) -> None:
    share.put(FACE, [BODY])
    pieces = share.chunks(FACE, 1000)
    next(pieces)
    with (path / FACE).open("ab") as file:
        file.write(b"more")
    with pytest.raises(Busy):
        list(pieces)


def test_of_four_racing_renamers_exactly_one_wins(share: Share, path: Path) -> None:
    for number in range(50):
        (path / "race").write_bytes(b"x")
        barrier = threading.Barrier(4)
        results = ["?"] * 4

        def run(
            index: int, number: int = number, barrier: threading.Barrier = barrier, into: list[str] = results
        ) -> None:
            barrier.wait()
            into[index] = outcome(lambda: share.rename_new("race", f"won{number}by{index}"))

        threads = [threading.Thread(target=run, args=(index,)) for index in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(results) == ["Missing"] * 3 + ["done"]


FULL_SCRIPT = """
import resource, sys
from drivers.share import Full, open_share
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    open_share(sys.argv[1], None).put("big.xml", [b"x" * 1_000_000])
except Full as full:
    print("full", "big" in str(full))
"""


def test_a_full_disk_is_said_and_leaves_no_part_of_the_file(share: Share, path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL_SCRIPT, path.as_uri()],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=PATIENCE_S,
        check=True,
    )
    assert done.stdout == "full False\n"
    assert share.entries("*") == []


def test_failures_name_the_folder_and_never_the_file(share: Share) -> None:
    for call in (lambda: share.read(FACE, 9), lambda: share.remove(FACE), lambda: share.rename_new(FACE, "b")):
        with pytest.raises(Missing) as missing:
            call()
        assert "OQS" not in str(missing.value) and missing.value.__cause__ is None


def test_identity_and_reach(share: Share, path: Path, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to(path)
    assert share.identity() == open_share((tmp_path / "alias").as_uri(), None).identity()
    assert share.identity() != share.at("done").identity()
    assert share.at(str(tmp_path / "alias")).identity() == share.identity()
    assert not share.reaches(open_share("smb://kiosk@h/face", "x"))
    with pytest.raises(ValueError, match="rename"):
        share.rename_new("a", "b", open_share("smb://kiosk@h/face", "x"))
    assert not share.denies_writers
    session = share.session_info()
    assert (session.dialect, session.signed, session.encrypted, session.server_time_skew_s) == (
        "folder",
        False,
        False,
        None,
    )


# --- simulated neighbours


def test_the_terminal_writes_locally_in_every_way(share: Share, path: Path) -> None:
    terminal = TerminalWriter(path.as_uri())
    for how in ("rename", "direct", "slow", "reopen", "preset"):
        assert terminal.write(f"{how}.xml", BODY, how=how, pause_s=0.0)
        assert (path / f"{how}.xml").read_bytes() == BODY
    assert (path / "preset.xml").stat().st_mtime < 1_600_000_000, "an old date is kept to the end"
    terminal.write("abandon.xml", BODY, how="abandon")
    assert (path / "abandon.xml").read_bytes() == BODY[: len(BODY) // 2]
    with pytest.raises(Exists):
        terminal.write("direct.xml", BODY, how="direct")
    terminal.close()


def test_the_receipt_computer_takes_matching_files_once_and_leaves_others(share: Share, path: Path) -> None:
    with ReceiptComputer(path) as computer:
        share.put("other.txt", [b"x"])
        share.put(".tmp", [BODY])
        share.rename_new(".tmp", FACE)
        assert computer.wait_for(1, PATIENCE_S)
        (path / "PMHsimsm01res_1.xml").write_bytes(b"")
        assert computer.wait_for(2, PATIENCE_S)
    assert [taken.name for taken in computer.taken] == [FACE, "PMHsimsm01res_1.xml"]
    assert computer.taken[0].sha256 == SAME.sha256
    assert [entry.name for entry in share.entries("*")] == ["other.txt"]


def test_a_receipt_computer_may_be_slow(share: Share, path: Path) -> None:
    share.put(FACE, [BODY])
    started = time.monotonic()
    with ReceiptComputer(path, after_s=0.2) as slow:
        assert slow.wait_for(1, PATIENCE_S)
    assert slow.taken[0].at_s - started >= 0.2


def test_refusals_are_one_family(tmp_path: Path) -> None:
    share = open_share((tmp_path / "nothing").as_uri(), None)
    with pytest.raises(Refused, match="does not exist"):
        share.session_info()
    with pytest.raises(Exists):
        (tmp_path / "x").write_bytes(b"")
        open_share(tmp_path.as_uri(), None).put("x", [b""])
