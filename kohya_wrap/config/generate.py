"""The sections of a new training_config.toml, for one base, one recipe and one card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kohya_wrap.config.presets import GpuPreset, RecipeForFamily, Subject
from kohya_wrap.config.resolve import card_values
from kohya_wrap.domain.family import Family
from kohya_wrap.domain.steps import save_every


@dataclass(frozen=True)
class NewProject:
    """What `init` knows when it writes the config.

    Attributes:
        base: as given to --base; base_path and vae as written into the file, relative to it.
        recipe: the subject's, with what it says of captions like the project's.
        epochs: None where there are no images yet: `run` solves them then, from target_steps.
    """

    name: str
    base: str
    base_path: str
    vae: str | None
    v_prediction: bool
    zero_terminal_snr: bool
    family: Family
    recipe: RecipeForFamily
    preset: GpuPreset
    engine: str
    trigger: str
    target_steps: int
    epochs: int | None
    subject: Subject = ""
    caption_extension: str = ".txt"


def sections(project: NewProject) -> dict[str, dict[str, Any]]:
    """Section -> option -> value, as templates/training_config.toml.j2 shows them to people."""
    side = project.family.resolution
    model: dict[str, Any] = {"pretrained_model_name_or_path": project.base_path}
    if project.vae:
        model["vae"] = project.vae
    if project.v_prediction:
        model["v_parameterization"] = True
    if project.zero_terminal_snr:
        model["zero_terminal_snr"] = True
    learned = dict(project.recipe.options)
    dataset = {
        "train_data_dir": "./training_data",
        "resolution": f"{side},{side}",
        "caption_extension": project.caption_extension,
        "enable_bucket": learned.pop("enable_bucket", True),
        "min_bucket_reso": 256,
        "max_bucket_reso": project.family.max_bucket_reso,
    }
    for name in ("shuffle_caption", "keep_tokens"):
        if name in learned:
            dataset[name] = learned.pop(name)
    return {
        "model": model,
        "dataset": dataset,
        "training": _training(project, learned),
        "gpu": {
            "preset": project.preset.name,
            **card_values(project.preset.for_family(project.family.name), project.recipe.batch),
        },
        "kohya_wrap": {
            "base": project.base,
            "engine": project.engine,
            "subject": project.subject,
            "trigger": project.trigger,
            "target_steps": project.target_steps,
        },
    }


def _training(project: NewProject, learned: Mapping[str, Any]) -> dict[str, Any]:
    training: dict[str, Any] = {
        "output_dir": "./output",
        "output_name": project.name,
        "logging_dir": "./logs",
    }
    if project.epochs is not None:
        training |= {"max_train_epochs": project.epochs, "save_every_n_epochs": save_every(project.epochs)}
    return (
        training
        | dict(learned)
        | {
            "network_module": project.family.network_module,
            "seed": 42,
            "cache_latents": True,
            "save_precision": "fp16",
            "save_model_as": "safetensors",
        }
    )
