"""What a machine cannot show is skipped, and fails where it is asked for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("asked", "code", "said"), [("", 0, "1 skipped"), ("required", 1, "evidence is required")]
)
def test_a_browser_that_is_not_there(tmp_path: Path, asked: str, code: int, said: str) -> None:
    words = ["-q", "-p", "no:cacheprovider", "tests/browser/test_preview.py", "-k", "test_search_looks"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words, f"--basetemp={tmp_path / 'inner'}"],
        cwd=CHECKOUT, env=os.environ | {"PATH": str(tmp_path), "KOHYA_WRAP_EVIDENCE": asked},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, said in done.stdout) == (code, True), done.stdout + done.stderr
