"""The steps after a training, done in their order when it has ended.

An instance is ended only when all that was to be done before it was done, and what the training made is whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import psutil

from kohya_wrap.domain.afterwards import Kind, Step
from kohya_wrap.domain.events import Supervised
from kohya_wrap.errors import KohyaWrapError, MachineError, Stopped
from kohya_wrap.host import child, instance, tool
from kohya_wrap.host.instance import Instance
from kohya_wrap.host.upload import item
from kohya_wrap.host.upload.item import Destination
from kohya_wrap.places import Places
from kohya_wrap.workflow import at_work, not_kept, run_folder, sent, to_upload
from kohya_wrap.workflow.run_folder import RunFolder
from kohya_wrap.workflow.trained import Trained

PAUSES = (5.0, 15.0, 60.0, 180.0)  # seconds before each new attempt at what the network failed
DONE = "done"
ENDS = {Kind.STOP: instance.STOP, Kind.TERMINATE: instance.TERMINATE}

OnSaid = Callable[[str], None]


@dataclass(frozen=True)
class StepDone:
    """Attributes:
    text: what was done, one line.
    error: why it was not; None where it was.
    """

    step: Step
    text: str
    error: KohyaWrapError | None = None


@dataclass(frozen=True)
class Afterwards:
    """Attributes:
    destinations: by the words of the uploads.
    pauses: seconds before each new attempt at what the network failed.
    """

    steps: tuple[Step, ...]
    instance: Instance
    destinations: Mapping[str, Destination]
    env: Mapping[str, str]
    pauses: tuple[float, ...]

    def due(self, *, well: bool) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if well or step.always)

    def do(
        self,
        *,
        ended: str,
        runs: Sequence[RunFolder],
        lost: Sequence[Path],
        say: OnSaid,
        on_done: Callable[[StepDone], None],
    ) -> KohyaWrapError | None:
        """Each in turn; what fails ends no instance, and the others are done all the same.

        Args:
            ended: how the command has: done, stopped or failed.
            runs: what was trained, as their folders have it by now.
            lost: folders of runs that were begun and have no record there any more.
            on_done: told after each step.

        Returns:
            The first failure.

        Raises:
            Stopped, KeyboardInterrupt: cut short, and no further step is begun.
        """
        failed: KohyaWrapError | None = None
        for step in self.due(well=ended == DONE):
            try:
                if lost and step.kind is not Kind.COMMAND:
                    raise _without_record(step, lost[0])
                if step.ends_instance:
                    self._require_that_nothing_is_lost(step, runs, failed)
                done = StepDone(step, self._do(step, runs, ended, say))
            except (Stopped, KeyboardInterrupt) as cut:
                on_done(_cut_short(step, cut))
                raise
            except KohyaWrapError as error:
                done = StepDone(step, error.message, error)
            except OSError as error:
                done = StepDone(step, str(error), _unreadable(step, error))
            failed = failed or done.error
            on_done(done)
            if step.ends_instance and done.error is None:
                break
        return failed

    def _do(self, step: Step, runs: Sequence[RunFolder], ended: str, say: OnSaid) -> str:
        if step.kind is Kind.COMMAND:
            return self._run(step, runs, ended, say)
        if step.kind is Kind.UPLOAD:
            return self._upload(step, runs, say)
        what = ENDS[step.kind]
        say(f"asking to {what} {self.instance.title}")
        self.instance.end(what, self.pauses, say)
        return f"accepted: {self.instance.title} will {what}"

    def _run(self, step: Step, runs: Sequence[RunFolder], ended: str, say: OnSaid) -> str:
        about = {"KOHYA_WRAP_THEN_OUTCOME": ended}
        if runs:
            ledger = runs[-1].ledger
            about["KOHYA_WRAP_THEN_RUN"] = str(runs[-1].path)
            if ended == DONE and any(run.ledger.outcome == "paused" for run in runs):
                about["KOHYA_WRAP_THEN_OUTCOME"] = "paused"
            about["KOHYA_WRAP_THEN_LORA"] = ledger.checkpoints[-1] if ledger.checkpoints else ""
        try:
            tool.run(step.argv, env={**self.env, **about}, on_line=say)
        except tool.ToolFailed as failed:
            last = failed.outcome.last_line
            raise MachineError(
                f"`{step.words}` ended with {failed.outcome.returncode}" + (f": {last}" if last else "."),
                why="It is a command of yours: what it said stands above.",
                hint=step.words,
            ) from None
        return "done, exit code 0"

    def _upload(self, step: Step, runs: Sequence[RunFolder], say: OnSaid) -> str:
        to = self.destinations[step.destination]
        made = to_upload.made(runs)
        items = made.items()
        if not items and not made.problems:
            return "nothing was made, so there is nothing to upload"
        megabytes = sum(one.size for one in items) / 1e6
        say(f"uploading {_files(len(items))} ({megabytes:.1f} MB) to {to.where}")
        kept = item.deliver(items, to, sent.before(runs, items), self.pauses, say)
        if made.problems:
            raise _not_whole(step, len(items), made.problems[0])
        more = [f"and so {'is' if kept[2:] == [] else 'are'} {len(kept) - 1} more"] if kept[1:] else []
        said = f"uploaded {_files(len(items))} to {to.where}, hashes equal"
        return "; ".join((said, *kept[:1], *more))

    def _require_that_nothing_is_lost(
        self, step: Step, runs: Sequence[RunFolder], failed: KohyaWrapError | None
    ) -> None:
        """Raises MachineError: something is not as it should be, so the instance stays."""
        if failed is not None:
            raise _stays(step, f"what should be done before it was not: {failed.message}")
        if problems := to_upload.made(runs).problems:
            raise _stays(step, f"{problems[0]}")
        if left := next(chain.from_iterable(map(not_kept.by, runs)), None):
            raise _stays(step, f"{left} was saved, and is not kept yet: the next `run` does so")
        if trainers := _at_work(self.env):
            raise _stays(step, f"a training is at work here: {trainers[0]}")
        places = Places.from_environment(self.env)
        at_work.withdraw(places)
        if others := at_work.others(places):
            raise _stays(step, f"another kohya-wrap trains here, or brings results away (pid {others[0]})")


def begun_since(moment: float, trained: Sequence[Trained]) -> list[RunFolder]:
    """The runs that some kohya-wrap took in hand since `moment` (seconds since the epoch)."""
    return [
        run
        for one in trained
        for run in run_folder.of_name(one.project, one.output_name)
        if any(isinstance(event, Supervised) and when >= moment - 0.001 for when, event in run.timed)
    ]


def without_record(begun: Sequence[Path], runs: Sequence[RunFolder]) -> list[Path]:
    """Folders of runs that have trained and are not among `runs`: moved or removed meanwhile, or their events were.

    One that ended before its trainer was started has no log.
    """
    there = {run.path.resolve() for run in runs}
    others = [RunFolder(folder) for folder in begun if folder.resolve() not in there]
    return [run.path for run in others if run.log.exists() or not run_folder.is_one(run.path)]


def _at_work(env: Mapping[str, str]) -> list[Path]:
    """Logs of trainers at work from this home: others on the machine need it as well."""
    found = []
    for log, process in child.living():
        with suppress(psutil.Error, OSError):  # gone meanwhile
            if process.environ().get("HOME") == env.get("HOME"):
                found.append(log)
    return found


def _cut_short(step: Step, cut: BaseException) -> StepDone:
    by = cut.message if isinstance(cut, Stopped) else "Stopped by Ctrl-C."
    error = MachineError(
        f"cut short. {by}",
        why="Somebody, or the machine going away, asked for it.",
        hint="Look how far it came, and do it by hand.",
    )
    return StepDone(step, error.message, error)


def _stays(step: Step, why: str) -> MachineError:
    return MachineError(
        f"{step.words} was not done: {why.rstrip('.')}.",
        why="An instance is ended only when all before it was done, and what was made is whole.",
        hint="Everything is kept, and the instance goes on costing money: bring the files away, then end it by hand.",
    )


def _without_record(step: Step, run: Path) -> MachineError:
    return MachineError(
        f"{step.words} was not done: {run} has no record any more of what was trained.",
        why="It, or its whole project, was moved or removed meanwhile; nothing is taken for brought away that nobody knows of.",
        hint="Look for the files where they lie now and bring them away; an instance goes on costing money until you end it.",
    )


def _not_whole(step: Step, uploaded: int, problem: str) -> MachineError:
    return MachineError(
        f"{step.words}: {_files(uploaded)} uploaded, and not this one: {problem}.",
        why="What is not as the training saved it takes no other file's place.",
        hint="Look at the file; to train it again: the same `run`",
    )


def _unreadable(step: Step, error: OSError) -> MachineError:
    return MachineError(
        f"{step.words} was not done: {error}.",
        why="A file or the disk cannot be read.",
        hint="df -h .   and look at what is there; everything is kept",
    )


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count} files"
