"""Captioners at work: what was done before a stop stays, and the next run goes on; BLIP sees and writes what it shall."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from kohya_wrap.dataset.tagging.wd14 import Thresholds
from kohya_wrap.domain.caption_edits import Edits
from kohya_wrap.engine import blip
from kohya_wrap.places import Places
from kohya_wrap.workflow.caption import Captioned, CaptionRequest, caption
from kohya_wrap.workflow.captioners import Captioner
from kohya_wrap.workflow.provision import News, OnNews
from tests.fixtures import tiny_tagger


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six pictures, red and blue in turn."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(6):
        Image.new("RGB", (16, 12), ((250, 0, 0), (0, 0, 250))[number % 2]).save(folder / f"{number}.png")
    return folder


def run(folder: Path, by: str, on_news: OnNews = lambda news: None, **asked: object) -> Captioned:
    model = str(tiny_tagger.make(folder.parent / "model")) if by == "wd14" else ""
    captioner = Captioner(by, model, Thresholds(), 2, None)  # type: ignore[arg-type]
    request = CaptionRequest(folder, captioner, Edits(prefix="sks"), **asked)  # type: ignore[arg-type]
    return caption(request, Places(folder.parent / "home"), {}, on_news)


def texts(folder: Path) -> dict[str, str]:
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.txt"))}


RED, BLUE = "sks, kitty (a show), red hair, ^_^\n", "sks, blue sky, ^_^\n"


def test_after_ctrl_c_the_next_run_goes_on(folder: Path) -> None:
    def interrupt(news: News) -> None:
        if news.text.startswith("4 of 6"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(folder, "wd14", interrupt)
    done = {"0": RED, "1": BLUE, "2": RED, "3": BLUE}
    assert texts(folder) == done
    again = run(folder, "wd14")
    assert [change.path.stem for change in again.made] == ["4", "5"]
    assert (again.current, again.kept) == (4, 0)
    assert texts(folder) == done | {"4": RED, "5": BLUE}


def test_a_kill_before_a_caption_was_written_makes_it_nobody_s(folder: Path) -> None:
    run(folder, "wd14")
    (folder / "0.txt").unlink()  # remembered, and not there
    (folder / "1.txt").write_text("mine\n", encoding="utf-8")
    again = run(folder, "wd14")
    assert [change.path.stem for change in again.made] == ["0"]
    assert (again.kept, texts(folder)["1"]) == (1, "sks, mine\n")


def test_a_picture_that_was_replaced_is_captioned_anew(folder: Path) -> None:
    run(folder, "wd14")
    shutil.copy(folder / "1.png", folder / "0.png")
    again = run(folder, "wd14")
    assert [(change.path.stem, change.old, change.new) for change in again.made] == [("0", RED, BLUE)]
    assert again.backup is not None
    assert (again.backup / "0.txt").read_text(encoding="utf-8") == RED


def test_the_trigger_alone_gives_way_to_a_captioner(folder: Path) -> None:
    assert len(run(folder, "none").made) == 6
    assert set(texts(folder).values()) == {"sks\n"}
    assert len(run(folder, "wd14").made) == 6
    assert texts(folder)["0"] == RED
    assert run(folder, "none").made == ()  # and never the other way


def test_edited_captions_of_ours_stay_ours(folder: Path) -> None:
    run(folder, "wd14")
    edits = CaptionRequest(folder, None, Edits(remove=("^_^",)))
    assert len(caption(edits, Places(folder.parent / "home"), {}, lambda news: None).edited) == 6
    again = run(folder, "wd14")
    assert (again.made, again.current) == ((), 6)
    assert texts(folder)["1"] == "sks, blue sky\n"


def fake_blip(stop_after: int = 99) -> object:
    """Says the size of what it sees."""

    def run(pictures: Path, weights: str, extension: str, *rest: object) -> None:
        for number, path in enumerate(sorted(pictures.iterdir())):
            if number == stop_after:
                raise KeyboardInterrupt
            size = Image.open(path).size
            path.with_suffix(extension).write_text(f"a picture of {size}\n", encoding="utf-8")

    return run


def test_blip_sees_pictures_the_right_way_up_and_writes_beside_no_user_s_picture(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (16, 12)).save(folder / "1.png", exif=exif)
    (folder / "2.txt").write_text("mine\n", encoding="utf-8")
    monkeypatch.setattr(blip, "run", fake_blip())
    done = run(folder, "blip")
    assert len(done.made) == 5
    assert texts(folder) == {
        "0": "sks, a picture of (16, 12)\n", "1": "sks, a picture of (12, 16)\n", "2": "sks, mine\n",
        "3": "sks, a picture of (16, 12)\n", "4": "sks, a picture of (16, 12)\n", "5": "sks, a picture of (16, 12)\n",
    }  # fmt: skip
    assert run(folder, "blip").current == 5


def test_what_blip_did_before_a_stop_stays(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blip, "run", fake_blip(stop_after=2))
    with pytest.raises(KeyboardInterrupt):
        run(folder, "blip")
    assert list(texts(folder)) == ["0", "1"]
    monkeypatch.setattr(blip, "run", fake_blip())
    assert len(run(folder, "blip").made) == 4


def test_one_caption_for_two_pictures_is_written_once(folder: Path) -> None:
    Image.new("RGB", (16, 12), (0, 0, 250)).save(folder / "0.jpg")
    done = run(folder, "wd14")
    assert [finding.code for finding in done.findings] == ["same-stem"]
    assert len(done.made) == 6


def test_a_dry_run_writes_nothing_at_all(folder: Path) -> None:
    (folder / "0.txt").write_text("mine\n", encoding="utf-8")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    done = run(folder, "wd14", overwrite=True, dry_run=True)
    assert [change.new for change in done.made] == [RED, BLUE] * 3
    assert done.backup is None
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_what_is_remembered_can_be_read_by_a_person(folder: Path) -> None:
    run(folder, "wd14")
    lines = (folder / ".kohya-wrap" / "captions.jsonl").read_text(encoding="utf-8").splitlines()
    first = json.loads(lines[0])
    assert (first["caption"], first["by"]) == ("0.txt", "wd14 model 0.35 0.85")


KILLED = """
import os, signal, sys
from pathlib import Path
from kohya_wrap.dataset import caption_files
os.fsync = lambda descriptor: os.kill(os.getpid(), signal.SIGKILL)
caption_files.write(caption_files.plan({Path(sys.argv[1]): "half"}), caption_files.Backup(Path(sys.argv[2])))
"""


def test_what_a_killed_process_left_beside_a_caption_is_removed(folder: Path) -> None:
    caption_file = folder / "0.txt"
    caption_file.write_text("sks, one", encoding="utf-8")
    before = {path.name for path in folder.iterdir()}
    killed = subprocess.run([sys.executable, "-c", KILLED, caption_file, folder.parent], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert len({path.name for path in folder.iterdir()} - before) == 1
    request = CaptionRequest(folder, None, Edits(prefix="sks"))
    assert caption(request, Places(folder.parent / "home"), {}, lambda news: None).edited == ()
    assert {path.name for path in folder.iterdir()} - {".kohya-wrap"} == before
