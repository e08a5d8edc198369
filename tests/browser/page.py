"""The preview page as a person uses it."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

_WITHIN = 10  # seconds


class Page:
    def __init__(self, driver: webdriver.Chrome, file: Path, downloads: Path) -> None:
        self.driver, self.file, self.downloads = driver, file, downloads
        downloads.mkdir()
        self._cdp("Page.setDownloadBehavior", behavior="allow", downloadPath=str(downloads))
        self.open()

    def open(self, *, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._cdp("Emulation.setEmulatedMedia", features=[scheme])
        self._cdp(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )  # fmt: skip
        self.driver.get("about:blank")
        self.driver.get_log("browser")
        self.driver.get_log("performance")
        self.driver.get(self.file.as_uri())

    def _cdp(self, method: str, **parameters: Any) -> None:
        self.driver.execute_cdp_cmd(method, parameters)

    def __getitem__(self, name: str) -> WebElement:
        """By its id."""
        return self.driver.find_element(By.ID, name)

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def shown(self) -> list[str]:
        """The names of the images on the page, once the filters have settled."""
        self.driver.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
        names: list[str] = self.run(
            "return [...document.querySelectorAll('.card')].filter((card) => card.getClientRects().length)"
            ".map((card) => card.querySelector('.name').textContent)"
        )
        return names

    def caption(self, name: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, f"textarea[aria-label='Caption of {name}']")

    def card(self, name: str) -> WebElement:
        return self.caption(name).find_element(By.XPATH, "ancestor::article")

    def write(self, name: str, text: str) -> None:
        """All at once, as pasted: chromedriver types no emoji."""
        self.run(
            "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('input', {bubbles: true}))",
            self.caption(name),
            text,
        )

    def saved(self) -> Path:
        """The file that was downloaded, by the name that the page shows."""
        path = self.downloads / Path(self["file"].text).name
        end = time.monotonic() + _WITHIN
        while not path.is_file():
            assert time.monotonic() < end, list(self.downloads.iterdir())
            time.sleep(0.05)
        return path

    def would_warn(self) -> bool:
        """Whether leaving it asks first."""
        asks: bool = self.run(
            "const leaving = new Event('beforeunload', {cancelable: true}); dispatchEvent(leaving);"
            "return leaving.defaultPrevented"
        )
        return asks

    def console(self) -> list[str]:
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """The addresses of all that was asked for since it was opened."""
        events = (json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance"))
        return [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
