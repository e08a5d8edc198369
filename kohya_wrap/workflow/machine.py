"""Which card the work is for, and whether this machine has it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from kohya_wrap.config.card_names import memory_guessed, memory_named
from kohya_wrap.config.limits import Machine
from kohya_wrap.config.presets import Presets
from kohya_wrap.errors import MachineError, UsageError
from kohya_wrap.host import gpu as gpus


def named(presets: Presets, wanted: str, env: Mapping[str, str]) -> Machine | None:
    """As `choose`, for who only looks at a config: a card with a preset of its own is not asked for here."""
    preset = presets.by_name(wanted)
    if wanted == "auto" or preset is None or memory_named(wanted):
        return choose(presets, wanted, env)
    return Machine(preset, None, gpus.cpu())


def choose(presets: Presets, wanted: str, env: Mapping[str, str]) -> Machine | None:
    """The machine for `--gpu`: "auto", "cpu", a card's name or its memory, as "24 GB".

    Returns:
        `auto` where there is no GPU: None. A card that this machine lacks: its preset, with `gpu` None.

    Raises:
        UsageError: nothing of that name.
    """
    cpu = gpus.cpu()
    here = gpus.visible(gpus.gpus(), env.get("CUDA_VISIBLE_DEVICES"))
    if wanted == "auto":
        return Machine(presets.for_gpu(here[0]), here[0], cpu) if here else None
    preset = presets.by_name(wanted)
    if preset is not None and preset.is_cpu:
        return Machine(preset, None, cpu)
    for gpu in here:
        if presets.means(wanted, gpu):
            return Machine(presets.for_gpu(gpu), gpu, cpu)
    if preset is None:
        raise _unknown(wanted, presets)
    return Machine(preset, None, cpu)


def cards(machine: Machine, processes: int, env: Mapping[str, str]) -> tuple[str, ...]:
    """UUIDs of the cards for so many processes: the machine's own, and others alike; none on a CPU.

    Raises:
        MachineError: a CPU, where the engine trains with one process whatever it is told; or too few such cards.
    """
    if machine.gpu is None:
        if processes > 1:
            raise MachineError(
                f"{processes} processes cannot train on a CPU.",
                why="There the launcher starts a single one and says nothing, and what connects several (gloo) crashes on the "
                "engine's frozen U-Net.",
                hint="Leave --num-processes out; on a machine with several GPUs it is one for each.",
            )
        return ()
    here = gpus.visible(gpus.gpus(), env.get("CUDA_VISIBLE_DEVICES"))
    alike = [gpu.uuid for gpu in here if gpu.name == machine.gpu.name and gpu.uuid != machine.gpu.uuid]
    if len(alike) + 1 < processes:
        raise MachineError(
            f"{processes} processes need {processes} cards, and this machine has {len(alike) + 1} x {machine.gpu.name}.",
            why="Each process trains on a card of its own, and all wait for the slowest: they must be alike.",
            hint=f"--num-processes {len(alike) + 1}   (nvidia-smi -L lists them)",
        )
    return (machine.gpu.uuid, *alike[: processes - 1])


def numbered(words: str, env: Mapping[str, str]) -> dict[str, str]:
    """The cards of --gpus 0,1: number -> what CUDA_VISIBLE_DEVICES calls it. A rehearsal needs none to be here.

    Raises:
        UsageError: they are no numbers, or one is named twice. MachineError: one is not here, where there are any.
    """
    said = [word.strip() for word in words.split(",")]
    numbers = [str(int(word)) for word in said if word.isdecimal()]
    if len(numbers) < len(said) or len(set(numbers)) < len(numbers):
        raise UsageError(
            f"--gpus {shlex.quote(words)} cannot be meant.",
            why="It names cards by their numbers, as nvidia-smi does, each once.",
            hint="--gpus 0,1",
        )
    here = gpus.visible(gpus.gpus(), env.get("CUDA_VISIBLE_DEVICES"))
    missing = [number for number in numbers if here and int(number) >= len(here)]
    if missing:
        raise MachineError(
            f"There is no GPU {', '.join(missing)} here: {len(here)} can be used, counted from 0.",
            why="--gpus names cards by their numbers, as nvidia-smi does.",
            hint=f"--gpus {','.join(map(str, range(len(here))))}",
        )
    return {number: here[int(number)].uuid if here else number for number in numbers}


def _unknown(wanted: str, presets: Presets) -> UsageError:
    near = presets.nearest(wanted)
    memory = memory_guessed(wanted, {name: presets.gpus[name].memory_gb for name in near})
    named = next((size for size in reversed(presets.classes) if size <= memory), presets.classes[0])
    *sizes, largest = map(str, presets.classes)
    return UsageError(
        f"No GPU preset is called {wanted!r}.",
        why=f"It has none of its own; the nearest names are {', '.join(near)}."
        if near
        else f"Known are {', '.join(sorted(presets.gpus))}.",
        hint=f'--gpu "{named} GB"   (the memory of the card: {", ".join(sizes)} or {largest} GB), '
        "or where the card is: --gpu auto",
    )


def of_rehearsal(presets: Presets, written: str) -> str:
    """The card that `auto` means there, where none is used: the one that [gpu] was written for."""
    return written if presets.by_name(written) else "cpu"


def is_here(machine: Machine | None) -> bool:
    """Whether this machine can do the training itself."""
    return machine is not None and (machine.gpu is not None or machine.preset.is_cpu)
