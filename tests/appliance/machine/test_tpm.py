"""A real TPM's program (swtpm) that loses its power, and what the start does about it."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kiosk.appliance.machine import tpm
from tests.hospital import wait_until
from tests.peers import need

pytestmark = pytest.mark.peers

LOCKED = 0x921  # TPM_RC_LOCKOUT
AGAIN = 0x922  # TPM_RC_RETRY; for programs the kernel sends it again
BAD_PASSWORD = 0x98E  # TPM_RC_AUTH_FAIL, of the first session
_POWER_CUTS_MAX = 40  # a TPM that takes more does not protect itself
_ON = "not-need-init,startup-clear"  # as the firmware does at power-on
_EMPTY = "00000009 40000009 0000 01 0000"  # authorisation with an empty password
# Sealed data without the attribute noDA, as systemd-cryptenroll and systemd-creds make them: fixedTPM, fixedParent,
# userWithAuth; no scheme.
_SENSITIVE = "0000 0004 64617461"
_PUBLIC = "0008 000b 00000052 0000 0010 0000"


def say(line: socket.socket, body: str, command: str) -> tuple[int, bytes]:
    """Send a command with sessions; its response code and what follows it. `body`: all after the command's code."""
    rest = bytes.fromhex(body)
    code = AGAIN
    while code == AGAIN:
        line.sendall(bytes.fromhex("8002") + (10 + len(rest)).to_bytes(4, "big") + bytes.fromhex(command) + rest)
        answer = line.recv(4096)
        code = int.from_bytes(answer[6:10], "big")
    return code, answer[10:]


def sized(fields: str) -> str:
    return len(bytes.fromhex(fields)).to_bytes(2, "big").hex() + fields


def use_a_key(line: socket.socket) -> int:
    """Make sealed data (the same each time) and open it, as each start does; the response code of the opening."""
    code, made = say(line, f"40000001 {_EMPTY} {sized(_SENSITIVE)} {sized(_PUBLIC)} 0000 00000000", "00000131")
    assert code == 0
    code, _ = say(line, f"{made[:4].hex()} {_EMPTY}", "0000015e")
    return code


@contextmanager
def power(folder: Path) -> Iterator[socket.socket]:
    """A PC's TPM from power-on to the pulled plug."""
    path = folder / "tpm.sock"
    path.unlink(missing_ok=True)
    state, server = f"dir={folder}", f"type=unixio,path={path}"
    process = subprocess.Popen(
        [need("swtpm"), "socket", "--tpm2", "--tpmstate", state, "--server", server, "--flags", _ON],
        stdin=subprocess.DEVNULL,
    )
    try:
        with socket.socket(socket.AF_UNIX) as line:
            # The socket's name is there before anybody listens.
            wait_until(lambda: line.connect_ex(str(path)) == 0, "the TPM's socket")
            line.settimeout(60)
            yield line
    finally:
        process.kill()
        process.wait(60)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "t"
    made.mkdir()
    return made


def test_a_tpm_locks_after_some_power_cuts_and_opens_again_when_the_count_is_set_back(folder: Path) -> None:
    for _ in range(_POWER_CUTS_MAX):
        with power(folder) as line:
            code = use_a_key(line)
            if code == LOCKED:
                assert tpm.reset_failures(line.fileno()) == 0
                assert use_a_key(line) == 0
                return
            assert code == 0
    pytest.fail("this TPM never locks: the test proves nothing")


def test_a_start_that_sets_the_count_back_is_never_locked_out(folder: Path) -> None:
    for _ in range(8):
        with power(folder) as line:
            assert tpm.reset_failures(line.fileno()) == 0
            assert use_a_key(line) == 0


def test_a_lockout_password_of_others_is_reported(folder: Path) -> None:
    with power(folder) as line:
        code, _ = say(line, f"4000000a {_EMPTY} {sized('0102')}", "00000129")  # TPM2_HierarchyChangeAuth
        assert code == 0
        assert tpm.reset_failures(line.fileno()) == BAD_PASSWORD


def test_a_tpm_that_says_nothing_or_half_an_answer_does_not_hold_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tpm, "_LIMIT_S", 0.05)
    ours, its = socket.socketpair()
    with ours, its:
        with pytest.raises(TimeoutError, match="within"):
            tpm.reset_failures(ours.fileno())
        its.sendall(bytes(9))
        with pytest.raises(OSError, match="9 bytes"):
            tpm.reset_failures(ours.fileno())


def test_no_tpm_is_no_fault_and_another_device_is_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tpm.main([], tmp_path / "tpmrm0") == 0
    assert capsys.readouterr().err == ""
    assert tpm.main([], tmp_path) == 1
    assert "the TPM cannot be opened" in capsys.readouterr().err
    empty = tmp_path / "empty"
    empty.touch()
    assert tpm.main([], empty) == 1
    assert "not set back: an answer of 0 bytes" in capsys.readouterr().err
    assert tpm.main(["x"]) == 2
