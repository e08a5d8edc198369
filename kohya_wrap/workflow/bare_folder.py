"""A config, a project or a folder of images, whichever is named; without a config, what the guide's values would make of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kohya_wrap.config import by_hand
from kohya_wrap.config.user import UserConfig
from kohya_wrap.config.wrapper_section import WrapperSection
from kohya_wrap.dataset import folders
from kohya_wrap.domain.finding import Finding, Level, typed
from kohya_wrap.errors import ConfigError
from kohya_wrap.host import image_file, zip_file
from kohya_wrap.places import Project
from kohya_wrap.workflow.effective import Asked


@dataclass(frozen=True)
class BareFolder:
    """Attributes:
    folder: what stands for train_data_dir.
    loose: the images lie in it, not in numbered folders of it: not built yet.
    """

    folder: Path
    loose: bool
    asked: Asked
    findings: tuple[Finding, ...]


def config_of(where: Path) -> Path | None:
    """The config named, or that of the project named; None for a folder of images.

    Raises:
        ConfigError: nothing is there, a picture, or a zip.
    """
    if where.is_dir():
        return config if (config := Project(where).config).is_file() else None
    refuse_pictures(where)
    if not where.exists():
        raise _refused(f"{where} is not there.", "Name one of these; kohya-wrap init makes a project.")
    return where


def refuse_pictures(where: Path) -> None:
    """Raises ConfigError: it is a picture, or a zip of them."""
    if not where.is_file():
        return
    if image_file.looks_like_image(where):
        raise _refused(f"{where} is a picture.", f"Name its folder: {typed(where.absolute().parent)}")
    if zip_file.is_zip(where):
        raise _refused(
            f"{where} is a zip, of which `dataset build` makes a folder.",
            f"kohya-wrap dataset build {typed(where)} --concept NAME   and then name the project",
        )


def _refused(message: str, hint: str) -> ConfigError:
    return ConfigError(
        message, why="A config, a project with one, or a folder of images can be named.", hint=hint
    )


def of(
    where: Path,
    words: tuple[str, ...],
    env: Mapping[str, str],
    *,
    family: str,
    otherwise: str = "--family sdxl, --subject style, --trigger TEXT, --set resolution=768,768",
) -> BareFolder:
    """`where` holds numbered folders, is one, holds images, or is a project.

    Args:
        family: empty where SD 1.5 is assumed.
        otherwise: the options of the command that say more.
    """
    folder, said, loose = where.resolve(), "no config", False
    numbered = any(one.images for one in folders.numbered(folder))
    if numbered or not folders.loose(folder, 1).images:
        data = Project(folder).training_data
        folder = data if data.is_dir() and not numbered else folder
    elif folders.repeats_and_tokens(folder.name):
        said = f"{folder.name} is a concept folder: all that lie in {folder.parent.name}/ are read; no config"
        folder = folder.parent
    else:
        loose = True
    note = Finding(
        Level.NOTE, "no-config", f"{said}: seen with the guide's values{'' if family else ' for SD 1.5'}.",
        f"Otherwise: {otherwise}; or name a config.",
    )  # fmt: skip
    about = UserConfig(
        folder / "training_config.toml", {"train_data_dir": str(folder)}, {}, WrapperSection(), {}, ()
    )
    layers = (by_hand.from_environment(env, folder), by_hand.from_command_line(words, folder))
    return BareFolder(
        folder,
        loose,
        Asked(by_hand.with_words(about, words), layers),
        (note, *((_unbuilt(folder),) if loose else ())),
    )


def _unbuilt(folder: Path) -> Finding:
    return Finding(
        Level.WARNING, "not-built", f"the engine would read nothing of {folder.name}/, whose name has no number: seen as "
        f"10_{folder.name}.", f"kohya-wrap dataset build {typed(folder)} --concept {typed(folder.name)}", str(folder),
    )  # fmt: skip
