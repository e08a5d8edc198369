"""The engine's environment counts when it is complete, and not a moment before."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kohya_wrap.engine import checkout, install
from kohya_wrap.engine.checkout import Checkout
from kohya_wrap.engine.pin import Pin
from kohya_wrap.errors import EngineError, ExitCode, MachineError
from kohya_wrap.host import atomic, environment
from kohya_wrap.places import Places
from tests.fixtures import upstream


@pytest.fixture
def source(pin: Pin, places: Places) -> Checkout:
    return checkout.ensure(pin, places, print)


def value(python: Path, expression: str) -> str:
    program = f"import tiny; print({expression})"
    return subprocess.run([python, "-c", program], capture_output=True, text=True, check=True).stdout.strip()


def test_is_installed_once(pin: Pin, source: Checkout, places: Places, lock: Path) -> None:
    said: list[str] = []
    assert install.find(pin, places) is None
    made = install.ensure(pin, source, places, said.append)
    assert value(made.python, "tiny.VERSION") == "1.0"
    assert said[0].startswith("installing the engine's packages")
    assert said[-1] == "checking that the engine imports"
    said.clear()
    assert install.ensure(pin, source, places, said.append) == made == install.find(pin, places)
    assert said == []


def test_another_lock_is_installed_anew(
    pin: Pin, source: Checkout, places: Places, lock: Path, wheels: Path
) -> None:
    install.ensure(pin, source, places, print)
    lock.write_text(upstream.wheel(wheels, "tiny", "2.0.1"), encoding="utf-8")
    assert install.find(pin, places) is None
    made = install.ensure(pin, source, places, print)
    assert value(made.python, "tiny.VERSION") == "2.0.1"


def test_a_package_that_a_kill_left_in_pieces_is_installed_again(
    pin: Pin, source: Checkout, places: Places, lock: Path
) -> None:
    made = install.ensure(pin, source, places, print)
    (made.python.parent.parent / "kohya-wrap-complete").unlink()
    Path(value(made.python, "tiny.__file__")).unlink()  # its dist-info says that it is installed
    assert install.find(pin, places) is None
    assert value(install.ensure(pin, source, places, print).python, "tiny.VERSION") == "1.0"


def test_one_that_cannot_import_the_engine_does_not_count(
    pin: Pin, source: Checkout, places: Places, lock: Path, wheels: Path
) -> None:
    broken = upstream.wheel(wheels, "tiny", "3.0", code="raise OSError('libGL.so.1: no such file')\n")
    lock.write_text(broken, encoding="utf-8")
    with pytest.raises(EngineError, match="cannot be imported") as caught:
        install.ensure(pin, source, places, print)
    assert caught.value.why == "import train_network: OSError: libGL.so.1: no such file"
    assert install.find(pin, places) is None


@pytest.mark.parametrize("full", ["engines", "uv-cache"])
def test_a_disk_too_small_is_told_before_anything_is_written(
    pin: Pin,
    source: Checkout,
    places: Places,
    lock: Path,
    tmp_path: Path,
    full: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
    monkeypatch.setattr(atomic, "free_bytes", lambda path: 10**9 if full in path.parts else 10**12)
    with pytest.raises(MachineError, match="too small for the engine's environment") as caught:
        install.ensure(pin, source, places, print)
    assert caught.value.code == ExitCode.MACHINE
    assert "1.0 GB are free" in caught.value.why
    assert not (places.engine(pin.commit) / "venv").exists()


def test_killed_at_any_moment_and_repeated_it_completes(
    pin: Pin, source: Checkout, places: Places, lock: Path
) -> None:
    program = (
        "from pathlib import Path, PosixPath; from kohya_wrap import resources;"
        "from kohya_wrap.engine import install; from kohya_wrap.engine.pin import Pin;"
        "from kohya_wrap.engine.checkout import Checkout; from kohya_wrap.places import Places;"
        f"resources.lock_file = lambda: Path({str(lock)!r});"
        f"install.ensure({pin!r}, {source!r}, Places(Path({str(places.home)!r})), print)"
    )
    chance = random.Random(4)
    for _ in range(6):
        child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
        time.sleep(chance.uniform(0.1, 0.8))
        os.kill(child.pid, signal.SIGKILL)
        child.communicate()
        found = install.find(pin, places)
        assert found is None or value(found.python, "tiny.VERSION") == "1.0"
    assert value(install.ensure(pin, source, places, print).python, "tiny.VERSION") == "1.0"


@pytest.fixture
def torch_of_the_image(tmp_path: Path, wheels: Path, lock: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """First on PATH, with a torch newer than the lock's. Returns the folder it is imported from."""
    ours = upstream.wheel(wheels, "torch", "2.8.0"), upstream.wheel(wheels, "nvidia_nccl_cu12", "2.27")
    lock.write_text(lock.read_text(encoding="utf-8") + "".join(ours).replace("_", "-"), encoding="utf-8")
    owner = environment.create(tmp_path / "image", Path(sys.executable))
    theirs = tmp_path / "image.txt"
    names = ("torch", "2.9.1"), ("torchvision", "0.24.1"), ("tiny", "0.1")
    theirs.write_text("".join(upstream.wheel(wheels, *name) for name in names), encoding="utf-8")
    environment.sync(owner, theirs, print)
    monkeypatch.setenv("PATH", f"{owner.parent}{os.pathsep}{os.environ['PATH']}")
    return next((tmp_path / "image").glob("lib/python*/site-packages"))


def test_reuse_torch_inherits_the_image_s_and_installs_the_rest(
    pin: Pin, source: Checkout, places: Places, torch_of_the_image: Path
) -> None:
    said: list[str] = []
    made = install.ensure(pin, source, places, said.append, reuse_torch=True)
    assert value(made.python, "__import__('torch').__file__") == str(torch_of_the_image / "torch.py")
    assert value(made.python, "tiny.VERSION") == "1.0"  # the lock's, before the image's
    own = next(made.python.parent.parent.glob("lib/python*/site-packages"))
    assert [p.name for p in own.glob("*.dist-info")] == ["tiny-1.0.dist-info"]
    assert "on the torch 2.9.1 here" in said[0]
    assert install.find(pin, places) == made


@pytest.mark.parametrize("spoilt", ["old torch", "no torchvision", "no Python that the engine supports"])
def test_reuse_torch_without_one_that_the_engine_can_use(
    pin: Pin,
    source: Checkout,
    places: Places,
    torch_of_the_image: Path,
    spoilt: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if spoilt == "old torch":
        monkeypatch.setattr(install, "OLDEST_TORCH", (2, 10))
    elif spoilt == "no torchvision":
        (torch_of_the_image / "torchvision-0.24.1.dist-info" / "METADATA").unlink()
        next(torch_of_the_image.glob("torchvision-*")).rename(torch_of_the_image / "gone")
    else:
        pin = Pin(**{**vars(pin), "python": ("3.9",)})
    with pytest.raises(EngineError, match="No torch that the engine can use") as caught:
        install.ensure(pin, source, places, print, reuse_torch=True)
    assert "--reuse-torch" in caught.value.hint
