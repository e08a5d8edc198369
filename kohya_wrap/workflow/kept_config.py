"""A project's own config where `init` is repeated: what it trains on counts, and what was asked otherwise is said."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kohya_wrap import resources
from kohya_wrap.config import user
from kohya_wrap.config.user import UserConfig
from kohya_wrap.config.wrapper_section import WrapperSection
from kohya_wrap.domain.finding import Finding, Level
from kohya_wrap.engine import catalogue, reference
from kohya_wrap.engine.reference import Local, Reference
from kohya_wrap.host import toml_file
from kohya_wrap.host.toml_file import UserToml
from kohya_wrap.places import Places
from kohya_wrap.workflow import base_model

_PATH = "pretrained_model_name_or_path"
_EPOCHS = ("max_train_epochs", "save_every_n_epochs")


@dataclass(frozen=True)
class KeptConfig:
    """The file and what it says."""

    source: UserToml
    user: UserConfig

    @property
    def wrapper(self) -> WrapperSection:
        return self.user.wrapper


def read(config: Path) -> KeptConfig | None:
    """None where there is none. Raises ConfigError: it cannot be read."""
    if not config.exists():
        return None
    source = toml_file.read(config)
    return KeptConfig(source, user.read_user(source))


def base(kept: KeptConfig, places: Places, *, needed: bool) -> Reference | None:
    """What it trains on. Raises EngineError: `needed`, and nothing is known of it."""
    texts = {name: value for name, value in kept.user.values.items() if isinstance(value, str)}
    return base_model.of(texts, kept.user, places, needed=needed)


def differences(
    kept: KeptConfig, trained_on: Reference | None, asked: Mapping[str, Any], card: str, typed: Path
) -> Iterator[Finding]:
    """What was asked of `init` and the file says otherwise, each with what to type.

    Args:
        asked: the options that were given, not those left at their defaults.
        card: the preset's name that --gpu means.
        typed: the config's path as a person here would type it.
    """
    file, says = shlex.quote(str(typed)), kept.wrapper
    anew = f"rm {file}   and then the same line: it is made anew, without what you changed in it."
    if "base" in asked and not _is_base(asked["base"], trained_on, kept):
        path = kept.user.values.get(_PATH)
        now = Path(path).name if isinstance(path, str) else says.base
        yield _said(kept, "base", asked["base"], now or "none", anew)
    if "subject" in asked and asked["subject"] != says.subject:
        yield _said(kept, "subject", asked["subject"], says.subject or "the guide's values", anew)
    if "steps" in asked and asked["steps"] is not None and asked["steps"] != says.target_steps:
        new = _set(f"kohya_wrap.target_steps={asked['steps']}", file)
        fixed = [name for name in _EPOCHS if name in kept.user.values]
        hint = f"Remove {' and '.join(fixed)} from it, and: {new}" if fixed else new
        yield _said(kept, "target_steps", asked["steps"], says.target_steps, hint, "--steps")
    if "trigger" in asked and asked["trigger"] != says.trigger:
        hint = _set(f"kohya_wrap.trigger={asked['trigger']}", file)
        if says.trigger:
            hint += "   and then the same line: it is written into captions that lack it."
        yield _said(kept, "trigger", asked["trigger"], says.trigger or "none", hint)
    if "engine" in asked and asked["engine"] != says.engine:
        yield _said(
            kept, "engine", asked["engine"], says.engine, _set(f"kohya_wrap.engine={asked['engine']}", file)
        )
    written = kept.user.gpu.get("preset")
    if "gpu" in asked and asked["gpu"] != "auto" and written is not None and card != written:
        yield Finding(
            Level.NOTE, "kept-gpu", f"[gpu] was written for {written}; on {card} `run` takes that card's values.",
            f"kohya-wrap run {file} --gpu {shlex.quote(card)}", kept.source.where("gpu", "preset"),
        )  # fmt: skip


def _said(kept: KeptConfig, key: str, asked: Any, now: Any, hint: str, option: str = "") -> Finding:
    return Finding(
        Level.WARNING, f"kept-{key.replace('_', '-')}",
        f"{option or '--' + key} {asked} does not change a config that is there: it says {now}.",
        hint, kept.source.where("kohya_wrap", key),
    )  # fmt: skip


def _set(word: str, file: str) -> str:
    return f"kohya-wrap config set {shlex.quote(word)} --file {file}"


def _is_base(asked: str, trained_on: Reference | None, kept: KeptConfig) -> bool:
    known = catalogue.load(resources.presets())
    wanted = reference.parse(asked, known)
    if not isinstance(trained_on, Local):
        return wanted == trained_on
    if isinstance(wanted, Local):
        return wanted.path.resolve() == trained_on.path.resolve()
    # our link in models/ to what was downloaded for hf: or civitai:
    return (
        trained_on.path.is_symlink()
        and bool(kept.wrapper.base)
        and wanted == reference.parse(kept.wrapper.base, known)
    )
