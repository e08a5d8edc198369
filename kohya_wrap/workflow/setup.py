"""`init`: from nothing to a project that `run` can train, in steps that are safe to repeat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from kohya_wrap import resources
from kohya_wrap.config import card_names, presets
from kohya_wrap.config.limits import Machine
from kohya_wrap.config.presets import GpuPreset, Subject
from kohya_wrap.domain.finding import Finding
from kohya_wrap.domain.steps import StepPlan
from kohya_wrap.engine import catalogue, reference, weights
from kohya_wrap.engine.reference import Reference
from kohya_wrap.engine.weights import Weights
from kohya_wrap.places import Places, Project
from kohya_wrap.workflow import (
    concept_folder,
    epoch_length,
    kept_config,
    machine,
    new_config,
    trigger_words,
)
from kohya_wrap.workflow.concept_folder import Concept, Found
from kohya_wrap.workflow.kept_config import KeptConfig
from kohya_wrap.workflow.provision import News, OnNews, Wanted, missing, provide


@dataclass(frozen=True)
class SetupRequest:
    """What was asked of `init`; the words are those of its options.

    Attributes:
        asked: the names of those that were given, not left at their defaults.
    """

    root: Path
    base: str = "sd15"
    gpu: str = "auto"
    concept: str = "concept"
    images: Path | None = None
    repeats: str = "10"
    steps: int | None = None
    subject: Subject = ""
    trigger: str = ""
    engine: str = "real"
    full: bool = False
    reuse_torch: bool = False
    engine_dir: Path | None = None
    allow_pickle: bool = False
    asked: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Ready:
    """What stands now.

    Attributes:
        preset: the card's; None where `auto` found none.
        can_train: this machine has the card, or needs none.
        folder: where the images belong; `images` of them lie in it, `all_images` in all concept folders.
        waits: parts left for the machine that has the GPU (nothing is downloaded for a card that is not here).
    """

    project: Project
    preset: GpuPreset | None
    can_train: bool
    folder: Path
    images: int
    all_images: int
    licence: str
    waits: tuple[str, ...]
    config_kept: bool
    plan: StepPlan | None  # as a new config says it
    findings: tuple[Finding, ...]


def set_up(request: SetupRequest, places: Places, env: Mapping[str, str], on_news: OnNews) -> Ready:
    """Dataset first, since what is wrong with it costs nothing to find; then what is fetched; the config last.

    Raises:
        KohyaWrapError: of the first step that failed; what the others finished is kept.
    """
    project = Project(request.root.absolute())
    known = presets.load(resources.presets())
    kept = kept_config.read(project.config)
    chosen = machine.choose(known, request.gpu, env)
    engine = request.engine if kept is None or "engine" in request.asked else kept.wrapper.engine
    fetches = engine == "real" and (machine.is_here(chosen) or request.full)
    base = (
        kept_config.base(kept, places, needed=fetches)
        if kept
        else reference.parse(request.base, catalogue.load(resources.presets()))
    )
    concept_folder.check(request.concept, request.repeats)
    request = replace(request, trigger=trigger_words.checked("--trigger", request.trigger))
    if "concept" not in request.asked:
        request = replace(request, concept=concept_folder.only_one(project) or request.concept)
    there = concept_folder.find(project, request.concept)
    otherwise = _otherwise(request, kept, base, chosen, there)
    on_news(News("gpu", "done", _card_in_words(chosen, request.gpu)))

    most = epoch_length.of_base(base, project, places, chosen.preset if chosen else None)
    laid = concept_folder.lay_out(project, there, _concept(request, kept, there, most), on_news)
    wanted = Wanted(base, project.models, request.engine_dir, request.reuse_torch, request.allow_pickle)
    were_here = weights.find(base, wanted.models, places, allow_pickle=request.allow_pickle) if base else None
    fetched, waits = _fetch(wanted, places, on_news, fetches) if engine == "real" else (None, ())
    found = fetched or were_here
    plan = None
    if kept:
        on_news(News("config", "kept", f"{project.config.name} (remove it to have it made anew)"))
    elif base:
        plan = new_config.write(request, project, known, chosen, base, found, laid.inventory, on_news)
    second = (concept_folder.another(laid.folder, there.others),) if there.others and not there.own else ()
    return Ready(
        project,
        chosen.preset if chosen else None,
        machine.is_here(chosen) or engine == "rehearsal",
        laid.folder,
        laid.images,
        laid.inventory.images if laid.inventory else 0,
        found.licence if found and not were_here else "",  # once: when it comes
        waits,
        kept is not None,
        plan,
        (*otherwise, *second, *laid.findings, *(laid.inventory.findings if laid.inventory else ())),
    )


def _otherwise(
    request: SetupRequest,
    kept: KeptConfig | None,
    base: Reference | None,
    chosen: Machine | None,
    there: Found,
) -> tuple[Finding, ...]:
    """What was asked and a config that is there says otherwise."""
    if kept is None:
        return ()
    asked = {name: getattr(request, name) for name in request.asked}
    if not _is_configs(kept, request.concept, there):
        asked.pop("trigger", None)  # a second concept has a trigger of its own
    typed = request.root / kept.user.path.name
    return tuple(kept_config.differences(kept, base, asked, chosen.preset.name if chosen else "", typed))


def _is_configs(kept: KeptConfig, concept: str, there: Found) -> bool:
    """Whether the config, which knows one trigger, was made for this concept."""
    return not there.others or kept.user.values.get("output_name") == concept


def _concept(request: SetupRequest, kept: KeptConfig | None, there: Found, most: int) -> Concept:
    """What is asked of the folder, where the config's trigger counts if it is the config's concept."""
    trigger = request.trigger
    asked = "trigger" in request.asked
    if kept and (kept.wrapper.trigger or not asked) and _is_configs(kept, request.concept, there):
        trigger = kept.wrapper.trigger  # another one that was asked for is said, not added to the first
    extension = kept.user.values.get("caption_extension") if kept else None
    return Concept(
        request.concept,
        request.images,
        request.repeats if "repeats" in request.asked or not there.own else "",
        trigger,
        extension if isinstance(extension, str) else None,
        most,
    )


def _card_in_words(chosen: Machine | None, wanted: str) -> str:
    if chosen is None:
        return "none here"
    if chosen.gpu is None:
        card = f"the most modest of {wanted}, {chosen.preset.in_words()}"
        card = card if card_names.memory_named(wanted) else chosen.preset.name
        return "cpu" if chosen.preset.is_cpu else f"{card}; not in this machine"
    return f"{chosen.gpu.name}, preset {chosen.preset.name}"


def _fetch(
    wanted: Wanted, places: Places, on_news: OnNews, fetches: bool
) -> tuple[Weights | None, tuple[str, ...]]:
    if fetches:
        return provide(wanted, places, on_news).weights, ()
    waits = missing(wanted, places)
    for part in waits:
        on_news(News(part, "waits", "for the machine with the GPU; nothing is downloaded here"))
    return None, waits
