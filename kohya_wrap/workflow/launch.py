"""What one attempt is started with: where it goes on from, the config that the engine reads, its command line."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kohya_wrap.config import option_table, render
from kohya_wrap.domain import steps
from kohya_wrap.domain.config import Layer, Origin, TrainingConfig
from kohya_wrap.domain.events import AttemptStarted, StateKept
from kohya_wrap.domain.saving import Saving
from kohya_wrap.engine.locate import Engine
from kohya_wrap.host import atomic
from kohya_wrap.host.port import free_port
from kohya_wrap.training import command
from kohya_wrap.training.supervise import Attempt
from kohya_wrap.workflow.prepare import Job
from kohya_wrap.workflow.run_folder import RunFolder


@dataclass(frozen=True)
class Launch:
    """Attributes:
    given: the config, on the training view.
    saving: what of the engine's saves the user keeps.
    """

    job: Job
    given: TrainingConfig
    engine: Engine
    run: RunFolder
    env: Mapping[str, str]
    saving: Saving

    def config(self, changed: Mapping[str, Any]) -> TrainingConfig:
        """With what recovery has changed."""
        return self.given.with_layer(Layer(Origin.HARDWARE, changed, "after an out-of-memory"))

    def plan(self, number: int, state: StateKept | None, changed: Mapping[str, Any]) -> AttemptStarted:
        """From the end of the epoch that `state` holds, counted anew: other batches make other steps of an epoch."""
        config, log = self.config(changed), self.run.log
        per_epoch = self._steps_per_epoch(config)
        done = state.epoch if state else _users_own_beginning(config, per_epoch)
        return AttemptStarted(
            number=number,
            epochs_done=done,
            steps_done=state.steps if state else done * per_epoch,
            first_step=done * per_epoch,
            steps_per_epoch=per_epoch,
            state=state.path if state else config.get("resume", ""),
            log_from=log.stat().st_size if log.exists() else 0,
            changed=changed,
            processes=self.job.processes,
        )

    def batches_of_each(self, attempt: AttemptStarted) -> int:
        """Micro-batches of an epoch that each process trains."""
        passes, batch = self.job.images.batches(self.config(attempt.changed))
        every = steps.plan(passes, batch=batch, epochs=1).batches_per_epoch
        return math.ceil(every / attempt.processes)

    def _steps_per_epoch(self, config: TrainingConfig) -> int:
        passes, batch = self.job.images.batches(config)
        accumulation = config.get("gradient_accumulation_steps", 1)
        return steps.plan(
            passes, batch=batch, accumulation=accumulation, processes=self.job.processes, epochs=1
        ).steps_per_epoch

    def prepare(self, attempt: AttemptStarted) -> Attempt:
        """Its folder, its engine_config.toml; what is to be started."""
        folder, config = self.run.attempt(attempt.number), self.config(attempt.changed)
        folder.mkdir(parents=True, exist_ok=True)
        self._link_samples(folder)
        own: dict[str, Any] = {
            **self.saving.for_engine(),
            "output_dir": str(folder.resolve()),
            "resume": attempt.state or None,
            "initial_step": attempt.first_step or None,
            "initial_epoch": None,
        }
        render.for_engine(
            self.run.engine_config,
            config.with_layer(Layer(Origin.HARDWARE, own, "this attempt's own")),
            option_table.for_script(self.job.family.script),
        )
        return self._command(config)

    def _link_samples(self, folder: Path) -> None:
        """The engine draws into output_dir/sample; the user looks for them beside the LoRA."""
        if any(self.given.get(f"sample_{when}") for when in ("every_n_epochs", "every_n_steps", "at_first")):
            samples, link = Path(self.given.get("output_dir"), "sample"), folder / "sample"
            samples.mkdir(parents=True, exist_ok=True)
            link.unlink(missing_ok=True)  # of an attempt that was killed before it began
            link.symlink_to(samples.resolve(), target_is_directory=True)

    def _command(self, config: TrainingConfig) -> Attempt:
        cores, gpus = self.job.machine.cpu.cores, self.job.gpus
        # The guide's figure: beside a GPU more only get in its way.
        threads = min(cores, 4) if gpus else cores
        processes = self.job.processes
        configured = self.run.path / "accelerate.json"
        atomic.write_text(configured, command.launcher_config(processes))
        argv = command.argv(
            self.engine.launch, self.engine.source, self.job.family.script, self.run.engine_config, configured,
            cpu=not gpus, threads=threads, processes=processes, port=free_port() if processes > 1 else 0,
        )  # fmt: skip
        online = bool(config.get("huggingface_repo_id"))
        variables = command.environment(self.env, threads=threads, gpus=gpus, online=online)
        return Attempt(argv, variables | render.secrets(config), self.engine.source, self.run.log)


def _users_own_beginning(config: TrainingConfig, steps_per_epoch: int) -> int:
    """Whole epochs behind a state that the config itself names; the engine skips whole ones only."""
    if config.get("initial_step"):
        return int(config.get("initial_step")) // steps_per_epoch
    if config.get("initial_epoch"):
        return int(config.get("initial_epoch")) - 1
    state = config.get("resume")
    try:
        told = json.loads(Path(state, "train_state.json").read_text(encoding="utf-8")) if state else {}
    except (OSError, ValueError):  # the engine says what is wrong with it
        return 0
    return int(told.get("current_epoch", 0))
