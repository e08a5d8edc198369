"""An effective config as lines for people and as plain data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kohya_wrap.config import render
from kohya_wrap.config.sections import SECTIONS, section_of
from kohya_wrap.config.spellings import as_toml
from kohya_wrap.domain.config import Origin, TrainingConfig, Value, shown
from kohya_wrap.domain.options import OptionTable

_WORDS = {
    Origin.ENGINE: "engine default",
    Origin.WRAPPER: "kohya-wrap",
    Origin.FAMILY: "base",
    Origin.RECIPE: "recipe",
    Origin.GPU: "gpu",
    Origin.FILE: "file",
    Origin.ENVIRONMENT: "environment",
    Origin.COMMAND_LINE: "command line",
    Origin.HARDWARE: "this machine",
}


def effective_values(
    config: TrainingConfig, table: OptionTable, *, only_differing: bool = False
) -> Mapping[str, Value]:
    """Option -> value for every option that has one; `only_differing`: where it is not the engine's own default."""
    right = {name: held for name, held in config.values.items() if name in table}
    right = {name: held for name, held in right.items() if not table[name].refuses(held.value)}
    typed = render.as_engine_reads(TrainingConfig(right), table)
    values: dict[str, Value] = {}
    for name in sorted({*table, *config.values}):
        default = table[name].default if name in table else None
        held = config.values.get(name)
        value = Value(default, Origin.ENGINE) if held is None or held.value is None else held
        if value.value is not None and not (only_differing and value.value == default):
            values[name] = Value(shown(name, typed.get(name, value.value)), value.origin, value.detail)
    return values


def lines(values: Mapping[str, Value], *, with_origin: bool) -> Iterator[str]:
    """TOML, in the guide's sections; origins as comments beside."""
    for section in SECTIONS:
        inside = {name: value for name, value in values.items() if section_of(name) == section}
        if inside:
            yield f"[{section}]"
        written = {name: f"{name} = {as_toml(value.value)}" for name, value in inside.items()}
        width = max((len(text) for text in written.values() if len(text) < _WIDEST), default=0)
        for name, text in written.items():
            yield f"{text:<{width}}  # {origin_in_words(inside[name])}" if with_origin else text


_WIDEST = 60  # characters that still push the comments to the right


def origin_in_words(value: Value) -> str:
    word = _WORDS[value.origin]
    if value.origin is Origin.FILE:
        return value.detail or word
    return f"{word}: {value.detail}" if value.detail else word
