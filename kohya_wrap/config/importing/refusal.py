"""The files that are read well and are no LoRA we train: what each is, and how we know."""

from __future__ import annotations

import shlex
from pathlib import Path

from kohya_wrap.errors import ConfigError

# Modules of the engine for other families of models: network_module -> the family.
OTHER_MODULES = {
    "networks.lora_flux": "Flux",
    "networks.oft_flux": "Flux",
    "networks.lora_sd3": "Stable Diffusion 3",
    "networks.lora_lumina": "Lumina",
    "networks.lora_anima": "Anima",
    "networks.lora_hunyuan_image": "HunyuanImage",
}

# Entry scripts that train something else.
OTHER_SCRIPTS = {
    "flux_train_network.py": "a Flux LoRA",
    "sd3_train_network.py": "a Stable Diffusion 3 LoRA",
    "lumina_train_network.py": "a Lumina LoRA",
    "anima_train_network.py": "an Anima LoRA",
    "hunyuan_image_train_network.py": "a HunyuanImage LoRA",
    "train_db.py": "a DreamBooth training of the whole model",
    "fine_tune.py": "a fine-tuning of the whole model",
    "sdxl_train.py": "a fine-tuning of the whole SDXL model",
    "flux_train.py": "a fine-tuning of the whole Flux model",
    "sd3_train.py": "a fine-tuning of the whole Stable Diffusion 3 model",
    "train_textual_inversion.py": "a textual inversion",
    "train_textual_inversion_XTI.py": "a textual inversion",
    "sdxl_train_textual_inversion.py": "an SDXL textual inversion",
    "train_controlnet.py": "a ControlNet",
    "train_control_net.py": "a ControlNet",
    "sdxl_train_control_net_lllite.py": "a ControlNet-LLLite",
    "sdxl_train_control_net.py": "a ControlNet",
    "train_leco.py": "a LECO",
}


def other_training(path: Path, what: str, sign: str) -> ConfigError:
    """`what` the file trains, by which `sign`."""
    return ConfigError(
        f"{path.name} describes {what}.",
        why=f"{sign}; kohya-wrap trains LoRAs for SD 1.5 and SDXL only.",
        hint="Start from a config of your own: kohya-wrap init my-lora",
    )


def no_config(path: Path, why: str) -> ConfigError:
    return ConfigError(
        f"{path.name} is no training config that kohya-wrap can read.",
        why=why,
        hint="It reads a kohya_ss JSON, an sd-scripts TOML, a script with its command line, or a trained LoRA.",
    )


def not_text(path: Path, byte: int) -> ConfigError:
    return ConfigError(
        f"{path.name} is no training config that kohya-wrap can read.",
        why=f"It is not UTF-8 text (byte {byte}).",
        hint="If it is a script or a config, save it as UTF-8 in your editor, and import it again.",
    )


def notebook(path: Path) -> ConfigError:
    return ConfigError(
        f"{path.name} is a notebook.",
        why="Its cells may be run in any order, so it is not known which of them make up the training.",
        hint="Copy the cell that starts the training, and those that set its variables, into a text file, and import that.",
    )


def own_config(path: Path) -> ConfigError:
    return ConfigError(
        f"{path.name} is a kohya-wrap config already.",
        why="It has a [kohya_wrap] section.",
        hint=f"kohya-wrap config check {shlex.quote(str(path))}",
    )


def broken_script(name: str, line: int, what: str, mend: str) -> ConfigError:
    return ConfigError(
        f"{name}:{line}: {what}.",
        why="So it is not known which words the trainer would have been given.",
        hint=f"{mend} at line {line}, and import it again.",
    )


def nothing_read(where: str, why: str, hint: str) -> ConfigError:
    return ConfigError(f"{where}: what this command trains cannot be read.", why=why, hint=hint)
