"""Captions on disk: all changed or none, and what was there kept."""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import nullcontext
from pathlib import Path

import pytest

from kohya_wrap.dataset import caption_files
from kohya_wrap.dataset.caption_files import Backup, Change, plan
from kohya_wrap.host import atomic


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "data" / "10_cat"
    folder.mkdir(parents=True)
    (folder / "a.txt").write_text("one\n", encoding="utf-8")
    (folder / "b.txt").write_text("two\n", encoding="utf-8")
    return folder


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.iterdir())}


def test_a_plan_lists_what_differs(folder: Path) -> None:
    texts = {folder / "c.txt": "new\n", folder / "b.txt": "two\n", folder / "a.txt": "1\n"}
    assert plan(texts) == (
        Change(folder / "a.txt", "one\n", "1\n"),
        Change(folder / "c.txt", None, "new\n"),
    )


def test_a_diff_names_files_below_the_root(folder: Path, tmp_path: Path) -> None:
    changes = plan({folder / "a.txt": "1\n", folder / "c.txt": "new\n"})
    assert list(caption_files.diff(changes, tmp_path)) == [
        "--- a/data/10_cat/a.txt", "+++ b/data/10_cat/a.txt", "@@ -1 +1 @@", "-one", "+1",
        "--- /dev/null", "+++ b/data/10_cat/c.txt", "@@ -0,0 +1 @@", "+new",
    ]  # fmt: skip


def test_what_was_there_lies_in_the_backup_at_its_path(folder: Path, tmp_path: Path) -> None:
    backup = Backup(tmp_path)
    caption_files.write(plan({folder / "a.txt": "1\n", folder / "c.txt": "new\n"}), backup)
    assert contents(folder) == {"a.txt": "1\n", "b.txt": "two\n", "c.txt": "new\n"}
    assert backup.folder is not None
    kept = [path.relative_to(backup.folder) for path in backup.folder.rglob("*") if path.is_file()]
    assert kept == [Path("data/10_cat/a.txt")]
    assert (backup.folder / kept[0]).read_text(encoding="utf-8") == "one\n"


def test_a_backup_cut_off_is_not_there(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def half(source: Path, target: Path) -> None:
        Path(target).write_bytes(b"")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(shutil, "copy2", half)
    backup = Backup(tmp_path)
    with pytest.raises(OSError, match="No space"):
        caption_files.write(plan({folder / "a.txt": "1\n"}), backup)
    assert backup.folder is not None
    assert [path for path in backup.folder.rglob("*") if path.is_file()] == []
    assert contents(folder) == {"a.txt": "one\n", "b.txt": "two\n"}


def test_nothing_replaced_makes_no_backup(folder: Path, tmp_path: Path) -> None:
    backup = Backup(tmp_path)
    caption_files.write(plan({folder / "c.txt": "new\n"}), backup)
    assert backup.folder is None
    assert not (tmp_path / ".kohya-wrap").exists()


def test_a_backup_holds_bytes_that_are_no_text(folder: Path, tmp_path: Path) -> None:
    (folder / "a.txt").write_bytes(b"\x83\x8c")
    backup = Backup(tmp_path)
    caption_files.write(plan({folder / "a.txt": "lemon\n"}), backup)
    assert backup.copy_of(folder / "a.txt").read_bytes() == b"\x83\x8c"


def test_the_first_state_of_two_writes_is_kept(folder: Path, tmp_path: Path) -> None:
    backup = Backup(tmp_path)
    for text in ("1\n", "2\n"):
        caption_files.write(plan({folder / "a.txt": text}), backup)
    assert backup.copy_of(folder / "a.txt").read_text(encoding="utf-8") == "one\n"


def test_two_backups_of_one_second_are_two_folders(folder: Path, tmp_path: Path) -> None:
    backups = [Backup(tmp_path) for _ in range(3)]
    for number, backup in enumerate(backups):
        caption_files.write(plan({folder / "a.txt": f"{number}\n"}), backup)
    assert len({backup.folder for backup in backups}) == 3


def test_a_caption_outside_the_root_has_a_place_too(folder: Path, tmp_path: Path) -> None:
    backup = Backup(tmp_path / "elsewhere", [tmp_path / "elsewhere" / "10_cat", folder])
    caption_files.write(plan({folder / "a.txt": "1\n"}), backup)
    assert backup.copy_of(folder / "a.txt").read_text(encoding="utf-8") == "one\n"
    shown = caption_files.diff([Change(folder / "a.txt", "1", "2")], tmp_path / "elsewhere")
    assert next(shown) == f"--- a/{folder / 'a.txt'}"


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
def test_all_is_taken_back_where_one_fails(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    before = contents(folder)
    write_text = atomic.write_text

    def failing(path: Path, text: str, *, alone: bool) -> None:
        if path.name == "d.txt":
            raise error
        write_text(path, text, alone=alone)

    monkeypatch.setattr(atomic, "write_text", failing)
    texts = {folder / name: "new\n" for name in ("a.txt", "c.txt", "d.txt")}
    with pytest.raises(type(error)):
        caption_files.write(plan(texts), Backup(tmp_path))
    assert contents(folder) == before


@pytest.mark.parametrize("fails", [False, True])
def test_a_caption_that_is_a_link_stays_one_and_the_file_has_the_text(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    real = tmp_path / "real"
    real.mkdir()
    (folder / "a.txt").rename(real / "a.txt")
    (folder / "a.txt").symlink_to("../../real/a.txt")
    write_text = atomic.write_text

    def failing(path: Path, text: str, **more: bool) -> None:
        if fails and path.name == "b.txt":
            raise OSError("disk full")
        write_text(path, text, **more)

    monkeypatch.setattr(atomic, "write_text", failing)
    with pytest.raises(OSError) if fails else nullcontext():
        caption_files.write(plan({folder / "a.txt": "1\n", folder / "b.txt": "2\n"}), Backup(tmp_path))
    assert (folder / "a.txt").is_symlink()
    assert contents(real) == {"a.txt": "one\n" if fails else "1\n"}
