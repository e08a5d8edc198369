"""Write configs: the commented one for people, from the template, and the flat one the engine reads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kohya_wrap.config.spellings import as_toml
from kohya_wrap.domain.config import SECRETS, TrainingConfig
from kohya_wrap.domain.options import Option, OptionTable
from kohya_wrap.host import toml_file

Sections = Mapping[str, Mapping[str, Any]]


def for_people(
    templates: Path, sections: Sections, *, title: str, family: str, epochs_note: str, checkpoints: int
) -> str:
    """The text of training_config.toml; parsed back, it holds exactly `sections`.

    Raises:
        AssertionError: the template dropped or changed a value (a bug of ours).
    """
    import tomlkit
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(templates)
    environment = Environment(loader=loader, undefined=StrictUndefined, keep_trailing_newline=True)
    environment.filters["toml"] = as_toml
    # Keys a section may lack are asked for as flags in the template: false where absent.
    flags = {
        "model": ("v_parameterization", "zero_terminal_snr"),
        "training": ("network_train_unet_only", "cache_text_encoder_outputs"),
        "gpu": ("sdpa", "xformers"),
    }
    values = {name: dict(section) for name, section in sections.items()}
    shown = {name: dict.fromkeys(flags.get(name, ()), False) | section for name, section in values.items()}
    text = environment.get_template("training_config.toml.j2").render(
        **shown, title=title, family=family, epochs_note=epochs_note, checkpoints=checkpoints
    )
    back = tomlkit.parse(text).unwrap()
    assert back == values, "the template and the values differ"
    return text


def for_engine(path: Path, config: TrainingConfig, table: OptionTable) -> None:
    """engine_config.toml: flat, only options of the engine, no secret. Raises ConfigError as toml_file.write_engine."""
    values = as_engine_reads(config, table)
    toml_file.write_engine(path, {name: value for name, value in values.items() if name not in SECRETS})


def secrets(config: TrainingConfig) -> dict[str, str]:
    """What `for_engine` leaves out, as variables of the environment."""
    return {variable: config.get(name) for name, variable in SECRETS.items() if config.get(name)}


def as_engine_reads(config: TrainingConfig, table: OptionTable) -> dict[str, Any]:
    """The options of the engine among the values, typed as its parser would convert them."""
    return {name: _typed(value, table[name]) for name, value in config.plain().items() if name in table}


def _typed(value: Any, option: Option) -> Any:
    """Whole numbers as floats where the engine wants floats, and one number for a list of them as that list."""
    if "float" not in (option.type, option.item) or isinstance(value, bool):
        return value
    if option.type == "list":
        return [float(item) for item in (value if isinstance(value, list) else [value])]
    return float(value) if isinstance(value, int) else value
