"""`init`: from nothing to a project that `run` can train, in steps that are safe to repeat."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kohya_wrap import resources
from kohya_wrap.config import generate, presets, render
from kohya_wrap.config.presets import GpuPreset, Presets
from kohya_wrap.config.resolve import Machine
from kohya_wrap.dataset import build, inventory
from kohya_wrap.domain import buckets, steps
from kohya_wrap.domain.family import FAMILIES, Family, FamilyName
from kohya_wrap.engine import catalogue, reference, weights
from kohya_wrap.engine.reference import Catalogued, Local, OnHub, Reference
from kohya_wrap.engine.weights import Weights
from kohya_wrap.errors import UsageError
from kohya_wrap.places import Places, Project
from kohya_wrap.workflow import machine
from kohya_wrap.workflow.provision import News, OnNews, Wanted, missing, provide


@dataclass(frozen=True)
class SetupRequest:
    """What was asked of `init`; the words are those of its options."""

    root: Path
    base: str = "sd15"
    gpu: str = "auto"
    concept: str = "concept"
    images: Path | None = None
    repeats: str = "10"
    steps: int | None = None
    trigger: str = ""
    engine: str = "real"
    full: bool = False
    reuse_torch: bool = False
    engine_dir: Path | None = None
    allow_pickle: bool = False


@dataclass(frozen=True)
class Ready:
    """What stands now.

    Attributes:
        preset: the card's; None where `auto` found none.
        can_train: this machine has the card, or needs none.
        folder: where the images belong.
        waits: parts left for the machine that has the GPU (nothing is downloaded for a card that is not here).
    """

    project: Project
    preset: GpuPreset | None
    can_train: bool
    folder: Path
    images: int
    licence: str
    waits: tuple[str, ...]
    config_kept: bool


def set_up(request: SetupRequest, places: Places, env: Mapping[str, str], on_news: OnNews) -> Ready:
    """Dataset first, since what is wrong with it costs nothing to find; then what is fetched; the config last.

    Raises:
        KohyaWrapError: of the first step that failed; what the others finished is kept.
    """
    project = Project(request.root.absolute())
    known = presets.load(resources.presets())
    chosen = machine.choose(known, request.gpu, env)
    base = reference.parse(request.base, catalogue.load(resources.presets()))
    _check_concept(request)
    on_news(News("gpu", "done", _card_in_words(chosen)))

    folder, images = _dataset(request, project, on_news)
    wanted = Wanted(base, project.models, request.engine_dir, request.reuse_torch, request.allow_pickle)
    were_here = weights.find(base, wanted.models, places, allow_pickle=request.allow_pickle)
    fetched, waits = _fetch(request, wanted, places, chosen, on_news)
    found = fetched or were_here
    config_kept = _config(request, project, known, chosen, base, found, on_news)
    return Ready(
        project,
        chosen.preset if chosen else None,
        machine.is_here(chosen) or request.engine == "rehearsal",
        folder,
        images,
        found.licence if found and not were_here else "",  # once: when it comes
        waits,
        config_kept,
    )


def _check_concept(request: SetupRequest) -> None:
    if (
        not request.concept.strip()
        or re.search(r"[/\\\0]", request.concept)
        or request.concept.startswith(".")
    ):
        raise UsageError(
            f"--concept {request.concept!r} cannot be a folder's name.",
            why="The folder is called N_concept, e.g. 10_mycat.",
            hint="--concept mycat",
        )
    if request.repeats != "auto" and not (request.repeats.isdecimal() and int(request.repeats) > 0):
        raise UsageError(
            f"--repeats {request.repeats!r} is neither a number above 0 nor auto.",
            why="It says how often each image is seen in an epoch.",
            hint="--repeats 10",
        )


def _card_in_words(chosen: Machine | None) -> str:
    if chosen is None:
        return "none here"
    if chosen.gpu is None:
        return "cpu" if chosen.preset.is_cpu else f"{chosen.preset.name}, not in this machine"
    return f"{chosen.gpu.name}, preset {chosen.preset.name}"


def _dataset(request: SetupRequest, project: Project, on_news: OnNews) -> tuple[Path, int]:
    """The concept folder, from --images, and how many images there are; what is there already is left as it is."""
    data = project.training_data
    there = [
        folder
        for folder in (sorted(data.iterdir()) if data.is_dir() else [])
        if folder.is_dir() and (inventory.repeats_and_tokens(folder.name) or (0, ""))[1] == request.concept
    ]
    if request.images is None:
        number = "10" if request.repeats == "auto" else request.repeats
        folder = there[0] if there else data / f"{number}_{request.concept}"
        folder.mkdir(parents=True, exist_ok=True)
        count = _images_in(project)
        on_news(News("dataset", "kept" if there else "done", f"{count} images" if count else "no images yet"))
        return folder, count
    if there and any(there[0].iterdir()):
        count = _images_in(project)
        on_news(News("dataset", "kept", f"{there[0].name}, {count} images (remove it to have it made anew)"))
        return there[0], count
    on_news(News("dataset", "working", f"reading {request.images}"))
    target = data / f"{build.repeats(request.images, request.repeats)}_{request.concept}"
    built = build.build(request.images, target, trigger=request.trigger)
    said = f"{target.name}, {built.images} images, {built.captions} captions"
    if built.triggers_written:
        said += f", trigger written into {built.triggers_written}"
    if built.converted:
        said += f", {len(built.converted)} saved as PNG"
    on_news(News("dataset", "done", said))
    return target, built.images


def _images_in(project: Project) -> int:
    if not any(path.is_file() for path in project.training_data.glob("*/*")):
        return 0
    return inventory.take(project.training_data, None).images


def _fetch(
    request: SetupRequest, wanted: Wanted, places: Places, chosen: Machine | None, on_news: OnNews
) -> tuple[Weights | None, tuple[str, ...]]:
    if request.engine == "rehearsal":
        return None, ()
    if not (machine.is_here(chosen) or request.full):
        waits = missing(wanted, places)
        for part in waits:
            on_news(News(part, "waits", "for the machine with the GPU; nothing is downloaded here"))
        return None, waits
    return provide(wanted, places, on_news).weights, ()


def _config(
    request: SetupRequest,
    project: Project,
    known: Presets,
    chosen: Machine | None,
    base: Reference,
    found: Weights | None,
    on_news: OnNews,
) -> bool:
    """Write training_config.toml unless there is one; True where it was kept."""
    if project.config.exists():
        on_news(News("config", "kept", f"{project.config.name} (remove it to have it made anew)"))
        return True
    family_name = found.family if found else base.base.family if isinstance(base, Catalogued) else None
    if family_name is None:
        on_news(
            News("config", "waits", f"for the weights: the family of {request.base} stands in their header")
        )
        return False
    new = _new_project(request, project, known, chosen, base, found, family_name)
    family = FAMILIES[family_name]
    text = render.for_people(
        resources.templates(),
        generate.sections(new),
        title=f"{family.title} on {new.preset.name}",
        family=family.title,
        epochs_note=_epochs_note(new),
        checkpoints=_checkpoints(new),
    )
    render.write_for_people(project.config, text)
    on_news(News("config", "done", project.config.name))
    return False


def _new_project(
    request: SetupRequest,
    project: Project,
    known: Presets,
    chosen: Machine | None,
    base: Reference,
    found: Weights | None,
    family_name: FamilyName,
) -> generate.NewProject:
    family = FAMILIES[family_name]
    recipe = known.recipe.for_family(family_name)
    preset = chosen.preset if chosen else known.gpus["RTX 4090"]
    target = request.steps or recipe.steps
    return generate.NewProject(
        name=request.concept,
        base=request.base,
        base_path=_base_path(base, found),
        vae=f"./models/{base.base.vae.local_name}"
        if isinstance(base, Catalogued) and base.base.vae
        else None,
        v_prediction=found is not None and found.v_prediction,
        zero_terminal_snr=found is not None and found.zero_terminal_snr,
        family=family,
        recipe=recipe,
        preset=preset,
        engine=request.engine,
        trigger=request.trigger,
        target_steps=target,
        epochs=_epochs(project, family, recipe.batch, target),
    )


def _base_path(base: Reference, found: Weights | None) -> str:
    """The base as the config names it: the link in models/, or the user's own file where it lies."""
    if isinstance(base, Local):
        return str(base.path)
    if found is not None:
        return f"./models/{found.path.name}"
    return f"./models/{base.file.local_name if isinstance(base, Catalogued) else Path(base.filename).name if isinstance(base, OnHub) else ''}"


def _epochs(project: Project, family: Family, batch: int, target: int) -> int | None:
    """Epochs that come nearest to the target; None without images. Counted in whole batches of the recipe."""
    if not _images_in(project):
        return None
    rule = buckets.BucketRule((family.resolution, family.resolution), maximum=family.max_bucket_reso)
    passes = buckets.fill(rule, inventory.take(project.training_data, None).sized()).values()
    return steps.epochs_for(target, steps.plan(passes, batch=batch, epochs=1).steps_per_epoch)


def _epochs_note(new: generate.NewProject) -> str:
    return f"These come nearest to {new.target_steps} steps at a batch of {new.recipe.batch}."


def _checkpoints(new: generate.NewProject) -> int:
    if new.epochs is None:
        return 0
    return (new.epochs - 1) // steps.save_every(new.epochs) + 1
