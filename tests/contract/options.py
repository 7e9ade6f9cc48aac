"""The options by which a vendor's adapter is named: `pytest tests/contract --adapter URL --seed module:function`."""

from __future__ import annotations

import importlib
import ipaddress
from collections.abc import Callable
from pathlib import Path

import pytest

from drivers.bad_address import BadAddress
from drivers.reservations import opening
from drivers.reservations.adapter import Settings
from tests.contract.behaviour import FIRST_NUMBER
from tests.contract.scene import Scene
from tests.contract.subject import Peer

Seed = Callable[[Scene, str, Settings], Peer | None]


def add(parser: pytest.Parser) -> None:
    """See README.md."""
    group = parser.getgroup("contract suite", "the contract suite (tests/contract), asked of an adapter of yours")
    group.addoption("--adapter", metavar="URL", help="as [his] url of a site.toml: scheme://user@host:port/…")
    group.addoption("--seed", metavar="MODULE:FUNCTION", help="makes the suite's patients and appointments")
    group.addoption("--password-file", metavar="FILE", help="the password of the user in URL")
    group.addoption("--ca-file", metavar="FILE", help="PEM: whom to trust")
    group.addoption("--client-certificate", metavar="FILE", help="PEM with its key")
    group.addoption("--plain-http", action="store_true", help="off loopback too")
    group.addoption("--doctor", metavar="CODE", default="", help="the doctor of who has none")
    group.addoption("--first-number", metavar="N", type=int, default=FIRST_NUMBER, help="of the suite's patients")
    group.addoption(
        "--this-is-a-test-system",
        action="store_true",
        help="the system at URL may be filled with made-up patients, registered and cancelled",
    )


def adapter(config: pytest.Config) -> str:
    """The address that was named; "": none. Raises UsageError where it must not be asked, or cannot be."""
    url = str(config.getoption("--adapter", default=None) or "")
    if not url:
        return ""
    try:
        hosts = [host for host, _ in opening.peers(url)]
    except BadAddress as error:
        raise pytest.UsageError(f"--adapter: {error}") from None
    far = [host for host in hosts if not is_loopback(host)]
    if far and not config.getoption("--this-is-a-test-system"):
        raise pytest.UsageError(
            f"--adapter: {far[0]} is another machine. The suite registers and cancels receptions and makes whatever it"
            " meets answer wrongly. If no patient is in it, say --this-is-a-test-system."
        )
    if not config.getoption("--seed"):
        raise pytest.UsageError("--adapter needs --seed MODULE:FUNCTION, which makes the suite's patients (README.md)")
    return url


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by its name or its address; no name is looked up."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def moved(url: str, host: str, port: int, to: int) -> str:
    """The address of the line that leads to `host` and `port`."""
    for written in (f"{host}:{port}", f"[{host}]:{port}", host, f"[{host}]"):
        head, found, tail = url.rpartition(f"@{written}")
        if not found:
            head, found, tail = url.rpartition(f"//{written}")
        if found:
            return f"{head}{found[0] if found[0] == '@' else '//'}127.0.0.1:{to}{tail}"
    raise pytest.UsageError(f"--adapter: its address does not name {host} as its peers do")


def seed(config: pytest.Config) -> Seed:
    """The function that was named. Raises UsageError."""
    named = str(config.getoption("--seed"))
    module, _, name = named.partition(":")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise pytest.UsageError(f"--seed {named}: {error}") from None
    if not callable(found):
        raise pytest.UsageError(f"--seed {named}: it is no function")
    return found  # type: ignore[no-any-return]  # a vendor's function


def settings(config: pytest.Config, folder: Path) -> Settings:
    """What the adapter is opened with besides its address. Raises UsageError."""

    def path(option: str) -> Path | None:
        value = config.getoption(option)
        return Path(value) if value else None

    password_file = path("--password-file")
    try:
        password = "" if password_file is None else password_file.read_text().strip()
    except OSError as error:
        raise pytest.UsageError(f"--password-file: {error.strerror}") from None
    return Settings(
        folder,
        password=password,
        ca_file=path("--ca-file"),
        client_certificate=path("--client-certificate"),
        plain_http=bool(config.getoption("--plain-http")),
        doctor=str(config.getoption("--doctor")),
        name="contract",
    )
