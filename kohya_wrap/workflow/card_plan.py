"""A config on one card: what it takes there, what must change for it to fit, how long and for how much."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from functools import cached_property

from kohya_wrap import resources
from kohya_wrap.config.limits import Machine
from kohya_wrap.config.presets import GpuPreset, Presets
from kohya_wrap.dataset import captions
from kohya_wrap.domain import calibration, cost, ladder, speed
from kohya_wrap.domain.calibration import Estimate, Measured
from kohya_wrap.domain.config import Layer, Origin, TrainingConfig
from kohya_wrap.domain.cost import Offer
from kohya_wrap.domain.finding import Finding
from kohya_wrap.domain.hardware import Cpu
from kohya_wrap.domain.memory import Load, Need, Part
from kohya_wrap.domain.session import Base, Job, Session
from kohya_wrap.domain.speed import Pace
from kohya_wrap.domain.steps import StepPlan
from kohya_wrap.plan import model as models
from kohya_wrap.workflow import calibrated, effective, epochs, memory_load, uncountable
from kohya_wrap.workflow.base_model import Facts
from kohya_wrap.workflow.effective import Asked
from kohya_wrap.workflow.images import Images

# Of a card's GB, as GiB: what drivers show with error correction on; a GeForce has up to 7 % more.
FREE = 0.93
_MOST_BATCH = 64
NO_CPU = Cpu(1, does_bf16=False)


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
        caching, training: seconds.
        session: this training alone.
        batches_are_ours: not a dataset_config's.
        pace: the model's; `estimate` is what counts, by measured runs where there are any.
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
    caching: float
    training: float
    session: Session
    offers: tuple[Offer, ...]
    estimate: Estimate
    batches_are_ours: bool = True

    @property
    def seconds(self) -> float:
        """In all, with the set-up."""
        return self.session.seconds

    @property
    def dollars(self) -> tuple[float, float] | None:
        """At the lowest and the highest price seen; None where no price was."""
        return cost.total(self.offers, self.session.rental)

    @property
    def offer(self) -> Offer | None:
        """The cheapest."""
        return cost.cheapest(self.offers, self.session.rental)

    @property
    def dollars_of_set_up(self) -> float:
        """At the lowest price, traffic and disk included; 0 where no price was seen."""
        rental = replace(self.session.rental, hours=self.session.set_up / 3600)
        return (cost.total(self.offers, rental) or (0.0, 0.0))[0]

    @property
    def seconds_a_step(self) -> float:
        return self.estimate.seconds * self.batches_a_step

    @property
    def batches_a_step(self) -> int:
        """Micro-batches: the end of an epoch is a step's end too, so never more than it has."""
        return min(int(self.config.get("gradient_accumulation_steps", 1)), self.steps.batches_per_epoch)


@dataclass(frozen=True)
class Kind:
    """A config on cards of one kind, which train the same; `preset` is one of them."""

    asked: Asked
    facts: Facts
    known: Presets
    images: Images
    preset: GpuPreset
    _steps: dict[tuple[int, int], StepPlan] = field(default_factory=dict)

    @cached_property
    def settled(self) -> tuple[TrainingConfig, tuple[Finding, ...]]:
        """Raises ConfigError, DatasetError."""
        machine = Machine(self.preset, None, NO_CPU)
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


def planned(
    kind: Kind,
    preset: GpuPreset,
    offers: Sequence[Offer],
    *,
    base: Base,
    mbits: float,
    runs: Sequence[Measured] = (),
) -> CardPlan:
    """Args: mbits: a second, of the machine's download. runs: that were measured."""
    known = models.load(resources.presets())
    free = preset.memory_gb * FREE * 2**30

    def needed(load: Load) -> Need:
        return calibration.need(known.need(load), calibrated.estimate(load, preset, runs).peak)

    fitting, changes = _made_to_fit(kind, kind.settled[0], free, needed)
    load = kind.load(fitting)
    need, estimate = needed(load), calibrated.estimate(load, preset, runs)
    steps = kind.steps(fitting)
    assert preset.tflops is not None
    pace = speed.pace(known.work_of(load), load, preset.tflops, preset.capability)
    count = sum(len(subset.images) for subset in kind.images.train.subsets)
    caching = speed.caching(load, count, preset.tflops, preset.capability)
    asked = steps.steps * int(
        fitting.get("gradient_accumulation_steps", 1)
    )  # less than the epochs have where a limit cuts the last
    training = min(steps.batches_per_epoch * steps.epochs, asked) * estimate.seconds
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
        caching=caching,
        training=training,
        session=Session((_job(kind.images, base, need, caching + training),), mbits),
        offers=tuple(offers),
        estimate=estimate,
        batches_are_ours=kind.images.configured is None,
    )


def _job(images: Images, base: Base, need: Need, seconds: float) -> Job:
    pictures = sum(image.path.stat().st_size for subset in images.train.subsets for image in subset.images)
    return Job(base, pictures, need.parts[Part.NETWORK], need.parts[Part.OPTIMIZER], seconds)


def verdict(need: Need, free: float) -> Verdict:
    if need.conservative <= free:
        return Verdict.FITS
    return Verdict.TIGHT if need.likely <= free else Verdict.TOO_SMALL


def _made_to_fit(
    kind: Kind, config: TrainingConfig, free: float, needed: Callable[[Load], Need]
) -> tuple[TrainingConfig, tuple[str, ...]]:
    """By the rungs that `run` goes down where memory runs out; as it is where they do not help."""
    tried = config
    changes: list[str] = []
    while verdict(needed(kind.load(tried)), free) is Verdict.TOO_SMALL:
        rung = ladder.next_rung(tried, batches_are_ours=kind.images.configured is None)
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
