"""BLIP as a command; the script itself is stood in for by one that writes what it was shown."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from kohya_wrap import resources
from kohya_wrap.engine import blip, checkout, install
from kohya_wrap.engine.checkout import Checkout
from kohya_wrap.engine.install import Environment
from kohya_wrap.errors import EngineError, UsageError
from kohya_wrap.places import Places

STAND_IN = """
import sys
from pathlib import Path
folder = Path(sys.argv[2])
pictures = sorted(folder.iterdir())
for number, picture in enumerate(pictures, 1):
    if picture.suffix == ".die":
        sys.exit("it broke")
    picture.with_suffix(".txt").write_text(f"{picture.suffix} in {Path.cwd().name}")
    sys.stderr.write(f"\\r {number * 50}%|## | {number}/{len(pictures)} [00:01<00:00]")
"""


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An engine whose captioner is the stand-in."""
    source = tmp_path / "source"
    (source / "finetune").mkdir(parents=True)
    (tmp_path / "stand_in.py").write_text(STAND_IN, encoding="utf-8")
    monkeypatch.setattr(resources, "inside", lambda name: tmp_path / "stand_in.py")
    monkeypatch.setattr(checkout, "find", lambda *a, **k: Checkout(source, "abc"))
    monkeypatch.setattr(install, "find", lambda *a: Environment(Path(sys.executable)))
    return source


def pictures(tmp_path: Path, *names: str) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in names:
        (folder / name).write_bytes(b"")
    return folder


def run(folder: Path, tmp_path: Path) -> list[tuple[int, int]]:
    seen: list[tuple[int, int]] = []
    blip.run(folder, "", ".txt", Places(tmp_path / "home"), None, lambda *counts: seen.append(counts))
    return seen


def test_the_command() -> None:
    argv = blip.command(Path("/v/python"), Path("/s"), Path("/p"), "/w.pth", ".txt")
    assert argv[:2] == ["/v/python", "-I"]
    assert Path(argv[2]).name == "blip_captions.py" and Path(argv[2]).is_file()
    assert argv[3:] == [
        "/s", "/p", "--caption_extension", ".txt", "--beam_search", "--num_beams", "3", "--caption_weights", "/w.pth",
    ]  # fmt: skip
    assert "--caption_weights" not in blip.command(Path("python"), Path("s"), Path("p"), "", ".txt")


@pytest.mark.usefixtures("engine")
def test_it_runs_in_the_scripts_own_folder_and_counts(tmp_path: Path) -> None:
    folder = pictures(tmp_path, "a.png", "b.jpg")
    assert run(folder, tmp_path) == [(1, 2), (2, 2)]
    assert (folder / "b.txt").read_text(encoding="utf-8") == ".jpg in finetune"


@pytest.mark.usefixtures("engine")
def test_a_failure_is_said_with_its_last_line(tmp_path: Path) -> None:
    with pytest.raises(EngineError) as failed:
        run(pictures(tmp_path, "a.png", "b.die"), tmp_path)
    assert (failed.value.message, failed.value.why[-8:]) == (
        "The engine's BLIP captioner ended with 1.",
        "it broke",
    )


@pytest.mark.parametrize("lacking", [checkout, install])
@pytest.mark.usefixtures("engine")
def test_without_the_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lacking: Any) -> None:
    monkeypatch.setattr(lacking, "find", lambda *a, **k: None)
    with pytest.raises(EngineError, match="The engine is not installed here"):
        run(pictures(tmp_path), tmp_path)


def test_its_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "blip.pth").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    assert blip.weights("") == ""
    assert blip.weights("blip.pth") == str(tmp_path / "blip.pth")
    assert blip.weights("https://example.invalid/blip.pth") == "https://example.invalid/blip.pth"
    with pytest.raises(UsageError, match=r"other\.pth is no file"):
        blip.weights("other.pth")
