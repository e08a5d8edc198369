"""One process at a time; a kill leaves no lock behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

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


def test_a_killed_holder_leaves_it_free(tmp_path: Path) -> None:
    path = tmp_path / "engine"
    with subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        assert not is_free(path)
        holder.kill()
    assert is_free(path)
