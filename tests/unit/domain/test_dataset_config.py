"""What a dataset_config may say, and which options beside it lose."""

from __future__ import annotations

from typing import Any

import pytest

from kohya_wrap.domain import dataset_config


def config(*, general: Any = None, dataset: Any = None, **subset: Any) -> dict[str, Any]:
    whole = {"datasets": [{"subsets": [{"image_dir": "a", **subset}], **(dataset or {})}]}
    return whole if general is None else {"general": general, **whole}


@pytest.mark.parametrize(
    "data",
    [
        config(),
        config(general={"resolution": 512, "caption_extension": ".txt", "shuffle_caption": True}),
        config(dataset={"resolution": [512, 768], "batch_size": 4, "enable_bucket": True, "validation_split": 0.1}),
        config(num_repeats=3, class_tokens="a", is_reg=True, alpha_mask=True, token_warmup_step=1),
        config(face_crop_aug_range=[1.0, 3.0], custom_attributes={"a": 1}, caption_dropout_rate=0),
    ],
)  # fmt: skip
def test_what_the_engine_takes(data: dict[str, Any]) -> None:
    assert list(dataset_config.problems(data)) == []


@pytest.mark.parametrize(
    ("data", "where", "what"),
    [
        ({}, "[[datasets]]", "there is none"),
        ({"datasets": []}, "[[datasets]]", "there is none"),
        ({"dataset": [], **config()}, "dataset", "may stand at the top"),
        ({"datasets": [{}]}, "[[datasets]] 1", "no [[datasets.subsets]]"),
        ({"datasets": [3]}, "[[datasets]] 1", "must be a table"),
        ({"datasets": [{"subsets": [{}]}]}, "[[datasets]] 1, subset 1", "no `image_dir`"),
        (config(general={"resolution": "512,512"}), "[general]", "512 or [512, 768], without quotes, not '512,512'"),
        (config(dataset={"resolution": [512]}), "[[datasets]] 1", "512 or [512, 768]"),
        (config(dataset={"train_batch_size": 2}), "[[datasets]] 1", "here it is called `batch_size`"),
        (config(dataset={"bach_size": 2}), "[[datasets]] 1", "did you mean `batch_size`"),
        (config(dataset={"validation_split": 0}), "[[datasets]] 1", "`validation_split` must be a number with a decimal point"),
        (config(general={"image_dir": "a"}), "[general]", "[[datasets.subsets]] alone"),
        (config(resolution=512), "[[datasets]] 1, subset 1", "`resolution` is unknown here"),
        (config(num_repeats="3"), "[[datasets]] 1, subset 1", "a whole number, not '3'"),
        (config(num_repeats=True), "[[datasets]] 1, subset 1", "a whole number, not True"),
        (config(flip_aug=1), "[[datasets]] 1, subset 1", "true or false, not 1"),
        (config(num_repeats=10**400), "[[datasets]] 1, subset 1", "a whole number"),
        (config(caption_prefix="a\0"), "[[datasets]] 1, subset 1", "a character that no file can hold"),
        (config(**{"\ud800": 1}), "[[datasets]] 1, subset 1", "'\\ud800' is unknown here"),
        (config(metadata_file="m.json"), "[[datasets]] 1, subset 1", "`metadata_file`"),
        (config(conditioning_data_dir="m"), "[[datasets]] 1, subset 1", "`conditioning_data_dir`"),
    ],
)  # fmt: skip
def test_what_it_refuses_or_passes_over(data: dict[str, Any], where: str, what: str) -> None:
    ((at, said),) = dataset_config.problems(data)
    assert at == where
    assert what in said


def test_all_at_once() -> None:
    assert len(list(dataset_config.problems(config(general={"a": 1}, flip_aug=1, num_repeats="1")))) == 3


@pytest.mark.parametrize(
    ("given", "data", "lost"),
    [
        ({"resolution": "512"}, config(general={"resolution": 512}), ["resolution"]),
        ({"train_batch_size": 2}, config(dataset={"batch_size": 4}), ["train_batch_size"]),
        ({"train_batch_size": 2, "learning_rate": 1.0}, config(), []),
        ({"flip_aug": True}, config(flip_aug=False), ["flip_aug"]),
        ({"flip_aug": True}, {"datasets": [{"subsets": [{"flip_aug": False}, {}]}]}, []),
    ],
)
def test_options_beside_it_that_lose(given: dict[str, Any], data: dict[str, Any], lost: list[str]) -> None:
    assert dataset_config.lost(given, data) == lost


@pytest.mark.parametrize(
    ("folders", "ignored"),
    [
        ([["a", "b"]], []),
        ([["a", "b", "a"]], [(0, 2)]),
        ([["a"], ["a"]], []),
        ([["b", "a"], ["a", "a", "a"]], [(1, 1), (1, 2)]),
        ([["a", "./a"]], []),  # the engine goes by the text
        ([["a", "b", "a/"]], [(0, 0)]),  # which lists the same paths: the later takes its place
        ([["a", "a", "a/", "a"]], [(0, 1), (0, 0), (0, 3)]),
    ],
)
def test_a_folder_that_a_dataset_names_again_is_ignored(
    folders: list[list[str]], ignored: list[tuple[int, int]]
) -> None:
    data = {"datasets": [{"subsets": [{"image_dir": name} for name in names]} for names in folders]}
    assert list(dataset_config.ignored(data)) == ignored
