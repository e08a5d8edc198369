"""Several trainings in one session, one after the other: one that fails does not stop the next, one budget is over all.

What has ended is on record, so that the same command goes on where it was: it trains what is missing, and tries again
what has failed. What a training says and trains on tells it from others, not the words that it was typed with.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from queue import SimpleQueue
from threading import Event

from kohya_wrap.config import by_hand, spellings
from kohya_wrap.domain.finding import Finding
from kohya_wrap.errors import ExitCode, Interrupted, KohyaWrapError, Stopped, UsageError
from kohya_wrap.host.child import StopRequest
from kohya_wrap.places import Places, Project
from kohya_wrap.training.stop_file import StopFile
from kohya_wrap.workflow import effective, same_training
from kohya_wrap.workflow.queue_entries import Entry
from kohya_wrap.workflow.queue_record import Record
from kohya_wrap.workflow.trained import Trained


@dataclass(frozen=True)
class Outcome:
    """Attributes:
    run: its folder; None where it came to none.
    error: why it did not train to its end; None where it did.
    before: it was done by an earlier call of the same command.
    asked: somebody wants no more, though it may have come to its end all the same.
    """

    entry: Entry
    run: Path | None = None
    error: KohyaWrapError | None = None
    before: bool = False
    asked: bool = False

    @property
    def is_stopped(self) -> bool:
        return isinstance(self.error, Interrupted | Stopped)

    @property
    def ends_all(self) -> bool:
        """Whoever stops one, or the budget, means all of them."""
        return self.is_stopped or self.asked

    @property
    def code(self) -> ExitCode:
        return self.error.code if self.error else ExitCode.DONE


@dataclass(frozen=True)
class Checked:
    """Attributes:
    wrong: what cannot be trained, and why.
    trained: what the others write.
    keys: of what each would train.
    """

    wrong: dict[Entry, KohyaWrapError]
    trained: dict[Entry, Trained]
    keys: dict[Entry, str]


def checked(
    entries: Sequence[Entry], gpu: str, engine: str, places: Places, env: Mapping[str, str]
) -> Checked:
    """Each of them, before the first is trained: no image is decoded.

    Args:
        engine: as asked for; empty: as each config says.

    Raises:
        UsageError: two would write the same files.
    """
    wrong: dict[Entry, KohyaWrapError] = {}
    trained: dict[Entry, Trained] = {}
    keys: dict[Entry, str] = {}
    writes: dict[tuple[Path, str], Entry] = {}
    for entry in entries:
        try:
            asked = effective.read(entry.config, entry.words, env)
            keys[entry] = same_training.key(asked, engine or asked.user.wrapper.engine)
            found = effective.meant(asked, gpu, places, env)
            effective.refuse(tuple(_said_by(entry, f) for f in found.findings if f.code != "no-base"))
        except (Interrupted, Stopped):
            raise
        except KohyaWrapError as error:
            wrong[entry] = error
            continue
        output, name = Path(str(found.config.get("output_dir"))), str(found.config.get("output_name"))
        made = (output.resolve(), name)  # of a link to a project the same
        if made in writes:
            raise UsageError(
                f"{writes[made].title} and {entry.title} would both write {name} into {made[0]}.",
                why="The second would take the place of the first.",
                hint="Give one of them another output_name, or name it once.",
            )
        writes[made] = entry
        trained[entry] = Trained(Project(entry.config.parent.absolute()), name, output)
    return Checked(wrong, trained, keys)


def _said_by(entry: Entry, finding: Finding) -> Finding:
    """What was said by --sweep stands nowhere in the --set that was typed."""
    swept = re.findall(r"(?:^|, )([\w.-]+)=", entry.swept)
    names = [spellings.engine_name(key.rpartition(".")[2]) for key in swept]
    if finding.where == by_hand.SET and any(
        re.search(rf"\b{re.escape(name)}\b", finding.message) for name in names
    ):
        return replace(finding, where="--sweep", hint=finding.hint.replace("`--set ", "`--sweep "))
    return finding


def one_by_one(
    entries: Sequence[Entry],
    record: Record,
    wrong: Mapping[Entry, KohyaWrapError],
    one: Callable[[Entry], None],
    stop: StopRequest,
) -> Iterator[Outcome]:
    """Each in turn, until one is stopped.

    Args:
        one: trains it. Raises KohyaWrapError.
        stop: what signals ask of the one at work, and so of all.
    """
    for entry in entries:
        outcome = _outcome(entry, record, wrong, one, stop)
        yield outcome
        if outcome.ends_all:
            return


def side_by_side(
    entries: Sequence[Entry],
    record: Record,
    wrong: Mapping[Entry, KohyaWrapError],
    one: Callable[[Entry, str], None],
    cards: Iterable[str],
    ended: Callable[[Outcome], None],
    stop: StopRequest,
) -> None:
    """As one_by_one, as many at once as there are cards, each on one of them.

    Args:
        one: is called in threads, with the card; `ended` too.
    """
    free: SimpleQueue[str] = SimpleQueue()
    for card in cards:
        free.put(card)
    over = Event()

    def on_a_card(entry: Entry) -> None:
        if over.is_set():
            return
        card = free.get()
        try:
            outcome = _outcome(entry, record, wrong, lambda entry: one(entry, card), stop)
        finally:
            free.put(card)
        if outcome.ends_all:
            over.set()
        ended(outcome)

    with ThreadPoolExecutor(free.qsize()) as pool:
        list(pool.map(on_a_card, entries))


def _outcome(
    entry: Entry,
    record: Record,
    wrong: Mapping[Entry, KohyaWrapError],
    one: Callable[[Entry], None],
    stop: StopRequest,
) -> Outcome:
    if record.is_done(entry):
        return Outcome(entry, record.run(entry), before=True)
    if error := wrong.get(entry):
        return Outcome(entry, error=error)
    try:
        one(entry)
    except KohyaWrapError as error:
        return Outcome(entry, record.run(entry), error, asked=bool(stop))
    run = record.run(entry)
    # Near its end it is not stopped any more; what was asked of it is asked of the queue.
    return Outcome(entry, run, asked=bool(stop) or (run is not None and StopFile(run).asks()))
