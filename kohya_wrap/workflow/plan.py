"""Before a cent is spent: on each card, whether it fits, how many steps, how long, how much."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kohya_wrap import resources
from kohya_wrap.config import presets
from kohya_wrap.config.limits import Machine
from kohya_wrap.config.presets import GpuPreset, Presets
from kohya_wrap.config.user import UserConfig
from kohya_wrap.dataset import folders, inventory
from kohya_wrap.domain.family import FAMILIES, Family, FamilyName
from kohya_wrap.domain.finding import Finding, Level
from kohya_wrap.domain.memory import Load, area
from kohya_wrap.domain.session import Base
from kohya_wrap.domain.wording import counted
from kohya_wrap.engine import catalogue, reference
from kohya_wrap.engine.reference import Catalogued, Local, Reference
from kohya_wrap.errors import KohyaWrapError, MachineError, UsageError
from kohya_wrap.host import image_file
from kohya_wrap.places import Places, Project
from kohya_wrap.plan import model as models
from kohya_wrap.plan import prices
from kohya_wrap.workflow import assumed, bare_folder, calibrated, card_plan, effective, images
from kohya_wrap.workflow.base_model import Facts
from kohya_wrap.workflow.card_plan import NO_CPU, CardPlan, Kind, Verdict
from kohya_wrap.workflow.effective import Asked
from kohya_wrap.workflow.images import Images

if TYPE_CHECKING:
    from kohya_wrap.workflow.live_prices import Live

_OTHERWISE = "--base sdxl, --set resolution=768,768"
_BASE = "sd15"  # of a folder
_SMALL_DIM = 16  # of a LoRA that is still one
_REPEATS = 10  # as `dataset build` has it


@dataclass(frozen=True)
class PlanRequest:
    """What was asked of `plan`.

    Attributes:
        where: a config, a project, or a folder of images.
        gpus: names; empty for all that are known.
        base: empty: the config's, or SD 1.5 where there is none.
        budget: dollars.
        mbits: a second, of the rented machine's download.
        figures: of a card without a preset, named by `gpus` if at all: its memory in GB, and its dense 16-bit rate in TFLOPS.
        mine: the name of a card that is not rented.
        live: today's prices; None: the dated table's.
    """

    where: Path
    gpus: tuple[str, ...] = ()
    base: str = ""
    words: tuple[str, ...] = ()
    budget: float | None = None
    mbits: float = 300.0
    figures: tuple[int, float] | None = None
    mine: str = ""
    live: Callable[[], Live] | None = None


@dataclass(frozen=True)
class Plan:
    """Attributes:
    cards: the cheapest that fits first.
    over_budget: those that the budget does not hold.
    mine: on the user's own card.
    live: how today's prices came; None where they were not asked for.
    """

    family: Family
    images: int
    cards: tuple[CardPlan, ...]
    over_budget: tuple[CardPlan, ...]
    findings: tuple[Finding, ...]
    mine: CardPlan | None = None
    live: Live | None = None


def run(request: PlanRequest, places: Places, env: Mapping[str, str]) -> Plan:
    """Nothing is fetched, nothing written, but for today's prices.

    Raises:
        ConfigError, DatasetError: as `run` would. UsageError: no such card; the budget holds none.
        MachineError: it fits on no card.
    """
    config = bare_folder.config_of(request.where)
    bare = (
        None
        if config
        else bare_folder.of(request.where, request.words, env, family=request.base, otherwise=_OTHERWISE)
    )
    asked = bare.asked if bare else effective.read(config or request.where, request.words, env)
    values, user = _on_base(asked, request.base or (_BASE if bare else ""))
    known = presets.load(resources.presets())
    cards = _cards(request, known)
    effective.refuse_no_paths(asked, Machine(cards[0], None, NO_CPU), known, effective.LOOKED_FOR)
    facts, said = assumed.facts(values, user, places)
    effective.refuse(said)
    base = _base(assumed.reference(values, user, places), facts.family)
    seen = (
        _loose(bare.folder)
        if bare and bare.loose
        else images.of(asked, Project(asked.user.path.parent.absolute()), image_file.glance)
    )
    own = _card(request.mine, known, "--own") if request.mine else None
    alike = {
        _kind(preset, facts): Kind(asked, facts, known, seen, preset)
        for preset in (*cards, *([own] if own else ()))
    }
    runs, unread = calibrated.runs(places)
    live = request.live() if request.live else None
    offers = live.offers if live else prices.load(resources.presets()).offers

    def on(preset: GpuPreset) -> CardPlan:
        kind, priced = alike[_kind(preset, facts)], offers.get(preset.name, ())
        measured = () if request.figures and preset is not own else runs
        return card_plan.planned(kind, preset, priced, base=base, mbits=request.mbits, runs=measured)

    plans = sorted(map(on, cards), key=_order)
    try:
        _refuse_too_small(plans, request)
        held, over = _within(plans, request.budget)
    except KohyaWrapError as error:
        error.findings = live.findings if live else ()  # which prices it is that it goes by
        raise
    findings = (*said, *unread, *_of_all([one.settled[1] for one in alike.values()]))
    if bare:  # what is taken where no config says it is no news
        findings = (
            *bare.findings,
            *(one for one in findings if one.level is not Level.NOTE or one.code == "family-assumed"),
        )
    findings = effective.in_order((*findings, *(live.findings if live else ())))
    count = sum(len(subset.images) for subset in seen.train.subsets)
    return Plan(FAMILIES[facts.family], count, held, over, findings, on(own) if own else None, live)


def _loose(folder: Path) -> Images:
    """As what `dataset build` makes of it. Raises DatasetError: it is of no use."""
    found = inventory.survey_loose(folders.loose(folder, _REPEATS), None, image_file.glance)
    if errors := [finding for finding in found.findings if finding.level is Level.ERROR]:
        raise inventory.refusal(folder, errors)
    return Images(found)


def _cards(request: PlanRequest, known: Presets) -> list[GpuPreset]:
    """Raises UsageError: none of that name, or one whose rate nobody has published."""
    if request.figures is not None:
        memory, tflops = request.figures
        like = known.of_memory(memory) or known.gpus["8 GB card"]
        name = next(iter(request.gpus), f"your {memory} GB card")
        return [replace(like, name=name, memory_gb=memory, tflops=tflops)]
    if not request.gpus:
        return [preset for preset in known.gpus.values() if preset.tflops is not None]
    cards = [_card(name, known, "--gpu") for name in request.gpus]
    return list({card.name: card for card in cards}.values())  # of one card in two spellings a line


def full_name(name: str) -> str:
    """Of the preset that is meant; as it is where there is none."""
    preset = presets.load(resources.presets()).by_name(name)
    return preset.name if preset else name


def _card(name: str, known: Presets, option: str) -> GpuPreset:
    """Raises UsageError: none of that name, or one whose rate nobody has published."""
    preset = known.by_name(name)
    if preset is not None and preset.tflops is not None:
        return preset
    near = [one for one in known.nearest(name) if known.gpus[one].tflops is not None]
    raise UsageError(
        f"No GPU preset is called {name!r}."
        if preset is None
        else f"{preset.name} is no card with a known rate.",
        why=f"The nearest names are {', '.join(near)}." if near else "It has none of its own.",
        hint=f'{option} "{near[0] if near else "RTX 4090"}"'
        + ("   (or its figures: --vram 24 --tflops 165)" if option == "--gpu" else ""),
    )


def _kind(preset: GpuPreset, facts: Facts) -> tuple[Hashable, ...]:
    """Cards of one kind train the same config."""
    able = Machine(preset, None, NO_CPU)
    return preset.for_family(facts.family), able.does_bf16, able.does_xformers


def _on_base(asked: Asked, base: str) -> tuple[Mapping[str, Any], UserConfig]:
    """What is asked, of that base if one is named. Raises UsageError: it is none."""
    if not base:
        return asked.values, asked.user
    named = reference.parse(base, catalogue.load(resources.presets()))
    base = str(named.path) if isinstance(named, Local) else base
    values = {name: value for name, value in asked.values.items() if name != "pretrained_model_name_or_path"}
    return values, replace(asked.user, wrapper=replace(asked.user.wrapper, base=base))


def _base(base: Reference | None, family: FamilyName) -> Base:
    """What is brought to the rented machine, fetched there or sent from here; of one elsewhere, as large as its family's own."""
    if isinstance(base, Catalogued):
        return Base(base.file.local_name, base.file.bytes)
    if isinstance(base, Local) and base.path.is_file():
        return Base(str(base.path), base.path.stat().st_size)
    own = catalogue.load(resources.presets()).bases[family.value]
    return Base(str(base), own.files[own.default].bytes)


