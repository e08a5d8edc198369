"""Several trainings in one session, as a person reads them: which is at work, what has failed, a table at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kohya_wrap.cli import training
from kohya_wrap.cli.afterwards import every_end
from kohya_wrap.cli.console import Console
from kohya_wrap.cli.errors import of_the_system
from kohya_wrap.cli.training import Session
from kohya_wrap.domain.finding import Finding, Level
from kohya_wrap.errors import Interrupted, KohyaWrapError, MachineError, Stopped, TooDear

if TYPE_CHECKING:
    from kohya_wrap.domain.afterwards import Step
    from kohya_wrap.domain.budget import Budget
    from kohya_wrap.host.child import StopRequest
    from kohya_wrap.workflow.prepare import Job, JobRequest
    from kohya_wrap.workflow.queue import Outcome
    from kohya_wrap.workflow.queue_entries import Entry
    from kohya_wrap.workflow.wishes import Wishes


def run(
    console: Console,
    entries: Sequence[Entry],
    typed: tuple[Sequence[Path], Sequence[object]],
    request: JobRequest,
    asked: Budget,
    wishes: Callable[[Job, Budget], Wishes],
    session: Session,
    steps: tuple[Step, ...],
    *,
    restart: bool,
    cards: Mapping[str, str] | None = None,
) -> None:
    """Train them all. Raises KohyaWrapError, once all have had their turn: one of them was not trained.

    Args:
        typed: the configs and folders that name them, and the other words: what was spent under these counts.
        asked: of all of them together.
        wishes: of a job, within what all of them may spend.
        cards: number -> name of GPUs, to train side by side on each of them; None: one after the other.
    """
    from kohya_wrap.host.child import StopRequest, signals_as_request
    from kohya_wrap.workflow import notices, queue, run_folder, same_training
    from kohya_wrap.workflow.prepare import prepare
    from kohya_wrap.workflow.queue_record import Record
    from kohya_wrap.workflow.wishes import over_all

    found = queue.checked(entries, request.gpu, request.engine, session.places, session.env)
    wrong = {entry: _located(entry, error) for entry, error in found.wrong.items()}
    record = Record.of(*typed, found.keys)
    if restart:
        record.forget(entries)
    within, held = over_all(asked, record.asked(entries))
    console.findings(held)
    stop_all = StopRequest()
    place = {entry: f"{number} of {len(entries)}: {entry.title}" for number, entry in enumerate(entries, 1)}
    noted: dict[Entry, Sequence[Finding]] = {}
    for entry in wrong:
        _say_failed(console, place[entry], wrong[entry])

    def one(entry: Entry, card: str = "", stop: StopRequest | None = None) -> None:
        try:
            train(entry, card, stop)
        except KohyaWrapError as error:
            raise _located(entry, error) from error
        except OSError as error:
            raise of_the_system(error) or _refused(error) from error
        except KeyboardInterrupt:  # between two, or in a set-up
            raise Interrupted("Interrupted.", why="Ctrl-C.", hint="The same command again") from None

    def ask(entry: Entry) -> None:
        """Also where it is stopped in its set-up; of one that is refused nothing is written."""
        if within.is_capped:
            with suppress(OSError):  # which meets the run itself as well
                record.ask(entry, within)

    def train(entry: Entry, card: str, stop: StopRequest | None) -> None:
        told = Told(console, f"[gpu {card}] ") if cards else console
        told.say(f"\n{place[entry]}", style="bold")
        if why := record.why_again(entry):
            told.say(f"It was trained already, and is trained again: {why}.")
        env = {**session.env, **({"CUDA_VISIBLE_DEVICES": cards[card]} if cards else {})}
        try:
            job = prepare(replace(request, config=entry.config, words=entry.words), session.places, env)
        except (Stopped, KeyboardInterrupt):
            ask(entry)
            raise
        ask(entry)
        noted[entry] = job.findings
        name = str(job.config.get("output_name"))
        unfinished = None if restart else run_folder.unfinished(job.project, name)
        mine = wishes(job, within)
        if within.is_capped:  # a cap in a config is of its own run
            mine = replace(mine, spent=record.spent(entries, unfinished), set_up=record.set_up(entries))

        def on_run(folder: Path) -> None:
            """By now the base lies where the next call will find it."""
            end.begun.append(folder)
            record.begun(entry, same_training.key(job.asked, job.engine_kind), folder, within)

        own = replace(session, env=env, stop=stop, asked=stop_all)
        job, result = training.train(told, job, own, mine, on_run)
        noted[entry] = (*job.findings, *result.findings)
        training.say_result(told, result)

    had_turn: dict[Entry, Outcome] = {}

    def ended(outcome: Outcome) -> None:
        had_turn[outcome.entry] = outcome
        if outcome.before:
            console.say(f"\n{place[outcome.entry]}: done already", style="bold")
        elif outcome.error and outcome.entry not in wrong and not outcome.is_stopped:
            # One after the other: the head of it stands right above.
            _say_failed(console, place[outcome.entry] if cards else "", outcome.error)

    done = {
        entry: queue.Outcome(entry, record.run(entry), before=True)
        for entry in entries
        if record.is_done(entry)
    }
    with every_end(console, steps, list(found.trained.values()), session.told) as end:
        # Whatever comes, and whether or not their turn does.
        end.before = [run for entry in entries if entry in done and (run := done[entry].run)]
        end.before += record.begun_before(entry for entry in entries if entry not in done)
        if cards:
            with signals_as_request(stop_all):
                queue.side_by_side(
                    entries, record, wrong, partial(one, stop=stop_all), cards, ended, stop_all
                )
        else:
            for outcome in queue.one_by_one(entries, record, wrong, one, stop_all):
                ended(outcome)
        outcomes = [had_turn[entry] for entry in entries if entry in had_turn]
        known = done | had_turn
        rows = [
            _row(known[entry], noted.get(entry, ())) if entry in known else _not_begun(entry)
            for entry in entries
        ]
        console.say()
        for line in _table(rows):
            console.say(line)
        if session.told and any(not (one.before or one.entry in wrong) for one in outcomes):
            notice = notices.of_queue((one.output_name for one in found.trained.values()), rows)
            notices.send(session.told, notice, lambda found: console.findings([found]))
        if error := _whole(outcomes, rows, stop_all, restart=restart):
            raise error
        end.data = {"jobs": rows}
    if console.as_json:
        console.envelope("run", end.data)


class Told(Console):
    """What is said of one of several that train at the same time: plain lines that begin with whose they are."""

    def __init__(self, console: Console, prefix: str) -> None:
        super().__init__(as_json=console.as_json)
        self._prefix = prefix

    @property
    def live(self) -> bool:
        return False

    def say(self, text: str = "", *, style: str | None = None) -> None:
        for line in text.splitlines():
            super().say(f"{self._prefix}{line}" if line else "", style=style)


def _located(entry: Entry, error: KohyaWrapError) -> KohyaWrapError:
    """With the config's folder, which a config alone need not name; of several it tells which is meant."""

    def with_folder(text: str) -> str:
        name = entry.config.name
        return (
            f"{entry.config}{text.removeprefix(name)}"
            if text == name or text.startswith(f"{name}:")
            else text
        )

    findings = tuple(replace(found, where=with_folder(found.where)) for found in error.findings)
    message = with_folder(error.message)
    return type(error)(message, why=error.why, hint=error.hint, findings=findings, data=error.data)


