"""The runs of a project as any shell sees them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from kohya_wrap.workflow import watched
from kohya_wrap.workflow.run_folder import RunFolder


def test_the_config_of_a_copied_project_is_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config, run = Path("a", "training_config.toml"), Path(".kohya-wrap", "runs", "1")
    (tmp_path / "a" / run).mkdir(parents=True)
    config.touch()
    for typed in (config, config.absolute()):
        RunFolder("a" / run).describe({"output_name": "cat", "config": str(typed)})
        assert watched.status("a" / run).config == str(typed)
        copy = shutil.copytree("a", tmp_path / "copy", dirs_exist_ok=True)
        assert watched.status(copy / run).config == str(copy / config.name)
