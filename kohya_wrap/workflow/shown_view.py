"""What a run would give the engine for each image, found out without one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kohya_wrap.dataset import inventory
from kohya_wrap.domain.finding import Finding
from kohya_wrap.domain.view import Folder
from kohya_wrap.places import Places
from kohya_wrap.workflow import dataset_config, effective, training_view
from kohya_wrap.workflow.effective import ConfigRequest


@dataclass(frozen=True)
class ShownView:
    """By the option that names the user's folder, what stands for what is in it."""

    parts: Mapping[str, tuple[Folder, ...]]
    extension: str
    findings: tuple[Finding, ...]


def of(request: ConfigRequest, places: Places, env: Mapping[str, str]) -> ShownView:
    """Only the images and captions are looked at; of the config, what decides how they are given.

    Raises:
        ConfigError, UsageError: it cannot be read, or has errors. DatasetError: no image.
    """
    meant = effective.of(request, places, env)
    effective.refuse(meant.findings)
    config = meant.config
    dataset_config.refuse(meant.asked.values, "dataset view", meant.asked.user.path)
    parts: dict[str, tuple[Folder, ...]] = {}
    findings: list[Finding] = []
    extension = meant.asked.values.get("caption_extension")
    for option in ("train_data_dir", "reg_data_dir"):
        if folder := config.get(option):
            found = inventory.survey(Path(folder), extension)
            extension = found.caption_extension
            parts[option] = training_view.of(found, config)
            findings += found.findings
    return ShownView(parts, str(extension), tuple(findings))
