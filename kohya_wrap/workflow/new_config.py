"""The training_config.toml of a new project: for its base, its card and the images that are there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kohya_wrap import resources
from kohya_wrap.config import generate, render
from kohya_wrap.config.limits import Machine
from kohya_wrap.config.presets import Presets
from kohya_wrap.config.resolve import BATCH, card_values
from kohya_wrap.dataset import captions
from kohya_wrap.domain import buckets, steps
from kohya_wrap.domain.dataset import Inventory
from kohya_wrap.domain.family import FAMILIES, Family
from kohya_wrap.domain.steps import StepPlan
from kohya_wrap.engine.reference import Catalogued, Local, OnHub, Reference
from kohya_wrap.engine.weights import Weights
from kohya_wrap.host import atomic
from kohya_wrap.places import Project
from kohya_wrap.workflow import base_model
from kohya_wrap.workflow.base_model import Facts
from kohya_wrap.workflow.provision import News, OnNews

if TYPE_CHECKING:
    from kohya_wrap.workflow.setup import SetupRequest


def write(
    request: SetupRequest,
    project: Project,
    known: Presets,
    chosen: Machine | None,
    base: Reference,
    found: Weights | None,
    seen: Inventory | None,
    on_news: OnNews,
) -> StepPlan | None:
    """Write training_config.toml; the plan that it says, None without images or where the config must wait."""
    facts = _facts(base, found)
    if facts is None:
        on_news(
            News("config", "waits", f"for the weights: the family of {request.base} stands in their header")
        )
        return None
    new, plan = _new_project(request, known, chosen, base, found, facts, seen)
    family = FAMILIES[facts.family]
    text = render.for_people(
        resources.templates(),
        generate.sections(new),
        title=f"{family.title} on {new.preset.name}",
        family=family.title,
        epochs_note=_epochs_note(new),
        checkpoints=_checkpoints(new),
    )
    atomic.write_text(project.config, text)
    on_news(News("config", "done", project.config.name + _captions_in_words(new)))
    return plan


def _facts(base: Reference, found: Weights | None) -> Facts | None:
    """What is known of the base: from its header, else from the catalogue."""
    if found:
        return base_model.of_weights(found)
    return base_model.of_catalogue(base.base) if isinstance(base, Catalogued) else None


def _captions_in_words(new: generate.NewProject) -> str:
    shuffled = new.recipe.options.get("shuffle_caption")
    if shuffled is None:
        return ""
    return "; captions are tags: shuffled" if shuffled else "; captions are sentences: not shuffled"


def _new_project(
    request: SetupRequest,
    known: Presets,
    chosen: Machine | None,
    base: Reference,
    found: Weights | None,
    facts: Facts,
    seen: Inventory | None,
) -> tuple[generate.NewProject, StepPlan | None]:
    family = FAMILIES[facts.family]
    style = captions.style_of(seen) if seen else None
    recipe = known.recipe_for(request.subject).for_family(facts.family, style)
    preset = chosen.preset if chosen else known.gpus["RTX 4090"]
    target = request.steps or recipe.steps
    plan = _plan(seen, family, card_values(preset.for_family(family.name), recipe.batch), target)
    new = generate.NewProject(
        name=request.concept,
        base=request.base,
        base_path=_base_path(base, found),
        vae=f"./models/{base.base.vae.local_name}"
        if isinstance(base, Catalogued) and base.base.vae
        else None,
        v_prediction=facts.v_prediction,
        zero_terminal_snr=facts.zero_terminal_snr,
        family=family,
        recipe=recipe,
        preset=preset,
        engine=request.engine,
        trigger=request.trigger,
        target_steps=target,
        epochs=plan.epochs if plan else None,
        subject=request.subject,
        caption_extension=seen.caption_extension if seen else ".txt",
    )
    return new, plan


def _base_path(base: Reference, found: Weights | None) -> str:
    """The base as the config names it: the link in models/, or the user's own file where it lies."""
    if isinstance(base, Local):
        return str(base.path)
    if found is not None:
        return f"./models/{found.path.name}"
    return f"./models/{base.file.local_name if isinstance(base, Catalogued) else Path(base.filename).name if isinstance(base, OnHub) else ''}"


def _plan(seen: Inventory | None, family: Family, card: Mapping[str, Any], target: int) -> StepPlan | None:
    """Epochs that come nearest to the target on this card; None without images."""
    if seen is None:
        return None
    rule = buckets.BucketRule((family.resolution, family.resolution), maximum=family.max_bucket_reso)
    passes = buckets.fill(rule, seen.sized()).values()
    batch, accumulation = (card[name] for name in BATCH)
    return steps.solve(
        passes, batch=batch, accumulation=accumulation, epochs=None, max_steps=None, target=target
    )


def _epochs_note(new: generate.NewProject) -> str:
    return f"These come nearest to {new.target_steps} steps at a batch of {new.recipe.batch}."


def _checkpoints(new: generate.NewProject) -> int:
    if new.epochs is None:
        return 0
    return (new.epochs - 1) // steps.save_every(new.epochs) + 1
