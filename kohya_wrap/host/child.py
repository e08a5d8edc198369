"""The long child: own session, output into a file that is read as it grows, a stop that leaves nobody behind."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

_ENDS = re.compile(rb"[\r\n]+")
# Stands in the environment of a child and of all that it starts, with the path of its log: so its family is found
# without having been watched, also by the next process, when parents are dead and sessions have changed.
_MARK = "KOHYA_WRAP_CHILD_LOG"


class LineReader:
    """Whole lines of a growing file. Progress bars end theirs with a carriage return: those count too.

    Attributes:
        emptied: how often somebody has cut it short, so that it was read from its beginning again.
    """

    def __init__(self, path: Path, begin: int = 0) -> None:
        self.emptied = 0
        self._file = path.open("rb")
        self._file.seek(begin)
        self._rest = b""

    def new(self, *, last: bool = False) -> list[str]:
        """Lines completed since the last call; `last` also gives what stands unfinished at the end."""
        if os.fstat(self._file.fileno()).st_size < self._file.tell():
            self.emptied += 1
            self._file.seek(0)
            self._rest = b""
        read = self._file.read()
        if not read and not last:
            return []
        pieces = _ENDS.split(self._rest + read)
        self._rest = b"" if last else pieces.pop()
        return [piece.decode("utf-8", errors="replace") for piece in pieces if piece.strip()]

    def close(self) -> None:
        self._file.close()


@dataclass
class Child:
    """A process in a session of its own, with all it starts.

    Attributes:
        started: seconds since the epoch, as the kernel has it: with the pid it names the process for good.
        process: None for one that another process began, and `adopt` found.
    """

    pid: int
    started: float
    log: Path
    process: subprocess.Popen[bytes] | None = None
    _watched: list[psutil.Process] = field(default_factory=list)
    _orphaned: bool = False  # it went on when its launcher was gone

    def running(self) -> bool:
        """Whether it or, where its launcher was killed alone, what the launcher had started is still at work."""
        if self.process is not None and self.process.poll() is None:
            return True
        if self.process is not None and self.process.returncode >= 0:
            return False  # ended in its own time: what it leaves behind is no work
        self._watched = [one for one in self._watched if _alive(one)] or self._family()
        self._orphaned = self._orphaned or bool(self._watched)
        return bool(self._watched)

    @property
    def code(self) -> int | None:
        """Exit code, negative for a signal; None while it runs, and where nobody could see it."""
        return None if self.process is None or self._orphaned else self.process.poll()

    @contextmanager
    def rests(self) -> Iterator[Callable[[float], object]]:
        """`time.sleep`, but for one thing: its end cuts it short, since the machine is paid for until that is noticed."""
        try:
            fd = os.pidfd_open(self.pid) if self.process is not None else None
        except (AttributeError, OSError):  # no Linux, or one that is old or a sandbox
            fd = None
        if fd is None:
            yield time.sleep
            return
        ending = select.poll()
        ending.register(fd, select.POLLIN)

        def rest(seconds: float) -> None:
            if self.process is not None and self.process.returncode is None:
                ending.poll(seconds * 1000)
            else:  # its launcher was killed alone
                time.sleep(seconds)

        try:
            yield rest
        finally:
            os.close(fd)

    def stop(self, number: int = signal.SIGTERM, *, grace: float = 10.0) -> None:
        """Signal all of them, wait `grace` seconds, kill what is left wherever it fled to.

        The launcher dies of a signal without passing it on, and torchrun's workers have sessions of
        their own: so the group is signalled, and the descendants are swept one by one.
        """
        family = self._family()
        self._signal(number, family)
        self._wait(family, grace)
        self._signal(signal.SIGKILL, family)
        _kill(family)
        self.sweep()
        if self.process is not None:
            self.process.wait()

    def sweep(self) -> list[int]:
        """Kill every descendant that outlived the child; their pids."""
        survivors = self._family()
        _kill(survivors)
        return [member.pid for member in survivors]

    def _family(self) -> list[psutil.Process]:
        """Living processes that it began, by their mark or by their parents; of an adopted one, it is one of them."""
        found = {process.pid: process for log, process in living() if log == self.log}
        if self.process is not None:
            with suppress(psutil.NoSuchProcess):
                for process in psutil.Process(self.pid).children(recursive=True):
                    found.setdefault(process.pid, process)
            found.pop(self.pid, None)
        return [process for process in found.values() if _alive(process)]

    def _signal(self, number: int, family: Sequence[psutil.Process]) -> None:
        if self.process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)
        else:  # its group's number may be another's by now
            for member in family:
                with suppress(psutil.Error):
                    member.send_signal(number)

    def _wait(self, family: Sequence[psutil.Process], seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and (
            (self.process is not None and self.process.poll() is None) or any(map(_alive, family))
        ):
            time.sleep(0.05)


def _kill(processes: Sequence[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    # Not psutil's wait: in a container whose first process reaps nobody, the dead stay as zombies.
    end = time.monotonic() + 5
    while any(map(_alive, processes)) and time.monotonic() < end:
        time.sleep(0.02)


def living() -> list[tuple[Path, psutil.Process]]:
    """Every living process that some `start` of this user began, itself or through others, with the log of that start."""
    found = []
    # Not psutil's process_iter, which passes over a process whose number had another when it last looked.
    for pid in psutil.pids():
        with suppress(psutil.Error, OSError):  # another user's, or gone meanwhile
            process = psutil.Process(pid)
            log = process.environ().get(_MARK)
            if log and _alive(process):
                found.append((Path(log), process))
    return found


def moved_log(log: Path, pid: int, started: float) -> Path | None:
    """Where the log of the living process of that number that `began` then lay, and which lies at `log` now; None where it
    was not moved. Of a copy, the other is there still, and so its process is not this one's.
    """
    with suppress(psutil.Error, OSError):  # gone meanwhile
        if lives(pid, started) and (before := psutil.Process(pid).environ().get(_MARK)):
            return None if before == str(log.resolve()) or Path(before).exists() else Path(before)
    return None


def began(pid: int) -> float:
    """When a process was begun: seconds since the machine's start, where the system tells them (Linux), else since the epoch.

    By the wall clock, which may be set or slewed meanwhile, a process at work would be taken for another one.

    Raises:
        psutil.NoSuchProcess: it is not there.
    """
    try:
        told = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        return int(told.rpartition(")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError, ValueError):
        return psutil.Process(pid).create_time()


def this_one() -> tuple[int, float]:
    """The process that asks: its number, and when it `began`."""
    return os.getpid(), began(os.getpid())


def lives(pid: int, started: float) -> bool:
    """Whether the process of that number that `began` then is at work: what nobody has reaped is not."""
    try:
        return abs(began(pid) - started) < 0.5 and _alive(psutil.Process(pid))
    except psutil.NoSuchProcess:
        return False


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
    log = log.resolve()
    with log.open("ab") as out:
        process = subprocess.Popen(
            list(argv),
            env={**env, _MARK: str(log)},
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        started = began(process.pid)
    except psutil.NoSuchProcess:
        started = 0.0
    return Child(process.pid, started, log, process)


def adopt(log: Path, pid: int, started: float) -> Child:
    """What an earlier process began with this log, and which may be at work still."""
    return Child(pid, started, log.resolve())


def detached(argv: Sequence[str], env: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    """Start a program that outlives this one and its terminal; what it says goes into `log`."""
    with log.open("ab") as out:
        return subprocess.Popen(
            list(argv),
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


class StopRequest:
    """What a signal handler leaves for the loop that watches the child."""

    number: int | None = None
    times: int = 0

    def __bool__(self) -> bool:
        return self.number is not None

    @property
    def is_interrupt(self) -> bool:
        return self.number == signal.SIGINT


@contextmanager
def signals_as_request(request: StopRequest | None = None) -> Iterator[StopRequest]:
    """SIGINT and SIGTERM become a request; a lost terminal (SIGHUP) is no reason to stop a paid training.

    Args:
        request: for who has to know of it afterwards; None: a new one.
    """
    request = StopRequest() if request is None else request

    def ask(number: int, frame: object) -> None:
        request.number = number
        request.times += 1

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    if hasattr(signal, "SIGHUP"):
        before[signal.SIGHUP] = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
