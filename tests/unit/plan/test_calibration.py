"""The file of measured runs: appended whole by several at once, read without what is none."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from kohya_wrap.domain.calibration import Measured
from kohya_wrap.domain.family import FamilyName
from kohya_wrap.domain.memory import Load
from kohya_wrap.plan import calibration

LOAD = Load(FamilyName.SD15, (512, 512), 2, 32)
RUN = Measured(LOAD, "RTX 3090", 0.4, 7 << 30, 1200, "2026-12-01T04:27:45+00:00", "0.1.0")
CARDS = {"RTX 3090"}
WRITER = """
import sys
from dataclasses import replace
from pathlib import Path
from kohya_wrap.plan import calibration
from tests.unit.plan.test_calibration import RUN
for number in range(200):
    calibration.append(Path(sys.argv[1]), [replace(RUN, version=f"{sys.argv[2]}.{number}")])
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tool" / "calibration.jsonl"


def test_what_is_appended_is_read(path: Path) -> None:
    other = replace(RUN, seconds=0.5, peak=None)
    calibration.append(path, [RUN])
    calibration.append(path, [other, RUN])
    assert calibration.read(path, CARDS) == calibration.Lines((RUN, other), repeated=1)


def test_before_the_first_run_there_is_none(path: Path) -> None:
    assert calibration.of_home(path, CARDS) == calibration.Lines()
    assert not path.parent.exists()


def test_lines_that_are_none_are_named_and_the_rest_counts(path: Path) -> None:
    calibration.append(path, [RUN])
    path.write_bytes(b"\xff\n\n" + path.read_bytes() + b"[" * 100_000 + b"\n{}\n")
    found = calibration.read(path, CARDS)
    assert found.runs == (RUN,)
    assert found.refused == ((1, "is no JSON"), (4, "is no JSON"), (5, "is no measured run"))


def test_a_line_that_was_cut_short_takes_no_other_with_it(path: Path) -> None:
    calibration.append(path, [RUN])
    path.write_bytes(path.read_bytes()[:-20])
    other = replace(RUN, seconds=0.5)
    calibration.append(path, [other])
    found = calibration.read(path, CARDS)
    assert (found.runs, [number for number, _ in found.refused]) == ((other,), [1])


def test_several_at_once_lose_nothing(path: Path) -> None:
    root = Path(__file__).parents[3]
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, path, str(who)], cwd=root) for who in range(3)]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0, 0]
    found = calibration.read(path, CARDS)
    assert (len(found.runs), found.refused) == (600, ())


def test_each_is_one_write(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the end of the file, wherever that is by then."""
    write, opened = os.write, os.open
    written: list[bytes] = []
    flags: list[int] = []
    monkeypatch.setattr(os, "write", lambda to, text: written.append(text) or write(to, text))
    monkeypatch.setattr(os, "open", lambda at, how, mode: flags.append(how) or opened(at, how, mode))
    calibration.append(path, [RUN, RUN])
    assert len(written) == 1 and all(how & os.O_APPEND for how in flags)


def test_a_disk_that_takes_half_of_it_is_said(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "write", lambda to, text: len(text) // 2)
    with pytest.raises(OSError) as failed:
        calibration.append(path, [RUN])
    assert failed.value.errno == errno.ENOSPC


def test_reading_a_hundred_runs_takes_a_few_ms(path: Path) -> None:
    calibration.append(path, [replace(RUN, version=str(number)) for number in range(100)])

    def took() -> float:
        began = time.process_time()
        calibration.read(path, CARDS)
        return time.process_time() - began

    assert min(took() for _ in range(5)) < 0.01
