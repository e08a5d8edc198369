"""What a person puts into a concept folder while it is built, or before a killed build is ended, is theirs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from PIL import Image

from kohya_wrap.dataset.building import transaction
from kohya_wrap.host import swap
from tests.unit.dataset.building.conftest import Build, contents, place, texts
from tests.unit.dataset.conftest import Picture


@pytest.fixture
def two(picture: Picture, build: Build) -> None:
    picture("in/a.png", caption="a cat")
    picture("in/b.png", caption="a dog")
    build()
    picture("in/c.png", caption="a fox")


def by_hand(folder: Path) -> None:
    """A picture, a note in a folder of its own, a caption as an editor saves it, and one written in place."""
    Image.new("RGB", (40, 30), "red").save(folder / "mine.png")
    (folder / "mine.txt").write_text("my own")
    (folder / "notes").mkdir()
    (folder / "notes" / "a.md").write_text("do not forget")
    (folder / "a.txt.new").write_text("a cat, edited")
    (folder / "a.txt.new").replace(folder / "a.txt")
    (folder / "b.txt").write_text("a dog, edited")


def is_all_there(folder: Path) -> None:
    assert contents(folder) == [
        "a.png", "a.txt", "b.png", "b.txt", "c.png", "c.txt", "mine.png", "mine.txt", "notes"
    ]  # fmt: skip
    assert texts(folder)["a.txt"] == "a cat, edited" and texts(folder)["b.txt"] == "a dog, edited"
    assert (folder / "mine.txt").read_text() == "my own"
    assert (folder / "notes" / "a.md").read_text() == "do not forget"


@pytest.fixture(params=["exchanges", "renames"])
def how(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "renames":
        monkeypatch.setattr(swap, "exchange", lambda first, second: False)
    return str(request.param)


def just_before_the_swap(monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]) -> None:
    done: list[bool] = []
    commit = transaction.finish

    def finish(record: Path) -> list[Path]:
        if transaction.is_pending(record) and not done:
            done.append(True)
            act()
        return commit(record)

    monkeypatch.setattr(transaction, "finish", finish)


def test_what_came_while_it_was_built_stands_in_the_new_folder_and_is_said(
    two: None, how: str, build: Build, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    just_before_the_swap(monkeypatch, lambda: by_hand(folder))
    built = build()
    is_all_there(folder)
    (said,) = [finding for finding in built.findings if finding.code == "came-meanwhile"]
    assert "5 files of yours" in said.message and "10_cat/mine.png" in said.message
    again = build()
    assert again.images == 4 and not [one for one in again.findings if one.code == "came-meanwhile"]
    is_all_there(folder)


def test_of_another_number_it_goes_along(
    two: None, how: str, build: Build, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    just_before_the_swap(monkeypatch, lambda: by_hand(folder))
    build(number=5)
    assert not folder.exists()
    is_all_there(folder.with_name("5_cat"))


def test_what_came_after_a_kill_in_mid_swap_is_kept_by_the_next_build(
    two: None, how: str, build: Build, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed() -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        just_before_the_swap(patched, killed)
        build()
    assert transaction.is_pending(place(folder.parent.parent).record)
    by_hand(folder)
    build()
    is_all_there(folder)
    assert not [path for path in folder.parent.iterdir() if ".part-" in path.name]


def test_a_kill_while_it_is_brought_over_loses_none(
    two: None, how: str, build: Build, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After each file that was moved."""
    real = Path.replace

    def moved_then_killed(path: Path, target: Path) -> Path:
        found = real(path, target)
        if ".part-" in str(path) and path.name in ("mine.png", "a.txt"):
            raise KeyboardInterrupt
        return found

    just_before_the_swap(monkeypatch, lambda: by_hand(folder))
    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", moved_then_killed)
        for _ in range(2):
            with pytest.raises(KeyboardInterrupt):
                build()
    build()
    is_all_there(folder)


