"""Every test has a home of its own, no leaked environment, and no network but the loopback."""

from __future__ import annotations

import os
import socket
from collections.abc import Generator
from pathlib import Path

import pytest

# The machine's own, before any test changed it: the real-engine tests install there once, not once per test.
REAL_ENVIRONMENT = dict(os.environ)

EVIDENCE = tuple(Path(__file__).parent / name for name in ("browser", "engine"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With KOHYA_WRAP_EVIDENCE=required, what the browser or the engine should show and does not is a failure."""
    report = yield
    required = REAL_ENVIRONMENT.get("KOHYA_WRAP_EVIDENCE") == "required"
    if required and report.skipped and any(folder in item.path.parents for folder in EVIDENCE):
        report.outcome, report.longrepr = "failed", f"evidence is required: {report.longrepr}"
    return report


@pytest.fixture(autouse=True)
def own_home(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """HOME, KOHYA_WRAP_HOME and the Hub's cache in the test's own folder."""
    home = tmp_path / "home"
    home.mkdir()
    for name in list(os.environ):
        if name.startswith(("KOHYA_WRAP_", "HF_", "CUDA_", "ACCELERATE_", "CIVITAI_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("KOHYA_WRAP_HOME", str(home / "kohya-wrap"))
    monkeypatch.setenv("HF_HOME", str(home / "huggingface"))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)  # few users have it, and it hides what is held back
    return home


@pytest.fixture(autouse=True)
def no_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection of this process to anything but this machine fails the test, unless it is an engine test."""
    if request.node.get_closest_marker("engine"):
        return
    connect = socket.socket.connect

    def loopback_only(self: socket.socket, address: object) -> None:
        if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "localhost", "::1"):
            raise OSError(f"a test may not reach {address[0]}")
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", loopback_only)
