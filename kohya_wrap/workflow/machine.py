"""Which card the work is for, and whether this machine has it."""

from __future__ import annotations

from collections.abc import Mapping

from kohya_wrap.config.limits import Machine
from kohya_wrap.config.presets import Presets
from kohya_wrap.errors import UsageError
from kohya_wrap.host import gpu as gpus


def choose(presets: Presets, wanted: str, env: Mapping[str, str]) -> Machine | None:
    """The machine for `--gpu`: "auto", "cpu" or a card's name.

    Returns:
        `auto` where there is no GPU: None. A card that this machine lacks: its preset, with `gpu` None.

    Raises:
        UsageError: no preset of that name; the known ones are listed.
    """
    cpu = gpus.cpu()
    here = gpus.visible(gpus.gpus(), env.get("CUDA_VISIBLE_DEVICES"))
    if wanted == "auto":
        return Machine(presets.for_gpu(here[0]), here[0], cpu) if here else None
    preset = presets.by_name(wanted)
    if preset is None:
        raise UsageError(
            f"No GPU preset is called {wanted!r}.",
            why=f"Known: {', '.join(sorted(presets.gpus))}.",
            hint="--gpu auto   (takes the card that is here)",
        )
    if preset.is_cpu:
        return Machine(preset, None, cpu)
    return Machine(preset, next((g for g in here if presets.for_gpu(g).name == preset.name), None), cpu)


def is_here(machine: Machine | None) -> bool:
    """Whether this machine can do the training itself."""
    return machine is not None and (machine.gpu is not None or machine.preset.is_cpu)
