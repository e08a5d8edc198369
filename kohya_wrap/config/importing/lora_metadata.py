"""What a trained LoRA remembers of its own training: the `ss_…` texts in its header."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kohya_wrap.config.importing import conflicts, refusal
from kohya_wrap.config.importing.ledger import Ledger
from kohya_wrap.config.importing.source import Source
from kohya_wrap.domain.family import FamilyName
from kohya_wrap.domain.finding import Finding, Level
from kohya_wrap.host.safetensors_file import Header

KIND = "LoRA metadata"

_RENAMED = {"debiased_estimation": "debiased_estimation_loss", "batch_size_per_device": "train_batch_size"}

# Facts about the run and its files, not options of it.
_FACTS = re.compile(
    r"session_id|training_(started|finished)_at|num_(train|reg|validation)_images|num_batches_per_epoch|epoch|steps"
    r"|total_batch_size|sd_scripts_commit_hash|(new_)?(sd_model|vae)_hash|(sd_model|vae)_name|tag_frequency"
    r"|(reg_)?dataset_dirs|bucket_info|datasets|base_model_version|v2"
)
_VERSIONS = {"sd_v1": FamilyName.SD15, "sdxl_base": FamilyName.SDXL}  # by how ss_base_model_version begins
# Whose optimizers the engine knows by their bare names (library/train_util.py, get_optimizer).
_KNOWN_PACKAGES = (
    "torch", "bitsandbytes", "transformers", "lion_pytorch", "dadaptation", "prodigyopt", "prodigyplus", "schedulefree",
)  # fmt: skip
_NOT_HELD = (
    "a LoRA's metadata holds no paths, no sample prompts and no saving plan, of the captions only shuffling, kept tokens "
    "and dropout, of the scheduler only its name and warm-up."
)


def read(path: Path, header: Header) -> Source:
    """
    Raises:
        ConfigError: no LoRA of sd-scripts, or one for another family.
    """
    metadata = header.metadata
    said = {key.removeprefix("ss_"): value for key, value in metadata.items() if key.startswith("ss_")}
    if "network_module" not in said:
        raise refusal.no_config(
            path, "It holds no training metadata (ss_network_module): it was saved without."
        )
    ledger = Ledger(_family(path, metadata, said))
    for name, text in sorted(said.items()):
        _entry(ledger, name, text)
    _datasets(ledger, said)
    _steps(ledger, said)
    if metadata.get("modelspec.prediction_type") == "v" or said.get("base_model_version", "").endswith("_v"):
        ledger.keep("modelspec.prediction_type", "v_parameterization", True)
    if header.tensors and not any(name.startswith("lora_te") for name in header.tensors):
        ledger.keep("(it holds no text encoder)", "network_train_unet_only", True)
    ledger.say(
        Finding(Level.NOTE, "metadata-only", _NOT_HELD, "Write train_data_dir, and mend the rest by hand.")
    )
    conflicts.settle(ledger)
    return ledger.close(path, KIND, tells_all=False)


def _family(path: Path, metadata: Mapping[str, str], said: Mapping[str, str]) -> FamilyName | None:
    if family := refusal.OTHER_MODULES.get(said["network_module"]):
        raise refusal.other_training(
            path, f"a {family} LoRA", f"Its ss_network_module is {said['network_module']}"
        )
    if said.get("v2") == "True":
        raise refusal.other_training(path, "a LoRA for Stable Diffusion 2", "Its ss_v2 is True")
    version = said.get("base_model_version", "")
    if not version:
        architecture = metadata.get("modelspec.architecture", "")
        return FamilyName.SDXL if "xl" in architecture else None
    for start, family in _VERSIONS.items():
        if version.startswith(start):
            return family
    raise refusal.other_training(path, f"a LoRA for {version}", "It says so in ss_base_model_version")


def _entry(ledger: Ledger, name: str, text: str) -> None:
    source, option = f"ss_{name}", _RENAMED.get(name, name)
    if text in ("None", ""):
        ledger.unset(source)
    elif name == "optimizer":
        _optimizer(ledger, source, text)
    elif name == "network_args":
        arguments = _json(ledger, source, text, dict) or {}
        ledger.take(source, option, [f"{key}={value}" for key, value in arguments.items()])
    elif name == "resolution":
        ledger.take(source, option, ",".join(re.findall(r"\d+", text)))
    elif name == "text_encoder_lr" and text.startswith("["):
        ledger.take(source, option, _json(ledger, source, text, list))
    elif name in ("max_train_steps", "num_epochs"):
        return  # _steps
    elif _FACTS.fullmatch(name):
        _fact(ledger, source, name, text)
    elif text == "False" and option in ledger.table and option != "zero_terminal_snr":
        ledger.unset(source)
    elif option in ledger.table:
        ledger.take(source, option, text)
    else:
        ledger.lose(source, text, "the engine at our pin has no such option")


def _json(ledger: Ledger, source: str, text: str, kind: type) -> Any:
    """What a text of JSON holds; None where it is none of that kind, which is booked."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, kind):
        ledger.lose(source, text[:80], "its form is not known")
        return None
    return value


