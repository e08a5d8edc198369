"""Which pictures `dataset caption` is about: those of a project's concept folders, or of one folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kohya_wrap.dataset import folders
from kohya_wrap.dataset.folders import Folder
from kohya_wrap.errors import DatasetError
from kohya_wrap.places import Project
from kohya_wrap.workflow import bare_folder, built_trigger, dataset_config, effective


@dataclass(frozen=True)
class Chosen:
    """Attributes:
    root: whose `.kohya-wrap/` remembers what was written.
    dataset: the folder of the concept folders, or of the dataset_config that names them.
    folders: each with the ending of its captions.
    trigger: the config's, where the project has one concept; else empty.
    built: folder -> the trigger that it was built with.
    configured: a dataset_config says the folders and the endings.
    """

    root: Path
    dataset: Path
    folders: tuple[tuple[Folder, str], ...]
    trigger: str
    built: Mapping[Path, str]
    configured: bool = False

    def triggers(self, folder: Path) -> tuple[str, ...]:
        """What may stand in front of its captions by our doing, that which counts first."""
        return tuple(dict.fromkeys(filter(None, (self.trigger, self.built[folder]))))

    @property
    def paths(self) -> tuple[Path, ...]:
        return tuple(folder.path for folder, _ in self.folders)


@dataclass(frozen=True)
class _Config:
    """What a project's config says of its captions.

    Attributes:
        configured: the folders that its dataset_config names; empty where it has none.
        dataset: where these start; else the folder of the concept folders.
    """

    dataset: Path
    extension: str
    trigger: str
    configured: tuple[tuple[Folder, str], ...] = ()


def choose(where: Path, env: Mapping[str, str]) -> Chosen:
    """A project, its config, a folder of concept folders, or a folder of pictures.

    Raises:
        DatasetError: no such folder, or no picture in it that is trained on. ConfigError: a picture, a zip, or what is no config.
    """
    there = where.absolute()
    if not there.exists():
        raise DatasetError(
            f"{where} is not there.",
            why="It names a project, or a folder with pictures.",
            hint="kohya-wrap dataset caption FOLDER --with wd14",
        )
    bare_folder.refuse_pictures(where)
    root = there if there.is_dir() else there.parent
    file = _config_above(root) if there.is_dir() else there
    config = _read(file, env) if file else None
    above = file.parent if file else None
    trigger = config.trigger if config and _has_one_concept(config) else ""
    if config and (named := _configured(config, root, whole=above == root)):
        assert above is not None
        return Chosen(above, config.dataset, named, trigger, _built(named), configured=True)
    if above == root or Project(root).training_data.is_dir():
        dataset = config.dataset if config and not config.configured else Project(root).training_data
        listed = _with_pictures(dataset)
    else:
        dataset, listed = root, _with_pictures(root) or _alone(root)
    if not listed:
        raise DatasetError(
            f"No picture in {root}.",
            why="They are looked for in N_concept folders, or in the very folder that is named, and not deeper.",
            hint="kohya-wrap dataset caption FOLDER_WITH_PICTURES --with wd14",
        )
    extension = config.extension if config and config.extension else folders.caption_extension(listed)
    ended = tuple((folder, extension) for folder in listed)
    return Chosen(above or _project_of(root), dataset, ended, trigger, _built(ended))


def _project_of(folder: Path) -> Path:
    """Whose concept folders these are, where it has no config yet; else the folder itself."""
    above = (project for parent in list(folder.parents)[:2] if (project := Project(parent)).is_ours)
    return next((each.root for each in above if folder.is_relative_to(each.training_data)), folder)


def _built(listed: tuple[tuple[Folder, str], ...]) -> dict[Path, str]:
    return {folder.path: built_trigger.of(folder.path) for folder, _ in listed}


def _config_above(root: Path) -> Path | None:
    """In the folder itself, or in one of the two above it."""
    configs = (Project(folder).config for folder in (root, *list(root.parents)[:2]))
    return next(filter(Path.is_file, configs), None)


def _read(file: Path, env: Mapping[str, str]) -> _Config:
    asked = effective.read(file, (), env)
    data, extension = asked.values.get("train_data_dir"), asked.values.get("caption_extension")
    own = folders.dotted(extension) if extension and isinstance(extension, str) else ""
    trigger = asked.user.wrapper.trigger
    if (named := asked.values.get("dataset_config")) and isinstance(named, str):
        said = {**asked.values, "caption_extension": own}
        of_file, listed = dataset_config.names(Path(named), said, asked.where("dataset_config"))
        trained = {(one.folder.path, one.extension): one for one in listed if not one.options.get("is_reg")}
        found = tuple((one.folder, one.extension) for one in trained.values())
        return _Config(of_file.path.parent, own, trigger, found)
    folder = Path(data) if data and isinstance(data, str) else Project(file.parent).training_data
    return _Config(folder, own, trigger)


def _configured(config: _Config, root: Path, *, whole: bool) -> tuple[tuple[Folder, str], ...]:
    """Those in the folder that was named; all of them where that is the project."""
    inside = (one for one in config.configured if whole or one[0].path.is_relative_to(root))
    return tuple(inside)


def _has_one_concept(config: _Config) -> bool:
    named = [folder.path for folder, _ in config.configured]
    return len({*(named or (folder.path for folder in _with_pictures(config.dataset)))}) == 1


def _with_pictures(data: Path) -> tuple[Folder, ...]:
    return tuple(folder for folder in folders.numbered(data) if folder.images) if data.is_dir() else ()


def _alone(folder: Path) -> tuple[Folder, ...]:
    loose = folders.loose(folder, 1)
    return (loose,) if loose.images else ()
