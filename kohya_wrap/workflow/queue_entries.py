"""What was typed, as the trainings it means: configs and folders, each in every combination of a sweep."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kohya_wrap.config import by_hand, check, user
from kohya_wrap.domain import sweep
from kohya_wrap.errors import ConfigError, KohyaWrapError, UsageError
from kohya_wrap.host import toml_file
from kohya_wrap.workflow import bare_folder, effective


@dataclass(frozen=True)
class Entry:
    """One training of a queue.

    Attributes:
        words: as of --set: those of all, then what a sweep sets for this one.
        swept: the last of them as a person reads them; empty without a sweep.
    """

    config: Path
    words: tuple[str, ...] = ()
    swept: str = ""

    @property
    def title(self) -> str:
        return f"{self.config} ({self.swept})" if self.swept else str(self.config)


def configs_of(where: Sequence[Path]) -> list[Path]:
    """Of a project its config, of another folder all that lie in it, and no other .toml.

    Raises:
        ConfigError: there is none.
    """
    return [config for path in where for config in (_in_folder(path) if path.is_dir() else [path])]


def _in_folder(folder: Path) -> list[Path]:
    own = bare_folder.config_of(folder)
    found = [own] if own else sorted(path for path in folder.glob("[!.]*.toml") if _is_config(path))
    if not found:
        raise ConfigError(
            f"No config in {folder}.",
            why="Neither training_config.toml nor another .toml with options of a training lies there.",
            hint=f"kohya-wrap init {shlex.quote(str(folder))}",
        )
    return found


def _is_config(path: Path) -> bool:
    """No file of another program, no dataset_config, not empty; one that cannot be read says so in its turn."""
    try:
        source = toml_file.read(path)
    except KohyaWrapError:
        return True
    return "datasets" not in source.data and not check.says_nothing(user.read_user(source))


def axes_of(sweeps: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Of the words of --sweep. Raises UsageError: one is not KEY=VALUE,VALUE, or an option is named twice."""
    axes = [(key.strip(), sweep.values_of(text)) for key, _, text in (word.partition("=") for word in sweeps)]
    names = [by_hand.meant_by(f"{key}=0")[:2] if key else ("", "") for key, _ in axes]
    for word, name, (key, values) in zip(sweeps, names, axes, strict=True):
        if not key or not all(values) or names.count(name) > 1 or _are_alike(key, values):
            raise UsageError(
                f"--sweep {word} cannot be meant.",
                why="It names an option once, and its values with commas between them, each once.",
                hint="--sweep network_dim=16,32   (values with commas in them: resolution=512,512;768,768)",
            )
    return axes


def _are_alike(key: str, values: Sequence[str]) -> bool:
    """Two of them, however they are written: 1e-4 and 0.0001."""
    return len({sweep.text_of(_meant(key, value)[1]) for value in values}) < len(values)


def _meant(key: str, value: str) -> tuple[str, Any]:
    """The option as the engine calls it, and what the text is for it."""
    return by_hand.meant_by(f"{key}={value}")[1:]


def entries_of(
    configs: Sequence[Path],
    words: tuple[str, ...],
    axes: Sequence[tuple[str, list[str]]],
    env: Mapping[str, str],
) -> list[Entry]:
    """Each config in each combination, which gets an output_name of its own; once where it cannot be read."""
    found = []
    for config in configs:
        name = _name(config, words, env)
        for chosen in sweep.combinations(axes if name else ()):
            swept = tuple(f"{key}={value}" for key, value in chosen.items())
            named: tuple[str, ...] = ()
            meant = dict(_meant(key, value) for key, value in chosen.items())
            if meant and "output_name" not in meant:
                named = (f"output_name={sweep.name_of(name, meant)}",)
            found.append(Entry(config, (*words, *swept, *named), ", ".join(swept)))
    return found


def _name(config: Path, words: tuple[str, ...], env: Mapping[str, str]) -> str:
    """The output_name that it says, else that of its project; empty where it cannot be read, which is said in its turn."""
    try:
        said = effective.read(config, words, env).values.get("output_name")
    except KohyaWrapError:
        return ""
    return str(said or config.absolute().parent.name)
