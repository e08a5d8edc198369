"""What the two entry scripts differ in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Family:
    """A handful of the modules that the engine's networks.lora finds in the real models, under its names."""

    version: str  # ss_base_model_version
    architecture: str  # modelspec.architecture
    bucket_multiple: int  # bucket_reso_steps must be a multiple of this
    text_modules: tuple[str, ...]
    unet_modules: tuple[str, ...]


SD15 = Family(
    "sd_v1", "stable-diffusion-v1/lora", 64,
    ("lora_te_text_model_encoder_layers_0_self_attn_q_proj", "lora_te_text_model_encoder_layers_11_mlp_fc1"),
    (
        "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q",
        "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_v",
        "lora_unet_up_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k",
        "lora_unet_up_blocks_3_attentions_2_transformer_blocks_0_ff_net_2",
    ),
)  # fmt: skip
SDXL = Family(
    "sdxl_base_v1-0", "stable-diffusion-xl-v1-base/lora", 32,
    (
        "lora_te1_text_model_encoder_layers_0_self_attn_q_proj",
        "lora_te2_text_model_encoder_layers_31_mlp_fc1",
    ),
    (
        "lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q",
        "lora_unet_middle_block_1_transformer_blocks_0_attn1_to_v",
        "lora_unet_output_blocks_0_1_transformer_blocks_0_attn2_to_k",
        "lora_unet_output_blocks_5_1_transformer_blocks_0_ff_net_2",
    ),
)  # fmt: skip
