"""A Samba file server of our own on a loopback port, as root or as a plain user. For the demo and for tests.

    >>> from drivers.share import Unreachable, open_share
    >>> with tempfile.TemporaryDirectory() as made, Smbd({"face": Path(made)}) as server:
    ...     share = open_share(server.url("face"), server.password, deadline_s=20)
    ...     digest = share.put("a.xml", [b"<XmlMsg/>"])
    ...     names = [entry.name for entry in share.entries("*.xml")]
    ...     server.freeze()
    ...     frozen = open_share(server.url("face"), server.password, deadline_s=0.5)
    ...     try:
    ...         frozen.entries("*")
    ...     except Unreachable as error:
    ...         code = error.code
    ...     server.thaw()
    ...     again = share.read("a.xml", limit=100)
    ...     share.drop()
    >>> digest.size, names, code, again
    (9, ['a.xml'], 'no_answer', b'<XmlMsg/>')

Owns its configuration, accounts and processes. Must never touch the machine's own Samba, end what it did not start, or
be imported by anything that runs in a hospital.
"""

import getpass
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

DEADLINE_S = 30.0
_LOOK_EVERY_S = 0.02
PROGRAMS = ("smbd", "pdbedit", "smbclient")
Encryption = Literal["required", "desired", "off"]


class NoSmbServer(Exception):
    """smbd is not installed, or does not start here. The message says which and what to do."""


