"""Before a cent is spent: on each card, whether it fits, how many steps, how long, how much."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from functools import cached_property
from pathlib import Path
from typing import Any

from kohya_wrap import resources
from kohya_wrap.config import presets
from kohya_wrap.config.limits import Machine
from kohya_wrap.config.presets import GpuPreset, Presets
from kohya_wrap.config.user import UserConfig
from kohya_wrap.dataset import captions, folders, inventory
from kohya_wrap.domain import cost, ladder, speed
from kohya_wrap.domain.config import Layer, Origin, TrainingConfig
from kohya_wrap.domain.cost import Offer
from kohya_wrap.domain.family import FAMILIES, Family, FamilyName
from kohya_wrap.domain.finding import Finding, Level
from kohya_wrap.domain.hardware import Cpu
from kohya_wrap.domain.memory import Load, Need
from kohya_wrap.domain.speed import Pace
from kohya_wrap.domain.steps import StepPlan
from kohya_wrap.engine import catalogue, reference
from kohya_wrap.engine.reference import Catalogued, Local, Reference
from kohya_wrap.errors import MachineError, UsageError
from kohya_wrap.host import image_file
from kohya_wrap.places import Places, Project
from kohya_wrap.plan import model as models
from kohya_wrap.plan import prices
from kohya_wrap.workflow import assumed, bare_folder, effective, epochs, images, memory_load, uncountable
from kohya_wrap.workflow.base_model import Facts
from kohya_wrap.workflow.effective import Asked
from kohya_wrap.workflow.images import Images

FREE = (
    0.93  # of a card's GB, as GiB: what drivers show with error correction on; a GeForce has up to 7 % more
)
ENVIRONMENT = 4e9  # bytes that `init` fetches beside the base (engine/install.py)
_UNPACKED = 40.0  # seconds, for the environment alone, measured on two CPU cores (FACTS, section 1)
_STARTED = 60.0  # seconds from the launch to the first step, guessed
_MBIT = 1e6 / 8
_MOST_BATCH = 64
_NO_CPU = Cpu(1, does_bf16=False)
_OTHERWISE = "--base sdxl, --set resolution=768,768"
_BASE = "sd15"  # of a folder
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
        own: a card without a preset, named by `gpus` if at all: its memory in GB, and its dense 16-bit rate in TFLOPS.
    """

    where: Path
    gpus: tuple[str, ...] = ()
    base: str = ""
    words: tuple[str, ...] = ()
    budget: float | None = None
    mbits: float = 300.0
    own: tuple[int, float] | None = None


class Verdict(IntEnum):
    FITS = 0
    TIGHT = 1
    TOO_SMALL = 2


@dataclass(frozen=True)
class CardPlan:
    """One card.

    Attributes:
        changes: what is to be set for it to fit, in words; empty where it does.
        free: bytes that are counted on.
        largest: the most images at once that fit with a margin; 0: none.
        set_up, caching, training: seconds.
    """

    preset: GpuPreset
    config: TrainingConfig
    changes: tuple[str, ...]
    load: Load
    need: Need
    verdict: Verdict
    free: float
    largest: int
    steps: StepPlan
    pace: Pace
    set_up: float
    caching: float
    training: float
    offers: tuple[Offer, ...]

    @property
    def seconds(self) -> float:
        return self.set_up + self.caching + self.training

    @property
    def dollars(self) -> tuple[float, float] | None:
        """At the lowest and the highest price seen; None where no price was."""
        known = cost.price_range(self.offers)
        return None if known is None else (known[0] * self.seconds / 3600, known[1] * self.seconds / 3600)

    @property
    def seconds_a_step(self) -> float:
        return self.pace.seconds * int(self.config.get("gradient_accumulation_steps", 1))


@dataclass(frozen=True)
class Plan:
    """Attributes:
    cards: the cheapest that fits first.
    over_budget: those that the budget does not hold.
    """

    family: Family
    images: int
    cards: tuple[CardPlan, ...]
    over_budget: tuple[CardPlan, ...]
    findings: tuple[Finding, ...]


