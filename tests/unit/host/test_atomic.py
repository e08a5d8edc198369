"""Whole or not at all, also when the process is killed in the middle."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kohya_wrap.host import atomic


def killed_in(body: str, *arguments: Path) -> None:
    """Run `body` in a child that kills itself where it says KILL."""
    kill = "os.kill(os.getpid(), signal.SIGKILL)"
    script = "import os, signal, sys\nfrom pathlib import Path\nfrom kohya_wrap.host import atomic\n"
    script += body.replace("KILL", kill)
    child = subprocess.run([sys.executable, "-c", script, *map(str, arguments)], check=False)
    assert child.returncode == -signal.SIGKILL


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder with nothing in it."""
    (tmp_path / "here").mkdir()
    return tmp_path / "here"


def contents(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_text_is_written_as_it_is_and_makes_its_folder(here: Path) -> None:
    atomic.write_text(here / "new" / "a.txt", "é\r\n")
    assert (here / "new/a.txt").read_bytes() == b"\xc3\xa9\r\n"
    assert contents(here / "new") == ["a.txt"]


def test_a_reader_sees_the_old_text_while_the_new_is_written(here: Path) -> None:
    path = here / "a.txt"
    path.write_text("old")
    killed_in("os.fsync = lambda _: KILL\natomic.write_text(Path(sys.argv[1]), 'new')", path)
    assert path.read_text() == "old"
    atomic.write_text(path, "new")
    assert path.read_text() == "new"


def test_a_failed_write_leaves_the_old_text_and_no_rubbish(here: Path) -> None:
    path = here / "a.txt"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        atomic.write_text(path, "\ud800")
    assert (path.read_text(), contents(here)) == ("old", ["a.txt"])


def test_a_full_disk_is_named(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left") as raised:
        atomic.write_text(here / "a.txt", "new")
    assert (raised.value.filename, contents(here)) == (str(here / "a.txt"), [])


def test_a_folder_takes_its_name_when_it_is_whole(here: Path) -> None:
    path = here / "x" / "whole"
    with atomic.new_folder(path) as folder:
        (folder / "a").write_text("1")
        assert not path.exists()
    assert (contents(path.parent), contents(path)) == (["whole"], ["a"])


def test_a_folder_replaces_the_old_one(here: Path) -> None:
    path = here / "whole"
    path.mkdir()
    (path / "old").write_text("")
    with atomic.new_folder(path) as folder:
        (folder / "new").write_text("")
        assert contents(path) == ["old"]
    assert (contents(path), contents(here)) == (["new"], ["whole"])


def test_a_failure_leaves_the_old_folder_and_no_rubbish(here: Path) -> None:
    path = here / "whole"
    path.mkdir()
    with pytest.raises(KeyboardInterrupt), atomic.new_folder(path) as folder:
        (folder / "new").write_text("")
        raise KeyboardInterrupt
    assert (contents(path), contents(here)) == ([], ["whole"])


def test_what_a_killed_build_left_is_removed_by_the_next(here: Path) -> None:
    path = here / "whole"
    body = "with atomic.new_folder(Path(sys.argv[1])) as folder:\n    (folder / 'half').touch()\n    KILL"
    killed_in(body, path)
    assert not path.exists()
    with atomic.new_folder(path) as folder:
        (folder / "new").write_text("")
    assert (contents(path), contents(here)) == (["new"], ["whole"])


def test_a_kill_while_the_old_folder_is_removed_leaves_no_half_of_it(here: Path) -> None:
    path = here / "whole"
    path.mkdir()
    for name in ("a", "b"):
        (path / name).write_text("old")
    body = """
seen = []
def cut_off(folder, ignore_errors=False):
    seen.append(folder)
    if Path(folder).exists():
        next(Path(folder).iterdir()).unlink()
        KILL
import shutil
shutil.rmtree = cut_off
with atomic.new_folder(Path(sys.argv[1])) as folder:
    (folder / 'a').write_text('new')
"""
    killed_in(body, path)
    assert [(p.name, p.read_text()) for p in path.iterdir()] == [("a", "new")]


def test_a_link_costs_no_second_copy(here: Path) -> None:
    (here / "a").write_text("x")
    atomic.link_or_copy(here / "a", here / "new" / "b")
    assert (here / "new/b").samefile(here / "a")


@pytest.mark.parametrize("already", ["nothing", "other", "the same"])
def test_linking_again_ends_the_same(here: Path, already: str) -> None:
    source, target = here / "a", here / "b"
    source.write_text("x")
    if already == "other":
        target.write_text("old")
    if already == "the same":
        os.link(source, target)
    atomic.link_or_copy(source, target)
    assert (target.read_text(), target.samefile(source), contents(here)) == (
        "x",
        True,
        ["a", "b"],
    )


def test_a_relative_link_is_followed(here: Path) -> None:
    (here / "store").mkdir()
    (here / "store/real").write_text("x")
    (here / "store/link").symlink_to("real")
    atomic.link_or_copy(here / "store/link", here / "elsewhere/b")
    assert (here / "elsewhere/b").read_text() == "x"


def test_a_copy_that_is_cut_off_has_not_the_name(here: Path) -> None:
    (here / "a").write_text("x")
    body = """
import shutil
def no_link(*_): raise OSError
def half(source, target): Path(target).write_text(''); KILL
os.link, shutil.copy2 = no_link, half
atomic.link_or_copy(Path(sys.argv[1]), Path(sys.argv[2]))
"""
    killed_in(body, here / "a", here / "b")
    assert not (here / "b").exists()
    atomic.link_or_copy(here / "a", here / "b")
    assert contents(here) == ["a", "b"]


def test_a_copy_that_found_no_room_takes_none(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_link(*_: object) -> None:
        raise OSError

    def half(source: str, target: Path) -> None:
        target.write_text("")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "link", no_link)
    monkeypatch.setattr(shutil, "copy2", half)
    (here / "a").write_text("x")
    with pytest.raises(OSError, match="No space left"):
        atomic.link_or_copy(here / "a", here / "b")
    assert contents(here) == ["a"]


def test_free_space_also_where_nothing_is_yet(here: Path) -> None:
    assert atomic.free_bytes(here / "not" / "yet") > 0


@pytest.mark.parametrize("rights", [0o600, 0o640, 0o664])
def test_a_file_that_is_replaced_keeps_its_rights(tmp_path: Path, rights: int) -> None:
    path = tmp_path / "config.toml"
    path.write_text("old")
    path.chmod(rights)
    atomic.write_text(path, "new")
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == rights


@pytest.mark.parametrize("name", ["a" * 251 + ".txt", "夕" * 83 + ".txt"])
def test_a_name_as_long_as_names_may_be(tmp_path: Path, name: str) -> None:
    path = tmp_path / "folder" / name
    atomic.write_text(path, "one")
    atomic.write_text(path, "two")
    atomic.link_or_copy(path, path.with_name(f"{name[1:-4]}b.txt"))
    assert [other.read_text() for other in path.parent.iterdir()] == ["two", "two"]


def test_bytes_of_what_may_be_removed_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine removes its oldest state whenever it writes one."""
    state = tmp_path / "state"
    (state / "inner").mkdir(parents=True)
    (state / "a.bin").write_bytes(bytes(100))
    (state / "inner" / "b.bin").write_bytes(bytes(20))
    assert (atomic.bytes_below(state), atomic.bytes_below(state / "a.bin")) == (120, 100)
    assert atomic.bytes_below(tmp_path / "gone") == 0
    real = Path.is_dir

    def removed_just_now(path: Path) -> bool:
        was = real(path)
        shutil.rmtree(path, ignore_errors=True)
        return was

    monkeypatch.setattr(Path, "is_dir", removed_just_now)
    assert atomic.bytes_below(state) == 0
