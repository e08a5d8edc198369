"""The machine as values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Gpu:
    """One NVIDIA GPU as NVML names it.

    Attributes:
        uuid: the card's name for CUDA_VISIBLE_DEVICES: CUDA and NVML count cards in different orders.
        memory: total bytes.
        capability: CUDA compute capability, e.g. (8, 9).
    """

    uuid: str
    name: str
    memory: int
    capability: tuple[int, int]

    @property
    def does_bf16(self) -> bool:
        """bfloat16 arithmetic starts with compute capability 8.0 (Ampere)."""
        return self.capability >= (8, 0)


@dataclass(frozen=True)
class Cpu:
    """The processor, for training on it.

    Attributes:
        cores: those this process may use.
        does_bf16: has instructions for bfloat16 dot products (AVX512_BF16 or AMX).
    """

    cores: int
    does_bf16: bool