def run(request: PlanRequest, places: Places, env: Mapping[str, str]) -> Plan:
    """Nothing is fetched, nothing written.

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
    facts, said = assumed.facts(values, user, places)
    effective.refuse(said)
    fetched = ENVIRONMENT + _bytes(assumed.reference(values, user, places), facts.family)
    known = presets.load(resources.presets())
    cards = _cards(request, known)
    seen = (
        _loose(bare.folder)
        if bare and bare.loose
        else images.of(asked, Project(asked.user.path.parent.absolute()), image_file.glance)
    )
    alike = {_kind(preset, facts): _On(asked, facts, known, seen, preset) for preset in cards}
    plans = sorted(
        (
            _planned(alike[_kind(preset, facts)], preset, fetched / (request.mbits * _MBIT))
            for preset in cards
        ),
        key=_order,
    )
    _refuse_too_small(plans, request)
    held, over = _within(plans, request.budget)
    findings = (*said, *_of_all([one.settled[1] for one in alike.values()]))
    if bare:  # what is taken where no config says it is no news
        findings = (*bare.findings, *(one for one in findings if one.level is not Level.NOTE))
    count = sum(len(subset.images) for subset in seen.train.subsets)
    return Plan(FAMILIES[facts.family], count, held, over, effective.in_order(findings))


def _loose(folder: Path) -> Images:
    """As what `dataset build` makes of it. Raises DatasetError: it is of no use."""
    found = inventory.survey_loose(folders.loose(folder, _REPEATS), None, image_file.glance)
    if errors := [finding for finding in found.findings if finding.level is Level.ERROR]:
        raise inventory.refusal(folder, errors)
    return Images(found)


def _cards(request: PlanRequest, known: Presets) -> list[GpuPreset]:
    """Raises UsageError: none of that name, or one whose rate nobody has published."""
    if request.own is not None:
        memory, tflops = request.own
        like = known.of_memory(memory) or known.gpus["8 GB card"]
        name = next(iter(request.gpus), f"your {memory} GB card")
        return [replace(like, name=name, memory_gb=memory, tflops=tflops)]
    if not request.gpus:
        return [preset for preset in known.gpus.values() if preset.tflops is not None]
    found = {name: known.by_name(name) for name in request.gpus}
    for name, preset in found.items():
        if preset is None or preset.tflops is None:
            near = known.nearest(name)
            raise UsageError(
                f"No GPU preset is called {name!r}."
                if preset is None
                else f"{preset.name} is no card with a known rate.",
                why=f"The nearest names are {', '.join(near)}." if near else "It has none of its own.",
                hint=f'--gpu "{near[0] if near else "RTX 4090"}"   (or its figures: --vram 24 --tflops 165)',
            )
    return [preset for preset in found.values() if preset is not None]


def _kind(preset: GpuPreset, facts: Facts) -> tuple[Hashable, ...]:
    """Cards of one kind train the same config."""
    able = Machine(preset, None, _NO_CPU)
    return preset.for_family(facts.family), able.does_bf16, able.does_xformers


@dataclass(frozen=True)
class _On:
    """A config on cards of one kind, of which `preset` is one."""

    asked: Asked
    facts: Facts
    known: Presets
    images: Images
    preset: GpuPreset
    _steps: dict[tuple[int, int], StepPlan] = field(default_factory=dict)

    @cached_property
    def settled(self) -> tuple[TrainingConfig, tuple[Finding, ...]]:
        """Raises ConfigError, DatasetError."""
        machine = Machine(self.preset, None, _NO_CPU)
        train = self.images.train
        meant = effective.settled(
            self.asked,
            self.facts,
            machine,
            self.known,
            captions=captions.style_of(train),
            caption_extension=train.caption_extension,
        )
        effective.refuse((*meant.findings, *uncountable.errors(meant)))
        config = self.images.cacheable(meant.config)
        self.images.refuse_unfit(config)
        return config, meant.findings

    def steps(self, config: TrainingConfig) -> StepPlan:
        batches = config.get("train_batch_size", 1), config.get("gradient_accumulation_steps", 1)
        if batches not in self._steps:
            self._steps[batches] = self._counted(config)
        return self._steps[batches]

    def _counted(self, config: TrainingConfig) -> StepPlan:
        wrapper = self.asked.user.wrapper
        recipe = self.known.recipe_for(wrapper.subject).for_family(self.facts.family)
        target = wrapper.target_steps or recipe.steps
        config, plan, _ = epochs.chosen(config, self.images, target)
        return epochs.whole(config, plan)[1]

    def load(self, config: TrainingConfig) -> Load:
        return self._load if config is self.settled[0] else self._loaded(config)

    @cached_property
    def _load(self) -> Load:
        return self._loaded(self.settled[0])

    def _loaded(self, config: TrainingConfig) -> Load:
        return memory_load.of(config, self.images, self.facts.family)


def _planned(on: _On, preset: GpuPreset, fetching: float) -> CardPlan:
    """Args: fetching: seconds."""
    known = models.load(resources.presets())
    free = preset.memory_gb * FREE * 2**30
    fitting, changes = _made_to_fit(on, on.settled[0], free)
    load = on.load(fitting)
    need = known.need(load)
    steps = on.steps(fitting)
    assert preset.tflops is not None
    pace = speed.pace(known.work_of(load), load, preset.tflops, preset.capability)
    count = sum(len(subset.images) for subset in on.images.train.subsets)
    return CardPlan(
        preset=preset,
        config=fitting,
        changes=changes,
        load=load,
        need=need,
        verdict=verdict(need, free),
        free=free,
        largest=_largest(load, free),
        steps=steps,
        pace=pace,
        set_up=fetching + _UNPACKED + _STARTED,
        caching=speed.caching(load, count, preset.tflops, preset.capability),
        training=steps.batches_per_epoch * steps.epochs * pace.seconds,
        offers=prices.load(resources.presets()).get(preset.name, ()),
    )


def verdict(need: Need, free: float) -> Verdict:
    if need.conservative <= free:
        return Verdict.FITS
    return Verdict.TIGHT if need.likely <= free else Verdict.TOO_SMALL


def _made_to_fit(on: _On, config: TrainingConfig, free: float) -> tuple[TrainingConfig, tuple[str, ...]]:
    """By the rungs that `run` goes down where memory runs out; as it is where they do not help."""
    known, tried = models.load(resources.presets()), config
    changes: list[str] = []
    while verdict(known.need(on.load(tried)), free) is Verdict.TOO_SMALL:
        rung = ladder.next_rung(tried, batches_are_ours=on.images.configured is None)
        if rung is None:
            return tried, tuple(changes)
        tried = tried.with_layer(Layer(Origin.HARDWARE, rung.changed, "to fit"))
        changes.append(rung.action)
    return tried, tuple(changes)


def _largest(load: Load, free: float) -> int:
    """Images at once that fit with the margin."""
    known = models.load(resources.presets())

    def too_many(batch: int) -> bool:
        return verdict(known.need(replace(load, batch=batch)), free) is not Verdict.FITS

    return bisect_left(range(1, _MOST_BATCH + 1), True, key=too_many)


def _on_base(asked: Asked, base: str) -> tuple[Mapping[str, Any], UserConfig]:
    """What is asked, of that base if one is named. Raises UsageError: it is none."""
    if not base:
        return asked.values, asked.user
    named = reference.parse(base, catalogue.load(resources.presets()))
    base = str(named.path) if isinstance(named, Local) else base
    values = {name: value for name, value in asked.values.items() if name != "pretrained_model_name_or_path"}
    return values, replace(asked.user, wrapper=replace(asked.user.wrapper, base=base))


def _bytes(base: Reference | None, family: FamilyName) -> int:
    """What is brought to the rented machine, fetched there or sent from here; of one elsewhere, what its family's own has."""
    if isinstance(base, Catalogued):
        return base.file.bytes
    if isinstance(base, Local) and base.path.is_file():
        return base.path.stat().st_size
    own = catalogue.load(resources.presets()).bases[family.value]
    return own.files[own.default].bytes


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
    raise MachineError(
        f"It fits on {'none of the cards' if len(plans) > 1 else nearest.preset.name}: "
        f"{nearest.need.likely / 2**30:.1f} GiB are needed, and {nearest.free / 2**30:.1f} are free on {nearest.preset.name}.",
        why="That is with gradient checkpointing and one image at once: what is left would learn something else.",
        hint=f"A smaller resolution or network_dim: --set resolution=512,512 --set network_dim=16   (it is "
        f'"{nearest.config.get("resolution")}", {nearest.load.network_dim})',
    )


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
    left = max(1, int(nearest.steps.epochs * budget / nearest.dollars[0]))
    raise UsageError(
        f"${budget:.2f} holds none of them: the nearest is {nearest.preset.name} at ${nearest.dollars[0]:.2f}, "
        f"{nearest.seconds / 3600:.1f} hours at ${nearest.offers[0].low if nearest.offers else 0:.2f}.",
        why=f"{nearest.steps.steps} steps of {nearest.seconds_a_step:.1f} s each, within a factor of two.",
        hint=f"--budget {nearest.dollars[0] + 0.005:.2f}, or fewer epochs: --set max_train_epochs={left}",
    )