def _say_failed(console: Console, place: str, error: KohyaWrapError) -> None:
    """Args:
    place: which of them; empty where that was said.
    """
    if place:
        console.say(f"\n{place}", style="bold")
    console.findings(
        found for found in error.findings if found.level is Level.ERROR and found.message not in error.message
    )
    console.error(error)


def _row(outcome: Outcome, noted: Sequence[Finding]) -> dict[str, Any]:
    """Args:
    noted: what was said of it besides its error.
    """
    from kohya_wrap.workflow import watched

    error = outcome.error
    row = _not_begun(outcome.entry) | {"code": int(outcome.code)}
    if outcome.run is not None and outcome.run.is_dir():
        status = watched.status(outcome.run)
        row |= {
            "outcome": status.state, "run": str(status.run), "step": status.step, "steps": status.steps,
            "loss": status.loss, "seconds": round(status.seconds, 1), "dollars": status.dollars,
            "lora": status.checkpoint or None,
        }  # fmt: skip
    if error is not None:
        row |= {
            "outcome": "stopped" if outcome.is_stopped else "failed",
            "reason": error.message, "why": error.why, "hint": error.hint,
        }  # fmt: skip
    findings = (*noted, *(error.findings if error else ()))
    return row | {"before": outcome.before, "findings": [asdict(finding) for finding in findings]}


