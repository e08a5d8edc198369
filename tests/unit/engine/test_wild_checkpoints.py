"""Checkpoints as they lie about: of each its real header, and what we make of it.

Where a name comes from stands beside it: [engine] the engine's own code at the pin (library/…), [comfy] ComfyUI's
model_detection.py and supported_models.py, which tell models apart by that name, [mem] known from the file and looked up nowhere.
"""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from kohya_wrap.domain.family import FamilyName
from kohya_wrap.engine.kind import Kind, read_kind
from kohya_wrap.errors import EngineError
from tests.fixtures import checkpoints as made
from tests.fixtures.checkpoints import SD15, SDXL, UNET_2, UNET_15, UNET_REFINER, UNET_XL, Tensors

EPS_15, EPS_XL = Kind(FamilyName.SD15), Kind(FamilyName.SDXL)
V_XL = Kind(FamilyName.SDXL, v_prediction=True, zero_terminal_snr=True)

# name -> (tensors, type, metadata, what it is)
BASES: dict[str, tuple[Tensors, str, dict[str, str], Kind]] = {
    "SD 1.5 pruned-emaonly": (SD15, "F32", {}, EPS_15),
    "SD 1.5 pruned, with the averaged copy": (made.ema(SD15), "F32", {}, EPS_15),
    "SD 1.5 fp16": (SD15, "F16", {}, EPS_15),
    "SD 1.5 merge without position_ids": (
        {name: shape for name, shape in SD15.items() if not name.endswith("position_ids")}, "F16", {}, EPS_15,
    ),
    # [engine] model_util.load_checkpoint_with_text_encoder_conversion: without `text_model.`
    "SD 1.5 anime, of the NAI line": (
        UNET_15.tensors() | made.clip("cond_stage_model.transformer.", position_ids=True) | made.vae(), "F16", {}, EPS_15,
    ),
    "SD 1.5 v-prediction, said in its metadata": (
        SD15, "F16", {"modelspec.prediction_type": "v"}, Kind(FamilyName.SD15, v_prediction=True),
    ),  # [engine] sai_model_spec.py writes that key
    "SDXL base 1.0": (SDXL, "F16", {"modelspec.architecture": "stable-diffusion-xl-v1-base"}, EPS_XL),
    "SDXL with the fp16-fix VAE baked in": (SDXL, "F16", {}, EPS_XL),
    "SDXL Turbo": (SDXL, "F16", {"modelspec.prediction_type": "epsilon"}, Kind(FamilyName.SDXL, says_noise=True)),
    "SDXL Lightning, the whole checkpoint": (SDXL, "F16", {}, EPS_XL),
    "Pony Diffusion V6 XL": (SDXL, "F16", {}, EPS_XL),
    "Illustrious XL 2.0": (SDXL, "F16", {}, EPS_XL),
    "NoobAI XL 1.1": (SDXL | {"conditioner.embedders.0.transformer.text_model.embeddings.position_ids": (1, 77)}, "F16", {}, EPS_XL),
    "NoobAI XL v-prediction": (SDXL | {"v_pred": (0,), "ztsnr": (0,)}, "F16", {}, V_XL),  # [comfy]
    "Animagine XL 4.0": (SDXL, "F16", {"modelspec.title": "Animagine XL 4.0"}, EPS_XL),
}  # fmt: skip

SD2 = UNET_2.tensors() | made.open_clip("cond_stage_model.model.", layers=24, width=1024) | made.vae()
REFINER = UNET_REFINER.tensors() | made.open_clip("conditioner.embedders.0.model.", layers=32, width=1280)

