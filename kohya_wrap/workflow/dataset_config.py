"""Read and check a dataset_config of the user's, and every image and caption that it names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from kohya_wrap.dataset import folders, inventory
from kohya_wrap.dataset.folders import Folder
from kohya_wrap.domain import dataset_config
from kohya_wrap.domain.finding import Finding, Level, typed
from kohya_wrap.errors import ConfigError
from kohya_wrap.host import image_file, toml_file, toml_lines
from kohya_wrap.workflow.configured import Configured, ConfiguredSubset, Table


def read(path: Path, given: Table, where: str) -> Configured:
    """As `survey`. Raises DatasetError besides: a file that cannot be read."""
    found = survey(path, given, where)
    if errors := [finding for finding in found.findings if finding.level is Level.ERROR]:
        raise inventory.refusal(path, errors)
    return found


def survey(path: Path, given: Table, where: str, look: inventory.Read = image_file.facts) -> Configured:
    """Read it, and every image and caption that it names; what cannot be read is an error among the findings.

    Args:
        given: the options beside it, as the user gave them.
        where: the line that names it.
        look: opens each image, in several threads.

    Raises:
        ConfigError: it cannot be read, or the engine would refuse it; all findings attached.
    """
    data = _absolute(_parsed(path), path.parent)
    if wrong := _mistakes(path, data):
        raise ConfigError(
            f"{path.name}: {len(wrong)} mistakes, the first: {wrong[0].message}"
            if wrong[1:]
            else f"{path.name}: {wrong[0].message}",
            why="The engine would refuse the file, or ignore what it names and train on nothing.",
            hint=f"Mend {path}, which {where or 'dataset_config'} names.",
            findings=tuple(wrong),
        )
    return _configured(path, data, given, look)


def mistakes(path: Path) -> tuple[Finding, ...]:
    """All that is wrong with it, no image opened: a folder that is not here is a warning, it may be elsewhere.

    Raises:
        ConfigError: it cannot be read.
    """
    data = _absolute(_parsed(path), path.parent)
    refused = tuple(_refused(path, data))
    return refused or tuple(replace(found, level=Level.WARNING) for found in _missing(path, data))


def _mistakes(path: Path, data: dict[str, Any]) -> list[Finding]:
    return _refused(path, data) or list(_missing(path, data))


def _refused(path: Path, data: dict[str, Any]) -> list[Finding]:
    return [_error(path, at, what) for at, what in dataset_config.problems(data)]


def refuse_several(found: Configured, command: str, config: Path) -> None:
    """Raises ConfigError: it has datasets with buckets and batches of their own, where `command` counts one."""
    if (number := len(found.data["datasets"])) > 1:
        raise ConfigError(
            f"The dataset_config has {number} [[datasets]], which `{command}` does not count together.",
            why="Each has buckets and batches of its own; `run` counts them all.",
            hint=f"kohya-wrap config check {typed(config)}   (opens no image; kohya-wrap run {typed(config)} opens all)",
        )


def _parsed(path: Path) -> dict[str, Any]:
    if path.suffix.lower() not in (".toml", ".json"):
        raise ConfigError(
            f"{path.name} ends in neither .toml nor .json.",
            why="The engine goes by the ending of a dataset_config.",
            hint=f"mv {typed(path)} {typed(path.with_suffix('.toml'))}",
        )
    if path.suffix.lower() == ".toml":
        return dict(toml_file.read(path).data)
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{path.name} cannot be read as JSON: {error}.",
            why="It is named as dataset_config.",
            hint=f"Mend {path}.",
        ) from error
    return data if isinstance(data, dict) else {"": data}


def _absolute(data: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Relative folders start at the file's own; the engine would start at the folder it runs in."""
    for dataset in data.get("datasets") or () if isinstance(data.get("datasets"), list) else ():
        for subset in (dataset.get("subsets") or ()) if isinstance(dataset, dict) else ():
            if isinstance(subset, dict) and isinstance(subset.get("image_dir"), str):
                subset["image_dir"] = str((folder / Path(subset["image_dir"]).expanduser()).resolve())
    return data


def _error(path: Path, at: str, what: str) -> Finding:
    line = _sections(path).get(at)
    return Finding(
        Level.ERROR, "dataset-config", f"{at}: {what}.", "", f"{path.name}:{line}" if line else path.name
    )


def _sections(path: Path) -> dict[str, int]:
    """A section as messages call it -> its line; none of a JSON file, nor of tables written inline."""
    found: dict[str, int] = {}
    if path.suffix.lower() != ".toml":
        return found
    dataset = subset = 0
    for place in toml_lines.places(toml_file.read(path).text):
        if place.header == "[[" and place.path == ("datasets",):
            dataset, subset = dataset + 1, 0
            found[f"[[datasets]] {dataset}"] = place.first
        elif place.header == "[[" and place.path == ("datasets", "subsets"):
            subset += 1
            found[f"[[datasets]] {dataset}, subset {subset}"] = place.first
        elif place.header == "[":
            found[f"[{'.'.join(place.path)}]"] = place.first
    return found


def _missing(path: Path, data: Table) -> Iterator[Finding]:
    every = [subset for dataset in data["datasets"] for subset in dataset["subsets"]]
    if all(subset.get("is_reg") for subset in every):
        yield _error(
            path, "[[datasets]]", "all subsets are for regularisation, so there is nothing to train on"
        )
    for number, dataset in enumerate(data["datasets"], 1):
        for subset in dataset["subsets"]:
            folder = Path(subset["image_dir"])
            if not folder.is_dir():
                yield _error(path, f"[[datasets]] {number}", f"{folder} is not there")
            elif not any(folders.is_read(inner) for inner in folder.iterdir()):
                yield _error(path, f"[[datasets]] {number}", f"no image lies in {folder}")


def _configured(path: Path, data: dict[str, Any], given: Table, look: inventory.Read) -> Configured:
    general = data.get("general", {})
    found = [
        _subset((number, inner), {**general, **_without_subsets(dataset), **subset}, given, look)
        for number, dataset in enumerate(data["datasets"])
        for inner, subset in enumerate(dataset["subsets"])
    ]
    findings = tuple(finding for subset in found for finding in subset.seen.findings)
    return Configured(data, tuple(found), (*findings, *_lost(path, data, given)))


def _without_subsets(dataset: Table) -> Table:
    return {name: value for name, value in dataset.items() if name != "subsets"}


def _subset(place: tuple[int, int], options: Table, given: Table, look: inventory.Read) -> ConfiguredSubset:
    """Captions end as the file or the options beside it say, else as most of them do."""
    path = Path(options["image_dir"])
    repeats = options.get("num_repeats", given.get("dataset_repeats") or 1)
    images = tuple(sorted(inner for inner in path.iterdir() if folders.is_read(inner)))
    folder = Folder(path, repeats, options.get("class_tokens", ""), images)
    extension = options.get("caption_extension") or given.get("caption_extension")
    extension = folders.dotted(extension) if extension else folders.caption_extension([folder])
    return ConfiguredSubset(place, options, inventory.of_folders([folder], extension, look))


def _lost(path: Path, data: Table, given: Table) -> Iterator[Finding]:
    for option in dataset_config.lost(given, data):
        yield Finding(
            Level.WARNING,
            "dataset-config-wins",
            f"`{option}` beside dataset_config has no effect: {path.name} says something itself.",
            f"Remove `{option}`, or its lines in {path.name}.",
            path.name,
        )
