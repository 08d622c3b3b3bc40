"""A real browser, headless, spoken to over pipes: Chromium's DevTools protocol, no further package.

https://chromedevtools.github.io/devtools-protocol: with --remote-debugging-pipe the browser reads
messages of JSON from file 3 and writes them to file 4, each ended by a zero byte.
"""

import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_OPTIONS = (
    "--headless=new",
    "--no-sandbox",  # there is none for root, as in a container
    "--no-first-run",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
_START = """
import fcntl, os, sys
ends = [fcntl.fcntl(int(end), fcntl.F_DUPFD, 10) for end in sys.argv[1:3]]
os.dup2(ends[0], 3)
os.dup2(ends[1], 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""Puts the ends of two pipes where the browser looks for them, and becomes the browser."""
_PATIENCE_S = 60.0
_DOMAINS = ("Page", "Runtime", "Log", "Network")
_COMPLAINTS = ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled")


def browser_path() -> str | None:
    """The browser of this machine: what `FARSIDE_BROWSER` names, else the first that is found."""
    named = os.environ.get("FARSIDE_BROWSER")
    return named or next(filter(None, map(shutil.which, _NAMES)), None)


class Tab:
    """One page of a browser, and everything that it said and asked for."""

    def __init__(self, process: subprocess.Popen[bytes], to: int, back: int) -> None:
        self._process, self._to, self._back = process, to, back
        self._rest = b""
        self._number = 0
        self._session: str | None = None
        self.told: list[dict[str, Any]] = []
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        found = self.ask("Target.attachToTarget", targetId=target, flatten=True)
        self._session = found["sessionId"]
        for domain in _DOMAINS:
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The answer to one command."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next(method)
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return dict(answer["result"])
            self.told.append(answer)

    def _next(self, waiting_for: str) -> dict[str, Any]:
        deadline = time.monotonic() + _PATIENCE_S
        while b"\0" not in self._rest:
            left_s = deadline - time.monotonic()
            ready = left_s > 0.0 and select.select([self._back], [], [], left_s)[0]
            part = os.read(self._back, 1 << 20) if ready else b""
            assert part, f"the browser is silent; {waiting_for} was waited for"
            self._rest += part
        text, _, self._rest = self._rest.partition(b"\0")
        return dict(json.loads(text))

    def open(self, page: Path, width_px: int, height_px: int = 900, scheme: str = "light") -> None:
        """Open a file at a width, as a reader who likes it light or dark, and wait until it is there."""
        self.told.clear()
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            width=width_px,
            height=height_px,
            deviceScaleFactor=1,
            mobile=False,
        )
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.ask("Emulation.setEmulatedMedia", features=features)
        self.ask("Page.navigate", url=page.resolve().as_uri())
        while not any(message["method"] == "Page.loadEventFired" for message in self.told):
            self.told.append(self._next("the page"))

    def value(self, script: str) -> Any:
        """What an expression of JavaScript is worth; a promise is waited for."""
        found = self.ask(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def screenshot(self, file: Path) -> None:
        """The whole page as a PNG."""
        shot = self.ask("Page.captureScreenshot", captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(shot["data"]))

    @property
    def complaints(self) -> list[dict[str, Any]]:
        """Errors, warnings and anything else on the console."""
        return [message["params"] for message in self.told if message["method"] in _COMPLAINTS]

    @property
    def requests(self) -> list[str]:
        """Every address that was asked for, of data that the page carries none."""
        sent = [m["params"]["request"] for m in self.told if m["method"].endswith("BeSent")]
        return [request["url"] for request in sent if not request["url"].startswith("data:")]


@contextlib.contextmanager
def opened_browser(path: str, profile: Path) -> Iterator[Tab]:
    """A browser with a profile folder of its own, ended at the end."""
    read_commands, commands = os.pipe()
    answers, write_answers = os.pipe()
    ends = (str(read_commands), str(write_answers))
    options = [*_OPTIONS, f"--user-data-dir={profile}"]
    command = [sys.executable, "-c", _START, *ends, path, *options]
    with (profile.parent / "browser.log").open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, pass_fds=(read_commands, write_answers)
        )
    os.close(read_commands)
    os.close(write_answers)
    try:
        yield Tab(process, commands, answers)
    finally:
        os.close(commands)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5.0)
        if process.poll() is None:
            process.kill()
            process.wait(10.0)
        os.close(answers)
