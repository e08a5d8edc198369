"""What every card, base and subject make of an empty config comes back from the engine's own parser as it went in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import toml

from kohya_wrap.config import render
from kohya_wrap.workflow import base_model, effective
from tests.engine.live_parser import Parser
from tests.fixtures.mutated_configs import command_line, typed
from tests.unit.test_every_preset import BASES, PRESETS, STYLES, SUBJECTS, machine

FEWEST = 100  # a loop that resolves nothing would pass


def test_the_engines_parser_takes_every_preset(parser: Parser, tmp_path: Path) -> None:
    defaults: dict[str, dict[str, Any]] = {}
    taken = 0
    for script, values in everything(tmp_path):
        if script not in defaults:
            defaults[script] = parser.ask(script, [])
        assert typed(parser.ask(script, command_line(values))) == typed(defaults[script] | values)
        taken += 1
    assert taken > FEWEST


def everything(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """(script, what engine_config.toml holds as the engine reads it), each that differs once."""
    seen: set[str] = set()
    for base in BASES.values():
        for subject in SUBJECTS:
            (folder / "c.toml").write_text(f'[kohya_wrap]\nbase = "{base.name}"\nsubject = "{subject}"\n')
            asked = effective.read(folder / "c.toml", (), {})
            for preset in PRESETS.gpus.values():
                for style in STYLES:
                    facts = base_model.of_catalogue(base)
                    found = effective.settled(asked, facts, machine(preset), PRESETS, captions=style)
                    values = json.dumps(found.config.plain(), sort_keys=True)
                    if values not in seen:
                        seen.add(values)
                        render.for_engine(folder / "engine.toml", found.config, found.table)
                        yield found.family.script, toml.load(folder / "engine.toml")
