"""Seconds of a training step, from what is counted of it and what a card can do; within a factor of two of what people report.

Three numbers were chosen with the reports in view (tests/unit/domain/test_speed.py holds them all to the factor): LAUNCH,
TENSOR_CORES and OLDER. None of them is a measurement of ours.
"""

from __future__ import annotations

from dataclasses import dataclass

from kohya_wrap.domain.family import FamilyName
from kohya_wrap.domain.memory import Load, area

WITHIN = 2.0  # an estimate is off by this factor at most, as far as anybody has reported
LAUNCH = 9e-6  # seconds a kernel, below which no card gets: the processor starts them one by one
TENSOR_CORES = 0.33  # of a data sheet's dense rate that LoRA steps get, from compute capability 8.0 on
OLDER = 0.12  # on a T4 or V100
_ENCODED = 1.082e12  # FLOPs of the VAE's encoder for a picture of 512 x 512 (engine contract, section 11)


@dataclass(frozen=True, kw_only=True)
class Work:
    """Of one kind of step.

    Attributes:
        flops: TFLOP for each image: constant, by area a in pictures of 512 x 512, by a squared, by a and dim, by dim.
        texts: TFLOP for each piece of 75 tokens where the text encoders are run, and where they are trained.
        kernels: of a micro-batch, whatever its size.
    """

    family: FamilyName
    attention: str
    checkpointed: bool
    flops: tuple[float, ...]
    texts: dict[str, float]
    kernels: int


@dataclass(frozen=True)
class Pace:
    """Attributes:
    seconds: of a micro-batch.
    flops: of a micro-batch.
    bound_by_launches: the card waits for the processor: more images at once cost next to nothing.
    """

    seconds: float
    flops: float
    bound_by_launches: bool


def pace(work: Work, load: Load, tflops: float, capability: tuple[int, ...]) -> Pace:
    """Args: tflops: a data sheet's dense 16-bit rate, with sums in 32 bits."""
    flops = flops_of(work, load)
    computing = flops / (tflops * 1e12 * utilisation(capability))
    launching = work.kernels * LAUNCH
    return Pace(max(computing, launching), flops, launching > computing)


def utilisation(capability: tuple[int, ...]) -> float:
    return OLDER if capability and capability < (8, 0) else TENSOR_CORES


def flops_of(work: Work, load: Load) -> float:
    """Of a micro-batch, forward and backward."""
    one, by_area, by_square, by_area_dim, by_dim = work.flops
    a, dim = area(load.size), load.network_dim
    image = one + by_area * a + by_square * a * a + by_area_dim * a * dim + by_dim * dim
    image += work.texts.get(load.encoders, 0.0) * load.texts
    encoded = 0.0 if load.latents_cached else _ENCODED * a
    return load.batch * (image * 1e12 + encoded)


def caching(load: Load, images: int, tflops: float, capability: tuple[int, ...]) -> float:
    """Seconds in which the VAE encodes every picture once; 0 where that is done again in every step."""
    if not load.latents_cached:
        return 0.0
    return images * _ENCODED * area(load.size) / (tflops * 1e12 * utilisation(capability))
