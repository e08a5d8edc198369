"""`demo`: the whole way in miniature, on pictures drawn here and, for the real engine, a base of random weights."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kohya_wrap import resources
from kohya_wrap.config import generate, presets, render
from kohya_wrap.config.presets import GpuPreset
from kohya_wrap.dataset import drawn
from kohya_wrap.dataset.building import Choices
from kohya_wrap.domain.family import FAMILIES, FamilyName
from kohya_wrap.engine import random_base
from kohya_wrap.errors import UsageError
from kohya_wrap.host import atomic, lock
from kohya_wrap.places import Places, Project
from kohya_wrap.workflow import concept_build
from kohya_wrap.workflow.alone import refuse_trainers
from kohya_wrap.workflow.provision import News, OnNews, Wanted, missing, provide, telling


@dataclass(frozen=True)
class Scale:
    """How small the miniature is: side in pixels, epochs, repeats."""

    side: int
    epochs: int
    repeats: int


# At 128 px a CPU takes about 2 s a step; the rehearsal takes milliseconds, so it can show more of a training.
_SCALES = {"real": Scale(128, 3, 1), "rehearsal": Scale(256, 8, 5)}


def installed_engine(places: Places, engine_dir: Path | None = None) -> str:
    """ "real" where engine, environment and tokenizers are all here, else "rehearsal"."""
    return "rehearsal" if missing(_engine_only(places, engine_dir), places) else "real"


def _engine_only(places: Places, engine_dir: Path | None = None) -> Wanted:
    return Wanted(None, places.demo, engine_dir)


@contextmanager
def alone(kind: str, places: Places) -> Iterator[None]:
    """From the lay-out to the end of the training: the next demo begins with the removal of this one's project.

    Raises:
        UsageError: another demo is at work, or a trainer that it left.
    """
    project = Project(places.demo / kind)
    try:
        with lock.hold(project.root, wait=False):
            refuse_trainers(project)
            yield
    except lock.Busy:
        raise UsageError(
            f"Another demo is at work in {project.root}.",
            why="Each demo makes that folder anew.",
            hint="Wait for its end, then: kohya-wrap demo",
        ) from None


def lay_out(
    kind: str, preset: GpuPreset, places: Places, on_news: OnNews, engine_dir: Path | None = None
) -> Path:
    """Make the demo's project anew, with nobody else at it (`alone`), and return its config's path.

    Raises:
        EngineError, MachineError: the real engine cannot be had here.
    """
    base = random_base.file(places)
    if kind == "real":
        has = provide(_engine_only(places, engine_dir), places, on_news)
        telling(
            "base", on_news, lambda say: random_base.ensure(has.environment.python, has.checkout, places, say)
        )
    project = Project(places.demo / kind)
    shutil.rmtree(project.root, ignore_errors=True)
    source = project.root / "pictures"
    count = drawn.draw(source)
    choices = Choices(sources=(str(source),), trigger=drawn.TRIGGER)
    place = concept_build.place(project, "cutouts", None)
    concept_build.build_concept(project, place, choices, str(_SCALES[kind].repeats))
    on_news(News("dataset", "done", f"{count} pictures drawn, each with a caption"))
    atomic.write_text(project.config, _config_text(kind, preset, base))
    return project.config


def _config_text(kind: str, preset: GpuPreset, base: Path) -> str:
    scale = _SCALES[kind]
    family = FAMILIES[FamilyName.SD15]
    recipe = presets.load(resources.presets()).recipe_for("").sd15
    new = generate.NewProject(
        name="cutouts",
        base=str(base),
        base_path=str(base),
        vae=None,
        v_prediction=False,
        zero_terminal_snr=False,
        family=family,
        recipe=recipe,
        preset=preset,
        engine=kind,
        trigger=drawn.TRIGGER,
        target_steps=recipe.steps,
        epochs=scale.epochs,
    )
    sections = generate.sections(new)
    del sections["kohya_wrap"]["target_steps"]  # far more than a demo's
    sections["dataset"] |= {
        "resolution": f"{scale.side},{scale.side}",
        "min_bucket_reso": 64,
        "max_bucket_reso": 2 * scale.side,
    }
    return render.for_people(
        resources.templates(),
        sections,
        title="the demo",
        family=family.title,
        checkpoints=scale.epochs,
        epochs_note="Few, for a demo.",
    )
