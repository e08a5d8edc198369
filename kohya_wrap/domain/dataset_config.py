"""The engine's own way to name several datasets with options of their own: what may stand in such a file.

Source: ConfigSanitizer of the engine's library/config_util.py at the pin.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Options = Mapping[str, Any]


def _is(*types: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, types) and (bool in types or not isinstance(value, bool))


def _sides(value: Any) -> bool:
    return _whole(value) or (isinstance(value, list) and len(value) == 2 and all(map(_whole, value)))


def _two_floats(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_is(float), value))


def _whole(value: Any) -> bool:
    return _is(int)(value) and abs(value) < 2**63


_BOOL, _INT, _FLOAT, _NUMBER, _TEXT = _is(bool), _whole, _is(float), _is(int, float), _is(str)
_SUBSET: dict[str, Callable[[Any], bool]] = {
    "color_aug": _BOOL, "face_crop_aug_range": _two_floats, "flip_aug": _BOOL, "num_repeats": _INT,
    "random_crop": _BOOL, "shuffle_caption": _BOOL, "keep_tokens": _INT, "keep_tokens_separator": _TEXT,
    "secondary_separator": _TEXT, "caption_separator": _TEXT, "enable_wildcard": _BOOL, "token_warmup_min": _INT,
    "token_warmup_step": _NUMBER, "caption_prefix": _TEXT, "caption_suffix": _TEXT, "custom_attributes": _is(dict),
    "resize_interpolation": _TEXT, "caption_dropout_every_n_epochs": _INT, "caption_dropout_rate": _NUMBER,
    "caption_tag_dropout_rate": _NUMBER, "caption_extension": _TEXT, "class_tokens": _TEXT, "cache_info": _BOOL,
}  # fmt: skip
_OF_A_SUBSET_ALONE = {"image_dir": _TEXT, "is_reg": _BOOL, "alpha_mask": _BOOL}
_DATASET = {
    "batch_size": _INT, "bucket_no_upscale": _BOOL, "bucket_reso_steps": _INT, "enable_bucket": _BOOL,
    "max_bucket_reso": _INT, "min_bucket_reso": _INT, "validation_seed": _INT, "validation_split": _FLOAT,
    "resolution": _sides, "network_multiplier": _FLOAT, "resize_interpolation": _TEXT,
}  # fmt: skip
_GENERAL = _DATASET | _SUBSET
_EXPECTED = {
    _BOOL: "true or false", _INT: "a whole number", _NUMBER: "a number", _FLOAT: "a number with a decimal point", _TEXT: "a text in quotes",
    _sides: "512 or [512, 768], without quotes", _two_floats: "two numbers with a decimal point",
}  # fmt: skip

# An option of training_config.toml -> its name here, where that is another one.
RENAMED = {"train_batch_size": "batch_size", "dataset_repeats": "num_repeats"}


def problems(data: Options) -> Iterator[tuple[str, str]]:
    """(where, what is wrong there) for all that the engine would refuse, or train without a word about it."""
    for name in data:
        if name not in ("general", "datasets"):
            yield (
                name if _can_be_written(name) else repr(name),
                "only [general] and [[datasets]] may stand at the top",
            )
    yield from _table("[general]", data.get("general", {}), _GENERAL)
    datasets = data.get("datasets", [])
    if not isinstance(datasets, list) or not datasets:
        yield "[[datasets]]", "there is none, so there is nothing to train on"
        return
    for number, dataset in enumerate(datasets, 1):
        where = f"[[datasets]] {number}"
        yield from _table(where, dataset, _GENERAL, frozenset({"subsets"}))
        if not isinstance(dataset, dict):
            continue
        subsets = dataset.get("subsets")
        if not isinstance(subsets, list) or not subsets:
            yield where, "it has no [[datasets.subsets]], so nothing is trained on"
            continue
        for inner, subset in enumerate(subsets, 1):
            yield from _subset(f"{where}, subset {inner}", subset)


def _subset(where: str, subset: Any) -> Iterator[tuple[str, str]]:
    for name in ("metadata_file", "conditioning_data_dir"):
        if isinstance(subset, dict) and name in subset:
            yield where, f"`{name}`: kohya-wrap counts images with caption files, and no others"
            return
    yield from _table(where, subset, _SUBSET | _OF_A_SUBSET_ALONE)
    if isinstance(subset, dict) and subset.get("image_dir", "") == "":
        yield where, "it names no `image_dir`"


def _table(
    where: str, table: Any, known: Mapping[str, Callable[[Any], bool]], more: frozenset[str] = frozenset()
) -> Iterator[tuple[str, str]]:
    if not isinstance(table, dict):
        yield where, "it must be a table"
        return
    for name, value in table.items():
        if name in more:
            continue
        fits = known.get(name)
        if fits is None:
            yield where, f"{_shown(name)} is unknown here, and the engine refuses it{_meant(name, known)}"
        elif not fits(value):
            yield where, f"`{name}` must be {_EXPECTED.get(fits, 'of another type')}, not {value!r}"
        elif isinstance(value, str) and not _can_be_written(value):
            yield where, f"`{name}` holds a character that no file can hold: {value!r}"


def _can_be_written(text: str) -> bool:
    """No zero byte, and no half of a character, which JSON lets through."""
    return "\0" not in text and text == text.encode("utf-8", "replace").decode()


def _shown(name: str) -> str:
    return f"`{name}`" if _can_be_written(name) else repr(name)


def _meant(name: str, known: Mapping[str, Any]) -> str:
    if name in RENAMED:
        return f": here it is called `{RENAMED[name]}`"
    if name in _OF_A_SUBSET_ALONE:
        return ": it stands in [[datasets.subsets]] alone"
    close = difflib.get_close_matches(name, known, 1)
    return f": did you mean `{close[0]}`?" if close else ""


def ignored(data: Options) -> Iterator[tuple[int, int]]:
    """(dataset, subset), counted from 0, of those whose folder another subset of the same dataset names.

    The engine registers the first alone, whatever else the two say, and goes by the text: `./a` is not `a`. Nor is
    `a/`, but it lists the same paths, and the later takes the place of the earlier (DreamBoothDataset.__init__,
    DreamBoothSubset.__eq__ and register_image of its train_util.py; run at the pin).
    """
    for number, dataset in enumerate(data["datasets"]):
        kept: dict[str, int] = {}  # by the paths that it lists
        texts: set[str] = set()
        for inner, subset in enumerate(dataset["subsets"]):
            text = subset["image_dir"]
            lists = text if text.endswith("/") else f"{text}/"
            if text in texts:
                yield number, inner
                continue
            if lists in kept:
                yield number, kept[lists]
            kept[lists] = inner
            texts.add(text)


def lost(given: Options, data: Options) -> list[str]:
    """Options beside the file that lose, since it says something else wherever they would hold."""
    general = data.get("general", {})
    tables = [
        {**general, **dataset, **subset} for dataset in data["datasets"] for subset in dataset["subsets"]
    ]
    names = {RENAMED.get(name, name): name for name in given}
    return sorted(
        option
        for name, option in names.items()
        if name in _GENERAL and all(name in table for table in tables)
    )
