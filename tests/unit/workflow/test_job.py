"""What the engine is started with, and what is made of its end."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kohya_wrap.domain.budget import Budget
from kohya_wrap.domain.events import Advice, EpochStarted, Event, PlanSeen, Progress, RunEnded, Supervised
from kohya_wrap.domain.hardware import Gpu
from kohya_wrap.engine import locate
from kohya_wrap.errors import Stopped, TrainingFailed
from kohya_wrap.host.child import StopRequest
from kohya_wrap.training import supervise
from kohya_wrap.training.supervise import Attempt
from kohya_wrap.workflow import followed, job
from kohya_wrap.workflow.job import Means
from kohya_wrap.workflow.prepare import Job
from kohya_wrap.workflow.wishes import Wishes
from tests.unit.workflow.conftest import RTX_3090, T4, Prepared

SD15 = 'output_name = "x"\n[kohya_wrap]\nbase = "sd15"\n'
ALL_DONE = (EpochStarted(1, 1), PlanSeen("total_steps", 5), Progress(5, 5, 0.1, 0.1, 1))
Launch = Callable[..., Attempt]


@pytest.fixture
def launch(monkeypatch: pytest.MonkeyPatch) -> Launch:
    """Execute a job on an engine that says these events and writes nothing; what it was started with."""

    def execute(prepared: Job, env: dict[str, str], *events: Event) -> Attempt:
        started: list[Attempt] = []

        def start(attempt: Attempt, told: Callable[[Event], None]) -> None:
            started.append(attempt)

        def watch(
            trainer: None, log_from: int, reader: Any, end_now: Any, told: Callable[[Event], None]
        ) -> int:
            for event in events:
                told(event)
            return 0

        monkeypatch.setattr(supervise, "start", start)
        monkeypatch.setattr(supervise, "watch", watch)
        with pytest.raises(TrainingFailed, match=r"ended without x\.safetensors"):
            job.execute(prepared, Means(locate.rehearsal(), None), env, StopRequest(), lambda event: None)
        return started[0]

    return execute


def test_a_secret_of_the_config_reaches_the_engine_by_its_environment(
    prepared: Prepared, launch: Launch
) -> None:
    config = (
        'huggingface_token = "hf_0123abcd"\nhuggingface_repo_id = "me/x"\nhuggingface_path_in_repo = "x"\n'
        + SD15
    )
    attempt = launch(prepared(config, gpu="cpu"), {"HF_TOKEN": "another", "HF_HUB_OFFLINE": "1"})
    assert (attempt.env["HF_TOKEN"], attempt.env["HF_HUB_OFFLINE"]) == ("hf_0123abcd", "0")
    written = [path.read_text() for path in attempt.log.parent.iterdir() if path.is_file()]
    assert written and not any("hf_0123abcd" in text for text in written)


@pytest.mark.parametrize(("asked", "visible"), [("auto", "GPU-7"), ("RTX 3090", "GPU-3090"), ("cpu", "")])
def test_the_engine_sees_the_chosen_card_alone(
    prepared: Prepared, cards: list[Gpu], launch: Launch, asked: str, visible: str
) -> None:
    cards += [T4, RTX_3090]
    env = {"CUDA_VISIBLE_DEVICES": "0,1", "HOME": "/h"}
    attempt = launch(prepared(SD15, env=env, gpu=asked), env)
    assert (attempt.env["CUDA_VISIBLE_DEVICES"], attempt.env["HOME"]) == (visible, "/h")
    assert ("--cpu" in attempt.argv) is (asked == "cpu")


def test_a_file_that_was_there_before_is_no_success(
    prepared: Prepared, launch: Launch, tmp_path: Path
) -> None:
    """All steps done, exit code 0, and a file of a time to come: but it is the one of the run before."""
    left = tmp_path / "my-lora" / "output" / "x.safetensors"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"of an earlier run")
    os.utime(left, (time.time() + 86400,) * 2)
    launch(prepared(SD15, gpu="cpu"), {}, *ALL_DONE)


def test_an_epoch_that_costs_much_to_lose_is_said_once(
    prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[Event] = []

    def watch(trainer: None, log_from: int, reader: Any, end_now: Any, told: Callable[[Event], None]) -> int:
        for step in range(1, 25):
            told(Progress(step, 1000, 0.1, 400.0, 1))
        return 0

    monkeypatch.setattr(supervise, "start", lambda attempt, told: None)
    monkeypatch.setattr(supervise, "watch", watch)
    made = prepared(SD15, gpu="cpu")
    with pytest.raises(TrainingFailed):
        job.execute(made, Means(locate.rehearsal(), None), {}, StopRequest(), heard.append)
    (advice,) = [event.text for event in heard if isinstance(event, Advice)]
    # Two pictures ten times each, four a step: 5 steps of 400 s, where an epoch should take 600 s.
    assert advice == (
        "an epoch takes 33 minutes, and so much is lost with the machine. Another time: all repeats divided by 5 and "
        f"max_train_epochs = {made.plan.epochs * 5}, for the same passes."
    )


def test_what_a_watchdog_says_is_said_once_of_a_kind(
    prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[Event] = []

    class Barking:
        def __init__(self, *asked: object) -> None:
            pass

        def told(self, event: Event) -> Iterator[Advice]:
            yield Advice("slow as ever", "slow")

        def __call__(self) -> Iterator[Advice]:
            yield Advice("full", "disk")

    def watch(trainer: None, log_from: int, reader: Any, end_now: Any, told: Callable[[Event], None]) -> int:
        for step in range(1, 4):
            told(Progress(step, 20, 0.1, 0.1, 1))
            assert not end_now()
        return 0

    monkeypatch.setattr(followed, "Watchdog", Barking)
    monkeypatch.setattr(supervise, "start", lambda attempt, told: None)
    monkeypatch.setattr(supervise, "watch", watch)
    with pytest.raises(TrainingFailed):
        job.execute(
            prepared(SD15, gpu="cpu"), Means(locate.rehearsal(), None), {}, StopRequest(), heard.append
        )
    assert [event.about for event in heard if isinstance(event, Advice)] == ["slow", "disk"]


@pytest.mark.parametrize("paths", [("/full/x",), ("/roomy/x", None, "/full/x")], ids=["written", "copied"])
def test_a_full_disk_of_our_own_is_on_record(
    prepared: Prepared, monkeypatch: pytest.MonkeyPatch, paths: tuple[Any, ...]
) -> None:
    """`status` can say why it ended, where that much room was left."""

    def full(attempt: Attempt, told: Callable[[Event], None]) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), *paths)

    heard: list[Event] = []
    monkeypatch.setattr(supervise, "start", full)
    with pytest.raises(OSError, match="No space left"):
        job.execute(
            prepared(SD15, gpu="cpu"), Means(locate.rehearsal(), None), {}, StopRequest(), heard.append
        )
    assert heard[-1] == RunEnded("failed", "/full/x: No space left on device", (), unread=True)


@pytest.mark.parametrize("counted", [True, False])
def test_what_was_set_up_counts_for_the_cap_where_that_is_asked_for(
    prepared: Prepared, monkeypatch: pytest.MonkeyPatch, counted: bool
) -> None:
    """Ten minutes of it, and a cap of nine."""
    heard: list[Event] = []
    monkeypatch.setattr(supervise, "start", lambda attempt, told: None)
    monkeypatch.setattr(supervise, "watch", lambda *asked: 0)
    since = time.monotonic() - 600 if counted else None
    with pytest.raises(Stopped if counted else TrainingFailed):
        job.execute(
            prepared(SD15, gpu="cpu"), Means(locate.rehearsal(), None), {}, StopRequest(), heard.append,
            Wishes(budget=Budget(max_hours=0.15), since=since),
        )  # fmt: skip
    (supervised,) = [event for event in heard if isinstance(event, Supervised)]
    assert supervised.spent == pytest.approx(600 if counted else 0, abs=5)
