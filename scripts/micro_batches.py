"""Predicted memory of every GPU preset: `uv run scripts/micro_batches.py`; exits 1 where one does not follow the rule.

The needs are the conservative ones of the memory model (simulated on the engine's own U-Nets, 20 % on top of what is not
weights, 0.45 GiB for CUDA; nobody of us has run them on a GPU): bf16 or fp16, sdpa, AdamW8bit, dim 32, latents
cached; SD 1.5 at 512 with its text encoder trained (2 images: interpolated, 8: extrapolated from 1 and 4), SDXL at
1024 with the U-Net alone. Not more is counted on than 93 % of a card's GB, as GiB: with ECC the driver shows that.

The rule: the most images that fit, a power of two, never more than the guide gives its largest card. SDXL is
checkpointed unless 4 images fit without. The guide's own cards keep the guide's figures.
"""

from __future__ import annotations

import sys

from kohya_wrap import resources
from kohya_wrap.config import presets
from kohya_wrap.config.presets import CardForFamily, GpuPreset

USABLE = 0.93
SD15 = {1: 4.04, 2: 5.60, 4: 8.73, 8: 14.98}  # GiB by images at once, not checkpointed
SDXL_CHECKPOINTED = {1: 7.42, 2: 8.81, 4: 11.37}
SDXL = {1: 16.25, 2: 26.32, 4: 46.36}
GUIDES_OWN = ("RTX 3090", "RTX 4090", "A100 40GB")


def most(needs: dict[int, float], usable: float) -> int:
    return max((images for images, need in needs.items() if need <= usable), default=1)


def by_the_rule(usable: float) -> tuple[tuple[int, bool], tuple[int, bool]]:
    """(micro-batch, checkpointed) for SD 1.5 and SDXL."""
    plain = SDXL[4] <= usable
    return (most(SD15, usable), False), (most(SDXL if plain else SDXL_CHECKPOINTED, usable), not plain)


def as_pair(card: CardForFamily) -> tuple[int, bool]:
    return card.micro_batch, card.gradient_checkpointing


def line(preset: GpuPreset, usable: float) -> str:
    need = (SDXL_CHECKPOINTED if preset.sdxl.gradient_checkpointing else SDXL)[preset.sdxl.micro_batch]
    return (
        f"{preset.name:18} {usable:6.1f} GiB   SD 1.5 {preset.sd15.micro_batch} at {SD15[preset.sd15.micro_batch]:5.1f}   "
        f"SDXL {preset.sdxl.micro_batch} at {need:5.1f}{' checkpointed' if preset.sdxl.gradient_checkpointing else ''}"
    )


def main() -> int:
    known = presets.load(resources.presets()).gpus.values()
    cards = sorted((p for p in known if not p.is_cpu), key=lambda p: (p.memory_gb, p.name))
    other = []
    for preset in cards:
        usable = preset.memory_gb * USABLE
        print(line(preset, usable))
        if preset.name not in GUIDES_OWN and (as_pair(preset.sd15), as_pair(preset.sdxl)) != by_the_rule(
            usable
        ):
            other.append(preset.name)
    if other:
        print(f"Not by the rule: {', '.join(other)}", file=sys.stderr)
    return 1 if other else 0


if __name__ == "__main__":
    sys.exit(main())
