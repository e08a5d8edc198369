"""Which pictures `dataset caption` is about: those of a project's concept folders, or of one folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kohya_wrap.dataset import folders
from kohya_wrap.dataset.folders import Folder
from kohya_wrap.errors import DatasetError
from kohya_wrap.places import Project
from kohya_wrap.workflow import effective


@dataclass(frozen=True)
class Chosen:
    """Attributes:
    root: whose `.kohya-wrap/` remembers what was written.
    trigger: the project's, where it has one concept; else empty.
    """

    root: Path
    folders: tuple[Folder, ...]
    extension: str
    trigger: str


@dataclass(frozen=True)
class _Config:
    """What a project's config says of its captions."""

    data: Path
    extension: str
    trigger: str


def choose(where: Path, env: Mapping[str, str]) -> Chosen:
    """A project, its config, a folder of concept folders, or a folder of pictures.

    Raises:
        DatasetError: no such folder, or no picture in it that is trained on. ConfigError: it cannot be read.
    """
    there = where.absolute()
    root = there.parent if there.is_file() else there
    if not there.exists():
        raise DatasetError(
            f"{where} is not there.",
            why="It names a project, or a folder with pictures.",
            hint="kohya-wrap dataset caption FOLDER --with wd14",
        )
    above = next((folder for folder in (root, *list(root.parents)[:2]) if _config_of(folder).is_file()), None)
    config = _read(above, env) if above else None
    if above == root or Project(root).training_data.is_dir():
        data = config.data if config else Project(root).training_data
        listed = _with_pictures(data)
    else:
        listed = _with_pictures(root) or _alone(root)
    if not listed:
        raise DatasetError(
            f"No picture in {root}.",
            why="They are looked for in N_concept folders, or in the very folder that is named, and not deeper.",
            hint="kohya-wrap dataset caption FOLDER_WITH_PICTURES --with wd14",
        )
    extension = config.extension if config and config.extension else folders.caption_extension(listed)
    trigger = config.trigger if config and len(_with_pictures(config.data)) == 1 else ""
    return Chosen(above or root, listed, extension, trigger)


def _config_of(folder: Path) -> Path:
    return Project(folder).config


def _read(root: Path, env: Mapping[str, str]) -> _Config:
    asked = effective.read(_config_of(root), (), env)
    data, extension = asked.values.get("train_data_dir"), asked.values.get("caption_extension")
    return _Config(
        Path(data) if data and isinstance(data, str) else Project(root).training_data,
        folders.dotted(extension) if extension and isinstance(extension, str) else "",
        asked.user.wrapper.trigger,
    )


def _with_pictures(data: Path) -> tuple[Folder, ...]:
    return tuple(folder for folder in folders.numbered(data) if folder.images) if data.is_dir() else ()


def _alone(folder: Path) -> tuple[Folder, ...]:
    loose = folders.loose(folder, 1)
    return (loose,) if loose.images else ()
