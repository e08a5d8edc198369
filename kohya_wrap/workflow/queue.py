"""Several trainings in one session, one after the other: one that fails does not stop the next, one budget is over all.

What has ended is on record, so that the same command goes on where it was: it trains what is missing, and tries again
what has failed. What a training says and trains on tells it from others, not the words that it was typed with.
"""

from __future__ import annotations

import json
import re
import shlex
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from queue import SimpleQueue
from threading import Event

from kohya_wrap.config import by_hand, check, spellings, user
from kohya_wrap.domain import budget, sweep
from kohya_wrap.domain.budget import Budget
from kohya_wrap.domain.finding import Finding
from kohya_wrap.errors import ConfigError, ExitCode, Interrupted, KohyaWrapError, Stopped, UsageError
from kohya_wrap.host import atomic, lock, toml_file
from kohya_wrap.host.child import StopRequest
from kohya_wrap.places import Places, Project
from kohya_wrap.training.stop_file import StopFile
from kohya_wrap.workflow import bare_folder, effective, run_folder, same_training
from kohya_wrap.workflow.run_folder import RunFolder
from kohya_wrap.workflow.trained import Trained


@dataclass(frozen=True)
class Entry:
    """One training of a queue.

    Attributes:
        words: as of --set: those of all, then what a sweep sets for this one.
        swept: the last of them as a person reads them; empty without a sweep.
    """

    config: Path
    words: tuple[str, ...] = ()
    swept: str = ""

    @property
    def title(self) -> str:
        return f"{self.config} ({self.swept})" if self.swept else str(self.config)


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


@dataclass
class Record:
    """Which run is which training's, on disk in the project of each from its beginning: whatever words it was typed with;
    and what may be spent under the same words.

    How far a run is, its own record says.

    Attributes:
        typed: tells the words of this command from others: the caps are over all that was begun with them.
        keys: of what each would train (same_training); none of one whose config cannot be read.
    """

    typed: str
    keys: dict[Entry, str]

    @classmethod
    def of(cls, typed: Sequence[object], keys: Mapping[Entry, str]) -> Record:
        """Args:
        typed: configs, folders and words as they were typed, whatever stands in them.
        """
        return cls(sha256(json.dumps(typed, default=str).encode()).hexdigest()[:16], dict(keys))

    def forget(self, entries: Iterable[Entry]) -> None:
        """What these have done, and what these words have spent."""
        gone = {self.keys.get(entry, "") for entry in entries}
        for path in self._paths(entries):
            if path.exists():
                with self._changed(path) as kept:
                    kept.begun.pop(self.typed, None)
                    kept.asked.pop(self.typed, None)
                    for key in gone & kept.runs.keys():
                        del kept.runs[key]

    def begun(self, entry: Entry, key: str, run: Path, within: Budget) -> None:
        """Args:
        key: as it is now: its config may have been changed since the first began.
        within: what was asked of all that these words name.
        """
        self.keys[entry] = key
        mine = str(run.absolute())
        with self._changed(_path(entry)) as kept:
            for other in [other for other, path in kept.runs.items() if path == mine]:
                del kept.runs[other]
            kept.runs[key] = mine
            kept.begun[self.typed] = list(dict.fromkeys([*kept.begun.get(self.typed, ()), mine]))
            kept.asked[self.typed] = {"when": time.time(), **asdict(within)}

    def asked(self, entries: Iterable[Entry]) -> Budget:
        """By the same words, when they last began one of these."""
        found = [kept for path in self._paths(entries) if (kept := _read(path).asked.get(self.typed))]
        last = max(found, key=lambda asked: asked.get("when") or 0.0, default={})
        return Budget(**{name: last.get(name) for name in asdict(Budget())})

    def run(self, entry: Entry) -> Path | None:
        path = _read(_path(entry)).runs.get(self.keys.get(entry, ""))
        return Path(path) if path else None

    def is_done(self, entry: Entry) -> bool:
        """As its run's own record says, also by a `run` of its own since; and its LoRA is as that has saved it."""
        run = self.run(entry)
        return run is not None and RunFolder(run).is_finished and not RunFolder(run).lora_problem

    def why_again(self, entry: Entry) -> str:
        """Of one that was trained to its end: why it is not done; empty for any other."""
        run = self.run(entry)
        return RunFolder(run).lora_problem if run is not None and RunFolder(run).ledger.is_done else ""

    def begun_before(self, entries: Iterable[Entry]) -> list[Path]:
        """Runs of earlier calls that are to be gone on with: each the newest of its name."""
        runs = [(entry, RunFolder(run)) for entry in entries if (run := self.run(entry)) and run.is_dir()]
        return [run.path for entry, run in runs if not run.ledger.is_done and _is_newest(entry, run)]

    def spent(self, entries: Iterable[Entry], but: RunFolder | None) -> float:
        """Seconds of all runs begun with these words, over all calls and whatever was changed between them.

        Args:
            but: the run that is gone on with, which counts its own.
        """
        others = self._begun(entries) - {str(but.path.absolute()) if but else ""}
        return budget.spent_together(RunFolder(Path(path)).timed for path in others)

    def set_up(self, entries: Iterable[Entry]) -> float:
        """Seconds before its first step that the quickest of those runs took; 0.0 where none has come so far."""
        took = (budget.set_up(RunFolder(Path(path)).timed) for path in self._begun(entries))
        return min((seconds for seconds in took if seconds is not None), default=0.0)

    def _begun(self, entries: Iterable[Entry]) -> set[str]:
        return {run for path in self._paths(entries) for run in _read(path).begun.get(self.typed, ())}

    def _paths(self, entries: Iterable[Entry]) -> set[Path]:
        return {_path(entry) for entry in entries}

    @contextmanager
    def _changed(self, path: Path) -> Iterator[_Kept]:
        with lock.hold(path):  # several shells may be at work on it
            kept = _read(path)
            yield kept
            atomic.write_text(path, json.dumps(asdict(kept)))


