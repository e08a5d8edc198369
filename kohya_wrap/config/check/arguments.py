"""The keys and values inside `network_args`, `optimizer_args` and `lr_scheduler_args`."""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Iterator, Mapping

from kohya_wrap.config import option_table
from kohya_wrap.config.check import bounds
from kohya_wrap.config.check.seen import Seen
from kohya_wrap.config.spellings import as_toml
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
    known = option_table.scheduler_args(kind) if _is_class(kind) or "." in kind else None
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
    yield from _given_twice(seen, option)
    for item in seen.get(option) or ():
        key, equals, value = item.partition("=")
        if not equals:
            yield seen.error("argument", option, *_no_pair(seen, option, item))
        elif known is not None and key not in known:
            close = difflib.get_close_matches(key, list(known), n=1, cutoff=0.7)
            yield seen.error(
                "unknown-argument", option,
                f"`{option}`: {owner} knows no `{key}`: {consequence}.",
                f"Write `{close[0]}`." if close else f"It knows {', '.join(sorted(known)) or 'none'}.",
            )  # fmt: skip
        elif known is not None and (why := known[key].refuses(value)):
            close = difflib.get_close_matches(value.lower(), known[key].choices, n=1, cutoff=0.6)
            hint = f"Write `{key}={close[0]}`." if close else "Mend the value there."
            yield seen.error("argument", option, f"`{option}`: `{key}` {why}.", hint)
        elif bound := _outside(option, key, value):
            yield seen.error(
                "argument", option,
                f"`{option}`: `{key}={value}` cannot be meant: it must be {bound.must_be}{bound.because}.",
                f"Write `{key}={bound.example}`, or leave it out.",
            )  # fmt: skip


def _no_pair(seen: Seen, option: str, item: str) -> tuple[str, str]:
    """What is said of an item without "=", and the list to write."""
    items, mended = seen.get(option), as_pair(item) or f"{item.strip()}=VALUE"
    rest = [mended if other == item else other for other in items if other != item or item.strip()]
    if not item.strip():
        says = f"`{option}` holds an empty text: the engine fails on it."
        return says, f"Write {option} = {as_toml(rest)}." if rest else "Remove the line."
    return (
        f'`{option}`: {item!r} is not "key=value": the engine fails on it.',
        f"Write {option} = {as_toml(rest)}.",
    )


def as_pair(item: str) -> str:
    """ "conv_dim=8" of "conv_dim 8" and "conv_dim: 8"; empty where it is no such pair."""
    pair = re.fullmatch(r"\s*([A-Za-z_]\w*)\s*[\s:]\s*(\S+)\s*", item)
    return f"{pair[1]}={pair[2]}" if pair else ""


def _given_twice(seen: Seen, option: str) -> Iterator[Finding]:
    """Of several the engine takes the last."""
    items = [item for item in seen.get(option) or () if "=" in item]
    last = {item.partition("=")[0]: item for item in items}
    for number, item in enumerate(items):
        key = item.partition("=")[0]
        if any(later.partition("=")[0] == key for later in items[number + 1 :]):
            yield seen.warning(
                "argument-twice", option, f"`{option}` holds `{key}` twice: `{last[key]}` counts, the last.",
                f"Write {option} = {as_toml([i for n, i in enumerate(items) if n != number])}.",
            )  # fmt: skip


def _outside(option: str, key: str, text: str) -> bounds.Bound | None:
    if option == "network_args":
        return bounds.outside(bounds.NETWORK_ARGS, key, number(text))
    return bounds.outside(bounds.OPTIMIZER_ARGS, key, _literal(text)) if option == "optimizer_args" else None


def _literal(text: str) -> float | list[float] | None:
    """The number or numbers that a Python literal is; None where it is something else."""
    try:
        value = ast.literal_eval(text.lstrip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    if isinstance(value, list | tuple):
        return [part for part in value if isinstance(part, int | float)]
    return value if isinstance(value, int | float) else None


def number(text: str) -> float | None:
    """The number that a text is; None where it is none."""
    try:
        return float(text)
    except ValueError:
        return None


def given(seen: Seen, option: str) -> dict[str, str]:
    """The keys and texts of such a list; `conv_dim 8`, which is said elsewhere, as what it means."""
    items = seen.get(option) or ()
    pairs = ((item if "=" in item else as_pair(item)).partition("=") for item in items)
    return {key: value for key, equals, value in pairs if equals}
