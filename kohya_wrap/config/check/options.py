"""Whether each name is an option of the engine, and each value one it can use."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any

from kohya_wrap.config import option_table
from kohya_wrap.config.check.seen import Seen
from kohya_wrap.config.spellings import as_toml
from kohya_wrap.config.wrapper_section import KEYS
from kohya_wrap.domain.config import SECRETS
from kohya_wrap.domain.finding import Finding
from kohya_wrap.domain.options import Option, OptionTable, nearest

# Kept by kohya-wrap itself: the engine's parser has them, a config has no business setting them.
_NOT_IN_A_CONFIG = frozenset({"config_file", "output_config"})

# Counted or divided with, here and in the engine.
_ABOVE_ZERO = frozenset({
    "train_batch_size", "gradient_accumulation_steps", "max_train_epochs", "max_train_steps",
    "save_every_n_epochs", "save_every_n_steps", "network_dim", "bucket_reso_steps",
})  # fmt: skip

# What people write for an option whose name is too far from it to be found by its letters; not sure enough to be mapped.
_MEANT = {
    "alpha": "network_alpha", "dim": "network_dim", "rank": "network_dim", "network_rank": "network_dim",
    "epoch": "max_train_epochs", "epochs": "max_train_epochs", "num_epochs": "max_train_epochs",
    "steps": "max_train_steps", "max_steps": "max_train_steps", "lr": "learning_rate",
    "optimizer": "optimizer_type", "scheduler": "lr_scheduler", "warmup_steps": "lr_warmup_steps",
    "lr_warmup": "lr_warmup_steps", "model": "pretrained_model_name_or_path", "image_dir": "train_data_dir",
    "te_lr": "text_encoder_lr", "text_lr": "text_encoder_lr", "precision": "mixed_precision",
    "base_model": "pretrained_model_name_or_path", "workers": "max_data_loader_n_workers",
}  # fmt: skip

_LARGEST_SEED = 2**32 - 1  # the engine gives it to NumPy too, which takes no other

_REMEDIES = {
    "num_repeats": "Remove the line: the folder's name says it, 10_concept.",
    "repeats": "Remove the line: the folder's name says it, 10_concept.",
}


def wrong_values(seen: Seen, table: OptionTable) -> Iterator[tuple[str, Finding]]:
    """(option, what is wrong with it): the rules must not rely on that value."""
    for name, value in seen.config.values.items():
        if name in _NOT_IN_A_CONFIG:
            message = f"`{name}` is kohya-wrap's own affair."
            yield name, seen.error("not-in-a-config", name, message, "Remove the line.")
        elif name not in table:
            yield name, _unknown(seen, name, table)
        elif why := _refusal(table[name], value.value):
            yield name, seen.error("wrong-value", name, f"`{name}` {why}.", _remedy(table[name], value.value))
        elif name in _ABOVE_ZERO and value.value is not None and value.value < 1:
            message = f"`{name} = {value.value}` cannot be meant: it must be 1 or more."
            yield name, seen.error("below-one", name, message, f"Write {name} = 1, or more.")
        elif name == "seed" and value.value is not None and not 0 <= value.value <= _LARGEST_SEED:
            message = f"`seed = {value.value}` is none: it must be 0 to {_LARGEST_SEED}."
            yield name, seen.error("seed", name, message, "Write seed = 42, or remove the line.")


def meant(name: str, table: OptionTable) -> str:
    """The option itself, or the one that was probably meant; else an empty text."""
    return name if name in table else nearest(name, table) or _MEANT.get(name, "")


def _unknown(seen: Seen, name: str, table: OptionTable) -> Finding:
    if name in KEYS:
        message = f"`{name}` belongs under [kohya_wrap]: elsewhere it would be ignored in silence."
        return seen.error("misplaced", name, message, f"Write `{name}` under [kohya_wrap] in the config.")
    readers = option_table.readers(name)
    said = "it would be ignored in silence."
    if others := [reader for reader in readers if reader != "dataset_config"]:
        more = f" and {len(others) - 3} more" if len(others) > 3 else ""
        said = f"it is read by {', '.join(others[:3])}{more}."
    elif readers:
        said = "it belongs into a dataset file of the engine."
    near = _MEANT.get(name, "") if readers else meant(name, table)  # not misspelled: misplaced
    remedy = f"Write `{near}`." if near else _REMEDIES.get(name, "Remove the line.")
    return seen.error("unknown-option", name, f"`{name}` is no option of {seen.script}: {said}", remedy)


def _refusal(option: Option, value: Any) -> str:
    why = option.refuses(value)
    if why and option.name in SECRETS:
        return "must be a text in quotes"
    return why


def _remedy(option: Option, value: Any) -> str:
    """The line to write, where the value that was meant is plain."""
    meant = _meant(option, value)
    return "Mend the value there." if meant is None else f"Write {option.name} = {as_toml(meant)}."


def _meant(option: Option, value: Any) -> Any:
    if option.name in SECRETS:
        return None
    if option.choices and isinstance(value, str):
        choices = [choice for choice in option.choices if isinstance(choice, str)]
        close = difflib.get_close_matches(value.lower(), choices, n=1, cutoff=0.6)
        return close[0] if close else None
    if option.type == "bool":
        words = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}
        return words.get(str(value).lower())
    if option.type == "list" and isinstance(value, str) and "=" in value:
        return value.replace(",", " ").split() if " " in value and "(" not in value else [value]
    if isinstance(value, str) and option.type in ("int", "float", "any"):
        return _number(value, whole=option.type == "int")
    if option.type == "int" and isinstance(value, float) and value.is_integer():
        return int(value)
    if option.type == "str" and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return None


def _number(text: str, *, whole: bool) -> int | float | None:
    try:
        if text.endswith("%"):
            return None if whole else float(text[:-1]) / 100
        return int(text) if whole or text.lstrip("-").isdecimal() else float(text)
    except ValueError:
        return None
