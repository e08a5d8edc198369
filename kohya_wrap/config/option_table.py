"""What the engine at the pin reads: option and argument tables, written by scripts/options.py from its own code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from kohya_wrap.domain.arguments import Argument
from kohya_wrap.domain.options import Option, OptionTable

_FOLDER = Path(__file__).parent / "options"
_TORCH, _TORCH_SCHEDULERS = "torch.optim.", "torch.optim.lr_scheduler."


@cache
def for_script(script: str) -> OptionTable:
    """Option name -> Option of an entry script, e.g. "train_network.py"."""
    return {
        name: Option(name, kind, item, tuple(choices), default)
        for name, (kind, item, choices, default) in _table(script.removesuffix(".py")).items()
    }


def readers(name: str) -> tuple[str, ...]:
    """Who else reads this name: other scripts of the engine, and "dataset_config" for its dataset schema.

    The entry scripts of `for_script` are not named. Empty where nobody reads it.
    """
    return tuple(_table("elsewhere").get(name, ()))


@cache
def network_args(module: str) -> Mapping[str, Argument] | None:
    """The keys that `network_args` may hold for this `network_module`; None where the module is not known.

    A key that is not among them is ignored in silence by the engine's own modules and by LyCORIS.
    """
    return _arguments("network_args", module)


def network_modules() -> tuple[str, ...]:
    """The modules that `network_args` knows."""
    return tuple(_table("arguments")["network_args"])


@cache
def optimizer_args(optimizer: str) -> Mapping[str, Argument] | None:
    """The keys that `optimizer_args` may hold for this `optimizer_type`, named as the engine takes it.

    None where it is not known: with a dot in its name it may be anybody's class; without one, neither the
    engine nor torch.optim has it, or its package is not in the engine's environment, and the run would fail.
    A key that is not among them is a TypeError after the base model is loaded.
    """
    if optimizer.startswith(_TORCH):
        return _arguments("optimizer_args", optimizer.removeprefix(_TORCH))
    known = _arguments("optimizer_args", optimizer.lower())  # the engine's own names, in any case
    return _arguments("optimizer_args", optimizer) if known is None else known


@cache
def optimizer_classes() -> frozenset[str]:
    """The optimizers of the engine's environment, each by its module: `torch.optim.AdamW`, `pytorch_optimizer.CAME`."""
    names = (*_table("arguments")["optimizer_args"], *_table("arguments")["open_optimizer_args"])
    return _by_module(names, _TORCH)


@cache
def scheduler_args(scheduler: str) -> Mapping[str, Argument] | None:
    """The keys that `lr_scheduler_args` may hold for this `lr_scheduler`; None where it is not known."""
    return _arguments("lr_scheduler_args", scheduler.removeprefix(_TORCH_SCHEDULERS))


@cache
def scheduler_classes() -> frozenset[str]:
    """The schedulers of the engine's environment that a config may name, each by its module."""
    return _by_module(tuple(_table("arguments")["lr_scheduler_args"]), _TORCH_SCHEDULERS)


def _by_module(names: tuple[str, ...], of_torch: str) -> frozenset[str]:
    """The engine's own names, in small letters, are no classes."""
    return frozenset(n if "." in n else of_torch + n for n in names if "." in n or n[:1].isupper())


def _arguments(option: str, owner: str) -> Mapping[str, Argument] | None:
    """Only `network_args` stay texts; the values of the others are Python literals."""
    known = _table("arguments")[option].get(owner)
    if known is None:
        return None
    literal = option != "network_args"
    return {name: Argument(name, kind, tuple(choices), literal) for name, (kind, choices) in known.items()}


@cache
def _table(name: str) -> Mapping[str, Any]:
    table: dict[str, Any] = json.loads((_FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return table
