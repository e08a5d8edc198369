"""The text of an imported training_config.toml: the guide's sections, and where it came from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kohya_wrap.config.importing.source import Source
from kohya_wrap.config.sections import SECTIONS, section_of
from kohya_wrap.domain.family import FAMILIES


def sections(source: Source, options: Mapping[str, Any], base: str) -> dict[str, dict[str, Any]]:
    """The guide's sections, options by name, and our own: no recipe, so what is not here is the engine's to decide."""
    placed: dict[str, dict[str, Any]] = {name: {} for name in SECTIONS}
    for name in sorted(options):
        placed[section_of(name)][name] = options[name]
    placed["kohya_wrap"] = ({"base": base} if base else {}) | {"subject": "none"}
    return {name: values for name, values in placed.items() if values}


def text(source: Source, parts: Mapping[str, Mapping[str, Any]]) -> str:
    import tomlkit

    document = tomlkit.document()
    document.add(
        tomlkit.comment(f"Imported from {source.path.name} ({source.kind}) by `kohya-wrap config import`.")
    )
    if source.family is not None:
        document.add(tomlkit.comment(f"It was made for {FAMILIES[source.family].title}."))
    for name, values in parts.items():
        document.add(tomlkit.nl())
        table = tomlkit.table()
        for key, value in values.items():
            table.add(key, value)
            if key == "subject":
                table[key].comment("no recipe of kohya-wrap's: what is not here is the engine's default")
        document.add(name, table)
    return tomlkit.dumps(document)
