"""Error families: each knows its exit code, and says what happened, why probably, and what to type next."""

from __future__ import annotations

from enum import IntEnum
from typing import Any


class ExitCode(IntEnum):
    """What a shell script may rely on."""

    DONE = 0
    BUG = 1
    USAGE = 2
    CONFIG = 3
    DATASET = 4
    ENGINE = 5
    TRAINING_FAILED = 6
    STOPPED = 7
    MACHINE = 8
    INTERRUPTED = 130


class KohyaWrapError(Exception):
    """Something a user can mend.

    Attributes:
        message: what happened, one line.
        why: the probable cause, one line.
        hint: what to type or change next, one line.
        findings: all that is wrong, where a check found more than one thing.
        data: what --json shows all the same.
    """

    code: ExitCode = ExitCode.BUG

    def __init__(
        self,
        message: str,
        *,
        why: str,
        hint: str,
        findings: tuple[Any, ...] = (),
        data: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.why = why
        self.hint = hint
        self.findings = findings
        self.data = data


class UsageError(KohyaWrapError):
    """The command line asks for something that cannot be meant."""

    code = ExitCode.USAGE


class ConfigError(KohyaWrapError):
    """The training config is wrong: no training was started."""

    code = ExitCode.CONFIG


class DatasetError(KohyaWrapError):
    """The images or captions are not what the engine can read."""

    code = ExitCode.DATASET


class EngineError(KohyaWrapError):
    """The engine, its environment or its weights are missing or not what they should be."""

    code = ExitCode.ENGINE


class TrainingFailed(KohyaWrapError):
    """The training ended without the result that was asked for."""

    code = ExitCode.TRAINING_FAILED


class Stopped(KohyaWrapError):
    """Stopped before what was asked for; what was saved is kept."""

    code = ExitCode.STOPPED


class TooDear(Stopped):
    """The cap does not hold another epoch."""


class MachineError(KohyaWrapError):
    """This machine cannot do it: memory, disk, GPU or driver."""

    code = ExitCode.MACHINE


class Interrupted(KohyaWrapError):
    """Ctrl-C."""

    code = ExitCode.INTERRUPTED