def _order(plan: CardPlan) -> tuple[Verdict, float, float]:
    """The cheapest that fits first; of those without a price the fastest."""
    dollars = plan.dollars
    return plan.verdict, dollars[0] if dollars else float("inf"), plan.seconds


def _of_all(found: Sequence[tuple[Finding, ...]]) -> tuple[Finding, ...]:
    """What is said of the config on every card: what holds for one alone stands in its row."""
    first, *rest = found
    return tuple(one for one in first if all(one in other for other in rest))


def _refuse_too_small(plans: Sequence[CardPlan], request: PlanRequest) -> None:
    """Raises MachineError: it fits on none of them."""
    if plans[0].verdict is not Verdict.TOO_SMALL:
        return
    nearest = min(plans, key=lambda plan: plan.need.likely - plan.free)
    less, smaller = _less(nearest.load)
    helps = models.load(resources.presets()).need(smaller).likely <= nearest.free
    raise MachineError(
        f"It {'fits on none of the cards' if len(plans) > 1 else f'does not fit on {nearest.preset.name}'}: "
        f"{nearest.need.likely / 2**30:.1f} GiB are needed, and {nearest.free / 2**30:.1f} are free on {nearest.preset.name}.",
        why=f"That is with gradient checkpointing and {counted(nearest.load.batch, 'image')} at once: what is left would learn "
        "something else.",
        hint=f"A smaller resolution or batch_size in the dataset_config, or a smaller network_dim (it is {nearest.load.network_dim})."
        if not nearest.batches_are_ours
        else f"It would with {' '.join(less)}"
        if helps
        else "A card with more memory: leave --gpu, --vram and --tflops out, or a base of another family.",
    )


