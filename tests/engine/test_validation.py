"""Images that are set aside on the real engine: counted, judged by after each epoch, the same after a resume."""

from __future__ import annotations

from pathlib import Path

import pytest

from kohya_wrap.domain.events import AttemptStarted, PlanSeen, Validated
from kohya_wrap.training import journal
from tests.engine.conftest import RealEngine, kohya_wrap
from tests.fixtures import photographs

CONFIG = """
pretrained_model_name_or_path = "{base}"
resolution = "128,128"
min_bucket_reso = 64
train_batch_size = 2
max_train_epochs = 3
validation_split = 0.25
network_dim = 4
network_train_unet_only = true
learning_rate = 1e-3
seed = 7
output_name = "lo"
"""


def test_two_of_eight_are_judged_by(real_engine: RealEngine, tmp_path: Path) -> None:
    pytest.importorskip("skimage")
    photographs.write(tmp_path / "training_data" / "1_photos", 8)
    config = tmp_path / "training_config.toml"
    config.write_text(CONFIG.format(base=real_engine.base), encoding="utf-8")
    run = ("run", config, "--gpu", "cpu")
    paused = kohya_wrap(real_engine, *run, "--until-epoch", "1", cwd=tmp_path)
    assert (paused.code, paused.data["epoch"], paused.data["steps"]) == (0, 1, 3), paused.words
    done = kohya_wrap(real_engine, *run, cwd=tmp_path)
    assert (done.code, done.data["steps"]) == (0, 9), done.words
    assert "the plan said" not in paused.words + done.words
    events = [event for _, event in journal.read(Path(done.data["run"], "events.jsonl"))]
    assert [event.epochs_done for event in events if isinstance(event, AttemptStarted)] == [0, 1]
    assert [event.epoch for event in events if isinstance(event, Validated)] == [1, 2, 3]
    assert {e.value for e in events if isinstance(e, PlanSeen) and e.label == "batches_per_epoch"} == {3}
    print([event.loss for event in events if isinstance(event, Validated)])
