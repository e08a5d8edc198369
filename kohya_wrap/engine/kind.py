"""What kind of model a file is: read from its tensors, never from its name or size."""

from __future__ import annotations

import json
from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kohya_wrap.domain.family import FAMILIES, FamilyName
from kohya_wrap.errors import EngineError
from kohya_wrap.host import pickle_file, safetensors_file

PICKLES = (".ckpt", ".pt", ".pth", ".bin")

_UNET = "model.diffusion_model."
_TEXT_ENCODER = {
    FamilyName.SD15: "cond_stage_model.transformer.",
    FamilyName.SDXL: "conditioner.embedders.1.",
}
_READS_TEXT = ".attn2.to_k.weight"
# The engine's SDXL U-Net has ten in a row; SSD-1B, Vega and KOALA have fewer.
_DEEPEST_OF_SDXL = ".transformer_blocks.9."
# Width of what the U-Net's cross-attention reads: the text encoder's output.
_BY_CONTEXT = {768: FamilyName.SD15, 2048: FamilyName.SDXL}
_REFUSED_CONTEXT = {1024: "Stable Diffusion 2", 1280: "the SDXL refiner"}
_LORA = "a LoRA, which is trained on a base and is none"
# A part of a tensor's name -> what the file is; the first that is found decides, so the telling ones come first.
_REFUSED_PARTS = {
    **dict.fromkeys(("lora_unet_", "lora_te", ".lora_down.", ".lora_A.", "lora.down."), _LORA),
    **dict.fromkeys(("lycoris_", "hada_w1", "lokr_w1", "oft_blocks"), _LORA),
    **dict.fromkeys(("control_model.", "controlnet_", "lllite_"), "a ControlNet"),
    "ip_adapter.": "an IP-Adapter",
    "edm_mean": "Playground 2.5, which predicts in a way of its own (EDM)",
    **dict.fromkeys(("time_stack.", "motion_modules."), "a video model, or a part of one"),
    "distilled_guidance_layer.": "Chroma",
    "txt_norm.": "Qwen-Image",
    "head.modulation": "Wan",
    "clf.1.weight": "Stable Cascade",
    **dict.fromkeys(("double_layers.", "joint_transformer_blocks."), "AuraFlow"),
    "mlp_t5.": "HunyuanDiT",
    **dict.fromkeys(("t_block.1.weight", "adaln_single."), "PixArt or a relative of it"),
    "encoder_hid_proj.": "Kolors",
    "individual_token_refiner.": "a later Hunyuan model",
    **dict.fromkeys(("double_blocks.", "single_transformer_blocks."), "Flux or a relative of it"),
    **dict.fromkeys(("joint_blocks.", "add_q_proj."), "Stable Diffusion 3"),
    "cap_embedder.": "Lumina",
    "cond_stage_model.model.transformer.": "Stable Diffusion 2",
}
# How a tensor's name starts -> what the file is, where it holds no U-Net of ours.
_ALONE = {
    "down_blocks.": "a U-Net alone in the diffusers layout",
    **dict.fromkeys(("encoder.block.", "text_model.", "transformer.resblocks."), "a text encoder alone"),
    **dict.fromkeys(("decoder.", "encoder.", "first_stage_model."), "a VAE alone"),
    **dict.fromkeys(("emb_params", "clip_g", "string_to_param"), "an embedding (textual inversion)"),
}


@dataclass(frozen=True)
class Kind:
    """Attributes:
    v_prediction, zero_terminal_snr: how the base was trained, which a LoRA on it must follow.
    says_noise: it says so; most files that predict noise, and some that predict v, say nothing.
    """

    family: FamilyName
    v_prediction: bool = False
    zero_terminal_snr: bool = False
    says_noise: bool = False


def read_kind(path: Path) -> Kind:
    """The kind of a .safetensors file, a pickle (not run), or a folder in the diffusers layout.

    Raises:
        EngineError: not whole, or not a base that LoRAs of the known families are trained on.
    """
    if path.is_dir():
        return _of_folder(path)
    if path.suffix.lower() in PICKLES:
        return _of_pickle(path)
    header = safetensors_file.read_header(path)
    tensors = header.tensors
    _refuse_others(path, tensors.keys())
    reads = [t.shape[1] for key, t in tensors.items() if key.startswith(_UNET) and key.endswith(_READS_TEXT)]
    width = reads[0] if reads else 0
    if width not in _BY_CONTEXT:
        raise _not_a_base(path, _REFUSED_CONTEXT.get(width, _lone_part(tensors.keys())))
    first = tensors.get(f"{_UNET}input_blocks.0.0.weight")
    if first is not None and first.shape[1:2] not in ((), (4,)):
        raise _not_a_base(path, "an inpainting or editing model")
    family = _BY_CONTEXT[width]
    if not any(key.startswith(_TEXT_ENCODER[family]) for key in tensors):
        raise _not_a_base(path, f"a {FAMILIES[family].title} U-Net without its text encoder")
    if family is FamilyName.SDXL and not any(_DEEPEST_OF_SDXL in key for key in tensors):
        raise _not_a_base(path, "a smaller relative of SDXL")
    said = header.metadata.get("modelspec.prediction_type", "")
    v_prediction = said.startswith("v") or "v_pred" in tensors
    return Kind(family, v_prediction, "ztsnr" in tensors, said == "epsilon" and not v_prediction)


def _of_pickle(path: Path) -> Kind:
    names = pickle_file.names(path)
    _refuse_others(path, names)
    for family in (FamilyName.SDXL, FamilyName.SD15):
        if any(name.startswith(_TEXT_ENCODER[family]) for name in names):
            return Kind(family, "v_pred" in names, "ztsnr" in names)
    raise _not_a_base(path, _lone_part(names))


def _of_folder(path: Path) -> Kind:
    if not (path / "unet").is_dir() or not (path / "text_encoder").is_dir():
        raise _not_a_base(path, "a folder without unet/ and text_encoder/")
    width = _json(path / "unet" / "config.json").get("cross_attention_dim", 0)
    if width not in _BY_CONTEXT:
        raise _not_a_base(path, _REFUSED_CONTEXT.get(width, "an unknown kind of U-Net"))
    family = _BY_CONTEXT[width]
    if family is FamilyName.SDXL and not (path / "text_encoder_2").is_dir():
        raise _not_a_base(path, "an SDXL U-Net without text_encoder_2/")
    scheduler = _json(path / "scheduler" / "scheduler_config.json")
    said = scheduler.get("prediction_type")
    rescaled = bool(scheduler.get("rescale_betas_zero_snr"))
    return Kind(family, said == "v_prediction", rescaled, said == "epsilon")


def _json(path: Path) -> dict[str, Any]:
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return read if isinstance(read, dict) else {}


def _refuse_others(path: Path, names: Set[str]) -> None:
    for part, kind in _REFUSED_PARTS.items():
        if any(part in name for name in names):
            raise _not_a_base(path, kind)


def _lone_part(names: Set[str]) -> str:
    found = (kind for start, kind in _ALONE.items() if any(name.startswith(start) for name in names))
    return next(found, "of an unknown kind")


def _not_a_base(path: Path, kind: str) -> EngineError:
    return EngineError(
        f"{path} cannot be the base: it is {kind}.",
        why=f"Its tensors say so, and LoRAs need {' or '.join(f.title for f in FAMILIES.values())} here.",
        hint="Name another file, or take --base sd15 or --base sdxl.",
    )