def _less(load: Load) -> tuple[list[str], Load]:
    """What would take less and learn something else, as words of --set, and what is loaded then."""
    words, smaller = [], load
    if area(load.size) > 1:
        words, smaller = ["--set resolution=512,512"], replace(smaller, size=(512, 512))
    if load.network_dim > _SMALL_DIM:
        words, smaller = [*words, f"--set network_dim={_SMALL_DIM}"], replace(smaller, network_dim=_SMALL_DIM)
    if load.conv_dim > _SMALL_DIM:
        words, smaller = [*words, "and a smaller conv_dim"], replace(smaller, conv_dim=_SMALL_DIM)
    return words, smaller


def _within(
    plans: Sequence[CardPlan], budget: float | None
) -> tuple[tuple[CardPlan, ...], tuple[CardPlan, ...]]:
    """Raises UsageError: the budget holds none that fits."""
    if budget is None:
        return tuple(plans), ()
    over = tuple(plan for plan in plans if plan.dollars is None or plan.dollars[0] > budget)
    held = tuple(plan for plan in plans if plan not in over)
    if any(plan.verdict is not Verdict.TOO_SMALL for plan in held):
        return held, over
    priced = [plan for plan in over if plan.dollars is not None and plan.verdict is not Verdict.TOO_SMALL]
    if not priced:
        raise UsageError(
            "No price of any of these cards is known, so a budget says nothing.",
            why="Nobody was seen to offer them.",
            hint='Leave --budget out, or name other cards: --gpu "RTX 4090"',
        )
    nearest = min(priced, key=lambda plan: plan.dollars or (0.0, 0.0))
    assert nearest.dollars is not None
    set_up = nearest.dollars_of_set_up
    left = int(nearest.steps.epochs * (budget - set_up) / (nearest.dollars[0] - set_up))
    raise UsageError(
        f"${budget:.2f} holds none of them: the nearest is {nearest.preset.name} at ${nearest.dollars[0]:.2f}, "
        f"{nearest.seconds / 3600:.1f} hours at ${nearest.offer.low if nearest.offer else 0:.2f}.",
        why=f"{nearest.steps.steps} steps of {nearest.seconds_a_step:.1f} s each, within a factor of "
        f"{nearest.estimate.within:g}.",
        hint=f"--budget {nearest.dollars[0] + 0.005:.2f}"
        + (
            f", or fewer epochs: --set max_train_epochs={left}"
            if left > 0
            else f"   (set-up alone is ${set_up:.2f})"
        ),
    )
