"""What `config show` knows of a run."""

from __future__ import annotations

import pytest

from kohya_wrap.places import Places
from kohya_wrap.workflow import as_run
from kohya_wrap.workflow.as_run import AsRun
from kohya_wrap.workflow.effective import ConfigRequest
from kohya_wrap.workflow.prepare import Job
from tests.unit.workflow.conftest import Prepared

CHARACTER = '[kohya_wrap]\nbase = "sd15"\nsubject = "character"\nengine = "rehearsal"\n'


def shown(job: Job, places: Places, *words: str) -> AsRun:
    return as_run.of(ConfigRequest(job.user.path, words=words), places, {})


@pytest.mark.parametrize(
    "text",
    [
        CHARACTER,
        "max_train_epochs = 3\n" + CHARACTER,
        "max_train_steps = 30\nsave_every_n_steps = 10\n" + CHARACTER,
        CHARACTER + 'target_steps = 50\n[gpu]\npreset = "RTX 3080"\ntrain_batch_size = 3\n',
        CHARACTER + '[gpu]\npreset = "4090"\ntrain_batch_size = 1\ngradient_accumulation_steps = 4\n',
        CHARACTER.replace("sd15", "sdxl"),
    ],
)
@pytest.mark.parametrize("caption", ["a cat on a mat", "1girl, solo, smile"])
def test_with_the_images_here_it_is_the_run_s_own_config(
    prepared: Prepared, places: Places, text: str, caption: str
) -> None:
    folder = prepared(CHARACTER).project.root / "training_data" / "10_concept"
    for file in folder.glob("*.txt"):
        file.write_text(caption, encoding="utf-8")
    job = prepared(text)
    run = shown(job, places)
    assert run.found.config.values == job.config.values
    assert (run.images, run.left) == (job.images, ())


@pytest.mark.parametrize(
    ("words", "left"),
    [
        ((), ["caption_extension", "keep_tokens", "max_train_epochs", "save_every_n_epochs", "shuffle_caption"]),
        (("max_train_epochs=1", "caption_extension=.txt"), ["keep_tokens", "save_every_n_epochs", "shuffle_caption"]),
        (("max_train_steps=1", "save_every_n_steps=1", "shuffle_caption=false"), ["caption_extension"]),
        (("kohya_wrap.subject=none",), ["caption_extension", "max_train_epochs", "save_every_n_epochs"]),
    ],
)  # fmt: skip
def test_without_them_what_is_left_to_run_is_named(
    prepared: Prepared, places: Places, words: tuple[str, ...], left: list[str]
) -> None:
    job = prepared(CHARACTER)
    run = shown(job, places, "train_data_dir=nowhere", *words)
    assert sorted(run.left) == left
    assert run.why_not.endswith("nowhere is not there")
    assert run.images is None


def test_a_wrong_config_is_not_counted_with(prepared: Prepared, places: Places) -> None:
    run = shown(prepared(CHARACTER), places, "resolution=wide")
    assert (run.images, run.why_not) == (None, "errors come first")
