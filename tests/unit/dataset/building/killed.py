"""Build a concept again and again, killed at each thing it does on disk; prints what was then neither old nor new.

A script, in a process of its own, since it forks: `killed.py FOLDER`, which gets `in/` and all else.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from pathlib import Path

from PIL import Image

from kohya_wrap.dataset import building
from kohya_wrap.dataset.building import Choices
from kohya_wrap.host import swap
from tests.unit.dataset.building.conftest import place

ON_DISK = ("open", "os.", "shutil.", "tempfile.", "ctypes.")
Tree = dict[str, bytes]


def main(root: Path, *, exchanges: bool) -> None:
    if not exchanges:
        swap.exchange = lambda first, second: False
    source(root)
    build(root, 10, holdout=2, trigger="sks")
    edited = next((root / "data/10_cat").glob("*.txt"))
    edited.write_text("edited by hand\n")
    change(root)
    before, sources = trees(root), tree(root / "in")
    shutil.copytree(root, root.with_name("kept"), copy_function=os.link)
    build(root, 7, holdout=1, trigger="xyz", resize=64)
    after = trees(root)
    wrong, kills = [], 0
    for number in range(1, 10_000):
        put_back(root)
        if not killed_at(root, number):
            break
        kills += 1
        found = trees(root)
        if found["data"] not in (before["data"], after["data"]) and not (not exchanges and not found["data"]):
            wrong.append(f"event {number}: {sorted(found['data'])}")
        if found["held_out"] not in (before["held_out"], after["held_out"]) and exchanges:
            wrong.append(f"event {number}: {sorted(found['held_out'])}")
        pending = place(root).record.with_name(f".{place(root).record.stem}.pending")
        if found not in (before, after) and not pending.exists():
            wrong.append(
                f"event {number}: of two folders one is new, and nothing says that the other follows"
            )
        if tree(root / "in") != sources:
            wrong.append(f"event {number}: the sources changed")
        build(root, 7, holdout=1, trigger="xyz", resize=64)
        if trees(root) != after:
            wrong.append(f"event {number}: built again, {sorted(trees(root)['data'])}")
        left = [path.name for path in root.glob("*/.*") if not path.name.endswith(".lock")]
        if left:
            wrong.append(f"event {number}: {left} is left")
    print(json.dumps({"kills": kills, "wrong": wrong}))


def source(root: Path) -> None:
    (root / "in").mkdir(parents=True)
    for number in range(3):
        Image.new("RGB", (80 + number, 90)).save(root / f"in/{number}.png")
        (root / f"in/{number}.txt").write_text(f"caption {number}")
    Image.new("RGB", (80, 90)).save(root / "in/g.gif")


def change(root: Path) -> None:
    (root / "in/0.png").unlink()
    (root / "in/1.txt").write_text("changed")
    Image.new("RGB", (70, 70)).save(root / "in/new.png")


def put_back(root: Path) -> None:
    shutil.rmtree(root)
    shutil.copytree(root.with_name("kept"), root, copy_function=os.link)


def build(root: Path, number: int, **choices: object) -> None:
    given = Choices(sources=(str(root / "in"),), **choices)  # type: ignore[arg-type]
    building.build(place(root), given, lambda count: number)


def killed_at(root: Path, number: int) -> bool:
    """Whether there was such an event."""
    child = os.fork()
    if child == 0:
        left = number

        def hook(event: str, arguments: object) -> None:
            nonlocal left
            if event.startswith(ON_DISK):
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        build(root, 7, holdout=1, trigger="xyz", resize=64)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def trees(root: Path) -> dict[str, Tree]:
    return {name: tree(root / name) for name in ("data", "held_out")}


def tree(folder: Path) -> Tree:
    """What is not hidden, in whichever folder: a new one has its old number for a moment."""
    return {
        path.name: path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]), exchanges=sys.argv[2] == "exchanges")
