"""What a dataset_config may say, asked of the engine itself; and one trained, counted as the engine counts it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import toml
from PIL import Image
from safetensors import safe_open

from kohya_wrap.domain import dataset_config
from tests.engine.conftest import RealEngine, kohya_wrap

ASK = """
import json, sys
sys.path.insert(0, sys.argv[1])
from library.config_util import ConfigSanitizer
from voluptuous import MultipleInvalid
sanitizer = ConfigSanitizer(True, True, False, True)
names = {"general": [str(k) for k in sanitizer.general_schema], "dataset": [str(k) for k in sanitizer.db_dataset_schema],
         "subset": [str(k) for k in sanitizer.db_subset_schema]}
taken = []
for data in json.load(sys.stdin):
    try:
        sanitizer.user_config_validator(data)
        taken.append(True)
    except MultipleInvalid:
        taken.append(False)
print(json.dumps([names, taken]), file=sys.__stdout__)
"""
VALUES = (1, 1.5, "x", "512,512", [512, 768], [1.0, 2.0], [512], [1, 2, 3], {"a": 1}, False)


def asked(real: RealEngine, documents: list[dict[str, Any]]) -> tuple[dict[str, list[str]], list[bool]]:
    done = subprocess.run(
        [real.python, "-c", ASK, str(real.checkout.source)],
        input=json.dumps(documents),
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    names, taken = json.loads(done.stdout.splitlines()[-1])
    return names, taken


def documents(name: str, value: Any) -> list[dict[str, Any]]:
    """The option in each of the three places."""
    subset = {"image_dir": "a"}
    return [
        {"general": {name: value}, "datasets": [{"subsets": [subset]}]},
        {"datasets": [{name: value, "subsets": [subset]}]},
        {"datasets": [{"subsets": [subset | {name: value}]}]},
    ]


def test_what_is_taken_and_what_refused(real_engine: RealEngine) -> None:
    """Every option, in every place, with values of every type; but that a bool is a number to the engine alone."""
    names, _ = asked(real_engine, [])
    every = [*sorted(set().union(*names.values()) - {"subsets"}), "bach_size", "train_batch_size"]
    tried = [
        (name, value, document) for name in every for value in VALUES for document in documents(name, value)
    ]
    _, taken = asked(real_engine, [document for _, _, document in tried])
    assert sum(taken) > 100 and not all(taken)
    for (name, value, document), engine in zip(tried, taken, strict=True):
        ours = not list(dataset_config.problems(document))
        if engine and isinstance(value, bool) and not ours:
            continue
        assert ours == engine, (name, value, document)


def test_one_is_trained(real_engine: RealEngine, tmp_path: Path) -> None:
    """Two datasets of their own resolution and batch, one with regularisation images; two folders called alike."""
    for folder, sizes in {
        "a/x": [(128, 128)] * 3,
        "b/x": [(384, 128), (128, 128)],
        "reg": [(128, 128)],
    }.items():
        (tmp_path / folder).mkdir(parents=True)
        for number, size in enumerate(sizes):
            Image.new("RGB", size, (number * 60, 90, ord(folder[0]))).save(
                tmp_path / folder / f"{number}.png"
            )
    (tmp_path / "a/x/0.caption").write_text("sks\n")
    shared = {"enable_bucket": True, "min_bucket_reso": 64, "max_bucket_reso": 256}
    (tmp_path / "data.toml").write_text(toml.dumps({
        "general": {"caption_extension": ".caption", **shared},
        "datasets": [
            {"resolution": 128, "batch_size": 2, "subsets": [
                {"image_dir": "a/x", "num_repeats": 2, "class_tokens": "thing"},
                {"image_dir": "reg", "is_reg": True, "class_tokens": "grey"},
            ]},
            {"resolution": [64, 64], "batch_size": 1, "subsets": [{"image_dir": "b/x", "class_tokens": "b"}]},
        ],
    }))  # fmt: skip
    config = tmp_path / "training_config.toml"
    config.write_text(toml.dumps({
        "dataset_config": "data.toml", "pretrained_model_name_or_path": str(real_engine.base), "max_train_epochs": 1,
        "network_train_unet_only": True, "save_state": False, "seed": 1,
    }))  # fmt: skip
    ran = kohya_wrap(real_engine, "run", config, "--gpu", "cpu", cwd=tmp_path)
    assert ran.code == 0, ran.words
    accumulation = int(
        toml.load(Path(ran.data["run"], "engine_config.toml")).get("gradient_accumulation_steps", 1)
    )
    assert ran.data["steps"] == -(-(6 + 2) // accumulation), "(2 x 3 + 6) / 2 batches, and 2"
    assert "the engine made it" not in ran.words
    with safe_open(ran.data["lora"], "numpy") as file:
        datasets = json.loads(file.metadata()["ss_datasets"])
    assert [d["resolution"] for d in datasets] == [[128, 128], [64, 64]]
    assert [[s["image_dir"] for s in d["subsets"]] for d in datasets] == [["x", "reg"], ["x"]]
    assert datasets[0]["tag_frequency"] == {"x": {"sks": 1, "thing": 2}, "reg": {"grey": 1}}
    store = tmp_path / ".kohya-wrap" / "views" / "store" / "latents"
    assert len(list(store.iterdir())) == 6
    assert sorted(path.name for path in (tmp_path / "b/x").iterdir()) == ["0.png", "1.png"]
