"""The steps that `plan` names against the engine's own dataset classes and its own count, on two hundred drawn configs."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import toml

from kohya_wrap.errors import KohyaWrapError
from kohya_wrap.places import Places
from kohya_wrap.workflow import plan
from kohya_wrap.workflow.plan import PlanRequest
from tests.engine.conftest import RealEngine
from tests.engine.test_dataset_arithmetic import COUNT
from tests.fixtures import drawn_datasets

CONFIGS = 200
BASE = {"pretrained_model_name_or_path": "sd15", "network_dim": 4}


def test_steps_are_the_engines(real_engine: RealEngine, tmp_path: Path, own_home: Path) -> None:
    pool = drawn_datasets.pool(tmp_path)
    places = Places(own_home / "kohya-wrap")
    ours: list[int] = []
    asked = []
    refused = number = 0
    while len(ours) < CONFIGS:
        drawn = drawn_datasets.draw(tmp_path / "datasets", number, pool)
        number += 1
        options = {name: value for name, value in drawn.options.items() if value is not None}
        config = drawn.folder.parent / "training_config.toml"
        config.write_text(toml.dumps({**BASE, **options}), encoding="utf-8")
        try:
            found = plan.run(PlanRequest(config, gpus=("H200 SXM",)), places, {})
        except KohyaWrapError as error:  # as `run` would
            print(number, error)
            refused += 1
            continue
        assert not found.cards[0].changes, "what fits as it is trains as it is"
        ours.append(found.cards[0].steps.steps)
        asked.append(drawn.options)
    said = subprocess.run(
        [real_engine.python, "-I", "-c", COUNT, real_engine.checkout.source],
        input=json.dumps(asked), capture_output=True, encoding="utf-8", env=os.environ | {"HF_HUB_OFFLINE": "1"},
    )  # fmt: skip
    assert said.returncode == 0, said.stderr[-2000:]
    theirs = [one[2] for one in json.loads(said.stdout)]
    assert ours == theirs
    print(f"{CONFIGS} configs of {min(ours)} to {max(ours)} steps; {refused} more were refused")
    assert refused < CONFIGS and len(set(ours)) > CONFIGS / 4
