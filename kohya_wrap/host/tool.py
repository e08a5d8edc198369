"""Short commands: run one, capture what it says, turn a failure into an error that keeps it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_SECRET = re.compile(
    r"\b(hf_)[A-Za-z0-9]{16,}"  # a Hub token
    r"|(?<=://)(?<!ssh://)[^/@\s]+(?=@)"  # user:password@ and token@ in an address
    r"|(?<=ssh://)[^/@\s]*:[^/@\s]+(?=@)"  # there a user alone is no secret
    r"|(?i:(?<=token=)|(?<=api_key=))(?!(?:hf_)?\.\.\.(?:\s|$))[^&\s]+|(?i:(?<=bearer )\S+)"  # "..." stands in our own hints
)


@dataclass(frozen=True)
class Outcome:
    """A finished command; `output` is stdout and stderr in the order they came, secrets redacted."""

    argv: tuple[str, ...]
    returncode: int
    output: str

    @property
    def last_line(self) -> str:
        lines = [line for line in self.output.splitlines() if line.strip()]
        return lines[-1].strip() if lines else ""


class ToolFailed(Exception):
    """The command could not be started, ran out of time, or ended with a code other than 0."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(f"{outcome.argv[0]} ended with {outcome.returncode}: {outcome.last_line}")
        self.outcome = outcome


def redact(text: str) -> str:
    """Tokens and passwords never reach a log, an error or the screen."""
    return _SECRET.sub(lambda m: (m.group(1) or "") + "***", text)


def run(
    argv: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float | None = None,
    on_line: Callable[[str], None] | None = None,
    stdin: Path | None = None,
) -> Outcome:
    """Run to the end and return its Outcome.

    Args:
        timeout: seconds without the command having ended, after which it is killed with its children
            (returncode 124).
        on_line: called with each line as it comes, for progress.
        stdin: what it reads; nothing where it is None.

    Raises:
        ToolFailed: for any outcome but 0.
    """
    words = tuple(str(word) for word in argv)
    said = tuple(map(redact, words))
    lines: list[str] = []
    late = threading.Event()
    try:
        with (stdin or Path(os.devnull)).open("rb") as given:
            child = subprocess.Popen(
                words, cwd=cwd, env=dict(env) if env is not None else None, stdin=given,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8", errors="replace",
                start_new_session=True, close_fds=False,  # a lock held for it goes along (host/lock.py)
            )  # fmt: skip
    except OSError as error:
        raise ToolFailed(Outcome(said, 127, redact(str(error)))) from error

    def give_up() -> None:
        late.set()
        _kill(child)

    clock = threading.Timer(timeout or 0, give_up)
    if timeout is not None:
        clock.start()
    with child:
        try:
            assert child.stdout is not None
            for line in child.stdout:
                lines.append(redact(line))
                if on_line is not None:
                    on_line(lines[-1].rstrip())
            child.wait()
        except BaseException:
            _kill(child)
            raise
        finally:
            clock.cancel()
    output = "".join(lines)
    if late.is_set() and child.returncode != 0:
        raise ToolFailed(Outcome(said, 124, f"{output}no end after {timeout:.0f} s"))
    if child.returncode != 0:
        raise ToolFailed(Outcome(said, child.returncode, output))
    return Outcome(said, 0, output)


def _kill(child: subprocess.Popen[str]) -> None:
    """The command and what it started: git and uv work through children of their own."""
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
