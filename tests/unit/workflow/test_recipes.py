"""What a config leaves to its recipe, and how `run` says what it decided."""

from __future__ import annotations

from pathlib import Path

import pytest

from kohya_wrap.domain.finding import Finding
from kohya_wrap.workflow.prepare import Job
from tests.unit.workflow.conftest import Prepared

TAGS, PROSE = "1girl, solo, long hair, smile", "a girl stands at the window and looks out"


def of_subject(subject: str, base: str = "sd15") -> str:
    return f'[kohya_wrap]\nbase = "{base}"\nsubject = "{subject}"\n'


def captioned(folder: Path, caption: str) -> None:
    for path in (folder / "my-lora" / "training_data").rglob("*.txt"):
        path.write_text(caption, encoding="utf-8")


def said(job: Job, code: str) -> list[Finding]:
    return [finding for finding in job.findings if finding.code == code]


@pytest.mark.parametrize(("caption", "shuffled"), [(TAGS, True), (PROSE, False)])
def test_captions_decide_where_the_file_does_not(
    prepared: Prepared, tmp_path: Path, caption: str, shuffled: bool
) -> None:
    captioned(tmp_path, caption)
    job = prepared(of_subject("character", "sdxl"), gpu="cpu")
    assert job.config.get("shuffle_caption") is shuffled
    assert job.config.get("keep_tokens") == (1 if shuffled else None)
    assert bool(job.config.get("cache_text_encoder_outputs")) is not shuffled
    (note,) = said(job, "caption-style")
    assert ("are shuffled" in note.message) is shuffled


@pytest.mark.parametrize(
    "written",
    ["shuffle_caption = false\n", "cache_text_encoder_outputs = true\n", "shuffle_caption = true\n"],
)
def test_what_the_file_says_stands(prepared: Prepared, tmp_path: Path, written: str) -> None:
    captioned(tmp_path, TAGS)
    job = prepared(written + of_subject("style", "sdxl"), gpu="cpu")
    assert bool(job.config.get("shuffle_caption")) is ("shuffle_caption = true" in written)
    assert job.config.get("keep_tokens") is None
    assert said(job, "caption-style") == []


@pytest.mark.parametrize("subject", ["", "none"])
def test_without_a_subject_captions_stay_as_they_are(
    prepared: Prepared, tmp_path: Path, subject: str
) -> None:
    captioned(tmp_path, TAGS)
    job = prepared(of_subject(subject), gpu="cpu")
    assert job.config.get("shuffle_caption") is None
    assert said(job, "caption-style") == []


def test_a_project_made_before_there_were_subjects(prepared: Prepared) -> None:
    """The guide's values, to the last option."""
    old = prepared('[kohya_wrap]\nbase = "sd15"\n', gpu="cpu").config.plain()
    assert old == prepared(of_subject(""), gpu="cpu").config.plain()
    assert (old["unet_lr"], old["network_dim"], old["max_train_epochs"]) == (1e-4, 32, 300)


def test_no_recipe_leaves_all_to_the_engine(prepared: Prepared) -> None:
    job = prepared(of_subject("none"), gpu="cpu")
    assert not {"unet_lr", "network_dim", "optimizer_type", "lr_scheduler"} & set(job.config.plain())
    assert job.config.get("train_batch_size") * job.config.get("gradient_accumulation_steps", 1) == 1


def test_a_v_prediction_base_is_known_by_its_name(prepared: Prepared) -> None:
    job = prepared(of_subject("style", "noobai-vpred"), gpu="cpu")
    assert job.config.get("v_parameterization") and job.config.get("zero_terminal_snr")