# [engine] sd3_utils.py, [comfy]: the first decides there
SD3: Tensors = {
    "x_embedder.proj.weight": (1536, 16, 2, 2), "pos_embed": (1, 36864, 1536), "y_embedder.mlp.0.weight": (1536, 2048),
    "context_embedder.weight": (1536, 4096), "joint_blocks.0.context_block.attn.qkv.weight": (4608, 1536),
    "joint_blocks.0.context_block.adaLN_modulation.1.weight": (9216, 1536),
    "joint_blocks.0.x_block.attn.qkv.weight": (4608, 1536),
}  # fmt: skip
SD35 = SD3 | {
    "joint_blocks.0.context_block.attn.ln_k.weight": (64,),
    "joint_blocks.0.x_block.attn2.ln_k.weight": (64,),
}
# [engine] flux_utils.analyze_checkpoint_state
SCHNELL: Tensors = {
    "img_in.weight": (3072, 64), "txt_in.weight": (3072, 4096), "vector_in.in_layer.weight": (3072, 768),
    "double_blocks.0.img_attn.qkv.weight": (9216, 3072), "double_blocks.0.img_attn.proj.bias": (3072,),
    "double_blocks.0.img_attn.norm.key_norm.scale": (128,), "single_blocks.0.modulation.lin.bias": (9216,),
    "final_layer.linear.weight": (64, 3072),
}  # fmt: skip
DEV = SCHNELL | {"guidance_in.in_layer.weight": (3072, 256), "guidance_in.in_layer.bias": (3072,)}
FLUX_DIFFUSERS: Tensors = {
    "x_embedder.weight": (3072, 64), "context_embedder.weight": (3072, 4096),
    "transformer_blocks.0.attn.add_k_proj.bias": (3072,), "transformer_blocks.0.attn.add_q_proj.weight": (3072, 3072),
    "single_transformer_blocks.0.attn.to_k.bias": (3072,),
    "time_text_embed.guidance_embedder.linear_1.bias": (3072,),
}  # fmt: skip


def inside(tensors: Tensors) -> Tensors:
    """As an all-in-one file has them."""
    return {f"model.diffusion_model.{name}": shape for name, shape in tensors.items()}


def t5(prefix: str) -> Tensors:
    names = (
        "encoder.block.0.layer.0.SelfAttention.q.weight",
        "encoder.block.0.layer.1.DenseReluDense.wo.weight",
    )
    return {prefix + name: (4096, 4096) for name in names} | {f"{prefix}shared.weight": (32128, 4096)}


def relative(middle: int, deep: int) -> Tensors:
    """SDXL with so many transformer blocks in its second and third level."""
    others = {name: shape for name, shape in SDXL.items() if not name.startswith("model.diffusion_model.")}
    return made.Unet(320, (1, 2, 4), (0, middle, deep), deep, 2048, adm=2816).tensors() | others


FLUX_ALL_IN_ONE = (
    inside(DEV)
    | made.clip("text_encoders.clip_l.transformer.text_model.")
    | t5("text_encoders.t5xxl.transformer.")
    | made.vae("vae.", latents=16)
)
# [comfy]: two of these names each are those it decides by, or [engine] lumina_util.py, chroma_models.py
LUMINA: Tensors = {
    "cap_embedder.0.weight": (2304,),
    "cap_embedder.1.weight": (2304, 2304),
    "layers.0.attention.qkv.weight": (3840, 2304),
}
PIXART: Tensors = {
    "x_embedder.proj.weight": (1152, 4, 2, 2), "t_block.1.weight": (6912, 1152), "y_embedder.y_embedding": (300, 4096),
    "blocks.0.cross_attn.kv_linear.weight": (2304, 1152), "blocks.0.scale_shift_table": (6, 1152),
}  # fmt: skip
PIXART_DIFFUSERS: Tensors = {
    "adaln_single.emb.timestep_embedder.linear_1.bias": (1152,), "caption_projection.linear_1.weight": (1152, 4096),
    "transformer_blocks.0.attn2.to_k.weight": (1152, 1152),
}  # fmt: skip
HUNYUAN_DIT: Tensors = {
    "mlp_t5.0.weight": (8192, 2048), "x_embedder.proj.weight": (1408, 4, 2, 2), "extra_embedder.0.weight": (5632, 1024),
    "blocks.0.attn2.kv_proj.weight": (2816, 1024),
}  # fmt: skip
CASCADE: Tensors = {
    "clf.1.weight": (64, 2048, 1, 1), "clip_txt_mapper.weight": (2048, 1280),
    "down_blocks.0.0.channelwise.0.weight": (8192, 2048),
}  # fmt: skip
AURA: Tensors = {
    "model.double_layers.0.attn.w1q.weight": (3072, 3072), "model.positional_encoding": (1, 1024, 3072),
    "model.cond_seq_linear.weight": (3072, 2048), "model.register_tokens": (1, 8, 3072),
}  # fmt: skip
CHROMA = SCHNELL | {
    "distilled_guidance_layer.in_proj.weight": (5120, 64),
    "distilled_guidance_layer.norms.0.scale": (5120,),
}
QWEN: Tensors = {  # [mem]
    "txt_norm.weight": (3584,), "img_in.weight": (3072, 64), "transformer_blocks.0.attn.add_q_proj.weight": (3072, 3072),
}  # fmt: skip
WAN: Tensors = {
    "head.modulation": (1, 2, 5120), "patch_embedding.weight": (5120, 16, 1, 2, 2), "blocks.0.cross_attn.k.weight": (5120, 5120),
}  # fmt: skip
KOLORS = UNET_XL.tensors() | {"model.diffusion_model.encoder_hid_proj.weight": (2048, 4096)}  # [mem]
DIFFUSERS_UNET: Tensors = {
    "conv_in.weight": (320, 4, 3, 3), "time_embedding.linear_1.weight": (1280, 320),
    "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight": (320, 768),
    "mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight": (1280, 768),
    "up_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.weight": (1280, 768),
}  # fmt: skip

