"""A line to a server that takes its time and counts requests, in a process of its own: it must not wait for the bench.

    python -m tests.bench.proxy TARGET_PORT SLOW_MS

Prints its port; then, for each line on its standard input, {"requests": …, "connections": …} so far. A request is a
frame from the client ([MS-SMB2] 2.1, 4 bytes of length): a compound is one, encrypted or not. Half of SLOW_MS is spent
on the way there and half on the way back, and frames behind each other do not wait for each other.
"""

from __future__ import annotations

import asyncio
import json
import selectors
import subprocess
import sys
import time
from contextlib import suppress
from typing import Self

from tests import ROOT


class Relay:
    """The proxy itself."""

    def __init__(self, target_port: int, slow_s: float) -> None:
        self._target_port = target_port
        self._one_way_s = slow_s / 2
        self.requests = 0
        self.connections = 0

    async def serve(self) -> None:
        listener = await asyncio.start_server(self._join, "127.0.0.1", 0)
        print(listener.sockets[0].getsockname()[1], flush=True)  # noqa: T201 - the program's answer
        lines = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
        while await lines.readline():
            counts = {"requests": self.requests, "connections": self.connections}
            print(json.dumps(counts), flush=True)  # noqa: T201 - the program's answer

    async def _join(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            server, to_server = await asyncio.open_connection("127.0.0.1", self._target_port)
        except OSError:
            to_client.close()
            return
        await asyncio.gather(self._pass(client, to_server, count=True), self._pass(server, to_client))

    async def _pass(self, source: asyncio.StreamReader, to: asyncio.StreamWriter, *, count: bool = False) -> None:
        due: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        sending = asyncio.create_task(_send_in_time(due, to))
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                length = await source.readexactly(4)
                frame = length + await source.readexactly(int.from_bytes(length, "big"))
                self.requests += count
                if self._one_way_s:
                    due.put_nowait((time.monotonic() + self._one_way_s, frame))
                else:
                    to.write(frame)
        due.put_nowait((time.monotonic() + self._one_way_s, b""))
        await sending


async def _send_in_time(due: asyncio.Queue[tuple[float, bytes]], to: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while True:
            at_s, frame = await due.get()
            await asyncio.sleep(at_s - time.monotonic())
            if not frame:
                break
            to.write(frame)
    to.close()


class Proxy:
    """The process: `port`, and what it counted."""

    def __init__(self, target_port: int, slow_s: float = 0.0) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.proxy", str(target_port), str(slow_s * 1000)],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="ascii",
        )  # fmt: skip
        assert self._process.stdin
        assert self._process.stdout
        self._ask, self._answers = self._process.stdin, self._process.stdout
        self.port = int(self._answers.readline())

    def counts(self) -> dict[str, int]:
        """{"requests": …, "connections": …}."""
        self._ask.write("\n")
        self._ask.flush()
        counts: dict[str, int] = json.loads(self._answers.readline())
        return counts

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        self._ask.close()
        self._answers.close()


class Lines:
    """Ways to servers, by port: `through(url)` is the same share by way of a proxy."""

    def __init__(self, slow_s: float = 0.0) -> None:
        self._slow_s = slow_s
        self._proxies: dict[int, Proxy] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for proxy in self._proxies.values():
            proxy.end()

    def through(self, url: str, port: int) -> str:
        return url.replace(f":{port}/", f":{self.to(port).port}/")

    def to(self, port: int) -> Proxy:
        """The proxy in front of a server's port."""
        if port not in self._proxies:
            self._proxies[port] = Proxy(port, self._slow_s)
        return self._proxies[port]


if __name__ == "__main__":
    # epoll rounds a wait up to whole milliseconds, select does not.
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selectors.SelectSelector())) as runner:
        runner.run(Relay(int(sys.argv[1]), float(sys.argv[2]) / 1000).serve())
