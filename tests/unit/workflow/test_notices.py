"""Notices around a run: which ends are told, and that no target can do harm."""

from __future__ import annotations

import re
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kohya_wrap.domain.budget import Budget
from kohya_wrap.domain.config import Layer, Origin, settle
from kohya_wrap.domain.events import (
    Advice,
    AttemptEnded,
    CheckpointKept,
    Event,
    LossNotFinite,
    Progress,
    RunEnded,
    StateDamaged,
    Supervised,
    Unfit,
)
from kohya_wrap.domain.finding import Finding
from kohya_wrap.domain.steps import StepPlan
from kohya_wrap.errors import EngineError, Stopped, UsageError
from kohya_wrap.host.webhook import NotTaken
from kohya_wrap.places import Project
from kohya_wrap.workflow import notices
from kohya_wrap.workflow.notices import Notices
from kohya_wrap.workflow.notify import Notice


class Target:
    """Keeps what it is sent; raises or sleeps first."""

    called = "hooks.example.com"

    def __init__(self, fails: Exception | None = None, takes: float = 0.0) -> None:
        self.got: list[Notice] = []
        self._fails, self._takes = fails, takes

    def send(self, notice: Notice) -> None:
        self.got.append(notice)
        time.sleep(self._takes)
        if self._fails:
            raise self._fails


def around(
    target: Target, folder: Path, *events: Event, error: BaseException | None = None, apart: float = 0.0
) -> list[Finding]:
    """What was said of a run with these events, so many seconds apart, and this error at its end."""
    config = settle([Layer(Origin.FILE, {"output_name": "my_lora"})])
    job: Any = SimpleNamespace(
        engine_kind="real", config=config, plan=StepPlan(5, 5, 10, 50), project=Project(folder)
    )
    said: list[Finding] = []
    try:
        with Notices([target], job, Budget(3600.0), said.append) as found:
            on_event = found.before(job, lambda event: None)
            for event in events:
                on_event(event)
                time.sleep(apart)
            if error:
                raise error
    except BaseException as caught:
        assert caught is error
    return said


def wrong(kind: type[Exception]) -> Exception:
    return kind("It broke.", why="so", hint="mend it")  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (None, []),
        (wrong(EngineError), [("failed", "my_lora: It broke.")]),
        (wrong(Stopped), [("stopped", "my_lora: It broke.")]),
        (KeyboardInterrupt(), [("stopped", "my_lora: Stopped by Ctrl-C.")]),
        (ZeroDivisionError(), [("failed", "my_lora: ZeroDivisionError")]),
        (wrong(UsageError), []),  # refused: another of that name may be at work
    ],
)
def test_an_end_before_the_training(tmp_path: Path, error: BaseException | None, told: list[object]) -> None:
    target = Target()
    assert around(target, tmp_path, error=error) == []
    assert [(one.event, one.text) for one in target.got] == told
    if error is not None and told:
        alike = notices.of_preparation("my_lora", error)
        assert (alike.event, alike.text) == told[0]


def test_an_end_that_was_told_is_not_told_again(tmp_path: Path) -> None:
    target = Target()
    around(target, tmp_path, RunEnded("failed", "It broke.", ()), error=wrong(EngineError))
    assert [one.event for one in target.got] == ["failed"]


def test_the_facts(tmp_path: Path) -> None:
    target = Target()
    around(
        target, tmp_path, Supervised(1, 0.0, spent=90.0), Progress(50, 50, 0.0823, 1.0, 10),
        CheckpointKept("/out/my_lora.safetensors"), RunEnded("done", "", ()),
    )  # fmt: skip
    (got,) = target.got
    whole = r"my_lora: trained step 50 of 50, loss 0\.0823, 1:3\d, \$9\d\.\d\d: /out/my_lora\.safetensors"
    assert re.fullmatch(whole, got.text)  # 90 seconds, and those that a busy machine took for this test
    assert (got.step, got.steps, got.loss, got.lora) == (50, 50, 0.0823, "/out/my_lora.safetensors")


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (Advice("an epoch takes 20 minutes."), "an epoch takes 20 minutes."),
        (AttemptEnded("crash", "It was killed.", "again after 5 s"), "It was killed. Again after 5 s."),
        (StateDamaged("/s/a-state", "cannot be read"), "a-state cannot be read"),
        (Unfit("/o/a.safetensors", "holds layers that never moved"), "a.safetensors holds layers"),
        (LossNotFinite(7), "not a number at step 7"),
    ],
)
def test_what_goes_wrong_meanwhile(tmp_path: Path, event: Event, words: str) -> None:
    target = Target()
    around(target, tmp_path, Progress(7, 50, float("nan"), 1.0, 2), event)
    (got,) = target.got
    assert (got.event, got.loss) == ("warning", None)
    assert got.text.startswith("my_lora: step 7 of 50: ") and words in got.text


def test_a_run_that_is_lost_says_so_once(tmp_path: Path) -> None:
    target = Target()
    around(target, tmp_path, LossNotFinite(7), Unfit("a", "is bad"), Unfit("b", "is bad"), LossNotFinite(8))
    assert len(target.got) == 1


@pytest.mark.parametrize("fails", [NotTaken("it answers 404"), ZeroDivisionError()])
def test_a_target_that_fails_is_said_once(tmp_path: Path, fails: Exception) -> None:
    target = Target(fails)
    (said,) = around(target, tmp_path, Advice("a"), Advice("b"), RunEnded("done", "", ()), apart=0.1)
    assert len(target.got) == 3
    assert said.message.startswith("a notice did not reach hooks.example.com: ")


def test_a_slow_target_delays_no_event_and_the_end_by_no_more_than_its_patience(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "PATIENCE", 0.3)
    began = time.monotonic()
    (said,) = around(Target(takes=5), tmp_path, Advice("a"), Advice("b"), RunEnded("done", "", ()))
    assert 0.3 <= time.monotonic() - began < 2
    assert "not done within 0.3 s" in said.message


def test_a_token_in_what_is_told(tmp_path: Path) -> None:
    target = Target()
    around(target, tmp_path, RunEnded("failed", "https://me:s3cret@host/x is gone.", ()))
    assert "s3cret" not in target.got[0].text
