"""The report's page in a real browser: the slider moves the slice, nothing is loaded, nothing fails."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import time

import numpy as np
import pytest

from mesofuse.reporting.html import Content, page
from mesofuse.reporting.viewer import Shown
from mesofuse.volumes.grid import Grid
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.phases import default_phases

CHROMIUM = next((p for n in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(n))), None)
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
    "--remote-debugging-pipe",
)  # fmt: skip
PATIENCE = 60.0  # seconds for any answer, where other tests use the cores too


class Browser:
    """Headless Chromium, driven over two pipes (messages end with a zero byte), so that no library is needed."""

    def __init__(self, profile) -> None:
        to_read, self._write = os.pipe()
        self._read, to_write = os.pipe()
        command = f'exec "$@" 3<&{to_read} 4>&{to_write}'
        self._process = subprocess.Popen(
            ["bash", "-c", command, "bash", CHROMIUM, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            pass_fds=(to_read, to_write), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(to_read)
        os.close(to_write)
        self._rest, self._number, self._session, self.events = b"", 0, None, []
        (target,) = (t for t in self.call("Target.getTargets")["targetInfos"] if t["type"] == "page")
        found = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = found["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters):
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self._number:
            self.events.append(answer)
        assert "error" not in answer, answer
        return answer["result"]

    def open(self, url: str) -> None:
        self.call("Page.navigate", url=url)
        while not any(e.get("method") == "Page.loadEventFired" for e in self.events):
            self.events.append(self._next())

    def run(self, script: str):
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def _next(self):
        deadline = time.monotonic() + PATIENCE
        while b"\0" not in self._rest:
            assert time.monotonic() < deadline, "the browser does not answer"
            part = os.read(self._read, 1 << 16)
            assert part, "the browser has ended"
            self._rest += part
        first, self._rest = self._rest.split(b"\0", 1)
        return json.loads(first)

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=PATIENCE)
        os.close(self._read)
        os.close(self._write)


@pytest.fixture
def browser(tmp_path):
    made = Browser(tmp_path / "profile")
    yield made
    made.close()


def volume(edge, voxel, seed, phases=3):
    labels = np.random.default_rng(seed).integers(0, phases, (edge,) * 3, dtype=np.uint8)
    return LabelArray(labels, Grid(labels.shape, (voxel,) * 3, "micrometer"), default_phases(phases))


def content():
    shown = (
        Shown("scan", volume(6, 0.4, 0, 2), "scan"),
        Shown('fused <b>"&', volume(24, 0.1, 1)),
        Shown("image", volume(30, 0.1, 2), "image"),
    )
    return Content("A </script> title", "Lead.", shown, provenance=(("<name>", "value & more"),))


@needs_browser
def test_slider_moves_the_slices_and_nothing_fails(browser, tmp_path):
    file = tmp_path / "report.html"
    file.write_text(page(content()), "utf-8")
    browser.open(file.as_uri())

    sources = "JSON.stringify([...document.querySelectorAll('.panel img')].map(i => i.src))"
    before = json.loads(browser.run(sources))
    assert "slice 12 of 24" in browser.run("document.getElementById('depth').textContent")
    assert browser.run("document.querySelector('.panel img').naturalWidth") == 6

    move = "const s=document.getElementById('slice'); s.value='0'; s.dispatchEvent(new Event('input'))"
    browser.run(f"{{{move}}}")
    after = json.loads(browser.run(sources))
    assert after[0] != before[0]
    assert after[1] != before[1]
    assert after[2] == before[2]  # the image has no depth
    assert "slice 0 of 24" in browser.run("document.getElementById('depth').textContent")

    browser.run("document.querySelector('input[value=x]').click()")
    assert browser.run("document.getElementById('plane').textContent") == "normal to x, rows z, columns y"
    assert json.loads(browser.run(sources))[1] != after[1]

    assert browser.run("document.querySelector('h1').textContent") == "A </script> title"
    assert browser.run("document.querySelectorAll('.panel h3')[1].firstChild.data") == 'fused <b>"&'
    failed = [e for e in browser.events if e.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded")]
    assert not failed, failed
    urls = [e["params"]["request"]["url"] for e in browser.events if e.get("method") == "Network.requestWillBeSent"]
    assert [u for u in urls if not u.startswith("data:")] == [file.as_uri()]


@needs_browser
def test_page_fits_a_narrow_screen_and_draws_something(browser, tmp_path):
    file = tmp_path / "report.html"
    file.write_text(page(content()), "utf-8")
    browser.call("Emulation.setDeviceMetricsOverride", width=360, height=640, deviceScaleFactor=1, mobile=False)
    browser.open(file.as_uri())
    assert browser.run("document.documentElement.scrollWidth") <= 360
    picture = base64.b64decode(browser.call("Page.captureScreenshot")["data"])
    assert len(picture) > 5000