def _not_begun(entry: Entry) -> dict[str, Any]:
    return {"config": str(entry.config), "swept": entry.swept, "outcome": "not begun", "code": None}


def _table(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    """One line each; at its end the LoRA, or why there is none."""
    from rich.cells import cell_len

    from kohya_wrap.cli import as_typed
    from kohya_wrap.domain.wording import clock

    cells = [("", "", "steps", "loss", "time", "cost", "")]
    for row in rows:
        loss, dollars, lora = row.get("loss"), row.get("dollars"), row.get("lora")
        cells.append(
            (
                f"{row['config']} ({row['swept']})" if row["swept"] else row["config"],
                row["outcome"],
                f"{row['step']}/{row['steps']}" if row.get("steps") else "",
                f"{loss:.3g}" if loss is not None else "",
                clock(row["seconds"]) if row.get("seconds") is not None else "",
                f"${dollars:.2f}" if dollars is not None else "",
                row.get("reason") or (as_typed.path(Path(lora)) if lora else ""),
            )
        )
    widths = [max(map(cell_len, column)) for column in zip(*cells, strict=True)]
    for *line, last in cells:
        words = [
            cell + " " * (width - cell_len(cell)) if place < 2 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=False))
            if width
        ]
        yield "  ".join((*words, last)).rstrip()


def _whole(
    outcomes: Sequence[Outcome], rows: Sequence[dict[str, Any]], asked: StopRequest, *, restart: bool
) -> KohyaWrapError | None:
    """What the command ends with: what has stopped all of it, else the first failure; None where all are trained."""
    from kohya_wrap.workflow import cut_short

    again = "what is done is not done again."
    same = "he same command again" + (" without --restart" if restart else "")
    errors = [(outcome.entry, outcome.error) for outcome in outcomes if outcome.error]
    for outcome in outcomes:
        if outcome.is_stopped and (last := outcome.error):
            more = " with a higher --max-cost or --max-hours" if isinstance(last, TooDear) else ""
            more = f" and{more}" if more and restart else more
            hint = f"T{same}{more}: {again}"
            return type(last)(last.message, why=last.why, hint=hint, data={"jobs": rows})
    total, left = len(rows), [row for row in rows if row["outcome"] == "not begun"]
    if left:  # the one at work was so near its end that it was trained
        said = f"Stopped: {len(left)} of {total} not begun."
        return cut_short.asked(asked, said, f"T{same}: {again}", {"jobs": rows})
    if not errors:
        return None
    _, first = errors[0]
    return type(first)(
        f"{len(errors)} of {total} could not be trained: {', '.join(entry.title for entry, _ in errors)}.",
        why="Each has said why above" + ("; the others are trained." if len(errors) < total else "."),
        hint=f"Mend it, and t{same}: {again}",
        data={"jobs": rows},
    )


def _refused(error: OSError) -> MachineError:
    return MachineError(
        f"{error}.",
        why="The system does not allow it, for this one of them.",
        hint="Look at the file or folder that it names, and the same command again",
    )
