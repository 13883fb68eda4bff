"""Chromium, for tests of pages: what is done on one, what it looks like, what Chromium noted.

Elements are named by CSS selectors: the first that matches. Each step waits until its element is
there and can be used.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

import pytest
from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

T = TypeVar("T")

WAIT_SECONDS = 30  # far beyond what a slow machine needs
POLL_SECONDS = 0.05

CHROMIUM_FLAGS = (
    "--headless",
    "--no-sandbox",  # containers run tests as root
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--window-size=1400,1600",
)


class View(NamedTuple):
    """How a page is looked at."""

    width: int  # pixels
    dark: bool


VIEWS = [View(width, dark) for width in (400, 1400) for dark in (False, True)]


class Browser:
    """One Chromium, at whatever page was opened last."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self._driver = driver
        # The page draws itself anew at any time: what fails for that is tried again.
        self._wait = WebDriverWait(driver, WAIT_SECONDS, POLL_SECONDS, [WebDriverException])

    def open(self, address: str, view: View = VIEWS[-1]) -> None:
        """Opens a page as a person who was never there, with the notes about others thrown away."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if view.dark else "light"}
        size = {"width": view.width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self._do("Emulation.setEmulatedMedia", features=[scheme])
        self._do("Emulation.setDeviceMetricsOverride", **size)
        self._driver.get("about:blank")
        self._do("Storage.clearDataForOrigin", origin=address, storageTypes="all")
        self.requests()
        self.console()
        self._driver.get(address)

    def open_again(self) -> None:
        """The page is loaded anew, by the same person."""
        self._driver.refresh()

    def click(self, selector: str) -> None:
        self._use(selector, WebElement.click)

    def write(self, selector: str, text: str) -> None:
        """Writes into a field, in place of what stands there."""

        def write(element: WebElement) -> None:
            element.clear()
            element.send_keys(text)

        self._use(selector, write)

    def value(self, selector: str) -> str:
        """What is written in a field."""
        return self._use(selector, lambda element: str(element.get_property("value")))

    def text(self, selector: str) -> str:
        """What the element shows."""
        return self._use(selector, lambda element: element.text)

    def texts(self, selector: str) -> list[str]:
        """What all elements that match show at present, with single spaces."""
        elements = f"[...document.querySelectorAll({json.dumps(selector)})]"
        found: list[str] = self.ask(f"{elements}.map(element => element.innerText)")
        return [" ".join(text.split()) for text in found]

    def wait_for_text(self, selector: str, text: str) -> None:
        """Waits until the element shows the text, possible line breaks in it left aside."""

        def shown(driver: webdriver.Chrome) -> bool:
            seen = driver.find_element(By.CSS_SELECTOR, selector).text
            return text in seen.replace("\N{ZERO WIDTH SPACE}", "")

        self._wait.until(shown, f"{selector} never showed {text!r}")

    def ask(self, expression: str) -> Any:
        """What an expression of JavaScript gives on the page."""
        return self._driver.execute_script(f"return {expression}")

    def wider_than_the_window(self) -> list[str]:
        """The elements that stick out to the right, or None of them if nobody needs to scroll."""
        if self.ask("document.documentElement.scrollWidth <= innerWidth"):
            return []
        sticking = "e.getBoundingClientRect().right > innerWidth"
        found: list[str] = self.ask(
            "[...document.querySelectorAll('*')]"
            f".filter(e => {sticking}).map(e => e.tagName + '.' + e.className)"
        )
        return found

    def brightness(self) -> int:
        """Of the page's ground, from 0 (black) to 255."""
        color = str(self.ask("getComputedStyle(document.body).backgroundColor"))
        return max(int(part) for part in color.strip("rgb()").split(",")[:3])

    def console(self) -> list[str]:
        """The warnings and errors in the console since the last call."""
        return [str(entry["message"]) for entry in self._log("browser")]

    def requests(self) -> list[str]:
        """The addresses asked for since the last call, but for those that name their own data."""
        events = (json.loads(entry["message"])["message"] for entry in self._log("performance"))
        addresses = [
            str(event["params"]["request"]["url"])
            for event in events
            if event["method"] == "Network.requestWillBeSent"
        ]
        return [each for each in addresses if urlsplit(each).scheme not in {"about", "data"}]

    def _do(self, command: str, **parameters: Any) -> None:
        self._driver.execute_cdp_cmd(command, parameters)

    def _log(self, kind: str) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = self._driver.get_log(kind)  # type: ignore[no-untyped-call]
        return entries

    def _use(self, selector: str, action: Callable[[WebElement], T]) -> T:
        def use(driver: webdriver.Chrome) -> list[T]:
            return [action(driver.find_element(By.CSS_SELECTOR, selector))]

        return self._wait.until(use, f"{selector} could not be used")[0]


@contextmanager
def started(profile: Path) -> Iterator[Browser]:
    """A Chromium whose files are in `profile`."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        message = "chromium is missing: apt-get install chromium chromium-driver (make test does)"
        pytest.fail(message, pytrace=False)
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*CHROMIUM_FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    with webdriver.Chrome(options, Service(driver)) as chrome:
        yield Browser(chrome)
