"""The GUI's LoRA types: which module of the engine each is, and what that module is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LYCORIS = "lycoris.kohya"

# In the order of kohya_gui/lora_gui.py. An argument is `name`, or `name=field` where the field is called otherwise.
_COMMON = ("preset=LyCORIS_preset", "conv_dim", "conv_alpha")
_DROPOUT = ("rank_dropout", "module_dropout")
_WEIGHTS = (*_COMMON, "use_tucker", "rank_dropout", "bypass_mode", "dora_wd", "module_dropout")
_LYCORIS: Mapping[str, tuple[str, ...]] = {
    "boft": (*_COMMON, "use_tucker", *_DROPOUT, "rank_dropout_scale", "train_norm"),
    "diag-oft": (*_COMMON, "use_tucker", *_DROPOUT, "rank_dropout_scale", "constraint=constrain",
                 "rescaled", "train_norm"),
    "dylora": (*_COMMON, "use_tucker", "block_size=unit", *_DROPOUT, "train_norm"),
    "glora": (*_COMMON, "use_tucker", *_DROPOUT, "rank_dropout_scale", "train_norm"),
    "ia3": (*_COMMON, "train_on_input"),
    "locon": (*_WEIGHTS, "use_scalar", "rank_dropout_scale", "train_norm"),
    "loha": (*_WEIGHTS, "use_scalar", "rank_dropout_scale", "train_norm"),
    "lokr": (*_WEIGHTS, "factor", "use_cp", "use_scalar", "decompose_both", "rank_dropout_scale", "train_norm"),
    "full": ("preset=LyCORIS_preset", *_DROPOUT, "rank_dropout_scale", "train_norm"),
}  # fmt: skip
_ALGORITHMS = {
    "LyCORIS/BOFT": "boft", "LyCORIS/Diag-OFT": "diag-oft", "LyCORIS/DyLoRA": "dylora", "LyCORIS/GLoRA": "glora",
    "LyCORIS/iA3": "ia3", "LoCon": "locon", "LyCORIS/LoCon": "locon", "LyCORIS/LoHa": "loha",
    "LyCORIS/LoKr": "lokr", "LyCORIS/Native Fine-Tuning": "full",
}  # fmt: skip
_BLOCKS = (
    "down_lr_weight", "mid_lr_weight", "up_lr_weight", "block_lr_zero_threshold", "block_dims", "block_alphas",
    "conv_block_dims", "conv_block_alphas", *_DROPOUT,
)  # fmt: skip
_OWN_MODULES: Mapping[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    # type: (module, arguments given always, arguments given where they hold something)
    "Standard": ("networks.lora", (), _BLOCKS),
    "Kohya LoCon": ("networks.lora", ("conv_dim", "conv_alpha"), _BLOCKS),
    "LoRA-FA": ("networks.lora_fa", (), _BLOCKS),
    "Kohya DyLoRA": ("networks.dylora", (), ("conv_dim", "conv_alpha", *_BLOCKS, "unit")),
}
_LORA_PLUS = ("loraplus_lr_ratio", "loraplus_unet_lr_ratio", "loraplus_text_encoder_lr_ratio")


@dataclass(frozen=True)
class Network:
    """
    Attributes:
        arguments: (GUI field, "key=value" as the engine is given it).
    """

    module: str
    arguments: tuple[tuple[str, str], ...]

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(field for field, _ in self.arguments))


def of(kind: str, fields: Mapping[str, Any]) -> Network | None:
    """The network of a LoRA type; None where the GUI has none of that name for SD 1.5 and SDXL."""
    plus = [(name, f"{name}={fields[name]}") for name in _LORA_PLUS if fields.get(name)]
    if algorithm := _ALGORITHMS.get(kind):
        pairs = [*_lycoris(algorithm, fields), ("LoRA_type", f"algo={algorithm}")]
        return Network(LYCORIS, (*pairs, *plus))
    if kind not in _OWN_MODULES:
        return None
    module, always, where_set = _OWN_MODULES[kind]
    names = [name for name in always if fields.get(name) not in ("", None)] + [
        name for name in where_set if fields.get(name)
    ]
    return Network(module, (*((name, f"{name}={fields[name]}") for name in names), *plus))


def _lycoris(algorithm: str, fields: Mapping[str, Any]) -> list[tuple[str, str]]:
    pairs = []
    for argument in _LYCORIS[algorithm]:
        name, _, field = argument.partition("=")
        field = field or name
        if field == "use_tucker" and field not in fields and "use_cp" not in _LYCORIS[algorithm]:
            field = "use_cp"  # what the GUI, and LyCORIS, called it before
        if fields.get(field) not in ("", None):
            pairs.append((field, f"{name}={fields[field]}"))
    return pairs
