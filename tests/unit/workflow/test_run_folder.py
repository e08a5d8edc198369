"""Which folders of runs there are."""

from __future__ import annotations

import os
import time
from pathlib import Path

from kohya_wrap.places import Project
from kohya_wrap.workflow import run_folder


def test_what_was_killed_before_it_began_is_removed_by_the_next(tmp_path: Path) -> None:
    runs = Project(tmp_path).runs
    for name, file in (
        ("20260101-000000", ".run.toml.x3"), ("20260101-000001", ""), ("20260101-000002", "run.toml"),
        ("20260101-000003", "events.jsonl"), ("20260101-000004", ".run.toml.x4"),
    ):  # fmt: skip
        (runs / name).mkdir(parents=True)
        if file:
            (runs / name / file).touch()
        if name < "20260101-000004":
            os.utime(runs / name, (time.time() - 3600,) * 2)
    (runs / ".my_lora.lock").touch()
    made = run_folder.new(Project(tmp_path))
    left = sorted(path.name for path in runs.iterdir())
    assert left == [
        ".my_lora.lock", "20260101-000002", "20260101-000003", "20260101-000004", made.path.name,
    ], "another may be writing the last one now"  # fmt: skip
