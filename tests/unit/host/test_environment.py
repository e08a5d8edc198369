"""uv on a folder of tiny wheels: no index, no network."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from kohya_wrap.errors import EngineError, ExitCode
from kohya_wrap.host import environment
from tests.fixtures import upstream

RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "wheels"
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    return folder


def lock(tmp_path: Path, *lines: str) -> Path:
    file = tmp_path / "lock.txt"
    file.write_text("".join(lines), encoding="utf-8")
    return file


def installed(python: Path) -> str:
    program = (
        "import importlib.metadata as m; print(*sorted(f'{d.name} {d.version}' for d in m.distributions()))"
    )
    return subprocess.run([python, "-c", program], capture_output=True, text=True, check=True).stdout.strip()


def test_sync_installs_what_the_lock_lists_and_removes_the_rest(tmp_path: Path, wheels: Path) -> None:
    said: list[str] = []
    python = environment.create(tmp_path / "venv", Path(sys.executable))
    first = upstream.wheel(wheels, "one", "1.0"), upstream.wheel(wheels, "two", "1.0")
    environment.sync(python, lock(tmp_path, *first), said.append)
    assert installed(python) == "one 1.0 two 1.0"
    assert any(line.startswith("installed 2 packages") for line in said)
    environment.sync(python, lock(tmp_path, upstream.wheel(wheels, "one", "1.1")), said.append)
    assert installed(python) == "one 1.1"


def test_a_wrong_hash_installs_nothing(tmp_path: Path, wheels: Path) -> None:
    python = environment.create(tmp_path / "venv", Path(sys.executable))
    line = upstream.wheel(wheels, "one", "1.0")
    wrong = line[:-3] + ("00\n" if line[-3:-1] != "00" else "11\n")
    with pytest.raises(EngineError) as caught:
        environment.sync(python, lock(tmp_path, wrong), print)
    assert "Nothing of it was used" in caught.value.hint
    assert installed(python) == ""


def test_a_lock_without_hashes_is_refused(tmp_path: Path, wheels: Path) -> None:
    python = environment.create(tmp_path / "venv", Path(sys.executable))
    upstream.wheel(wheels, "one", "1.0")
    with pytest.raises(EngineError, match="could not be installed"):
        environment.sync(python, lock(tmp_path, "one==1.0\n"), print)


def test_a_project_s_own_uv_settings_have_no_say(
    tmp_path: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "uv.toml").write_text("this is not TOML", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    python = environment.create(tmp_path / "venv", Path(sys.executable))
    environment.sync(python, lock(tmp_path, upstream.wheel(wheels, "one", "1.0")), print)
    assert installed(python) == "one 1.0"


def test_create_replaces_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "venv" / "lib").mkdir(parents=True)
    (tmp_path / "venv" / "left").write_text("", encoding="utf-8")
    python = environment.create(tmp_path / "venv", Path(sys.executable))
    assert not (tmp_path / "venv" / "left").exists()
    assert installed(python) == ""


def test_an_interpreter_that_is_here_is_found_and_no_venv_is_taken_for_one() -> None:
    found = environment.find_interpreter(["3.99", RUNNING])
    assert found is not None
    program = "import sys; print('%d.%d' % sys.version_info[:2], sys.prefix == sys.base_prefix)"
    said = subprocess.run([found, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said.split() == [RUNNING, "True"]


def test_no_interpreter_and_none_to_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("UV_PYTHON_INSTALL_MIRROR", "http://127.0.0.1:9")
    start = time.monotonic()
    with pytest.raises(EngineError, match="No Python that the engine supports") as caught:
        environment.interpreter(["3.8"], print)
    assert caught.value.code == ExitCode.ENGINE
    assert "Python 3.8" in caught.value.hint
    assert time.monotonic() - start < 10
