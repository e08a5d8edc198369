"""`dataset build` killed at random moments: the old folder or the new one, sources byte-identical.

KILLS=50 in the environment for more of them than the suite does.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from contextlib import suppress
from pathlib import Path

from PIL import Image

from tests.fixtures.shell import Shell

KILLS = int(os.environ.get("KILLS", "10"))
SEED = 20261125

Tree = dict[str, bytes]


def tree(folder: Path) -> Tree:
    """By name in whichever folder: a new one has its old number for a moment."""
    return {
        path.name: path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    }


def folders(project: Path) -> tuple[Tree, Tree]:
    return tree(project / "training_data"), tree(project / "held_out")


def staged(project: Path) -> bool:
    """Whether a new folder is being made, or an old one waits to be removed."""
    return any(project.glob("*/.cat.part-*"))


def source(folder: Path) -> None:
    for number in range(40):
        kind = ("png", "jpg", "gif", "webp")[number % 4]
        path = folder / f"{number:02}.{kind}"
        Image.effect_noise((200, 150), 60).convert("RGB").save(path)
        path.with_suffix(".txt").write_text(f"picture {number}")


def change(folder: Path) -> None:
    (folder / "03.webp").unlink()
    (folder / "07.txt").write_text("another caption")
    Image.effect_noise((220, 150), 60).save(folder / "new.tif")


def test_killed_at_random_moments(shell: Shell, tmp_path: Path) -> None:
    photos, project = tmp_path / "photos", tmp_path / "project"
    photos.mkdir()
    source(photos)
    build = ("dataset", "build", photos, "--concept", "cat", "--project", project)
    assert shell(*build, "--trigger", "sks", "--holdout", "3").code == 0
    edited = project / "training_data/10_cat/07.txt"
    edited.write_text("edited by hand\n")
    change(photos)
    shutil.copytree(project, tmp_path / "kept", copy_function=os.link)
    old, sources = folders(project), tree(photos)

    anew = (*build, "--trigger", "xyz", "--holdout", "1", "--resize", "64", "--repeats", "auto")
    began = time.monotonic()
    assert shell(*anew).code == 0
    took = time.monotonic() - began
    new = folders(project)
    assert new != old and new[0]["07.txt"] == b"xyz, edited by hand\n"

    dice = random.Random(SEED)
    ends = {"old": 0, "new": 0, "between the folders": 0}
    while_writing = 0
    for number in range(KILLS):
        shutil.rmtree(project)
        shutil.copytree(tmp_path / "kept", project, copy_function=os.link)
        child = shell.start(*anew)
        if number % 2:  # every other one as soon as it writes, or a little later
            while child.poll() is None and not staged(project):
                time.sleep(0.001)
            time.sleep(dice.uniform(0, 0.2) * took)
        else:
            time.sleep(dice.uniform(0.3, 1.05) * took)
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.communicate()
        while_writing += staged(project)
        found = folders(project)
        assert all(part in (before, after) for part, before, after in zip(found, old, new, strict=True))
        if found not in (old, new):  # one folder has moved: it is on record that the other follows
            assert any(project.rglob(".*.pending"))
        ends["old" if found == old else "new" if found == new else "between the folders"] += 1
        assert tree(photos) == sources
        assert shell(*anew).code == 0
        assert folders(project) == new
    print(ends, f"{while_writing} while it wrote")
    assert while_writing
