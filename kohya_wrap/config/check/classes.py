"""Optimizers and schedulers that are named as classes, with dots: whether the engine finds them."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator

from kohya_wrap.config import option_table
from kohya_wrap.config.check.seen import Seen
from kohya_wrap.domain.finding import Finding

# What `init` installs beside the packages whose classes are listed.
_INSTALLED = frozenset({"diffusers", "lycoris", "torch", "transformers"})
_OF_TORCH = "torch.optim.lr_scheduler"


def optimizer(seen: Seen) -> Iterator[Finding]:
    name, known = str(seen.get("optimizer_type") or ""), option_table.optimizer_classes()
    if "." in name:
        yield from _named(seen, "optimizer_type", name, known, {_module(cls) for cls in known})


def scheduler(seen: Seen) -> Iterator[Finding]:
    """Only of torch's own module all schedulers are listed."""
    name = str(seen.get("lr_scheduler_type") or "")
    if "." in name:
        yield from _named(
            seen, "lr_scheduler_type", name, option_table.scheduler_classes(), frozenset({_OF_TORCH})
        )


def _named(
    seen: Seen, option: str, name: str, known: Collection[str], listed: Collection[str]
) -> Iterator[Finding]:
    """`listed`: the modules of which every class is known."""
    if name in known:
        return
    close, package = _nearest(name, known), name.partition(".")[0]
    kind = "optimizer" if option == "optimizer_type" else "scheduler"
    if _module(name) in listed:
        yield seen.error(
            f"unknown-{kind}", option, f"`{option} = {name!r}`: {_module(name)} has no such {kind}: the engine fails on it.",
            f'Write {option} = "{close or _of(_module(name), known)}".',
        )  # fmt: skip
    elif package not in _INSTALLED | {cls.partition(".")[0] for cls in known}:
        yield seen.warning(
            f"{kind}-module", option,
            f"{package} is not in the environment that `init` makes: whether {name} is there and what it takes is not checked.",
            f'Write {option} = "{close or _usual(kind)}" unless you have put {package} into the engine\'s environment.',
        )  # fmt: skip
    elif not _is_deeper(name, known):
        yield seen.warning(
            f"{kind}-module", option,
            f"{name} is no {kind} that kohya-wrap knows: whether it is there and what it takes is not checked.",
            f'Write {option} = "{close or _usual(kind)}" unless you know that it is there.',
        )  # fmt: skip


def _module(name: str) -> str:
    return name.rpartition(".")[0]


def _class(name: str) -> str:
    return name.rpartition(".")[2]


def _is_deeper(name: str, known: Collection[str]) -> bool:
    """A known class by the module that it is written in, or the package above: torch.optim.adamw.AdamW."""
    package = name.partition(".")[0]
    return any(_class(cls) == _class(name) and cls.partition(".")[0] == package for cls in known)


def _nearest(name: str, known: Collection[str]) -> str:
    """The same class elsewhere; else one of that module with nearly the same letters."""
    of_module = {_class(cls): cls for cls in sorted(known) if _module(cls) == _module(name)}
    alike = [
        cls for cls in (*of_module.values(), *sorted(known)) if _class(cls).lower() == _class(name).lower()
    ]
    close = difflib.get_close_matches(_class(name), list(of_module), n=1, cutoff=0.6)
    return next(iter(alike or [of_module[cls] for cls in close]), "")


def _of(module: str, known: Collection[str]) -> str:
    """The most usual class of a module."""
    usual = (
        f"{module}.{name}"
        for name in ("AdamW8bit", "AdamW", "AdamWScheduleFree", "CAME", "CosineAnnealingLR")
    )
    return next(
        (name for name in usual if name in known), min(cls for cls in known if _module(cls) == module)
    )


def _usual(kind: str) -> str:
    return "AdamW8bit" if kind == "optimizer" else "CosineAnnealingLR"
