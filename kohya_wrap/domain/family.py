"""Model families as a table: what the engine needs to know to train a LoRA on each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class FamilyName(str, Enum):
    SD15 = "sd15"
    SDXL = "sdxl"


@dataclass(frozen=True)
class Family:
    """One family of base models.

    Attributes:
        script: the engine's entry script; the wrong one fails late, obscurely (engine contract, section 6).
        resolution: side in pixels the base was made for.
        max_bucket_reso: longest bucket side in pixels; SDXL needs more than its resolution, or no
            bucket is longer than it is wide (engine contract, section 1).
    """

    name: FamilyName
    title: str
    script: str
    network_module: str
    resolution: int
    max_bucket_reso: int


FAMILIES: dict[FamilyName, Family] = {
    FamilyName.SD15: Family(
        FamilyName.SD15, "SD 1.5", "train_network.py", "networks.lora", 512, 1024
    ),
    FamilyName.SDXL: Family(
        FamilyName.SDXL, "SDXL", "sdxl_train_network.py", "networks.lora", 1024, 2048
    ),
}  # fmt: skip