class Smbd:
    """One smbd: `with Smbd({"face": folder}) as smbd: open_share(smbd.url("face"), smbd.password)`.

    `shares`: name → local folder (made when missing). `read_only`: names of shares that refuse changes.
    `guests`: unknown users are let in as guests. `min_protocol` such as "SMB3_00". `options`: further lines of
    the [global] section.
    """

    def __init__(
        self,
        shares: Mapping[str, Path],
        *,
        password: str = "secret-of-kiosk",  # noqa: S107 - of a server that lives for minutes on the loopback
        encryption: Encryption = "required",
        read_only: tuple[str, ...] = (),
        guests: bool = False,
        min_protocol: str = "SMB3_00",
        max_protocol: str = "SMB3_11",
        options: tuple[str, ...] = (),
    ) -> None:
        self.shares = dict(shares)
        self.user, self.password = "kiosk", password
        self.encryption, self.read_only, self.guests = encryption, read_only, guests
        self.min_protocol, self.max_protocol, self.options = min_protocol, max_protocol, options
        self.port = 0
        # Short, because unix socket paths inside it are limited to 107 bytes.
        self._home = tempfile.TemporaryDirectory(prefix="smbd")
        self._process: subprocess.Popen[bytes] | None = None
        self._frozen = False

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self._home.cleanup()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()
        self._home.cleanup()

    @property
    def home(self) -> Path:
        """The server's own folder: configuration, log, state."""
        return Path(self._home.name)

    @property
    def log(self) -> str:
        """What smbd wrote so far."""
        return (self.home / "log").read_text(errors="replace")

    def url(self, share: str, user: str | None = None) -> str:
        """The address for `open_share`; `share` may hold a folder after a slash."""
        return f"smb://{user or self.user}@127.0.0.1:{self.port}/{share}"

    def start(self) -> None:
        """Start, or start again on the same port with the same accounts; returns when a logon is served.

        Raises NoSmbServer.
        """
        smbd = _need("smbd")
        fresh = self.port == 0
        for _ in range(5):
            if fresh:
                self.port = _free_port()
            self._configure()
            if self._launch(smbd):
                return
            self._end()
        raise NoSmbServer(f"smbd did not start; its log:\n{self.log[-2000:]}")

    def stop(self) -> None:
        """End it and its children. Also a frozen one."""
        self._signal(signal.SIGTERM)
        self.thaw()
        self._end()

    def kill(self) -> None:
        """SIGKILL all of its processes at once, as a power cut of the service."""
        self._signal(signal.SIGKILL)
        self._end()

    def freeze(self) -> None:
        """SIGSTOP all of its processes: TCP connects, then silence."""
        self._frozen = True
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        if self._frozen:
            self._frozen = False
            self._signal(signal.SIGCONT)

    def pids(self) -> list[int]:
        """All its processes: those of its session."""
        if self._process is None:
            return []
        folders = (folder for folder in Path("/proc").iterdir() if folder.name.isdigit())
        return sorted(int(folder.name) for folder in folders if _session_of(folder) == self._process.pid)

    def _signal(self, number: signal.Signals) -> None:
        for pid in self.pids():
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue

    def _launch(self, smbd: str) -> bool:
        with (self.home / "log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - Debian's smbd, with our own configuration
                [smbd, "--foreground", "--no-process-group", "--debug-stdout", f"--configfile={self.home / 'conf'}"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                # smbd looks its own name up; on a machine that does not know it, the default would be 5 s a logon.
                env={**os.environ, "RES_OPTIONS": "timeout:1 attempts:1"},
            )
        deadline = time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline and self._process.poll() is None:
            # A whole logon and not a TCP connect: the port is open a moment before smbd serves it.
            if self._answers() and self._process.poll() is None:
                return True
            time.sleep(_LOOK_EVERY_S)
        return False

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1.0).close()
        except OSError:
            return False
        client = _need("smbclient")
        share = next(iter(self.shares))
        asked = subprocess.run(  # noqa: S603 - Debian's own client
            [
                *(client, f"//127.0.0.1/{share}", "-p", str(self.port), "-U", f"{self.user}%{self.password}"),
                *("-s", str(self.home / "conf"), "-m", self.max_protocol, "-c", "quit"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=DEADLINE_S,
            check=False,
        )
        return asked.returncode == 0

    def _end(self) -> None:
        process = self._process
        if process is None:
            return
        deadline = time.monotonic() + 5.0
        while self.pids() and time.monotonic() < deadline:
            try:
                process.wait(0.02)
            except subprocess.TimeoutExpired:
                continue
        self._signal(signal.SIGKILL)
        process.wait(DEADLINE_S)
        self._process = None

    def _configure(self) -> None:
        unix_user = pwd.getpwuid(os.getuid()).pw_name
        for name in ("private", "lock", "state", "cache", "pid", "ncalrpc"):
            (self.home / name).mkdir(mode=0o700, exist_ok=True)
        (self.home / "users").write_text(f"{unix_user} = {self.user}\n")
        (self.home / "conf").write_text(self._global_section() + "".join(map(self._share_section, self.shares)))
        if not (self.home / "private" / "passdb.tdb").exists():
            subprocess.run(  # noqa: S603 - Debian's own tool, with our own configuration
                [_need("pdbedit"), "-s", str(self.home / "conf"), "-t", "-a", "-u", unix_user],
                input=f"{self.password}\n{self.password}\n".encode(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=DEADLINE_S,
                check=True,
            )

    def _global_section(self) -> str:
        home = self.home
        lines = [
            f"private dir = {home}/private",
            f"lock directory = {home}/lock",
            f"state directory = {home}/state",
            f"cache directory = {home}/cache",
            f"pid directory = {home}/pid",
            f"ncalrpc dir = {home}/ncalrpc",
            f"username map = {home}/users",
            f"smb ports = {self.port}",
            "interfaces = lo",
            "bind interfaces only = yes",
            "disable netbios = yes",
            "disable spoolss = yes",
            "load printers = no",
            "rpc start on demand helpers = no",
            "server role = standalone server",
            f"server min protocol = {self.min_protocol}",
            f"server max protocol = {self.max_protocol}",
            "server signing = mandatory",
            f"server smb encrypt = {self.encryption}",
            f"map to guest = {'Bad User' if self.guests else 'Never'}",
            f"guest account = {getpass.getuser()}",
            *self.options,
        ]
        return "[global]\n" + "".join(f"    {line}\n" for line in lines)

    def _share_section(self, name: str) -> str:
        self.shares[name].mkdir(parents=True, exist_ok=True)
        lines = [
            f"path = {self.shares[name]}",
            f"read only = {'yes' if name in self.read_only else 'no'}",
            f"guest ok = {'yes' if self.guests else 'no'}",
            "create mask = 0660",
        ]
        return f"[{name}]\n" + "".join(f"    {line}\n" for line in lines)


def _need(program: str) -> str:
    # Debian keeps daemons where ordinary users do not look.
    found = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if found is None:
        raise NoSmbServer(f"{program} is missing; `deploy/setup --demo` installs it (Debian: samba, smbclient)")
    return found


def _session_of(folder: Path) -> int:
    """The session id of a process ([proc(5)] stat, field 6); -1 when it has gone. Zombies count as gone."""
    try:
        fields = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return -1
    return -1 if fields[0] == "Z" else int(fields[3])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
