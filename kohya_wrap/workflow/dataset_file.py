"""A dataset_config as it stands on disk: its values, and the line of each."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kohya_wrap.domain.finding import typed
from kohya_wrap.errors import ConfigError
from kohya_wrap.host import toml_file, toml_lines

GENERAL = "[general]"


def of_dataset(number: int) -> str:
    """A section as messages call it; they count from 1."""
    return f"[[datasets]] {number}"


def of_subset(number: int, inner: int) -> str:
    return f"{of_dataset(number)}, subset {inner}"


@dataclass(frozen=True)
class DatasetFile:
    """Attributes:
    written: as the engine would read it.
    data: the same, with folders that are relative to the file's own made absolute.
    lines: (section, key) -> line; ("[general]", "") is the section's own. Empty of a JSON file.
    """

    path: Path
    written: Mapping[str, Any]
    data: dict[str, Any]
    lines: Mapping[tuple[str, str], int] = field(default_factory=dict)

    def where(self, section: str, key: str = "") -> str:
        """The line of the key, else of its section, else the file alone: of JSON, and of tables written inline."""
        line = self.lines.get((section, key)) or self.lines.get((section, ""))
        return f"{self.path.name}:{line}" if line else self.path.name


def read(path: Path, named_at: str) -> DatasetFile:
    """Args:
        named_at: the line that names it; empty where a variable or --set does.

    Raises:
        ConfigError: it cannot be read.
    """
    _require_file(path, named_at)
    text = _text(path, named_at)
    if path.suffix.lower() == ".toml":
        data = toml_file.parse(text, path)
        return DatasetFile(path, data, _absolute(data, path.parent), _lines(text))
    data = _json(text, path)
    return DatasetFile(path, data, _absolute(data, path.parent))


def _require_file(path: Path, named_at: str) -> None:
    names = f"{named_at or '`dataset_config`'} names it as dataset_config"
    if not path.is_file():
        is_what = "a folder" if path.is_dir() else "no file: a pipe, a device or a socket"
        raise ConfigError(
            f"{path} is {is_what if path.exists() else 'not there'}.",
            why=f"{names}; relative paths start at the config's own folder.",
            hint="Put it there, mend the path, or leave `dataset_config` out.",
        )
    if path.suffix.lower() not in (".toml", ".json"):
        raise ConfigError(
            f"{path.name} ends in neither .toml nor .json.",
            why="The engine goes by the ending of a dataset_config.",
            hint=f"Write the same as TOML into {path.with_suffix('.toml')}, and name that."
            if path.suffix.lower() in (".yaml", ".yml")
            else f"mv {typed(path)} {typed(path.with_suffix('.toml'))}",
        )


def _text(path: Path, named_at: str) -> str:
    try:
        return toml_file.text(path)
    except ConfigError as error:  # which speaks of a training config
        raise ConfigError(
            error.message,
            why=f"{named_at or '`dataset_config`'} names it as dataset_config: {error.why}",
            hint=f"Mend {path}, or name the file that was meant.",
        ) from error


def _json(text: str, path: Path) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        said = "its brackets are nested too deep" if isinstance(error, RecursionError) else str(error)
        raise ConfigError(
            f"{path.name} cannot be read as JSON: {said}.",
            why="It is named as dataset_config, and ends in .json.",
            hint=f"Mend {path}.",
        ) from error
    if not isinstance(data, dict):
        raise ConfigError(
            f"{path.name} holds no table: it begins with {text.lstrip()[:1]} and not with {{.",
            why="A dataset_config in JSON is one object with `general` and `datasets`.",
            hint=f"Mend {path}.",
        )
    return data


def _absolute(written: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Relative folders start at the file's own; the engine would start at the folder it runs in."""
    datasets = written.get("datasets")
    if not isinstance(datasets, list):
        return dict(written)
    return {**written, "datasets": [_dataset(one, folder) for one in datasets]}


def _dataset(dataset: Any, folder: Path) -> Any:
    if not isinstance(dataset, dict) or not isinstance(dataset.get("subsets"), list):
        return dataset
    return {**dataset, "subsets": [_subset(one, folder) for one in dataset["subsets"]]}


def _subset(subset: Any, folder: Path) -> Any:
    if not isinstance(subset, dict) or not isinstance(subset.get("image_dir"), str):
        return subset
    named = os.path.expanduser(subset["image_dir"])  # noqa: PTH111 - a home that nobody has stays as it is
    return {**subset, "image_dir": os.path.abspath(folder / named)}  # noqa: PTH100 - links stay as they are


def _lines(text: str) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    dataset = subset = 0
    section = ""
    for place in toml_lines.places(text):
        if place.header == "[[" and place.path == ("datasets",):
            dataset, subset = dataset + 1, 0
            section = of_dataset(dataset)
        elif place.header == "[[" and place.path == ("datasets", "subsets"):
            subset += 1
            section = of_subset(dataset, subset)
        elif place.header:
            section = f"[{'.'.join(place.path)}]"
        found.setdefault((section, "" if place.header else place.path[-1]), place.first)
    return found
