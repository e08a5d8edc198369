"""A folder that was built, and a config that trains on others."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from kohya_wrap.domain.finding import Finding, Level
from kohya_wrap.errors import ConfigError, DatasetError
from kohya_wrap.places import Project
from kohya_wrap.workflow import dataset_config
from kohya_wrap.workflow.kept_config import KeptConfig


def findings(kept: KeptConfig, project: Project, built: Path, typed: Path) -> Iterator[Finding]:
    """`typed`: the config's path as a person here would type it."""
    values = kept.user.values
    other, named = values.get("train_data_dir"), values.get("dataset_config")
    if isinstance(named, str) and named:
        if not _names(Path(named), kept, built):
            yield _finding(
                kept, "dataset_config", built, f"the pictures that {Path(named).name} names",
                f'image_dir = "{built}" in a subset of it; or take dataset_config out of the config.',
            )  # fmt: skip
    elif isinstance(other, str) and Path(other).resolve() != project.training_data.resolve():
        yield _finding(
            kept, "train_data_dir", built, f"those in {other}",
            f"kohya-wrap config set train_data_dir={project.training_data.name} --file {shlex.quote(str(typed))}",
        )  # fmt: skip


def _names(file: Path, kept: KeptConfig, built: Path) -> bool:
    """A file that is wrong names nothing; what is wrong with it, `config check` says."""
    try:
        _, listed = dataset_config.names(file, kept.user.values, "")
    except (ConfigError, DatasetError):
        return False
    return any(one.folder.path.resolve() == built.resolve() for one in listed)


def _finding(kept: KeptConfig, option: str, built: Path, instead: str, hint: str) -> Finding:
    return Finding(
        Level.WARNING,
        "not-trained-on",
        f"the config does not train on {built.name}, but on {instead} ({option}).",
        hint,
        kept.user.lines.get(option, ""),
    )
