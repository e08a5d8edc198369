"""One process at a time; a kill leaves no lock behind."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest
from filelock import FileLock, Timeout

from kohya_wrap.host import lock

HOLD = """
import sys, time
from pathlib import Path
from kohya_wrap.host import lock
with lock.hold(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(30)
"""


RUN = """
import sys
from pathlib import Path
from kohya_wrap.host import lock, tool
command = "import os, time; print(os.getpid(), flush=True); time.sleep(30)"
with lock.hold(Path(sys.argv[1])):
    tool.run([sys.executable, "-c", command], on_line=lambda line: print(line, flush=True))
"""


def is_free(path: Path) -> bool:
    try:
        with FileLock(str(path.with_name(f".{path.name}.lock")), timeout=0):
            return True
    except Timeout:
        return False


def test_held_within_and_free_after(tmp_path: Path) -> None:
    path = tmp_path / "new" / "engine"
    with lock.hold(path):
        assert not is_free(path)
    assert is_free(path)


def test_one_who_does_not_wait_is_told(tmp_path: Path) -> None:
    path = tmp_path / "engine"
    with lock.hold(path), pytest.raises(lock.Busy), lock.hold(path, wait=False):
        pass
    with lock.hold(path, wait=False):
        assert not is_free(path)
    assert is_free(path)


def test_a_command_that_outlives_its_killed_parent_keeps_it(tmp_path: Path) -> None:
    """It still writes into the folder: whoever comes next waits for it."""
    path = tmp_path / "engine"
    with subprocess.Popen(
        [sys.executable, "-c", RUN, str(path)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        command = psutil.Process(int(holder.stdout.readline()))
        holder.kill()
    try:
        assert not is_free(path)
    finally:
        command.kill()
    psutil.wait_procs([command], timeout=5)
    assert is_free(path)


def test_one_who_waits_says_so_once(tmp_path: Path) -> None:
    path = tmp_path / "engine"
    said: list[str] = []
    with subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        threading.Timer(0.5, holder.kill).start()
        with lock.hold(path, said.append):
            assert said == ["another kohya-wrap is working on engine: waiting for it"]
    with lock.hold(path, pytest.fail):
        pass


def test_a_killed_holder_leaves_it_free(tmp_path: Path) -> None:
    path = tmp_path / "engine"
    with subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        assert not is_free(path)
        holder.kill()
    assert is_free(path)
