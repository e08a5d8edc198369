from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from kohya_wrap.host import child

STUBBORN = Path(__file__).parents[2] / "fixtures" / "stubborn_child.py"


def wait_for(condition: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "never happened"
        time.sleep(0.02)


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def start(tmp_path: Path, code: str) -> child.Child:
    return child.start([sys.executable, "-c", code], env=os.environ, cwd=tmp_path, log=tmp_path / "log")


def test_output_of_both_streams_goes_into_the_log_and_the_exit_code_comes_back(tmp_path: Path) -> None:
    running = start(tmp_path, "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)")
    wait_for(lambda: not running.running())
    assert running.code == 3
    assert sorted((tmp_path / "log").read_text().split()) == ["err", "out"]


def test_a_child_that_ignores_signals_is_killed_and_so_is_its_runaway(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    running = child.start(
        [sys.executable, str(STUBBORN), str(pids)], env=os.environ, cwd=tmp_path, log=tmp_path / "log"
    )
    wait_for(lambda: "ready" in (tmp_path / "log").read_text())
    running.stop(signal.SIGTERM, grace=0.3)
    assert running.code == -signal.SIGKILL
    for pid in map(int, pids.read_text().split()):
        assert gone(pid)


def test_a_signal_reaches_the_whole_group(tmp_path: Path) -> None:
    """As with accelerate: the launcher alone would leave the trainer as an orphan."""
    running = start(
        tmp_path,
        "import subprocess,sys; subprocess.run([sys.executable,'-c','print(1,flush=True); import time; time.sleep(60)'])",
    )
    wait_for(lambda: "1" in (tmp_path / "log").read_text())
    trainer = psutil.Process(running.pid).children()[0]
    began = time.monotonic()
    running.stop(signal.SIGTERM, grace=10)
    assert time.monotonic() - began < 5, "the trainer did not get the signal"
    assert gone(trainer.pid)


def test_a_trainer_is_swept_though_its_launcher_was_killed_at_once(tmp_path: Path) -> None:
    """In a session of its own, and its parent dead before anybody looked: as a worker of torchrun."""
    running = start(
        tmp_path,
        "import os,subprocess,sys\n"
        "left = subprocess.Popen([sys.executable,'-c','import time; time.sleep(60)'], start_new_session=True)\n"
        "print(left.pid, flush=True); os.kill(os.getpid(), 9)",
    )
    wait_for(lambda: running.code is not None)
    assert running.code == -signal.SIGKILL
    trainer = int((tmp_path / "log").read_text())
    assert not gone(trainer)
    assert running.running(), "what the launcher had started is at work still"
    assert running.code is None, "how that will end, nobody will see"
    assert running.sweep() == [trainer]
    assert gone(trainer)


def test_what_a_child_leaves_behind_in_its_own_time_is_no_work(tmp_path: Path) -> None:
    running = start(
        tmp_path,
        "import subprocess,sys\n"
        "subprocess.Popen([sys.executable,'-c','import time; time.sleep(60)'], start_new_session=True)",
    )
    wait_for(lambda: running.code == 0)
    assert not running.running()
    assert len(running.sweep()) == 1


def test_one_that_another_process_began_is_found_watched_and_stopped(tmp_path: Path) -> None:
    program = f"""
import os, sys
from pathlib import Path
from kohya_wrap.host import child
begun = child.start([sys.executable, "-c", "import time; time.sleep(60)"], env=os.environ, cwd=".", log=Path({str(tmp_path / "log")!r}))
print(begun.pid, begun.started, flush=True)
os._exit(0)
"""
    pid, started = subprocess.check_output([sys.executable, "-c", program], text=True).split()
    found = child.adopt(tmp_path / "log", int(pid), float(started))
    assert found.running() and found.code is None
    found.stop(grace=5)
    assert gone(int(pid))
    assert not found.running() and found.code is None


def test_a_sweep_spares_the_family_of_another(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = start(tmp_path / "other", "import time; time.sleep(60)")
    running = start(tmp_path, "pass")
    wait_for(lambda: not running.running())
    try:
        assert running.sweep() == []
        assert [process.pid for log, process in child.living() if log == other.log] == [other.pid]
    finally:
        other.stop()
    assert other.log not in [log for log, _ in child.living()]


def test_lines_end_at_newlines_and_at_carriage_returns(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"one\n 50%|##\r100%|####\rleft")
    reader = child.LineReader(log)
    assert reader.new() == ["one", " 50%|##", "100%|####"]
    with log.open("ab") as more:
        more.write(b" over\n")
    assert reader.new() == ["left over"]


def test_a_character_cut_in_two_is_put_together(tmp_path: Path) -> None:
    log = tmp_path / "log"
    text = "損失\n".encode()
    log.write_bytes(text[:2])
    reader = child.LineReader(log)
    assert reader.new() == []
    with log.open("ab") as more:
        more.write(text[2:])
    assert reader.new() == ["損失"]


@pytest.mark.parametrize("begin", [0, 4])
def test_a_log_that_somebody_has_emptied_is_read_from_its_beginning_again(tmp_path: Path, begin: int) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"one\ntwo\nunfinis")
    reader = child.LineReader(log, begin)
    assert (reader.new()[-1], reader.emptied) == ("two", 0)
    os.truncate(log, 0)
    assert (reader.new(), reader.emptied) == ([], 1)
    with log.open("ab") as more:
        more.write(b"three\n")
    assert (reader.new(), reader.emptied) == (["three"], 1)


def test_the_unfinished_end_comes_with_the_last_call(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"a\nSegmentation fault")
    assert child.LineReader(log).new(last=True) == ["a", "Segmentation fault"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_becomes_a_request_and_the_handler_before_comes_back(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with child.signals_as_request() as request:
        assert not request
        os.kill(os.getpid(), number)
        wait_for(lambda: bool(request))
        assert request.number == number
    assert signal.getsignal(number) is before


def test_a_lost_terminal_stops_nothing() -> None:
    with child.signals_as_request() as request:
        os.kill(os.getpid(), signal.SIGHUP)
        time.sleep(0.05)
        assert not request


def test_what_nobody_has_reaped_does_not_live(tmp_path: Path) -> None:
    """A zombie stands in the process table, in a container whose first process reaps nobody for good."""
    running = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    started = child.began(running.pid)
    try:
        assert child.lives(running.pid, started)
        assert not child.lives(running.pid, started - 100), "another one of that number"
        running.kill()
        wait_for(lambda: psutil.Process(running.pid).status() == psutil.STATUS_ZOMBIE)
        assert not child.lives(running.pid, started)
    finally:
        running.wait()
    assert not child.lives(running.pid, started)


@pytest.mark.skipif(not Path("/proc/self/comm").exists(), reason="only Linux has the name among the figures")
def test_when_it_began_whatever_it_calls_itself() -> None:
    names_itself = "open('/proc/self/comm', 'w').write('a) b c'); print(flush=True); input()"
    words = [sys.executable, "-c", names_itself]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        started = child.began(running.pid)
        running.stdout.readline()
        assert child.began(running.pid) == started
        running.kill()


@pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="only Linux tells when, by no clock that is set"
)
def test_one_that_lives_does_so_whatever_becomes_of_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    pid, started = child.this_one()
    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: 0.0)
    assert child.lives(pid, started) and not child.lives(pid, started + 1)


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="Linux tells of a process's end")
def test_a_rest_is_no_longer_than_the_child(tmp_path: Path) -> None:
    started = start(tmp_path, "import time; time.sleep(0.5)")
    began = time.monotonic()
    with started.rests() as rest:
        rest(0.05)
        assert started.running() and time.monotonic() - began < 0.4
        rest(30)
    assert not started.running() and time.monotonic() - began < 10


def test_a_rest_beside_one_that_another_began_is_a_sleep(tmp_path: Path) -> None:
    began = time.monotonic()
    with child.adopt(tmp_path / "log", os.getpid(), 0.0).rests() as rest:
        rest(0.2)
    assert time.monotonic() - began >= 0.2
