"""The wheel, installed elsewhere: templates, presets and the rehearsal come with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest

from kohya_wrap.host import environment
from tests.conftest import REAL_ENVIRONMENT
from tests.fixtures.shell import Shell

CHECKOUT = Path(__file__).parents[2]


def uv(*words: str | Path) -> str:
    """Out of the caches of the machine only; what uv has to say."""
    command = [environment.uv_program(), *words, "--offline"]
    done = subprocess.run(command, cwd=CHECKOUT, env=REAL_ENVIRONMENT, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"uv {words[0]} cannot do it without the network: {done.stderr.strip().splitlines()[-1]}")
    return done.stderr


def test_installed_elsewhere(tmp_path: Path, shell: Shell) -> None:
    uv("build", "--wheel", "--out-dir", tmp_path / "dist")
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    venv = tmp_path / "venv"
    uv("venv", "--python", sys.executable, venv)
    uv("pip", "install", "--no-deps", "--python", environment.python_of(venv), wheel)
    (site,) = venv.glob("lib/python*/site-packages")
    # Only what lies in that folder: an editable kohya-wrap there does not.
    (site / "dependencies.pth").write_text(f"{Path(click.__file__).parents[1]}\n", encoding="utf-8")

    installed = Shell(tmp_path, shell.variables, (str(venv / "bin" / "kohya-wrap"),))
    assert "kohya-wrap init my-lora" in installed("init", "--help").out
    answer = installed("demo", "--json")
    assert answer.code == 0, answer.err
    assert installed("init", "my-lora", "--engine", "rehearsal").code == 0
    where = [venv / "bin" / "python", "-c", "import kohya_wrap; print(kohya_wrap.__file__)"]
    assert Path(subprocess.check_output(where, cwd=tmp_path, text=True).strip()).is_relative_to(site)
