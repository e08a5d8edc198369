"""A TOML that was passed to sd-scripts: sections without meaning, people's spellings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kohya_wrap.config import spellings
from kohya_wrap.config.importing import conflicts, refusal
from kohya_wrap.config.importing.ledger import Ledger
from kohya_wrap.config.importing.source import Source
from kohya_wrap.domain.family import FamilyName
from kohya_wrap.domain.finding import Finding, Level
from kohya_wrap.host import toml_file
from kohya_wrap.host.toml_file import UserToml

KIND = "sd-scripts TOML"
_TRAIN_TYPES = {
    "sd-lora": FamilyName.SD15,
    "sdxl-lora": FamilyName.SDXL,
}  # lora-scripts' own key, model_train_type
_SDXL_ALONE = (
    "cache_text_encoder_outputs",
    "cache_text_encoder_outputs_to_disk",
    "disable_mmap_load_safetensors",
)


def read(source: UserToml) -> Source:
    """
    Raises:
        ConfigError: a dataset file, a config of kohya-wrap, or one that trains no LoRA for SD 1.5 or SDXL.
    """
    path, data = source.path, source.data
    if "kohya_wrap" in data:
        raise refusal.own_config(path)
    if "datasets" in data:
        raise refusal.no_config(path, "It has [[datasets]]: it is a dataset file, named by a config.")
    flat = spellings.flatten(data, frozenset())
    said = {key: value for _, key, value in flat}
    _refuse_other_trainings(path, said)
    ledger = Ledger(_family(said))
    _book(ledger, source, flat)
    conflicts.settle(ledger)
    return ledger.close(path, KIND)


def book_file(ledger: Ledger, folder: Path, file: str) -> None:
    """The options of the config file that a command line names, if it stands in or below that folder's path.

    Raises:
        ConfigError: it is there and cannot be read.
    """
    path = folder / (file if file.endswith(".toml") else f"{file}.toml")  # as the engine completes the name
    if not path.is_file():
        return
    source = toml_file.read(path)
    ledger.keep_account_of("config_file")
    ledger.say(Finding(
        Level.NOTE, "config-file", f"the options of {file}, which the command reads, are in this import; the command's own win over them.",
    ))  # fmt: skip
    _book(ledger, source, spellings.flatten(source.data, frozenset()))


def _book(ledger: Ledger, source: UserToml, flat: list[tuple[str, str, Any]]) -> None:
    for table, key, raw in flat:
        spelled = spellings.respell(key, raw)
        name, value = spelled.name, spelled.value
        if name in ledger.options:
            ledger.say(Finding(
                Level.WARNING, "given-twice", f"`{name}` is given twice; the last is taken, as the engine does.",
                where=source.where(table, key),
            ))  # fmt: skip
        if name == "model_train_type":
            ledger.drop(key, value, "it chose the engine's script for lora-scripts; here the base decides")
        elif isinstance(value, dict):
            ledger.lose(key, value, "it is a table within a section, which the engine does not read")
        else:
            ledger.take(f"{key} ({source.where(table, key)})" if name in ledger.options else key, name, value)


def _family(said: Mapping[str, Any]) -> FamilyName | None:
    if "model_train_type" in said:
        return _TRAIN_TYPES[said["model_train_type"]]
    return FamilyName.SDXL if any(said.get(key) for key in _SDXL_ALONE) else None


def _refuse_other_trainings(path: Path, said: Mapping[str, Any]) -> None:
    if (kind := str(said.get("model_train_type", "sd-lora"))) not in _TRAIN_TYPES:
        raise refusal.other_training(path, f"a training of type {kind}", "It says so in model_train_type")
    module = str(said.get("network_module") or "")
    if family := refusal.OTHER_MODULES.get(module):
        raise refusal.other_training(path, f"a {family} LoRA", f"Its network_module is {module}")
    if said.get("v2"):
        raise refusal.other_training(path, "a LoRA for Stable Diffusion 2", "It says v2 = true")
    if said.get("token_string") or said.get("num_vectors_per_token"):
        raise refusal.other_training(path, "a textual inversion", "It has a token_string")
    if not any(name.startswith("network_") for name in said):
        sign = "It says nothing of a network (network_module, network_dim)"
        raise refusal.other_training(path, "no LoRA", sign)
