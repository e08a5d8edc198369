"""Whether each name is an option of the engine, and each value one it can use."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from typing import Any

from kohya_wrap.config import option_table
from kohya_wrap.config.check import arguments, bounds
from kohya_wrap.config.check.seen import Seen
from kohya_wrap.config.spellings import ARGUMENTS, as_toml
from kohya_wrap.config.wrapper_section import KEYS
from kohya_wrap.domain.config import SECRETS, Origin
from kohya_wrap.domain.finding import Finding
from kohya_wrap.domain.options import Option, OptionTable, nearest

# Kept by kohya-wrap itself: the engine's parser has them, a config has no business setting them.
_NOT_IN_A_CONFIG = frozenset({"config_file", "output_config"})

# What people write for an option whose name is too far from it to be found by its letters, or nearer to another; not
# sure enough to be mapped.
_MEANT = {
    "alpha": "network_alpha", "lora_alpha": "network_alpha",
    "dim": "network_dim", "rank": "network_dim", "network_rank": "network_dim", "lora_rank": "network_dim",
    "lora_dim": "network_dim",
    "epoch": "max_train_epochs", "epochs": "max_train_epochs", "num_epochs": "max_train_epochs",
    "num_train_epochs": "max_train_epochs", "steps": "max_train_steps", "max_steps": "max_train_steps",
    "num_steps": "max_train_steps", "lr": "learning_rate",
    "unet_learning_rate": "unet_lr", "learning_rate_unet": "unet_lr",
    "te_lr": "text_encoder_lr", "text_lr": "text_encoder_lr", "te_learning_rate": "text_encoder_lr",
    "text_learning_rate": "text_encoder_lr", "text_encoder_learning_rate": "text_encoder_lr",
    "learning_rate_te": "text_encoder_lr", "learning_rate_text_encoder": "text_encoder_lr",
    "optimizer": "optimizer_type", "scheduler": "lr_scheduler", "warmup_steps": "lr_warmup_steps",
    "lr_warmup": "lr_warmup_steps", "precision": "mixed_precision", "workers": "max_data_loader_n_workers",
    "num_workers": "max_data_loader_n_workers", "dataloader_num_workers": "max_data_loader_n_workers",
    "model": "pretrained_model_name_or_path", "base_model": "pretrained_model_name_or_path",
    "image_dir": "train_data_dir", "instance_data_dir": "train_data_dir",
    "max_resolution": "resolution", "image_size": "resolution", "size": "resolution",
    "gradient_accumulation": "gradient_accumulation_steps", "checkpointing_steps": "save_every_n_steps",
    "use_xformers": "xformers", "enable_xformers_memory_efficient_attention": "xformers",
}  # fmt: skip
# Other words for a value, and what they are called here.
_WORDS: dict[str, dict[Any, Any]] = {
    "mixed_precision": {
        "float16": "fp16", "half": "fp16", "bfloat16": "bf16", "float": "no", "float32": "no", "fp32": "no",
        "32": "no", "none": "no", "false": "no",
    },
    "save_precision": {"float16": "fp16", "half": "fp16", "bfloat16": "bf16", "float32": "float", "fp32": "float"},
    "loss_type": {"mse": "l2", "mae": "l1"},
}  # fmt: skip

_REMEDIES = {
    "num_repeats": "the folder's name says it, 10_concept",
    "repeats": "the folder's name says it, 10_concept",
}


def wrong_values(seen: Seen, table: OptionTable) -> Iterator[tuple[str, Finding]]:
    """(option, what is wrong with it): the rules must not rely on that value."""
    for name, value in seen.config.values.items():
        if name in _NOT_IN_A_CONFIG:
            message = f"`{name}` is kohya-wrap's own affair."
            yield name, seen.error("not-in-a-config", name, message, _without(seen, name))
        elif name not in table:
            yield name, _unknown(seen, name, table)
        elif why := _refusal(table[name], value.value):
            yield name, seen.error("wrong-value", name, f"`{name}` {why}.", _remedy(table[name], value.value))
        elif bound := bounds.outside(bounds.OPTIONS, name, value.value):
            message = f"`{name} = {as_toml(value.value)}` cannot be meant: it must be {bound.must_be}{bound.because}."
            hint = f"Write {name} = {bound.example}, or leave it out."
            yield name, seen.error("out-of-range", name, message, hint)


def meant(name: str, table: OptionTable) -> str:
    """The option itself, or the one that was probably meant; else an empty text."""
    return name if name in table else _MEANT.get(name) or nearest(name, table)


def _unknown(seen: Seen, name: str, table: OptionTable) -> Finding:
    if name in KEYS:
        message = f"`{name}` belongs under [kohya_wrap]: elsewhere it would be ignored in silence."
        if seen.config.origin(name) is Origin.COMMAND_LINE:
            return seen.error("misplaced", name, message, f"Write `kohya_wrap.{name}=…`.")
        return seen.error("misplaced", name, message, f"Write `{name}` under [kohya_wrap] in the config.")
    readers = option_table.readers(name)
    said = "it would be ignored in silence."
    if others := [reader for reader in readers if reader != "dataset_config"]:
        more = f" and {len(others) - 3} more" if len(others) > 3 else ""
        said = f"it is read by {', '.join(others[:3])}{more}."
    elif readers:
        said = "it belongs into a dataset file of the engine."
    near = _MEANT.get(name, "") if readers else meant(name, table)  # not misspelled: misplaced
    remedy = f"Write `{near}`." if near else _without(seen, name)
    return seen.error("unknown-option", name, f"`{name}` is no option of {seen.script}: {said}", remedy)


def _without(seen: Seen, name: str) -> str:
    """What to do with a value that should not be there, wherever it comes from."""
    value = seen.config.values[name]
    why = f": {_REMEDIES[name]}" if name in _REMEDIES else ""
    if value.origin is Origin.ENVIRONMENT:
        return f"unset {value.detail}"
    if value.origin is Origin.COMMAND_LINE:
        return f"Leave out `{f'{value.detail} {name}'.strip()}=…`{why}."
    return f"Remove the line{why}."


def _refusal(option: Option, value: Any) -> str:
    why = option.refuses(value)
    if why and option.name in SECRETS:
        return "must be a text in quotes"
    return why


def _remedy(option: Option, value: Any) -> str:
    """The line to write, where the value that was meant is plain."""
    if option.name == "max_token_length" and value == 75:
        return "Leave it out: 75 is what the engine takes by itself."
    if option.type == "list" and value == "":
        return "Remove the line."
    meant = _meant(option, value)
    if meant is None or option.refuses(meant):
        return "Mend the value there."
    return f"Write {option.name} = {as_toml(meant)}."


def _meant(option: Option, value: Any) -> Any:
    if option.name in SECRETS:
        return None
    if (words := _WORDS.get(option.name)) and (word := words.get(str(value).lower())):
        return word
    if option.name == "resolution":
        return _sides(value)
    if option.choices and isinstance(value, str):
        choices = [choice for choice in option.choices if isinstance(choice, str)]
        close = difflib.get_close_matches(value.lower(), choices, n=1, cutoff=0.6)
        return close[0] if close else None
    if option.type == "bool":
        booleans = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}
        return booleans.get(str(value).lower())
    if option.type == "list":
        return _items(option, value)
    if isinstance(value, str) and option.type in ("int", "float", "any"):
        return _number(value, whole=option.type == "int")
    if option.type == "int" and isinstance(value, float) and value.is_integer():
        return int(value)
    if option.type == "str" and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return None


def _sides(value: Any) -> str | None:
    """512.0 and [512.0, 768.0] as the engine takes them; other numbers are no sides."""
    sides = value if isinstance(value, list) else [value, value]
    numbers = [side for side in sides if isinstance(side, int | float) and not isinstance(side, bool)]
    if len(sides) != 2 or len(numbers) != 2 or not all(float(number).is_integer() for number in numbers):
        return None
    return ",".join(str(int(number)) for number in numbers)


def _items(option: Option, value: Any) -> Any:
    """A list where one text stands for it, and the numbers that stand in quotes."""
    if option.item == "float":
        if isinstance(value, str):
            return _number(value, whole=False)
        return [_number(str(item), whole=False) for item in value] if isinstance(value, list) else None
    if not isinstance(value, str):
        return None
    if option.name not in ARGUMENTS:
        return [value]
    # At a space or comma that the next key follows: betas=0.9,0.99 stays whole.
    return [arguments.as_pair(item) or item for item in re.split(r"[\s,;]+(?=[A-Za-z_]\w*=)", value.strip())]


def _number(text: str, *, whole: bool) -> int | float | None:
    try:
        if text.endswith("%"):
            return None if whole else float(text[:-1]) / 100
        return int(text) if whole or text.lstrip("-").isdecimal() else float(text)
    except ValueError:
        return None
