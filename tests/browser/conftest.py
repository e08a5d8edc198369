"""Debian's Chromium without a window, and the page of a hundred images; skipped, saying so, where it is not there."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from tests.browser.page import Page
from tests.engine.conftest import real_engine as real_engine
from tests.fixtures import hundred
from tests.fixtures.shell import Shell

_FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
)  # fmt: skip


@dataclass(frozen=True)
class Made:
    project: Path
    page: Path
    shell: Shell


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("hundred")
    config = hundred.make(folder / "my-lora")
    shell = Shell(folder, {"HOME": str(folder), "KOHYA_WRAP_HOME": str(folder / "kohya-wrap")})
    answer = shell("dataset", "preview", config)
    assert answer.code == 0, answer.err
    return Made(config.parent, config.parent / "output" / "dataset.html", shell)


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    programs = [shutil.which(name) for name in ("chromium", "chromedriver")]
    if not all(programs):
        pytest.skip("no Chromium here: apt-get install -y chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = str(programs[0])
    for flag in (*_FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(str(programs[1])))
    yield driver
    driver.quit()


@pytest.fixture
def page(chromium: webdriver.Chrome, made: Made, tmp_path: Path) -> Page:
    """Opened anew on a wide, light screen, its downloads in the test's own folder."""
    return Page(chromium, made.page, tmp_path / "downloads")


@pytest.fixture
def shell(made: Made, tmp_path: Path) -> Shell:
    """With a copy of the project in its folder, to be written into."""
    shutil.copytree(made.project / "training_data", tmp_path / "my-lora" / "training_data")
    shutil.copy(made.project / "training_config.toml", tmp_path / "my-lora")
    return replace(made.shell, cwd=tmp_path)
