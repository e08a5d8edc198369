"""The keys and values inside `network_args`, `optimizer_args` and `lr_scheduler_args`."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping

from kohya_wrap.config import option_table
from kohya_wrap.config.check import bounds
from kohya_wrap.config.check.seen import Seen
from kohya_wrap.domain.arguments import Argument
from kohya_wrap.domain.finding import Finding

Known = Mapping[str, Argument] | None


def network(seen: Seen) -> Iterator[Finding]:
    """networks.lora and LyCORIS ignore a key they do not know in silence."""
    module = str(seen.get("network_module", ""))
    known = option_table.network_args(module)
    if known is None and seen.by_user("network_module"):
        yield _unknown_module(seen, module)
    yield from _items(seen, "network_args", known, module, "it would be ignored in silence")


def _unknown_module(seen: Seen, module: str) -> Finding:
    """In the two packages that the engine brings, all modules are known; elsewhere it may be anybody's."""
    package, dot, _ = module.partition(".")
    if not dot or package in ("networks", "lycoris"):
        close = difflib.get_close_matches(module, option_table.network_modules(), n=1, cutoff=0.9)
        return seen.error(
            "unknown-network", "network_module",
            f"`network_module = {module!r}` is no module that the engine can train for this base.",
            f'Write network_module = "{close[0] if close else "networks.lora"}".',
        )  # fmt: skip
    return seen.warning(
        "network-module", "network_module",
        f"{module} is no network module that kohya-wrap knows: whether it is there and what it takes is not checked.",
        'Write network_module = "networks.lora" unless you have put that module into the engine\'s environment.',
    )  # fmt: skip


def optimizer(seen: Seen) -> Iterator[Finding]:
    name = str(seen.get("optimizer_type") or "AdamW")
    known = option_table.optimizer_args(name)
    if known is None and "." not in name:
        yield seen.error(
            "unknown-optimizer", "optimizer_type",
            f"`optimizer_type = {name!r}` is known neither to the engine nor to torch.optim, or its package is not in "
            "the engine's environment.",
            'Write e.g. optimizer_type = "AdamW8bit", "Adafactor" or "Prodigy".',
        )  # fmt: skip
    yield from _items(
        seen, "optimizer_args", known, name, "the engine fails on it, with the base model loaded"
    )


def scheduler(seen: Seen) -> Iterator[Finding]:
    name = str(seen.get("lr_scheduler", "constant"))
    if kind := seen.get("lr_scheduler_type"):  # it decides
        yield from _of_torch(seen, kind)
        return
    known = option_table.scheduler_args(name)
    if (known is None and not name.startswith("adafactor")) or _is_class(name):
        yield seen.error(
            "unknown-scheduler", "lr_scheduler", f"`lr_scheduler = {name!r}` is no scheduler of the engine.",
            'Write e.g. lr_scheduler = "cosine", "cosine_with_restarts", "constant" or "constant_with_warmup".',
        )  # fmt: skip
    yield from _items(seen, "lr_scheduler_args", known, name, "the engine fails on it")


def _of_torch(seen: Seen, kind: str) -> Iterator[Finding]:
    """`lr_scheduler_type`: a class of torch.optim.lr_scheduler, or with dots in its name anybody's."""
    known = option_table.scheduler_args(kind) if _is_class(kind) else None
    if known is None and "." not in kind:
        yield seen.error(
            "unknown-scheduler", "lr_scheduler_type",
            f"`lr_scheduler_type = {kind!r}` is no scheduler of torch.optim.lr_scheduler.",
            'Write lr_scheduler_type = "CosineAnnealingLR", or lr_scheduler = "cosine" instead.',
        )  # fmt: skip
    yield from _items(seen, "lr_scheduler_args", known, kind, "the engine fails on it")


def _is_class(name: str) -> bool:
    """torch's, which only `lr_scheduler_type` takes: the engine's own names are in small letters."""
    return name[:1].isupper()


def _items(seen: Seen, option: str, known: Known, owner: str, consequence: str) -> Iterator[Finding]:
    for item in seen.get(option) or ():
        key, equals, value = item.partition("=")
        if not equals:
            yield seen.error(
                "argument", option, f"`{option}`: {item!r} is not \"key=value\": the engine fails on it.",
                f'Write {option} = ["{key}=VALUE"].',
            )  # fmt: skip
        elif known is not None and key not in known:
            close = difflib.get_close_matches(key, list(known), n=1, cutoff=0.7)
            yield seen.error(
                "unknown-argument", option,
                f"`{option}`: {owner} knows no `{key}`: {consequence}.",
                f"Write `{close[0]}`." if close else f"It knows {', '.join(sorted(known)) or 'none'}.",
            )  # fmt: skip
        elif known is not None and (why := known[key].refuses(value)):
            yield seen.error("argument", option, f"`{option}`: `{key}` {why}.", "Mend the value there.")
        elif option == "network_args" and (bound := bounds.outside(bounds.NETWORK_ARGS, key, number(value))):
            yield seen.error(
                "argument", option,
                f"`{option}`: `{key}={value}` cannot be meant: it must be {bound.must_be}{bound.because}.",
                f"Write `{key}={bound.example}`, or leave it out.",
            )  # fmt: skip


def number(text: str) -> float | None:
    """The number that a text is; None where it is none."""
    try:
        return float(text)
    except ValueError:
        return None


def given(seen: Seen, option: str) -> dict[str, str]:
    """The keys and texts of such a list."""
    pairs = (item.partition("=") for item in seen.get(option) or ())
    return {key: value for key, equals, value in pairs if equals}
