"""Three resumes in a row on the real engine: the right epoch, nothing overwritten, the right curve, absolute counts."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open

from kohya_wrap.domain.events import AttemptStarted
from kohya_wrap.training import journal
from tests.engine.conftest import RealEngine, kohya_wrap
from tests.fixtures import photographs

EPOCHS, STEPS = 4, 8
CONFIG = f"""
pretrained_model_name_or_path = "{{base}}"
train_data_dir = "training_data"
resolution = "128,128"
min_bucket_reso = 64
train_batch_size = 2
gradient_accumulation_steps = 2
max_train_epochs = {EPOCHS}
save_every_n_epochs = 1
network_dim = 4
network_train_unet_only = true
learning_rate = 1e-3
lr_scheduler = "cosine"
optimizer_type = "AdamW"
seed = 7
output_name = "lo"
output_dir = "{{output}}"
logging_dir = "{{output}}-logs"
save_precision = "float"
save_state = true
"""


def read(lora: Path) -> tuple[dict[str, str], dict[str, Any]]:
    with safe_open(lora, "numpy") as file:
        return file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def furthest(one: dict[str, Any], other: dict[str, Any]) -> float:
    return max(float(np.abs(one[name] - other[name]).max()) for name in one)


# In the engine's interpreter: the schedule's place, how often the optimizer has stepped, the sum of its second moments, and
# the learning rate after each batch as TensorBoard's files have it, attempt by attempt.
LOOK = """
import json, sys
from pathlib import Path
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
state, logs = map(Path, sys.argv[1:])
schedule = torch.load(state / "scheduler.bin", weights_only=False)
moments = torch.load(state / "optimizer.bin", weights_only=False)["state"].values()
rates = []
for file in logs.rglob("events.out.tfevents.*"):
    events = EventAccumulator(str(file)).Reload()
    logged = sorted((one.wall_time, one.value) for one in events.Scalars("lr/unet"))
    rates.append((logged[0], [rate for _, rate in logged]))
print(json.dumps({
    "schedule": [schedule["last_epoch"], schedule["_last_lr"]],
    "optimizer": sorted({float(one["step"]) for one in moments}),
    "moments": sum(float(one["exp_avg_sq"].sum()) for one in moments),
    "rates": [attempt for _, attempt in sorted(rates)],
}))
"""


def looked_at(real: RealEngine, folder: Path) -> dict[str, Any]:
    argv = [real.python, "-I", "-c", LOOK, str(folder / "lo-state"), f"{folder}-logs"]
    found: dict[str, Any] = json.loads(subprocess.check_output(argv, text=True))
    return found


def test_three_resumes_in_a_row(real_engine: RealEngine, tmp_path: Path) -> None:
    pytest.importorskip("skimage")
    photographs.write(tmp_path / "training_data" / "1_photos", 8)

    def run(output: str, *words: str) -> dict[str, Any]:
        config = tmp_path / f"{output}.toml"
        config.write_text(CONFIG.format(base=real_engine.base, output=output), encoding="utf-8")
        ran = kohya_wrap(real_engine, "run", config, "--gpu", "cpu", *words, cwd=tmp_path)
        assert ran.code == 0, ran.words
        return ran.data

    run("warm", "--set", "max_train_epochs=1")  # to encode latents takes from the random numbers of that run
    straight = run("straight")
    for until in (1, 2, 3):
        paused = run("resumed", "--until-epoch", str(until))
        assert (paused["epoch"], paused["paused"]) == (until, True)
    done = run("resumed")
    assert (done["steps"], straight["steps"]) == (STEPS, STEPS)

    (one, exact), (two, resumed) = read(Path(straight["lora"])), read(Path(done["lora"]))
    for name in ("ss_steps", "ss_epoch", "ss_num_epochs", "ss_max_train_steps"):
        assert two[name] == one[name], name
    names = ["lo-000001", "lo-000002", "lo-000003", "lo"]
    assert [Path(path).stem for path in done["checkpoints"]] == names
    for path, epoch in zip(done["checkpoints"], range(1, EPOCHS + 1), strict=True):
        said, tensors = read(Path(path))
        assert (said["ss_epoch"], said["ss_steps"]) == (str(epoch), str(epoch * STEPS // EPOCHS))
        by_now = furthest(tensors, read(tmp_path / "straight" / Path(path).name)[1])
        print(f"epoch {epoch}: at most {by_now:.1e} from the straight run")
    moved = furthest(exact, read(tmp_path / "straight" / "lo-000001.safetensors")[1])
    print(f"from the first epoch on it moved {moved:.1e}")
    print(f"the loss ends at {straight['loss']}, and at {done['loss']} after three resumes")
    # The first batch of a resumed epoch has other images: half of an epoch as short as these.
    assert furthest(exact, resumed) < 2 * moved
    assert abs(straight["loss"] - done["loss"]) < 0.02
    one_end, other_end = (looked_at(real_engine, tmp_path / name) for name in ("straight", "resumed"))
    assert one_end["schedule"] == other_end["schedule"]
    assert one_end["optimizer"] == other_end["optimizer"] == [STEPS]  # its moments went on, too
    assert other_end["moments"] == pytest.approx(one_end["moments"], rel=0.2)
    (rates,) = one_end["rates"]
    # A trainer that is stopped once its state is written may end a batch more: it is logged, and thrown away.
    an_epoch = 2 * STEPS // EPOCHS
    kept = [rate for attempt in other_end["rates"] for rate in attempt[:an_epoch]]
    assert len(other_end["rates"]) == EPOCHS and len(rates) == 2 * STEPS and kept == rates

    events = [event for _, event in journal.read(Path(done["run"], "events.jsonl"))]
    starts = [event for event in events if isinstance(event, AttemptStarted)]
    assert [start.epochs_done for start in starts] == [0, 1, 2, 3]