def _fact(ledger: Ledger, source: str, name: str, text: str) -> None:
    if name in ("sd_model_name", "vae_name"):
        ledger.lose(source, text, "it is the file's name without its folder: write its path")
    elif name == "datasets":
        return
    else:
        shown = text if len(text) < 80 else f"{text[:77]}..."
        ledger.drop(source, shown, "it is a fact about that run, no option")


def _optimizer(ledger: Ledger, source: str, text: str) -> None:
    """`bitsandbytes.optim.adamw.AdamW8bit(weight_decay=0.1,betas=(0.9, 0.99))` as type and arguments."""
    found = re.fullmatch(r"(?P<path>[\w.]+?)(?:\((?P<arguments>.*)\))?", text)
    if found is None:
        ledger.lose(source, text, "its form is not known")
        return
    ledger.take(source, "optimizer_type", _optimizer_type(found["path"]))
    if found["arguments"]:
        try:
            call = ast.parse(f"f({found['arguments']})", mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            ledger.lose(f"{source} arguments", found["arguments"], "their form is not known")
            return
        assert isinstance(call, ast.Call)
        items = [f"{word.arg}={ast.unparse(word.value).replace(' ', '')}" for word in call.keywords]
        ledger.take(f"{source} arguments", "optimizer_args", items)


def _optimizer_type(path: str) -> str:
    """The engine's own name where the class is one that it knows by name."""
    name = path.rpartition(".")[2]
    return name if path.partition(".")[0] in _KNOWN_PACKAGES or "." not in path else path


def _datasets(ledger: Ledger, said: Mapping[str, str]) -> None:
    """A training with a dataset file says it all in one text."""
    if "datasets" not in said:
        return
    sets = _json(ledger, "ss_datasets", said["datasets"], list) or [{}]
    if not all(isinstance(one, dict) for one in sets):
        ledger.lose("ss_datasets", said["datasets"][:80], "its form is not known")
        return
    first = sets[0]
    names = ("enable_bucket", "bucket_no_upscale", "min_bucket_reso", "max_bucket_reso")
    values = {name: first[name] for name in names if first.get(name)}
    values["train_batch_size"] = first.get("batch_size_per_device")
    values["resolution"] = ",".join(re.findall(r"\d+", str(first.get("resolution"))))
    subsets = [subset for subset in first.get("subsets") or () if isinstance(subset, dict)] or [{}]
    for name in ("shuffle_caption", "keep_tokens", "color_aug", "flip_aug", "random_crop"):
        if len({json.dumps(subset.get(name)) for subset in subsets}) == 1 and subsets[0].get(name):
            values[name] = subsets[0][name]
    for name, value in values.items():
        ledger.take(f"ss_datasets {name}", name, value)
    if len(sets) > 1:
        ledger.lose("ss_datasets", f"{len(sets)} datasets", "a config holds one; the first is taken")


def _steps(ledger: Ledger, said: Mapping[str, str]) -> None:
    """Epochs where they make exactly the steps, else the steps."""
    steps, epochs, batches = (
        _count(said, k) for k in ("max_train_steps", "num_epochs", "num_batches_per_epoch")
    )
    accumulation = _count(said, "gradient_accumulation_steps") or 1
    if epochs and steps in (0, epochs * -(-batches // accumulation)):
        ledger.take("ss_num_epochs", "max_train_epochs", epochs)
        why = "the epochs make these steps"
    else:
        if steps:
            ledger.take("ss_max_train_steps", "max_train_steps", steps)
        why = "the steps end it" if steps else "it is no number"
    for name in ("max_train_steps", "num_epochs"):
        if name in said and not ledger.has_booked(f"ss_{name}"):
            ledger.drop(f"ss_{name}", said[name], why)


def _count(said: Mapping[str, str], name: str) -> int:
    text = said.get(name, "")
    return int(text) if text.isdecimal() else 0
