"""The shipped presets, and a way from a file's text to its effective config."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from kohya_wrap import resources
from kohya_wrap.config import presets, resolve
from kohya_wrap.config.presets import Presets
from kohya_wrap.config.resolve import Machine, UserConfig
from kohya_wrap.domain.config import TrainingConfig
from kohya_wrap.domain.family import FAMILIES, FamilyName
from kohya_wrap.domain.finding import Finding
from kohya_wrap.domain.hardware import Cpu, Gpu
from kohya_wrap.host import toml_file

Resolved = tuple[TrainingConfig, tuple[Finding, ...]]
Resolve = Callable[..., Resolved]


@pytest.fixture(scope="session")
def shipped() -> Presets:
    return presets.load(resources.presets())


def gpu(name: str = "card", gib: int = 24, capability: tuple[int, int] = (8, 9)) -> Gpu:
    """As the driver shows a card: a little less than its name says."""
    return Gpu("GPU-0", name, int(gib * 0.96 * 2**30), capability)


@pytest.fixture
def user(tmp_path: Path) -> Callable[[str], UserConfig]:
    def read(text: str) -> UserConfig:
        path = tmp_path / "training_config.toml"
        path.write_text(text, encoding="utf-8")
        return resolve.read_user(toml_file.read(path))

    return read


@pytest.fixture
def resolved(user: Callable[[str], UserConfig], shipped: Presets) -> Resolve:
    """Text of a config -> (effective config, findings), on a card named by its preset."""

    def through(
        text: str,
        *,
        card: str = "RTX 4090",
        capability: tuple[int, int] = (8, 9),
        family: FamilyName = FamilyName.SD15,
        environment: Mapping[str, str] | None = None,
        v_prediction: bool = False,
        zero_terminal_snr: bool = False,
        cpu_bf16: bool = False,
    ) -> Resolved:
        preset = shipped.gpus[card]
        hardware = None if preset.is_cpu else gpu(capability=capability)
        return resolve.resolve(
            user(text),
            family=FAMILIES[family],
            v_prediction=v_prediction,
            zero_terminal_snr=zero_terminal_snr,
            recipe=shipped.recipe.for_family(family),
            machine=Machine(preset, hardware, Cpu(2, cpu_bf16)),
            caption_extension=".txt",
            environment=environment or {},
        )

    return through
