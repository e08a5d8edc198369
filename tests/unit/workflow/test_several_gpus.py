"""A training on several GPUs, as values: none was here when this was written."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import toml

from kohya_wrap.domain import steps
from kohya_wrap.domain.events import AttemptStarted, Event, FewerProcesses, PlanSeen, RunStarted, StateKept
from kohya_wrap.domain.hardware import Gpu
from kohya_wrap.engine import locate
from kohya_wrap.errors import ConfigError, MachineError, TrainingFailed
from kohya_wrap.host.child import StopRequest
from kohya_wrap.training import supervise
from kohya_wrap.training.journal import Journal
from kohya_wrap.training.supervise import Attempt
from kohya_wrap.workflow import job
from kohya_wrap.workflow.job import Means
from kohya_wrap.workflow.prepare import Job
from tests.unit.workflow.conftest import RTX_3090, T4, Prepared

SD15 = 'output_name = "x"\ntrain_batch_size = 1\ngradient_accumulation_steps = 1\n{}[kohya_wrap]\nbase = "sd15"\n'
OTHER_T4, THIRD_T4 = replace(T4, uuid="GPU-8"), replace(T4, uuid="GPU-9")


@pytest.mark.parametrize(
    ("batches", "processes", "accumulation", "per_epoch"),
    [(10, 1, 1, 10), (9, 2, 1, 5), (9, 2, 2, 3), (10, 4, 3, 1), (13, 4, 2, 2), (1, 8, 1, 1)],
)
def test_steps_of_an_epoch(batches: int, processes: int, accumulation: int, per_epoch: int) -> None:
    """The engine: ceil(batches / processes / accumulation); 9 batches on 2 were seen as 5 (contract, section 2)."""
    plan = steps.plan([batches], batch=1, processes=processes, accumulation=accumulation, epochs=3)
    assert (plan.steps_per_epoch, plan.steps) == (per_epoch, 3 * per_epoch)


def test_each_process_gets_a_card_alike(prepared: Prepared, cards: list[Gpu]) -> None:
    cards += [RTX_3090, T4, OTHER_T4, THIRD_T4]
    two = prepared(SD15.format(""), gpu="T4", processes=2)
    assert (two.gpus, two.processes) == ((T4.uuid, OTHER_T4.uuid), 2)
    assert prepared(SD15.format(""), gpu="T4").gpus == (T4.uuid,)
    one = prepared(SD15.format("max_train_epochs = 2\n"), gpu="T4")
    halved = prepared(SD15.format("max_train_epochs = 2\n"), gpu="T4", processes=2)
    assert (one.plan.steps, halved.plan.steps) == (40, 20)
    (said,) = [finding.message for finding in halved.findings if finding.code == "several-gpus"]
    assert said.startswith("2 GPUs make each step one of 2 x 1 images")
    batches = "train_batch_size = 3\ngradient_accumulation_steps = 2\n[kohya_wrap]\nbase = 'sd15'\n"
    (said,) = [
        finding.message
        for finding in prepared(batches, gpu="T4", processes=2).findings
        if finding.code == "several-gpus"
    ]
    assert said.startswith("2 GPUs make each step one of 2 x 6 images")
    with pytest.raises(MachineError, match="4 processes need 4 cards, and this machine has 3 x Tesla T4"):
        prepared(SD15.format(""), gpu="T4", processes=4)


@pytest.mark.parametrize("engine", ["real", "rehearsal"])
def test_on_a_cpu_it_is_refused(prepared: Prepared, engine: str) -> None:
    with pytest.raises(MachineError, match="2 processes cannot train on a CPU") as raised:
        prepared(SD15.format(""), gpu="cpu", engine=engine, processes=2)
    assert (raised.value.code, "gloo" in raised.value.why) == (8, True)


@pytest.mark.parametrize(("said", "processes", "given"), [(4, 1, 4), (4, 2, 8), (0.1, 2, 0.1), (0, 2, 0)])
def test_a_warm_up_takes_as_many_steps(
    prepared: Prepared, cards: list[Gpu], said: float, processes: int, given: float
) -> None:
    """The engine steps its schedule once for each process (contract, section 2: 4 ended after 2)."""
    cards += [T4, OTHER_T4]
    config = SD15.format(f'lr_scheduler = "cosine"\nmax_train_epochs = 8\nlr_warmup_steps = {said}\n')
    assert prepared(config, gpu="T4", processes=processes).config.get("lr_warmup_steps") == given


@pytest.fixture
def come_up(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Attempt, list[Event]]]:
    """Start a job on an engine that says so many batches of an epoch: what it was started with, what was told."""

    def execute(prepared: Job, batches: int) -> tuple[Attempt, list[Event]]:
        started: list[Attempt] = []
        heard: list[Event] = []

        def watch(trainer: None, log_from: int, reader: Any, end_now: Any, told: Any) -> int:
            told(PlanSeen("batches_per_epoch", batches))
            if end_now():
                return -15
            return 1

        monkeypatch.setattr(supervise, "start", lambda attempt, told: started.append(attempt))
        monkeypatch.setattr(supervise, "watch", watch)
        with pytest.raises(TrainingFailed) as raised:
            job.execute(prepared, Means(locate.rehearsal(), None), {}, StopRequest(), heard.append)
        assert len(started) == 1, "another attempt would come up alike"
        heard.append(raised.value)  # type: ignore[arg-type]
        return started[0], heard

    return execute


def test_fewer_than_asked_are_stopped_before_the_first_step(
    prepared: Prepared, cards: list[Gpu], come_up: Callable[..., tuple[Attempt, list[Any]]]
) -> None:
    cards += [T4, OTHER_T4]
    attempt, heard = come_up(prepared(SD15.format("max_train_epochs = 2\n"), gpu="T4", processes=2), 20)
    assert attempt.argv[attempt.argv.index("--num_processes") + 1] == "2"
    assert attempt.env["CUDA_VISIBLE_DEVICES"] == "GPU-7,GPU-8"
    assert FewerProcesses(2, 20, 10) in heard
    assert "Not all of 2 processes train: each has 20 batches" in heard[-1].message


HANGS_ON = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('  num batches per epoch / x: 20', flush=True); "
    "time.sleep(120)"
)


def test_fewer_than_asked_are_stopped_within_a_minute(prepared: Prepared, cards: list[Gpu]) -> None:
    """By a trainer that never comes to its first step, and ignores what asks it to end."""
    cards += [T4, OTHER_T4]
    two = prepared(SD15.format("max_train_epochs = 2\n"), gpu="T4", processes=2)
    stubborn = replace(locate.rehearsal(), launch=(sys.executable, "-c", HANGS_ON))
    began = time.monotonic()
    with pytest.raises(TrainingFailed, match="Not all of 2 processes train"):
        job.execute(two, Means(stubborn, None), os.environ, StopRequest(), lambda event: None)
    assert time.monotonic() - began < 60


def test_all_of_them_are_let_train(
    prepared: Prepared, cards: list[Gpu], come_up: Callable[..., tuple[Attempt, list[Any]]]
) -> None:
    cards += [T4, OTHER_T4]
    _, heard = come_up(prepared(SD15.format("max_train_epochs = 2\n"), gpu="T4", processes=2), 10)
    assert not any(isinstance(event, FewerProcesses) for event in heard)
    (attempt,) = [event for event in heard if isinstance(event, AttemptStarted)]
    assert (attempt.steps_per_epoch, attempt.processes) == (10, 2)
    (begun,) = [event for event in heard if isinstance(event, RunStarted)]
    assert (begun.planned_steps, begun.planned_epochs) == (20, 2)
    assert "exit code 1" in heard[-1].message
    _, heard = come_up(prepared(SD15.format("max_train_epochs = 2\n"), gpu="T4"), 19)
    assert not any(isinstance(event, FewerProcesses) for event in heard), "one process is never too few"


def test_a_state_of_two_processes_is_not_gone_on_from_with_one(
    prepared: Prepared, cards: list[Gpu], come_up: Callable[..., tuple[Attempt, list[Any]]], tmp_path: Path
) -> None:
    cards += [T4, OTHER_T4]
    two = prepared(SD15.format("max_train_epochs = 2\n"), gpu="T4", processes=2)
    come_up(two, 10)
    (run,) = (two.project.runs).glob("2*")
    state = run / "attempts" / "1" / "x-000001-state"
    state.mkdir(parents=True)
    (run / "events.jsonl").unlink()
    with Journal(run / "events.jsonl") as journal:
        journal.write(AttemptStarted(1, 0, 0, 0, 10, "", 0, {}, processes=2))
        journal.write(StateKept(str(state), 1, 10))
    one = prepared(SD15.format("max_train_epochs = 2\n"), gpu="T4")
    with pytest.raises(ConfigError, match="was started on 2 GPUs; now it is 1") as raised:
        job.execute(one, Means(locate.rehearsal(), None), {}, StopRequest(), lambda event: None)
    assert "--num-processes 2" in raised.value.hint
    assert toml.load(run / "engine_config.toml")["max_train_epochs"] == 2
