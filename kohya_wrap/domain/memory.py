"""Bytes on a GPU that a training needs, by part and by phase: a closed form of what the engine's own step was counted to need.

The numbers are fitted by scripts/memory to the engine's U-Nets, text encoders and LoRA modules, run without content; none is
guessed. What no count knows of is the CUDA context, and why published runs of two images and more came out 9 to 20 % above.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Literal

from kohya_wrap.domain.buckets import Size
from kohya_wrap.domain.family import FamilyName

Precision = Literal["half", "full_half", "single", "fp8"]
Encoders = Literal["cached", "on card", "trained"]

# Bytes: PyTorch's maintainers name 300 to 400 MB, and published runs fitted 0.45 GiB best.
CONTEXT = 0.45 * 2**30
MARGIN = 1.2  # of what stands above the weights: published runs of two images and more came out 9 to 20 % above the count
_MB = 1e6
_LATENTS = 64 * 64  # pixels of the latents of a picture of 512 x 512
# Bytes of state for each number that is trained: what each optimizer had after a step, in the engine's environment.
STATE = {
    "adamw": 8.0, "adamw8bit": 2.03, "adafactor": 0.01, "lion": 4.0, "lion8bit": 1.02, "prodigy": 16.0, "sgdnesterov": 4.0,
    "sgdnesterov8bit": 1.02, "pagedadamw": 8.0, "pagedadamw8bit": 2.03, "pagedadamw32bit": 8.0, "pagedlion8bit": 1.02,
    "adamwschedulefree": 8.0, "radamschedulefree": 8.0, "sgdschedulefree": 4.0,
}  # fmt: skip
# Bytes for each that stand while the optimizer steps: PyTorch's own takes all layers at once.
SCRATCH = {"adamw": 4.0}
MOST_STATE = max(STATE.values())  # of one that is not known


@dataclass(frozen=True)
class Load:
    """What decides how much memory a training takes.

    Attributes:
        size: width and height in pixels of the largest batch's pictures.
        batch: images in a micro-batch.
        precision: "half" where the weights are bf16 or fp16; "full_half" the LoRA too; "fp8" the base's weights.
        attention: "none" is the engine's own where neither sdpa nor xformers is asked for.
        encoders: of text.
        texts: pieces of 75 tokens in a caption.
        state, scratch: bytes of the optimizer for each number that is trained, always and while it steps.
        samples: pictures are drawn while it trains, of this size; None: none are.
    """

    family: FamilyName
    size: Size
    batch: int
    network_dim: int
    conv_dim: int = 0
    precision: Precision = "half"
    checkpointed: bool = False
    attention: Literal["sdpa", "none"] = "sdpa"
    encoders: Encoders = "on card"
    latents_cached: bool = True
    vae_half: bool = False
    texts: int = 1
    accumulated: bool = False
    state: float = STATE["adamw8bit"]
    scratch: float = 0.0
    samples: Size | None = None

    @property
    def pictures(self) -> float:
        """Of 512 x 512 pixels, that have as many pixels as the batch."""
        return self.batch * area(self.size)


def area(size: Size) -> float:
    """In pictures of 512 x 512 pixels."""
    width, height = size
    return width * height / 64 / _LATENTS


class Part(str, Enum):
    CONTEXT = "CUDA context"
    UNET = "U-Net"
    ENCODERS = "text encoders"
    VAE = "VAE"
    NETWORK = "LoRA"
    OPTIMIZER = "optimizer"
    WORK = "activations and gradients"
    LOOSE = "between the allocator's blocks"


class Phase(str, Enum):
    CACHING = "caching latents"
    TRAINING = "training"
    SAMPLING = "drawing samples"


@dataclass(frozen=True, kw_only=True)
class Step:
    """Of one kind of step.

    Attributes:
        peaks: of a few moments the highest counts. Of each: MB; bytes for each of the U-Net's gradients'; MB for each picture
            of 512 x 512, for each of these and dim, and for each times its own size in such pictures.
        loose: that the allocator needs beside: MB; for each picture; for each and dim; for each times its size.
        kept: the same, that it holds where it is not pressed.
    """

    family: FamilyName
    precision: Precision
    attention: Literal["sdpa", "none"]
    checkpointed: bool
    peaks: tuple[tuple[float, ...], ...]
    loose: tuple[float, ...]
    kept: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Weights:
    """Bytes, by precision.

    Attributes:
        unet_dim, encoders_dim, conv_dim: numbers that are trained for each of network_dim or conv_dim.
    """

    unet: dict[str, int]
    encoders: dict[str, int]
    unet_dim: int
    encoders_dim: int
    conv_dim: int


@dataclass(frozen=True, kw_only=True)
class Other:
    """What is the same in both families, and what is done beside the steps.

    Attributes:
        vae_weights: bytes, by "half" and "single".
        encode, decode: MB, and MB for each picture of 512 x 512, that the VAE needs above its weights.
        texts: by family, precision and checkpointing: MB of trained text encoders; for each piece of 75 tokens in the batch;
            for each and dim; and, trained or not, for each piece beyond a caption's first.
        convs: by family and checkpointing: MB for each picture and conv_dim.
    """

    vae_weights: dict[str, int]
    encode: dict[str, tuple[float, ...]]
    decode: dict[str, tuple[float, ...]]
    texts: dict[str, tuple[float, ...]]
    convs: dict[str, float]

    def vae(self, load: Load) -> float:
        return float(self.vae_weights[_vae_precision(load)])

    def encoding(self, load: Load, batch: int) -> float:
        return _line(self.encode[_vae_precision(load)], batch * area(load.size))

    def drawing(self, load: Load, size: Size) -> float:
        """The U-Net's passes, without gradients, need a sixth of what the VAE then does to make a picture of it."""
        return _line(self.decode[_vae_precision(load)], area(size))


