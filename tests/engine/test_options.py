"""The tables that ship with the package are what the engine at the pin says itself."""

from __future__ import annotations

import pytest

from scripts import options
from tests.engine.conftest import RealEngine


@pytest.fixture(scope="module")
def live(real_engine: RealEngine) -> options.Tables:
    return options.tables(real_engine.python, real_engine.checkout.source)


@pytest.mark.parametrize("name", ["train_network", "sdxl_train_network", "elsewhere", "arguments"])
def test_a_shipped_table_is_the_live_one(live: options.Tables, name: str) -> None:
    shipped = (options.FOLDER / f"{name}.json").read_text(encoding="utf-8")
    assert shipped == options.text(name, live[name]), "uv run scripts/options.py"
