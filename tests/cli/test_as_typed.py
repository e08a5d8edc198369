"""Commands as a person at this prompt would type them."""

from __future__ import annotations

from pathlib import Path

import pytest

from kohya_wrap.cli import as_typed


@pytest.mark.parametrize(
    ("started_as", "variables", "typed"),
    [
        ("{0}/my venv/bin/kohya-wrap", {}, "'my venv/bin/kohya-wrap'"),
        ("my venv/bin/kohya-wrap", {}, "'my venv/bin/kohya-wrap'"),
        ("/opt/venv/bin/kohya-wrap", {}, "/opt/venv/bin/kohya-wrap"),
        ("{0}/my venv/bin/kohya-wrap", {"PATH": "{0}/my venv/bin"}, "kohya-wrap"),
        # `uv run`: on the PATH of its child alone
        (
            "{0}/my venv/bin/kohya-wrap",
            {"PATH": "{0}/my venv/bin", "UV_RUN_RECURSION_DEPTH": "1"},
            "'my venv/bin/kohya-wrap'",
        ),
        ("{0}/kohya_wrap/__main__.py", {}, "kohya-wrap"),
    ],
)
def test_the_program_as_it_can_be_typed_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started_as: str, variables: dict[str, str], typed: str
) -> None:
    script = tmp_path / "my venv" / "bin" / "kohya-wrap"
    script.parent.mkdir(parents=True)
    script.touch(0o755)
    monkeypatch.chdir(tmp_path)
    env = {name: value.format(tmp_path) for name, value in variables.items()}
    assert as_typed.program(started_as.format(tmp_path), env) == typed
