"""The shipped presets, and a way from a file's text to its effective config."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from kohya_wrap import resources
from kohya_wrap.config import by_hand, presets, resolve
from kohya_wrap.config import user as users
from kohya_wrap.config.limits import Machine
from kohya_wrap.config.presets import Presets
from kohya_wrap.config.user import UserConfig
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
        return users.read_user(toml_file.read(path))

    return read


@pytest.fixture
def resolved(user: Callable[[str], UserConfig], shipped: Presets, tmp_path: Path) -> Resolve:
    """Text of a config -> (effective config, findings), on a card named by its preset."""

    def through(
        text: str,
        *,
        card: str = "RTX 4090",
        capability: tuple[int, int] | None = (8, 9),  # None: the card is elsewhere
        family: FamilyName = FamilyName.SD15,
        environment: Mapping[str, str] | None = None,
        words: tuple[str, ...] = (),
        v_prediction: bool = False,
        zero_terminal_snr: bool = False,
        cpu_bf16: bool = False,
    ) -> Resolved:
        preset = shipped.gpus[card]
        hardware = None if preset.is_cpu or capability is None else gpu(capability=capability)
        return resolve.resolve(
            user(text),
            family=FAMILIES[family],
            v_prediction=v_prediction,
            zero_terminal_snr=zero_terminal_snr,
            recipe=shipped.recipe_for("").for_family(family),
            machine=Machine(preset, hardware, Cpu(2, cpu_bf16)),
            caption_extension=".txt",
            by_hand=(
                by_hand.from_environment(environment or {}, tmp_path),
                by_hand.from_command_line(words, tmp_path),
            ),
        )

    return through
