"""Write an SD 1.5 base of random weights: `ENGINE_PYTHON -I random_base.py SOURCE_DIR FILE SEED`.

Runs in the engine's interpreter. The architecture is the real one, built from the engine's own classes and
put under the keys of the published weights by its own converters, in fp16; each layer has its default
initialisation.
"""

import sys


def main() -> None:
    source, file, seed = sys.argv[1:]
    sys.path.insert(0, source)
    import torch
    from diffusers import AutoencoderKL
    from library import model_util
    from library.original_unet import UNet2DConditionModel
    from safetensors.torch import save_file
    from transformers import CLIPTextModel

    torch.manual_seed(int(seed))
    text = CLIPTextModel(text_encoder()).half().state_dict()  # drawn in fp32: normal_ is slow in fp16
    torch.set_default_dtype(torch.float16)  # half the memory
    unet = UNet2DConditionModel(**model_util.create_unet_diffusers_config(v2=False)).state_dict()
    vae = AutoencoderKL(**model_util.create_vae_diffusers_config()).state_dict()
    tensors = {
        **prefixed("model.diffusion_model.", model_util.convert_unet_state_dict_to_sd(False, unet)),
        **prefixed("first_stage_model.", model_util.convert_vae_state_dict(vae)),
        **prefixed("cond_stage_model.transformer.", text),
    }
    save_file(tensors, file, {"format": "pt"})  # one entry: several are written in random order


def prefixed(prefix: str, tensors: dict) -> dict:
    return {prefix + name: tensor.contiguous() for name, tensor in tensors.items()}


def text_encoder():
    """OpenAI's CLIP ViT-L/14 text model, as SD 1.5 has it."""
    from transformers import CLIPTextConfig

    return CLIPTextConfig(
        vocab_size=49408,
        hidden_size=768,
        intermediate_size=3072,
        num_hidden_layers=12,
        num_attention_heads=12,
        max_position_embeddings=77,
        hidden_act="quick_gelu",
        projection_dim=768,
    )


if __name__ == "__main__":
    main()
