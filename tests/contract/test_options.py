"""How a vendor names an adapter, and when the suite refuses to ask it."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests import ROOT
from tests.contract import options

FAR = "orca+https://kiosk@orca.example/api"
NEAR = "orca+http://kiosk@127.0.0.1:18000"
SEED = "tests.contract.seeds.orca:start"


def config(*arguments: str) -> pytest.Config:
    """As pytest has it on that command line."""
    made = pytest.Config.fromdictargs({}, [])
    parser = pytest.Parser(_ispytest=True)
    options.add(parser)
    made.option = parser.parse_known_args(list(arguments))
    return made


def test_another_machine_is_asked_only_when_it_is_called_a_test_system() -> None:
    with pytest.raises(pytest.UsageError) as refused:
        options.adapter(config("--adapter", FAR, "--seed", SEED))
    assert "orca.example is another machine" in str(refused.value)
    assert "--this-is-a-test-system" in str(refused.value)
    assert options.adapter(config("--adapter", FAR, "--seed", SEED, "--this-is-a-test-system")) == FAR


def test_this_machine_is_asked_without_a_question() -> None:
    assert options.adapter(config("--adapter", NEAR, "--seed", SEED)) == NEAR
    assert options.adapter(config()) == ""


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--adapter", NEAR), "needs --seed"),
        (("--adapter", "gopher://127.0.0.1", "--seed", SEED), "begins with"),
        (("--adapter", "orca+http://127.0.0.1", "--seed", SEED), "--adapter: "),
    ],
)
def test_what_cannot_be_asked_is_said(arguments: tuple[str, ...], says: str) -> None:
    with pytest.raises(pytest.UsageError) as refused:
        options.adapter(config(*arguments))
    assert says in str(refused.value)


@pytest.mark.parametrize(
    "named", ["tests.contract.nowhere:seed", "tests.contract.scene:nothing", "tests.contract:__doc__"]
)
def test_a_seed_that_is_none_is_said(named: str) -> None:
    with pytest.raises(pytest.UsageError) as refused:
        options.seed(config("--seed", named))
    assert named in str(refused.value)


@pytest.mark.parametrize(
    ("url", "peer", "moved"),
    [
        ("orca+http://u@127.0.0.1:8000/api", ("127.0.0.1", 8000), "orca+http://u@127.0.0.1:99/api"),
        ("orca+https://u@orca.example/api", ("orca.example", 443), "orca+https://u@127.0.0.1:99/api"),
        ("postgresql://k@[::1]:5433/db", ("::1", 5433), "postgresql://k@127.0.0.1:99/db"),
        ("x-vendor://host:70", ("host", 70), "x-vendor://127.0.0.1:99"),
    ],
)
def test_the_line_stands_where_the_system_stood(url: str, peer: tuple[str, int], moved: str) -> None:
    assert options.moved(url, *peer, 99) == moved


def test_a_vendor_sees_the_adapter_asked_and_a_table(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    secret = tmp_path / "secret"
    secret.write_text("kiosk-of-a-test\n")
    done = subprocess.run(
        [
            sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/contract",
            "--adapter", f"orca+http://kiosk@127.0.0.1:{port}", "--seed", SEED,
            "--password-file", str(secret), "--doctor", "10001", "-k", "due_is_registered or nothing_to_register",
        ],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert "orca+http: 2 kept, 0 broken, 0 not asked" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0
