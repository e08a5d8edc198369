"""What a run would give the engine for each image, found out without one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kohya_wrap.dataset import folders, inventory
from kohya_wrap.dataset.view.laid_out import CachedWith
from kohya_wrap.domain.config import TrainingConfig
from kohya_wrap.domain.finding import Finding
from kohya_wrap.domain.view import Folder
from kohya_wrap.places import Places
from kohya_wrap.workflow import bare_folder, dataset_config, effective, training_view
from kohya_wrap.workflow.configured import Configured
from kohya_wrap.workflow.effective import ConfigRequest


@dataclass(frozen=True)
class ShownView:
    """What can be used; what cannot be read is an error among the findings.

    By the option that names the user's folder (or dataset/subset of a dataset_config), what stands for what is in it."""

    parts: Mapping[str, tuple[Folder, ...]]
    findings: tuple[Finding, ...]


def of(request: ConfigRequest, places: Places, env: Mapping[str, str]) -> ShownView:
    """Only the images and captions are looked at; of the config, what decides how they are given.

    Args:
        request: its config may be a folder of images.

    Raises:
        ConfigError, UsageError: it cannot be read, or has errors. DatasetError: no image.
    """
    config_file = bare_folder.config_of(request.config)
    bare = None if config_file else bare_folder.of(request.config, request.words, env, family="")
    asked = bare.asked if bare else effective.read(config_file or request.config, request.words, env)
    meant = effective.meant(asked, request.gpu, places, env)
    effective.refuse(tuple(found for found in meant.findings if found.code != "no-base"))
    config = meant.config
    if path := meant.asked.values.get("dataset_config"):
        return _configured(
            dataset_config.survey(Path(path), asked.values, asked.where("dataset_config")), config
        )
    parts: dict[str, tuple[Folder, ...]] = {}
    findings: list[Finding] = [said for said in bare.findings if said.code != "no-config"] if bare else []
    extension = meant.asked.values.get("caption_extension")
    for option in ("train_data_dir", "reg_data_dir"):
        if folder := config.get(option):
            found = (
                inventory.survey_loose(folders.loose(Path(folder), 10), extension)
                if bare and bare.loose and option == "train_data_dir"
                else inventory.survey(Path(folder), extension, option=option)
            )
            extension = found.caption_extension
            parts[option] = training_view.of(found, config)
            findings += found.findings
    return ShownView(parts, tuple(findings))


def _configured(found: Configured, config: TrainingConfig) -> ShownView:
    parts = found.parts(config, lambda own: CachedWith())
    return ShownView({part.path: part.folders for part in parts}, found.findings)
