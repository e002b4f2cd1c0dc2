"""Pages in a headless Chromium, by its DevTools protocol over two pipes: neither a port nor a library is needed."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
AXE = Path(os.environ.get("VENVSTACKS_TEST_AXE", "axe.min.js"))
"""axe-core, from npm: `.ci/run` installs what `.ci/npm/package.json` names, and says where."""

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
needs_axe = pytest.mark.skipif(not AXE.is_file(), reason="needs axe-core in VENVSTACKS_TEST_AXE")

_OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions",
    "--disable-background-networking", "--disable-component-update", "--hide-scrollbars", "--remote-debugging-pipe",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)  # fmt: skip
_KEYS = {"Tab": 9, "Enter": 13}


@dataclass
class Browser:
    """One tab of a running Chromium.

    Attributes:
        process: The browser.
        reading: Where its messages come from, each ended by a zero byte.
        writing: Where commands go.
        session: The tab.
        complaints: What the console showed and the page threw, since the last `open`.
    """

    process: subprocess.Popen[bytes]
    reading: int
    writing: int
    session: str | None = None
    complaints: list[str] = field(default_factory=list)
    _number: int = 0
    _received: bytes = b""

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol, and wait for its result."""
        self._number += 1
        number = self._number
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.writing, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next_message()
            if answer.get("id") == number:
                assert "error" not in answer, (method, answer["error"])
                result: dict[str, Any] = answer["result"]
                return result

    def _next_message(self) -> dict[str, Any]:
        while b"\0" not in self._received:
            more = os.read(self.reading, 1 << 20)
            assert more, "the browser has ended"
            self._received += more
        text, _, self._received = self._received.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        if message.get("method") in {"Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"}:
            self.complaints.append(json.dumps(message["params"]))
        return message

    def open(self, url: str, *, width: int = 1280, scheme: str = "light") -> None:
        """Load a page, and wait until it is loaded."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        origin = "/".join(url.split("/")[:3])
        self.call("Storage.clearDataForOrigin", origin=origin, storageTypes="all")  # a chosen scheme, for example
        self.complaints.clear()
        self.call("Page.navigate", url=url)
        self.value("document.readyState == 'complete' || new Promise(resolve => addEventListener('load', resolve))")

    def value(self, expression: str) -> Any:
        """The value of an expression of JavaScript in the page; promises are awaited."""
        found = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def press(self, key: str) -> None:
        """Press a key, and release it."""
        about = {"key": key, "code": key, "windowsVirtualKeyCode": _KEYS[key]}
        text = {"text": "\r"} if key == "Enter" else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", **about, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", **about)

    def violations(self) -> list[str]:
        """What axe-core finds in the page: the rule, what is wrong, and the first place.

        Style sheets are not fetched again, which pages from files may not do.
        """
        self.value(AXE.read_text("utf-8") + "\n;0")
        found = self.value("axe.run({preload: false}).then(found => found.violations)")
        return [f"{one['id']}: {one['help']}: {one['nodes'][0]['html'][:200]}" for one in found]

    def take_picture(self, place: Path) -> None:
        """Write what the whole page looks like, as PNG."""
        found = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        place.write_bytes(base64.b64decode(found["data"]))


@contextlib.contextmanager
def running_chromium(folder: Path) -> Iterator[Browser]:
    """A browser with a new profile in a folder; ended afterwards."""
    assert CHROMIUM
    commands, writing = os.pipe()
    reading, answers = os.pipe()
    shell = f'exec "$@" 3<&{commands} 4>&{answers}'
    argv = ["bash", "-c", shell, "bash", CHROMIUM, *_OPTIONS, f"--user-data-dir={folder}", "about:blank"]
    with (folder.parent / f"{folder.name}.log").open("wb") as log:
        process = subprocess.Popen(argv, pass_fds=(commands, answers), stdout=log, stderr=log)
    os.close(commands)
    os.close(answers)
    browser = Browser(process, reading, writing)
    try:
        pages = browser.call("Target.getTargets")["targetInfos"]
        (page,) = [one["targetId"] for one in pages if one["type"] == "page"]
        browser.session = browser.call("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            browser.call(f"{domain}.enable")
        browser.call("Page.setBypassCSP", enabled=True)
        yield browser
    finally:
        os.close(writing)
        os.close(reading)
        process.terminate()
        process.wait(20)
