"""A real Chromium without a window, driven over its own pipe (Chrome DevTools Protocol).

    with browser() as tab:
        tab.go("http://127.0.0.1:8000/")
        tab.choose("#picture", file)                   # waits for the page that comes of it
        assert tab.text("#answer-title") == "It is a 7"
        assert tab.complaints == []                    # what the page's console and its policy say

``needs_chromium`` skips a test where there is none, and says so.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import pytest

PROGRAM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None
)
LONGEST_S = 600.0
needs_chromium = pytest.mark.skipif(PROGRAM is None, reason="no chromium is installed on this machine")


class Tab:
    """One page; ``complaints`` are errors of scripts and of the content security policy."""

    def __init__(self, out: int, into: int) -> None:
        self._out, self._answers, self._next = out, Queue[dict[str, Any]](), 0
        self._session = ""
        self.complaints: list[str] = []
        self._loaded = threading.Semaphore(0)
        threading.Thread(target=self._listen, args=(into,), daemon=True).start()
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "DOM"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """One command of the protocol."""
        self._next += 1
        spelled = {"id": self._next, "method": method, "params": params}
        if self._session:
            spelled["sessionId"] = self._session
        os.write(self._out, json.dumps(spelled).encode() + b"\0")
        try:
            answer = self._answers.get(timeout=LONGEST_S)
        except Empty:
            raise AssertionError(f"chromium did not answer {method}") from None
        assert answer["id"] == self._next
        assert "error" not in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    def go(self, url: str) -> None:
        """Open a page and wait for it."""
        self._expecting(lambda: self.ask("Page.navigate", url=url))

    def click(self, selector: str) -> None:
        """Click on what leads to another page, and wait for it."""
        self._expecting(lambda: self.script(f"document.querySelector({json.dumps(selector)}).click()"))

    def choose(self, selector: str, file: Path) -> None:
        """Choose a file in an input, and wait for the page that comes of it."""
        root = self.ask("DOM.getDocument")["root"]["nodeId"]
        node = self.ask("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self._expecting(lambda: self.ask("DOM.setFileInputFiles", nodeId=node, files=[str(file)]))

    def drop(self, selector: str, file: Path) -> None:
        """Drag a file onto an element and let it go, and wait for the page that comes of it."""
        box = self.script(
            f"(() => {{ const b = document.querySelector({json.dumps(selector)}).getBoundingClientRect();"
            "return [b.x + b.width / 2, b.y + b.height / 2]; })()"
        )
        data = {"items": [], "files": [str(file)], "dragOperationsMask": 1}

        def move(kind: str) -> None:
            self.ask("Input.dispatchDragEvent", type=kind, x=box[0], y=box[1], data=data)

        move("dragEnter")
        move("dragOver")
        self._expecting(lambda: move("drop"))

    def script(self, code: str) -> Any:
        """The value of an expression in the page."""
        found = self.ask("Runtime.evaluate", expression=code, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def text(self, selector: str) -> str:
        """The text of an element, as it is shown."""
        found = self.script(f"document.querySelector({json.dumps(selector)}).innerText")
        return " ".join(str(found).split())

    def resize(self, width: int, height: int, *, dark: bool = False) -> None:
        """Another window, in pixels."""
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", features=[scheme])

    def without_scripts(self) -> None:
        """From now on, pages run no script."""
        self.ask("Emulation.setScriptExecutionDisabled", value=True)

    def picture(self, file: Path) -> None:
        """Keep what the page looks like, for people."""
        shot = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=True)["data"]
        file.write_bytes(base64.b64decode(shot))

    def _expecting(self, act: Any) -> None:
        while self._loaded.acquire(blocking=False):
            pass
        act()
        assert self._loaded.acquire(timeout=LONGEST_S), "the page did not come"

    def _listen(self, into: int) -> None:
        held = b""
        while piece := os.read(into, 1 << 16):
            *whole, held = (held + piece).split(b"\0")
            for said in map(json.loads, whole):
                self._heard(said)

    def _heard(self, said: dict[str, Any]) -> None:
        match said:
            case {"id": _}:
                self._answers.put(said)
            case {"method": "Page.loadEventFired"}:
                self._loaded.release()
            case {"method": "Log.entryAdded", "params": {"entry": {"level": "error", "text": text}}}:
                self.complaints.append(text)
            case {"method": "Runtime.exceptionThrown", "params": {"exceptionDetails": details}}:
                self.complaints.append(str(details))


@contextmanager
def browser() -> Iterator[Tab]:
    """A tab of a Chromium of its own, which ends with the test."""
    assert PROGRAM is not None
    to_read, ours_out = os.pipe()
    ours_in, to_write = os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        # The protocol is read from 3 and written to 4, whatever numbers our pipes have.
        passed = f'exec 3<&{to_read} 4>&{to_write}; exec "$@"'
        process = subprocess.Popen(
            ["bash", "-c", passed, "bash", PROGRAM, "--headless=new", "--no-sandbox", "--disable-gpu",
             "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--no-proxy-server", f"--user-data-dir={profile}",
             "--remote-debugging-pipe"],
            pass_fds=(to_read, to_write), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(to_read)
        os.close(to_write)
        try:
            yield Tab(ours_out, ours_in)
        finally:
            process.terminate()
            process.wait(timeout=600)
            os.close(ours_out)
