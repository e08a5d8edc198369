"""The engine's option tables at the pin, dumped from its own parsers by engine/inside/options.py."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from kohya_wrap.domain.options import Option, OptionTable

_FOLDER = Path(__file__).parent / "options"


@cache
def for_script(script: str) -> OptionTable:
    """Option name -> Option of an entry script, e.g. "train_network.py"."""
    raw = json.loads((_FOLDER / script).with_suffix(".json").read_text(encoding="utf-8"))
    return {
        name: Option(name, kind, item, tuple(choices), default)
        for name, (kind, item, choices, default) in raw.items()
    }