# name -> (tensors, a word of what it must be called)
OTHERS: dict[str, tuple[Tensors, str]] = {
    "SD 1.5 inpainting": (SD15 | {"model.diffusion_model.input_blocks.0.0.weight": (320, 9, 3, 3)}, "inpainting or editing"),
    "InstructPix2Pix": (SD15 | {"model.diffusion_model.input_blocks.0.0.weight": (320, 8, 3, 3)}, "inpainting or editing"),
    "SD 1.5 U-Net of the ldm layout": (UNET_15.tensors(), "SD 1.5 U-Net without its text encoder"),
    "SD 2.0 base; 2.1 that predicts v has the same tensors": (SD2, "Stable Diffusion 2"),
    "SDXL refiner": (REFINER, "the SDXL refiner"),
    "SDXL inpainting": (SDXL | {"model.diffusion_model.input_blocks.0.0.weight": (320, 9, 3, 3)}, "inpainting or editing"),
    "SDXL U-Net alone": (UNET_XL.tensors(), "SDXL U-Net without its text encoder"),
    "SDXL Lightning, the U-Net alone": ({n: (s[0], 2048) if "attn2" in n else s for n, s in DIFFUSERS_UNET.items()}, "a U-Net alone"),
    # [comfy]: SDXL's widths with fewer transformer blocks; the engine's class has ten
    "SSD-1B": (relative(2, 4), "a smaller relative of SDXL"),
    "Segmind Vega": (relative(1, 2), "a smaller relative of SDXL"),
    "Playground 2.5": (SDXL | {"edm_mean": (1, 4, 1, 1), "edm_std": (1, 4, 1, 1)}, "Playground 2.5"),  # [comfy]
    # [comfy]: time_stack tells it from SD 2
    "Stable Video Diffusion": (
        made.Unet(320, (1, 2, 4, 4), (1, 1, 1, 0), 1, 1024, adm=768, inputs=8).tensors()
        | {"model.diffusion_model.input_blocks.1.1.time_stack.0.attn1.to_q.weight": (320, 320)},
        "a video model",
    ),
    "an AnimateDiff motion module": (  # [mem]
        {"down_blocks.0.motion_modules.0.temporal_transformer.proj_in.weight": (320, 320)}, "a part of one",
    ),
    "SD 1.5 diffusers U-Net": (DIFFUSERS_UNET, "a U-Net alone in the diffusers layout"),
    "SD3 medium": (inside(SD3), "Stable Diffusion 3"),
    "SD3.5, the transformer alone": (SD35, "Stable Diffusion 3"),
    "SD3.5 with its text encoders": (inside(SD35) | made.clip("text_encoders.clip_l.transformer.text_model."), "Stable Diffusion 3"),
    "Flux dev": (DEV, "Flux"),
    "Flux schnell": (SCHNELL, "Flux"),
    "Flux dev, diffusers": (FLUX_DIFFUSERS, "Flux"),
    "Flux fp8, all in one": (FLUX_ALL_IN_ONE, "Flux"),
    "Chroma": (CHROMA, "Chroma"),
    "Lumina 2": (LUMINA, "Lumina"),
    "Lumina 2, all in one": (inside(LUMINA) | made.vae("vae.", latents=16), "Lumina"),
    "PixArt": (PIXART, "PixArt"),
    "PixArt, diffusers": (PIXART_DIFFUSERS, "PixArt"),
    "HunyuanDiT": (HUNYUAN_DIT, "HunyuanDiT"),
    "Stable Cascade, stage C": (CASCADE, "Stable Cascade"),
    "AuraFlow": (AURA, "AuraFlow"),
    "Qwen-Image": (QWEN, "Qwen-Image"),
    "Wan": (WAN, "Wan"),
    "Kolors": (KOLORS, "Kolors"),
    "a VAE of the ldm layout": (made.vae(""), "a VAE alone"),
    "a VAE, diffusers": ({"decoder.up_blocks.0.resnets.0.norm1.weight": (512,), "encoder.down_blocks.0.resnets.0.norm1.weight": (128,)}, "a VAE alone"),
    "CLIP-L": (made.clip("text_model."), "a text encoder alone"),
    "T5 XXL": (t5(""), "a text encoder alone"),
    "a LoRA of the engine": ({"lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight": (16, 320, 1, 1)}, "a LoRA"),
    "a LoRA, diffusers": ({"unet.down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.lora_A.weight": (16, 768)}, "a LoRA"),
    "a LoRA, old diffusers": ({"unet.down_blocks.0.attentions.0.transformer_blocks.0.attn2.processor.to_k_lora.down.weight": (16, 768)}, "a LoRA"),
    "a LyCORIS LoKr": ({"lycoris_down_blocks_0_attentions_0_proj_in.lokr_w1": (16, 16)}, "a LoRA"),
    "a LyCORIS LoHa": ({"lora_unet_down_blocks_0_attentions_0_proj_in.hada_w1_a": (320, 16)}, "a LoRA"),
    "an embedding for SD 1.5": ({"emb_params": (8, 768)}, "an embedding"),
    "an embedding for SDXL": ({"clip_g": (8, 1280), "clip_l": (8, 768)}, "an embedding"),
    "a ControlNet of the ldm layout": ({"control_model.input_blocks.0.0.weight": (320, 4, 3, 3), "control_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight": (320, 768)}, "a ControlNet"),
    "a ControlNet, diffusers": (DIFFUSERS_UNET | {"controlnet_cond_embedding.conv_in.weight": (16, 3, 3, 3)}, "a ControlNet"),
    "an upscaler": ({"model.0.weight": (64, 3, 3, 3), "model.1.sub.0.RDB1.conv1.0.weight": (32, 64, 3, 3)}, "unknown kind"),
}  # fmt: skip


@pytest.mark.parametrize("name", BASES)
def test_a_base(tmp_path: Path, name: str) -> None:
    tensors, dtype, metadata, kind = BASES[name]
    file = made.write(tmp_path / "of-an-unknown-name.safetensors", tensors, dtype=dtype, metadata=metadata)
    assert read_kind(file) == kind


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_base_is_called_what_it_is(tmp_path: Path, name: str) -> None:
    tensors, word = OTHERS[name]
    with pytest.raises(EngineError, match=f"it is .*{word}"):
        read_kind(made.write(tmp_path / "sd_xl_base_1.0.safetensors", tensors))


@pytest.mark.parametrize(
    ("unet", "tensors", "parameters"),
    [(UNET_15, 686, 859_520_964), (UNET_2, 686, 865_910_724), (UNET_XL, 1680, 2_567_463_684)],
)
def test_the_headers_are_as_large_as_the_real_u_nets(unet: made.Unet, tensors: int, parameters: int) -> None:
    """Counted on the engine's own classes at the pin."""
    shapes = unet.tensors()
    assert len(shapes) == tensors
    assert sum(math.prod(shape) for shape in shapes.values()) == parameters
