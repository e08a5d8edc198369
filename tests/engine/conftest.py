"""The real engine, installed once in the user's own home; where its repository does not answer, these tests skip."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kohya_wrap.engine import pin
from kohya_wrap.engine.checkout import Checkout
from kohya_wrap.engine.locate import Engine
from kohya_wrap.places import Places
from kohya_wrap.workflow.provision import Wanted, missing, provide
from tests.conftest import REAL_ENVIRONMENT
from tests.engine.live_parser import PARSE, Parser


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.engine)


@dataclass(frozen=True)
class RealEngine:
    places: Places
    checkout: Checkout
    engine: Engine
    base: Path

    @property
    def python(self) -> Path:
        return Path(self.engine.launch[0])


@pytest.fixture(scope="session")
def real_engine() -> RealEngine:
    """Engine, environment, tokenizers and the base of random weights: found, or made here in some minutes."""
    from kohya_wrap.engine import random_base

    places = Places.from_environment(REAL_ENVIRONMENT)
    wanted = Wanted(None, places.demo)
    if missing(wanted, places) and not _answers(pin.load().url):
        pytest.skip("the engine is not installed and its repository does not answer here")
    found = provide(wanted, places, lambda news: None)
    base = random_base.ensure(found.environment.python, found.checkout, places, lambda text: None)
    return RealEngine(places, found.checkout, found.engine, base)


@pytest.fixture(scope="session")
def parser(real_engine: RealEngine) -> Iterator[Parser]:
    """One child for all that ask."""
    with subprocess.Popen(
        [real_engine.python, "-I", "-c", PARSE, real_engine.checkout.source],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8",
    ) as child:  # fmt: skip
        yield Parser(child)
        child.stdin.close()  # type: ignore[union-attr]


def _answers(url: str) -> bool:
    try:
        asked = subprocess.run(
            ["git", "ls-remote", "--exit-code", url, "HEAD"],
            env=REAL_ENVIRONMENT | {"GIT_TERMINAL_PROMPT": "0"},
            capture_output=True,
            timeout=15,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0


@dataclass(frozen=True)
class Said:
    """What `kohya-wrap ... --json` ended with."""

    code: int
    data: dict[str, Any]
    words: str


def kohya_wrap(real: RealEngine, *argv: object, cwd: Path) -> Said:
    """The tool as a person types it, on the home that has the real engine."""
    env = os.environ | {"KOHYA_WRAP_HOME": str(real.places.home)}
    done = subprocess.run(
        [sys.executable, "-m", "kohya_wrap", *map(str, argv), "--json"],
        env=env,
        cwd=cwd,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    envelope = json.loads(done.stdout) if done.stdout else {}
    return Said(done.returncode, envelope.get("data") or {}, done.stderr)
