"""The long child: own session, output into a file that is read as it grows, a stop that leaves nobody behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

_ENDS = re.compile(rb"[\r\n]+")
_LOOK_FOR_FAMILY = 5.0  # seconds; a look reads the whole process table


class LineReader:
    """Whole lines of a growing file. Progress bars end theirs with a carriage return: those count too."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._rest = b""

    def new(self, *, last: bool = False) -> list[str]:
        """Lines completed since the last call; `last` also gives what stands unfinished at the end."""
        pieces = _ENDS.split(self._rest + self._file.read())
        self._rest = b"" if last else pieces.pop()
        return [piece.decode("utf-8", errors="replace") for piece in pieces if piece.strip()]

    def close(self) -> None:
        self._file.close()


@dataclass
class Child:
    """A process in a session of its own, with all it starts."""

    process: subprocess.Popen[bytes]
    started: (
        float  # seconds since the epoch, as the kernel has it: with the pid it names the process for good
    )
    _family: dict[int, psutil.Process] = field(default_factory=dict)
    _looked: float = 0.0

    def poll(self) -> int | None:
        """Exit code, negative for a signal, None while it runs. Remembers descendants while they can be found."""
        if time.monotonic() - self._looked > _LOOK_FOR_FAMILY:
            self._remember()
        return self.process.poll()

    def stop(self, number: int = signal.SIGTERM, *, grace: float = 10.0) -> int:
        """Signal the whole group, wait `grace` seconds, kill what is left wherever it fled to; the exit code.

        The launcher dies of a signal without passing it on, and torchrun's workers have sessions of
        their own: so the group is signalled, and the descendants seen are swept one by one.
        """
        self._remember()
        self._signal_group(number)
        self._wait(grace)
        self._signal_group(signal.SIGKILL)
        self.sweep()
        return self.process.wait()

    def sweep(self) -> list[int]:
        """Kill every descendant that outlived the child; their pids."""
        survivors = [member for member in self._family.values() if _alive(member)]
        for member in survivors:
            with suppress(psutil.NoSuchProcess):
                member.kill()
        psutil.wait_procs(survivors, timeout=5)
        return [member.pid for member in survivors]

    def _remember(self) -> None:
        self._looked = time.monotonic()
        with suppress(psutil.NoSuchProcess):
            for member in psutil.Process(self.process.pid).children(recursive=True):
                self._family.setdefault(member.pid, member)

    def _signal_group(self, number: int) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, number)

    def _wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and (
            self.process.poll() is None or any(map(_alive, self._family.values()))
        ):
            time.sleep(0.05)


def _alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def start(argv: Sequence[str], *, env: Mapping[str, str], cwd: Path, log: Path) -> Child:
    """Start `argv` with stdout and stderr appended to `log`: a file, so that the child outlives its reader.

    Raises:
        OSError: the program cannot be started.
    """
    with log.open("ab") as out:
        process = subprocess.Popen(
            list(argv),
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        started = psutil.Process(process.pid).create_time()
    except psutil.NoSuchProcess:
        started = time.time()
    return Child(process, started)


class StopRequest:
    """What a signal handler leaves for the loop that watches the child."""

    number: int | None = None

    def __bool__(self) -> bool:
        return self.number is not None


@contextmanager
def signals_as_request() -> Iterator[StopRequest]:
    """SIGINT and SIGTERM become a request; a lost terminal (SIGHUP) is no reason to stop a paid training."""
    request = StopRequest()

    def ask(number: int, frame: object) -> None:
        request.number = number

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    if hasattr(signal, "SIGHUP"):
        before[signal.SIGHUP] = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