def test_nothing_new_says_nothing(two: None, how: str, build: Build, folder: Path) -> None:
    for _ in range(2):
        assert not [one for one in build().findings if one.code == "came-meanwhile"]
    assert contents(folder) == ["a.png", "a.txt", "b.png", "b.txt", "c.png", "c.txt"]


def test_what_was_changed_since_a_killed_swap_is_newer_than_what_came_before_it(
    two: None, build: Build, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*given: object) -> None:
        raise KeyboardInterrupt

    def act() -> None:
        (folder / "a.txt.new").write_text("first")
        (folder / "a.txt.new").replace(folder / "a.txt")

    just_before_the_swap(monkeypatch, act)
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(transaction, "_brought", killed)
        build()
    (folder / "a.txt").unlink()
    (folder / "a.txt").write_text("second")
    build()
    assert texts(folder)["a.txt"] == "second" and texts(folder)["a-2.txt"] == "first"


def test_a_folder_and_a_file_of_the_same_name_both_stay(
    two: None, how: str, build: Build, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "notes").mkdir()
    (folder / "notes" / "a.md").write_text("before")
    (folder / "todo").write_text("before")

    def act() -> None:
        (folder / "notes" / "a.md").unlink()
        (folder / "notes").rmdir()
        (folder / "notes").write_text("now a file")
        (folder / "todo").unlink()
        (folder / "todo").mkdir()
        (folder / "todo" / "b.md").write_text("now a folder")

    just_before_the_swap(monkeypatch, act)
    build()
    assert (folder / "notes-2").read_text() == "now a file"
    assert (folder / "todo-2" / "b.md").read_text() == "now a folder"


def test_links_to_folders_come_along(
    two: None, how: str, build: Build, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    just_before_the_swap(monkeypatch, lambda: (folder / "more").symlink_to(tmp_path / "in"))
    build()
    assert (folder / "more").readlink() == tmp_path / "in"


def test_what_came_where_there_was_no_folder_yet_stays(
    how: str, picture: Picture, build: Build, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture("in/a.png", caption="a cat")

    def act() -> None:
        folder.mkdir()
        (folder / "mine.txt").write_text("my own")

    just_before_the_swap(monkeypatch, act)
    build()
    assert contents(folder) == ["a.png", "a.txt", "mine.txt"]


def test_a_link_to_a_folder_in_its_place_leaves_nothing_behind(
    two: None, how: str, build: Build, folder: Path, tmp_path: Path
) -> None:
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    build()
    assert not [path for path in folder.parent.iterdir() if ".part-" in path.name]
    assert (tmp_path / "elsewhere" / "a.png").exists()


def test_what_is_edited_while_it_is_set_aside_is_set_aside_as_edited(
    how: str, build: Build, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").mkdir()
    for number, name in enumerate("abcd"):
        Image.frombytes("RGB", (8, 6), Random(number).randbytes(144)).save(tmp_path / f"in/{name}.png")
        (tmp_path / f"in/{name}.txt").write_text("a cat")
    build()

    def act(place: Path, words: str) -> None:
        for path in [*place.glob("*.png")]:
            Image.open(path).resize((80, 60)).save(place / "new.png")
            (place / "new.png").replace(path)
            (place / "new").write_text(words)
            (place / "new").replace(path.with_suffix(".txt"))

    with monkeypatch.context() as patched:
        just_before_the_swap(patched, lambda: act(folder, "edited"))
        build(holdout=1)
    aside = tmp_path / "held_out/cat"
    assert [*texts(aside).values()] == ["edited"] and len(contents(folder)) == 6
    build(holdout=1)
    assert len(contents(aside)) == 2 and len(contents(folder)) == 6
    with monkeypatch.context() as patched:
        just_before_the_swap(patched, lambda: act(aside, "edited again"))
        build(holdout=0)
    assert sorted(texts(folder).values()) == ["edited", "edited", "edited", "edited again"]
    assert not aside.exists()