@dataclass(frozen=True)
class Need:
    """Bytes.

    Attributes:
        parts: at the peak of the phase that needs most.
        phases: likely need of each.
        likely: on a card with so much free the training goes through, by the count.
        shown: what a monitor shows on a card with room: the allocator keeps blocks that it could give back.
        conservative: that, with a fifth more on all that stands above the weights.
    """

    parts: Mapping[Part, float]
    phases: Mapping[Phase, float]
    likely: float
    shown: float
    conservative: float


_WEIGHTS = (Part.UNET, Part.ENCODERS, Part.VAE)


@dataclass(frozen=True, kw_only=True)
class Model:
    """The shipped numbers (presets/memory.toml); `work` is speed.py's."""

    weights: dict[FamilyName, Weights]
    other: Other
    steps: tuple[Step, ...]

    def need(self, load: Load) -> Need:
        """Of the phase that needs most: all of them run on one card, one after the other."""
        weights, other = self.weights[load.family], self.other
        trained = numbers(load, weights)
        held = _weights_precision(load)
        stands = {
            Part.CONTEXT: CONTEXT,
            Part.UNET: float(weights.unet[held]),
            Part.ENCODERS: 0.0 if load.encoders == "cached" else float(weights.encoders[held]),
            Part.VAE: 0.0 if load.latents_cached else other.vae(load),
            Part.NETWORK: float(trained * _each(load)),
            Part.OPTIMIZER: trained * load.state,
        }
        step = self._step_of(load)
        loose = _beside(step.loose, load)
        work = self._work(step, load, trained * _each(load))
        phases = {Phase.TRAINING: stands | {Part.WORK: work, Part.LOOSE: loose}}
        if load.latents_cached:
            encoding = other.encoding(load, 1)
            phases[Phase.CACHING] = {Part.CONTEXT: CONTEXT, Part.VAE: other.vae(load), Part.WORK: encoding}
        if load.samples is not None:
            phases[Phase.SAMPLING] = stands | {
                Part.ENCODERS: float(weights.encoders[held]),
                Part.VAE: other.vae(load),
                Part.WORK: other.drawing(load, load.samples),
            }
        likely = {phase: sum(parts.values()) for phase, parts in phases.items()}
        most = max(likely, key=lambda phase: likely[phase])
        parts = phases[most]
        kept = max(0.0, _beside(step.kept, load) - loose) if most is Phase.TRAINING else 0.0
        shown = likely[most] + kept
        above = shown - sum(parts.get(part, 0.0) for part in (Part.CONTEXT, *_WEIGHTS))
        return Need(parts, likely, likely[most], shown, shown + (MARGIN - 1) * above)

    def _step_of(self, load: Load) -> Step:
        kind = (load.family, load.precision, load.attention, load.checkpointed)
        return next(
            one for one in self.steps if (one.family, one.precision, one.attention, one.checkpointed) == kind
        )

    def _work(self, step: Step, load: Load, gradients: float) -> float:
        """What a step takes above all that stands: the text encoders' gradients come when the U-Net's activations are gone."""
        key = f"{load.family.value}{' checkpointed' * load.checkpointed}"
        convs = self.other.convs[key] * load.conv_dim * load.pictures * _MB
        own = numbers(replace(load, encoders="on card"), self.weights[load.family]) * _each(load)
        pictures = load.pictures
        columns = (_MB, own, *(pictures * more * _MB for more in (1, load.network_dim, area(load.size))))
        moments = [
            convs + sum(factor * column for factor, column in zip(factors, columns, strict=True))
            for factors in step.peaks
        ]
        if load.accumulated:  # those of the micro-batch before stand through the next one's forward
            moments[0] += gradients
        if not load.latents_cached:
            moments.append(self.other.encoding(load, load.batch))
        stepping = gradients * (1 + load.scratch / _each(load))
        return max(max(moments) + self._of_texts(load), stepping)

    def _of_texts(self, load: Load) -> float:
        fixed, piece, by_dim, longer = self.other.texts[
            f"{load.family.value} {_float(load)}{' checkpointed' * load.checkpointed}"
        ]
        pieces = load.batch * load.texts
        trained = fixed + pieces * (piece + by_dim * load.network_dim) if load.encoders == "trained" else 0.0
        return (trained + longer * load.batch * (load.texts - 1)) * _MB


def numbers(load: Load, weights: Weights) -> int:
    """That are trained."""
    count = load.network_dim * weights.unet_dim + load.conv_dim * weights.conv_dim
    return count + (load.network_dim * weights.encoders_dim if load.encoders == "trained" else 0)


def _each(load: Load) -> int:
    """Bytes of a number that is trained, and of its gradient."""
    return 2 if load.precision == "full_half" else 4


def _weights_precision(load: Load) -> str:
    return "half" if load.precision == "full_half" else load.precision


def _float(load: Load) -> str:
    """In which the base computes."""
    return "single" if load.precision == "single" else "half"


def _vae_precision(load: Load) -> str:
    return "half" if load.vae_half else "single"


def _beside(factors: tuple[float, ...], load: Load) -> float:
    """Bytes."""
    fixed, each, by_dim, squared = factors
    return (
        max(0.0, fixed + (each + by_dim * load.network_dim + squared * area(load.size)) * load.pictures) * _MB
    )


def _line(factors: tuple[float, ...], pictures: float) -> float:
    """Bytes."""
    fixed, each = factors
    return (fixed + each * pictures) * _MB
