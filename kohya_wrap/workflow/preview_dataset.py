"""A dataset checked and laid out as one HTML page, outside of the dataset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from kohya_wrap import resources
from kohya_wrap.dataset.preview import page
from kohya_wrap.dataset.preview.page import About
from kohya_wrap.domain.finding import typed
from kohya_wrap.errors import UsageError
from kohya_wrap.host import atomic
from kohya_wrap.places import Places, Project
from kohya_wrap.workflow import bare_folder, check_dataset
from kohya_wrap.workflow.check_dataset import CheckRequest, DatasetCheck, OnImages

NAME = "dataset.html"


@dataclass(frozen=True)
class PreviewRequest:
    """Attributes:
    out: None: into the project's output folder; for a folder without a project, here.
    program: how `kohya-wrap` is typed here.
    """

    check: CheckRequest
    out: Path | None
    program: str


@dataclass(frozen=True)
class Preview:
    path: Path
    size: int  # bytes
    found: DatasetCheck


def run(
    request: PreviewRequest, places: Places, env: Mapping[str, str], on_images: OnImages, on_drawn: OnImages
) -> Preview:
    """Raises: as check_dataset.run. UsageError: the page would lie in the dataset, or take the place of something else."""
    path = _place(request)
    _refuse_other(path, request)
    found = check_dataset.run(request.check, places, env, on_images)
    _refuse_among_images(path, request, found)
    text = page.render(found.checked, _about(request, found), resources.templates(), on_drawn)
    atomic.write_text(path, text)
    return Preview(path, path.stat().st_size, found)


def _place(request: PreviewRequest) -> Path:
    if request.out is not None:
        path = request.out.absolute()
        return path / NAME if path.is_dir() else path
    config = bare_folder.config_of(request.check.where)
    return (Project(config.parent.absolute()).output if config else Path.cwd()) / NAME


def _refuse_other(path: Path, request: PreviewRequest) -> None:
    if not path.exists() or (path.is_file() and (not path.stat().st_size or page.is_one(path))):
        return
    raise UsageError(
        f"{path} is there, and no page of `dataset preview`.",
        why="The page would take its place.",
        hint=f"kohya-wrap dataset preview {typed(request.check.where)} --out {typed(Path.home() / NAME)}",
    )


def _refuse_among_images(path: Path, request: PreviewRequest, found: DatasetCheck) -> None:
    if any(path.resolve().is_relative_to(folder.resolve()) for folder in found.of_images):
        raise UsageError(
            f"{path} would lie among the images.",
            why="Nothing is written into a dataset but captions.",
            hint=f"kohya-wrap dataset preview {typed(request.check.where)} --out {typed(Path.home() / NAME)}",
        )


def _about(request: PreviewRequest, found: DatasetCheck) -> About:
    shown = dict.fromkeys(
        f"{str(config.get('resolution')).replace(',', '×')}, batches of {config.get('train_batch_size', 1)}"
        for config in found.configs
    )
    return About(
        title=(found.config.absolute().parent if found.config else found.folder.absolute()).name,
        seen_as=f"Seen as {found.meant.family.title} at {' and at '.join(shown)}",
        dataset=found.folder.absolute(),
        edited=found.config.absolute() if found.config and found.settings.configured else None,
        findings=found.findings,
        made=datetime.now().strftime("%Y-%m-%d %H:%M"),
        program=request.program,
    )
