"""The wrapper's own section."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from kohya_wrap.config.wrapper_section import KEYS, WrapperSection, read
from kohya_wrap.domain.finding import Level


def test_every_key_is_told_what_it_may_hold_and_has_that_default() -> None:
    assert {name: option.default for name, option in KEYS.items()} == {
        field.name: field.default for field in fields(WrapperSection)
    }


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"base": "sdxl", "engine": "rehearsal", "subject": "none", "trigger": "sks cat"},
        {"subject": ""},
        {"target_steps": 1, "price_per_hour": 0.1},
    ],
)
def test_what_can_be_meant(raw: dict[str, Any]) -> None:
    assert read(raw, str) == (WrapperSection(**raw), [])


@pytest.mark.parametrize(
    ("key", "value", "said", "hint"),
    [
        (
            "subject",
            "cat",
            "must be one of character, style, object, none, not 'cat'",
            "Mend or remove `subject`.",
        ),
        ("engine", 1, "must be a text in quotes, not 1", "Mend or remove `engine`."),
        ("target_steps", 0, "must be more than 0, not 0", "Mend or remove `target_steps`."),
        ("target_steps", 1.5, "must be a whole number, not 1.5", "Mend or remove `target_steps`."),
        ("price_per_hour", -0.1, "must be more than 0, not -0.1", "Mend or remove `price_per_hour`."),
        ("max_cost", 0, "must be more than 0, not 0", "Mend or remove `max_cost`."),
        ("trigger", "sks\ncat", "holds an end of a line", "Mend or remove `trigger`."),
        ("triger", "x", "this section knows base, engine, ", "Write `trigger`, or remove `triger`."),
        ("seed", 1, "this section knows base, engine, ", "Mend or remove `seed`."),
    ],
)
def test_what_cannot_be_meant_is_an_error_and_left_out(key: str, value: Any, said: str, hint: str) -> None:
    section, (found,) = read({key: value, "base": "sd15"}, lambda key: f"c.toml:{key}")
    assert section == WrapperSection(base="sd15")
    assert (found.level, found.where, found.hint) == (Level.ERROR, f"c.toml:{key}", hint)
    assert found.message.startswith(f"[kohya_wrap] {key}: {said}")
