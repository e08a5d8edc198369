"""What shall follow a training: the steps of --then and --then-always, in the order given."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from kohya_wrap.errors import UsageError

_UPLOAD = "upload:"
# A word of its own that only a shell would understand.
_SHELL = frozenset({"&&", "||", "|", ";", "&", ">", ">>", "<", "2>", "2>&1", "&>"})


class Kind(Enum):
    COMMAND = "a command"
    UPLOAD = "upload"
    STOP = "stop-instance"
    TERMINATE = "terminate-instance"


@dataclass(frozen=True)
class Step:
    """Attributes:
    words: as they were typed.
    argv: of a command.
    destination: of an upload.
    always: on every end, not on success alone.
    """

    words: str
    kind: Kind
    always: bool
    argv: tuple[str, ...] = ()
    destination: str = ""

    @property
    def ends_instance(self) -> bool:
        return self.kind in (Kind.STOP, Kind.TERMINATE)

    def comes_before(self, later: Step) -> bool:
        """Whether it is done whenever `later` is, where it stands before it."""
        return self.always or not later.always


def parse(said: Iterable[tuple[str, bool]]) -> tuple[Step, ...]:
    """The steps that these words mean, each with whether it was given by --then-always.

    Raises:
        UsageError: words that cannot be meant, or a step that would never be reached.
    """
    steps = tuple(_step(words.strip(), always) for words, always in said)
    for place, step in enumerate(steps):
        end = next((one for one in steps[:place] if one.ends_instance and one.comes_before(step)), None)
        if end is not None:
            raise UsageError(
                f"{_option(step)} {shlex.quote(step.words)} would never be reached.",
                why=f"It stands behind {end.words}, after which nothing runs here any more.",
                hint=f"Put it before {_option(end)} {end.words}",
            )
    return steps


def kept_by(steps: Sequence[Step], end: Step) -> tuple[Step, ...]:
    """Those before `end`, and done whenever it is, that may bring the results away: uploads and the user's own commands."""
    before = steps[: steps.index(end)]
    return tuple(one for one in before if one.comes_before(end) and not one.ends_instance)


def _step(words: str, always: bool) -> Step:
    if words in (Kind.STOP.value, Kind.TERMINATE.value):
        return Step(words, Kind(words), always)
    if words.startswith(_UPLOAD):
        if destination := words.removeprefix(_UPLOAD).strip():
            return Step(words, Kind.UPLOAD, always, destination=destination)
        raise _unclear(words, "It does not say where to.")
    try:
        argv = tuple(shlex.split(words))
    except ValueError as error:
        raise _unclear(words, f"It is split like a shell's words: {error}.") from None
    if not argv:
        raise _unclear(words, "It says nothing.")
    if shell := next((word for word in argv if word in _SHELL or word.endswith(";")), None):
        raise UsageError(
            f"`{words}` needs a shell, for its `{shell}`.",
            why="A command is split into words and run without a shell.",
            hint=f"--then {shlex.quote('sh -c ' + shlex.quote(words))}",
        )
    return Step(words, Kind.COMMAND, always, argv=argv)


def _unclear(words: str, why: str) -> UsageError:
    return UsageError(
        f"--then {shlex.quote(words)} is not understood.",
        why=why,
        hint="upload:DEST (a folder, hf://user/repo, user@host:path), stop-instance, terminate-instance, or a command",
    )


def _option(step: Step) -> str:
    return "--then-always" if step.always else "--then"