@dataclass
class _Kept:
    """What stands in a project.

    Attributes:
        runs: key -> its run's folder.
        begun: typed words -> folders of all runs begun with them.
        asked: typed words -> what was asked of all of them, and when (seconds since the epoch).
    """

    runs: dict[str, str] = field(default_factory=dict)
    begun: dict[str, list[str]] = field(default_factory=dict)
    asked: dict[str, dict[str, float | None]] = field(default_factory=dict)


def _path(entry: Entry) -> Path:
    return Project(entry.config.parent.absolute()).queue


def _read(path: Path) -> _Kept:
    """Nothing where it cannot be read."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return _Kept(
            {key: str(run) for key, run in data["runs"].items()},
            {typed: list(map(str, begun)) for typed, begun in data["begun"].items()},
            {typed: _amounts(asked) for typed, asked in data.get("asked", {}).items()},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return _Kept()


def _amounts(asked: Mapping[str, object]) -> dict[str, float | None]:
    return {name: None if amount is None else float(str(amount)) for name, amount in asked.items()}


def _is_newest(entry: Entry, run: RunFolder) -> bool:
    """Nothing goes on from an older one, and a newer one may have replaced its files."""
    project = Project(entry.config.parent.absolute())
    newest = next(run_folder.of_name(project, str(run.about.get("output_name"))), None)
    return newest is not None and newest.path.absolute() == run.path.absolute()


def configs_of(where: Sequence[Path]) -> list[Path]:
    """Of a project its config, of another folder all that lie in it, and no other .toml.

    Raises:
        ConfigError: there is none.
    """
    return [config for path in where for config in (_in_folder(path) if path.is_dir() else [path])]


def _in_folder(folder: Path) -> list[Path]:
    own = bare_folder.config_of(folder)
    found = [own] if own else sorted(path for path in folder.glob("[!.]*.toml") if _is_config(path))
    if not found:
        raise ConfigError(
            f"No config in {folder}.",
            why="Neither training_config.toml nor another .toml with options of a training lies there.",
            hint=f"kohya-wrap init {shlex.quote(str(folder))}",
        )
    return found


def _is_config(path: Path) -> bool:
    """No file of another program, no dataset_config, not empty; one that cannot be read says so in its turn."""
    try:
        source = toml_file.read(path)
    except KohyaWrapError:
        return True
    return "datasets" not in source.data and not check.says_nothing(user.read_user(source))


def axes_of(sweeps: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Of the words of --sweep. Raises UsageError: one is not KEY=VALUE,VALUE, or an option is named twice."""
    axes = [(key.strip(), sweep.values_of(text)) for key, _, text in (word.partition("=") for word in sweeps)]
    names = [by_hand.meant_by(f"{key}=0")[:2] if key else ("", "") for key, _ in axes]
    for word, name, (key, values) in zip(sweeps, names, axes, strict=True):
        if not key or not all(values) or names.count(name) > 1 or _are_alike(key, values):
            raise UsageError(
                f"--sweep {word} cannot be meant.",
                why="It names an option once, and its values with commas between them, each once.",
                hint="--sweep network_dim=16,32   (values with commas in them: resolution=512,512;768,768)",
            )
    return axes


def _are_alike(key: str, values: Sequence[str]) -> bool:
    """Two of them, however they are written: 1e-4 and 0.0001."""
    return len({repr(by_hand.meant_by(f"{key}={value}")) for value in values}) < len(values)


def entries_of(
    configs: Sequence[Path],
    words: tuple[str, ...],
    axes: Sequence[tuple[str, list[str]]],
    env: Mapping[str, str],
) -> list[Entry]:
    """Each config in each combination, which gets an output_name of its own; once where it cannot be read."""
    found = []
    for config in configs:
        name = _name(config, words, env)
        for chosen in sweep.combinations(axes if name else ()):
            swept = tuple(f"{key}={value}" for key, value in chosen.items())
            named: tuple[str, ...] = ()
            if chosen and "output_name" not in chosen:
                named = (f"output_name={sweep.name_of(name, chosen)}",)
            found.append(Entry(config, (*words, *swept, *named), ", ".join(swept)))
    return found


def _name(config: Path, words: tuple[str, ...], env: Mapping[str, str]) -> str:
    """The output_name that it says, else that of its project; empty where it cannot be read, which is said in its turn."""
    try:
        said = effective.read(config, words, env).values.get("output_name")
    except KohyaWrapError:
        return ""
    return str(said or config.absolute().parent.name)


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
