"""The engine's source: found where it is, fetched whole or not at all, refused when it is another version."""

from __future__ import annotations

import os
import random
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from kohya_wrap import resources
from kohya_wrap.engine import checkout
from kohya_wrap.engine.pin import Pin
from kohya_wrap.errors import EngineError
from kohya_wrap.host import git
from kohya_wrap.places import Places
from tests.fixtures import upstream
from tests.fixtures.upstream import Upstream


def test_is_fetched_once(pin: Pin, places: Places) -> None:
    said: list[str] = []
    assert checkout.find(pin, places) is None
    made = checkout.ensure(pin, places, said.append)
    assert git.head(made.source) == pin.commit == made.commit
    assert not (made.source / "docs").exists()
    assert said == [f"cloning sd-scripts at {pin.commit[:8]}"]
    assert checkout.ensure(pin, places, said.append) == made == checkout.find(pin, places)
    assert len(said) == 1


def test_a_populated_submodule_at_the_pin_is_used(
    pin: Pin, places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = tmp_path / "outside" / "work"
    monkeypatch.setattr(resources, "vendored_engine", lambda: work)
    assert checkout.ensure(pin, places, pytest.fail).source == work.resolve()
    upstream.git(work, "checkout", "-q", "HEAD~1")
    assert checkout.find(pin, places) is None


def test_engine_dir_at_the_pin_is_used_with_its_links_resolved(
    pin: Pin, places: Places, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "outside" / "work")
    made = checkout.ensure(pin, places, pytest.fail, engine_dir=tmp_path / "link")
    assert made.source == (tmp_path / "outside" / "work").resolve()


def test_engine_dir_at_another_commit_is_refused(
    pin: Pin, places: Places, repository: Upstream, tmp_path: Path
) -> None:
    work = (tmp_path / "outside" / "work").rename(tmp_path / "mom's engine")
    upstream.git(work, "checkout", "-q", repository.older)
    with pytest.raises(EngineError, match=f"not sd-scripts at {pin.commit[:8]}") as caught:
        checkout.find(pin, places, engine_dir=work)
    assert repository.older[:8] in caught.value.why
    typed, _, _ = caught.value.hint.partition("   (")
    assert shlex.split(typed) == ["git", "-C", str(work), "checkout", pin.commit]


@pytest.mark.parametrize(
    ("files", "why"),
    [(None, "no such folder"), ([], "no train_network.py"), (["train_network.py"], "not a git checkout")],
)
def test_engine_dir_that_is_no_engine_is_refused(
    pin: Pin, places: Places, tmp_path: Path, files: list[str] | None, why: str
) -> None:
    folder = tmp_path / "given"
    if files is not None:
        folder.mkdir()
        for name in files:
            (folder / name).touch()
    with pytest.raises(EngineError) as caught:
        checkout.ensure(pin, places, print, engine_dir=folder)
    assert why in caught.value.why


def test_a_failed_fetch_leaves_nothing(
    pin: Pin, places: Places, repository: Upstream, tmp_path: Path
) -> None:
    (tmp_path / "outside" / "upstream.git" / "HEAD").unlink()
    with pytest.raises(EngineError):
        checkout.ensure(pin, places, print)
    assert checkout.find(pin, places) is None
    assert [p.name for p in places.engine(pin.commit).iterdir()] == [".source.lock"]


def _anybody_in(folder: Path) -> bool:
    for process in psutil.process_iter(["cmdline", "cwd"]):
        words = (*(process.info["cmdline"] or ()), process.info["cwd"] or "")
        if any(str(folder) in word for word in words):
            return True
    return False


def test_killed_at_any_moment_and_repeated_it_completes(pin: Pin, places: Places) -> None:
    program = (
        "from pathlib import Path; from kohya_wrap.engine import checkout;"
        "from kohya_wrap.engine.pin import Pin; from kohya_wrap.places import Places;"
        "from kohya_wrap import resources;"
        "resources.vendored_engine = lambda: Path('/no-submodule');"
        f"checkout.ensure({pin!r}, Places(Path({str(places.home)!r})), lambda line: print(line, flush=True))"
    )
    chance = random.Random(4)
    for _ in range(8):
        child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(chance.uniform(0, 0.15))
        os.kill(child.pid, signal.SIGKILL)
        child.communicate()
        found = checkout.find(pin, places)
        assert found is None or upstream.git(found.source, "status", "--porcelain") == ""
    end = time.monotonic() + 20
    while (
        _anybody_in(places.home) and time.monotonic() < end
    ):  # what the killed had started finds out by itself
        time.sleep(0.05)
    made = checkout.ensure(pin, places, print)
    assert git.head(made.source) == pin.commit
    assert upstream.git(made.source, "status", "--porcelain") == ""
    assert sorted(p.name for p in places.engine(pin.commit).iterdir()) == [".source.lock", "source"]
