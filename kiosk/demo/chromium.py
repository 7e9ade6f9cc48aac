"""Pictures of pages by a Chromium that is there: driven over its pipe, so that nothing has to be installed for it.

Owns the browser's process and its profile. Must never be what a demo needs: without one there are no pictures.
Source of the protocol: https://chromedevtools.github.io/devtools-protocol/ (JSON, each message ended by a zero byte).
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from http.cookiejar import Cookie
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, Self

Theme = Literal["light", "dark"]
PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SCREEN: Final = (1366, 768)
_ANSWER_S: Final = 60.0
_LOOK_EVERY_S: Final = 0.05
# What the browser reads from and writes to.
_COMMANDS, _ANSWERS = 3, 4
_SPARE_FD: Final = 10
_OPTIONS: Final = (
    "--headless=new", "--remote-debugging-pipe", "--no-first-run", "--no-default-browser-check", "--hide-scrollbars",
    "--disable-gpu", "--disable-extensions", "--disable-background-networking", "--disable-dev-shm-usage", "--lang=ja",
    "--force-color-profile=srgb", "--password-store=basic",
)  # fmt: skip
# A page of the desk is finished when its fonts are there and the stream that keeps it new is open.
_FINISHED: Final = (
    'document.readyState === "complete" && document.fonts.status === "loaded" && [...document.images].every(i => '
    'i.complete) && (!document.getElementById("live") || document.getElementById("live").classList.contains("on"))'
)


class NoPicture(Exception):
    """The browser did not start, or did not do what it was asked for. The message says what."""


def program() -> str | None:
    """The Chromium of this machine; None: there is none."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


class Browser:
    """One window of SCREEN, without a display. `profile`: an empty folder of its own. Everything raises NoPicture."""

    def __init__(self, path: str, profile: Path) -> None:
        sandbox = ("--no-sandbox",) if os.geteuid() == 0 else ()  # Chromium refuses to be root's otherwise
        arguments = [path, *_OPTIONS, *sandbox, f"--user-data-dir={profile}", "about:blank"]
        theirs_in, self._to = os.pipe()
        self._from, theirs_out = os.pipe()
        # Out of the way of the descriptors that they become.
        pair = [fcntl.fcntl(each, fcntl.F_DUPFD_CLOEXEC, _SPARE_FD) for each in (theirs_in, theirs_out)]
        quiet = [(os.POSIX_SPAWN_OPEN, each, os.devnull, os.O_RDWR, 0) for each in (0, 1, 2)]
        ends = [(os.POSIX_SPAWN_DUP2, pair[0], _COMMANDS), (os.POSIX_SPAWN_DUP2, pair[1], _ANSWERS)]
        try:
            # Its temporary files go with the profile.
            environment = {**os.environ, "TMPDIR": str(profile)}
            self._pid = os.posix_spawn(path, arguments, environment, file_actions=[*quiet, *ends], setpgroup=0)
        except OSError as error:
            raise NoPicture(f"{path}: {error.strerror}") from None
        finally:
            for each in (theirs_in, theirs_out, *pair):
                os.close(each)
        self._got = b""
        self._number = 0
        self._session: str | None = None

    def __enter__(self) -> Self:
        try:
            target = self._ask("Target.createTarget", url="about:blank")["targetId"]
            self._session = self._ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            self._ask("Page.enable")
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._end()

    def _end(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._to)
        os.close(self._from)

    def log_out(self) -> None:
        """Be nobody."""
        self._ask("Network.clearBrowserCookies")

    def log_in(self, url: str, cookies: Iterable[Cookie]) -> None:
        """Be the one to whom the cookies belong."""
        for each in cookies:
            self._ask("Network.setCookie", url=url, name=each.name, value=each.value or "")

    def look_like(self, theme: Theme) -> None:
        """What the person who sits there has chosen."""
        self._ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}])

    def go(self, url: str) -> None:
        """To a page, until it is finished."""
        self._size(SCREEN[1])
        failed = self._ask("Page.navigate", url=url).get("errorText")
        if failed:
            raise NoPicture(str(failed))
        self._wait('location.href !== "about:blank"')

    def send(self, field: str, value: str, then: str) -> None:
        """Fill in the field with this id and send its form, until the page has an element of the selector `then`."""
        self._value(
            f"(e => {{ e.value = {json.dumps(value)}; e.form.submit(); }})"
            f"(document.getElementById({json.dumps(field)}))"
        )
        self._wait(f"document.querySelector({json.dumps(then)}) !== null")

    def picture(self, path: Path, *, whole: bool) -> None:
        """The page as a person sees it, as PNG. `whole`: down to its end, else one screen."""
        if whole:
            self._size(max(SCREEN[1], int(self._value("document.documentElement.scrollHeight"))))
        path.write_bytes(base64.b64decode(self._ask("Page.captureScreenshot", format="png")["data"]))

    def _wait(self, expression: str) -> None:
        deadline = time.monotonic() + _ANSWER_S
        while self._value(f"{expression} && {_FINISHED}") is not True:
            if time.monotonic() > deadline:
                raise NoPicture("the page is never finished")
            time.sleep(_LOOK_EVERY_S)

    def _size(self, height: int) -> None:
        size = {"width": SCREEN[0], "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._ask("Emulation.setDeviceMetricsOverride", **size)

    def _value(self, expression: str) -> Any:
        return self._ask("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def _ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        asked: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            asked["sessionId"] = self._session
        try:
            os.write(self._to, json.dumps(asked).encode() + b"\0")
            while (answer := self._next(method)).get("id") != self._number:
                pass
        except OSError as error:
            raise NoPicture(f"{method}: {error.strerror}") from None
        if "error" in answer:
            raise NoPicture(f"{method}: {answer['error'].get('message')}")
        return dict(answer["result"])

    def _next(self, method: str) -> dict[str, Any]:
        deadline = time.monotonic() + _ANSWER_S
        while b"\0" not in self._got:
            ready, _, _ = select.select([self._from], [], [], max(0.0, deadline - time.monotonic()))
            data = os.read(self._from, 1 << 20) if ready else b""
            if not data:
                raise NoPicture(f"{method}: the browser {'ended' if ready else 'does not answer'}")
            self._got += data
        message, _, self._got = self._got.partition(b"\0")
        return dict(json.loads(message))
