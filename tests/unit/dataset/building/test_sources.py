"""Folders, files and zips as sources."""

from __future__ import annotations

import os
import shutil
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from kohya_wrap.dataset.building.sources import gather
from kohya_wrap.errors import DatasetError
from tests.unit.dataset.building.conftest import Build, contents, texts
from tests.unit.dataset.conftest import Picture

Zipped = Callable[..., Path]


@pytest.fixture
def zipped(picture: Picture, tmp_path: Path) -> Zipped:
    """zipped({"x/a.png": None, "x/a.txt": b"a cat"}): None is a picture; a folder's path below tmp_path."""

    def make(files: dict[str, bytes | None], name: str = "photos.zip") -> Path:
        pixels = picture("store/some.png").read_bytes()
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            for inner, content in files.items():
                archive.writestr(inner, pixels if content is None else content)
        return tmp_path / name

    return make


def names(*sources: Path) -> list[str]:
    return [str(item.inner) for source in gather(sources, ()) for item in source.pictures]


def test_nested_folders_in_order(picture: Picture, tmp_path: Path) -> None:
    for name in ("b.png", "a/z.jpg", "a/b/c.png"):
        picture(f"in/{name}")
    assert names(tmp_path / "in") == ["a/b/c.png", "a/z.jpg", "b.png"]


def test_a_loop_of_links_ends(picture: Picture, tmp_path: Path) -> None:
    picture("in/a/b.png")
    (tmp_path / "in/a/up").symlink_to(tmp_path / "in")
    assert names(tmp_path / "in") == ["a/b.png"]


def test_a_link_to_a_folder_elsewhere_is_followed(picture: Picture, tmp_path: Path) -> None:
    picture("store/b.png")
    (tmp_path / "in").mkdir()
    (tmp_path / "in/photos").symlink_to("../store")
    assert names(tmp_path / "in") == ["photos/b.png"]


def test_the_projects_own_folders_are_no_source(picture: Picture, tmp_path: Path) -> None:
    picture("in/a.png")
    picture("in/training_data/10_cat/b.png")
    found = gather([tmp_path / "in"], [tmp_path / "in/training_data"])
    assert [item.inner.name for item in found[0].pictures] == ["a.png"]


def test_files_by_name_bring_their_captions_and_no_others(
    picture: Picture, tmp_path: Path, build: Build, folder: Path
) -> None:
    for name in ("a", "b", "c"):
        picture(f"in/{name}.png", caption=name)
    build("in/a.png", "in/b.png", "in/b.txt")
    assert texts(folder) == {"a.txt": "a\n", "b.txt": "b\n"}


def test_several_sources(picture: Picture, zipped: Zipped, build: Build, folder: Path) -> None:
    picture("in/a.png")
    picture("more/b.png", (9, 9))
    zipped({"c.png": None})
    build("in", "more/b.png", "photos.zip")
    assert contents(folder) == ["a.png", "b.png", "c.png"]


@pytest.mark.parametrize("name", ["a.txt", "a.pdf"])
def test_a_file_that_is_no_picture(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("x")
    with pytest.raises(DatasetError, match="neither a folder, a picture nor a zip"):
        gather([tmp_path / name], ())


@pytest.mark.parametrize(("target", "said"), [(None, "is not there"), ("nothing", "is a link to nothing")])
def test_a_source_that_is_not_there(tmp_path: Path, target: str | None, said: str) -> None:
    if target:
        (tmp_path / "in").symlink_to(target)
    with pytest.raises(DatasetError, match=said):
        gather([tmp_path / "in"], ())


def test_a_folder_that_may_not_be_read(
    picture: Picture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may read all, so the refusal is played."""
    picture("in/a/b.png")
    listed = Path.iterdir

    def refuse(folder: Path) -> object:
        if folder.name == "a":
            raise PermissionError(13, "Permission denied", str(folder))
        return listed(folder)

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(DatasetError, match="in/a cannot be read: Permission denied"):
        gather([tmp_path / "in"], ())


def test_a_zip(zipped: Zipped, build: Build, folder: Path) -> None:
    zipped(
        {
            "x/a.png": None,
            "x/a.txt": b"a cat",
            "__MACOSX/x/._a.png": b"?",
            "x/._a.png": b"?",
            ".DS_Store": b"?",
        }
    )
    build("photos.zip")
    assert texts(folder) == {"a.txt": "a cat\n"}
    assert contents(folder) == ["a.png", "a.txt"]


def test_a_zip_again_changes_nothing_and_a_new_one_what_changed(
    zipped: Zipped, picture: Picture, build: Build, folder: Path
) -> None:
    zipped({"a.png": None, "b.png": None})
    build("photos.zip")
    before = (folder / "a.png").stat().st_ino
    assert build("photos.zip").unchanged == 2
    other = picture("other.png", (50, 50)).read_bytes()
    zipped({"a.png": None, "b.png": other})
    built = build("photos.zip")
    assert (built.unchanged, built.changed) == (1, 1)
    assert (folder / "a.png").stat().st_ino == before
    assert (folder / "b.png").read_bytes() == other


@pytest.mark.parametrize("name", ["../a.png", "x/../../a.png", "/a.png", "C:/a.png", "..\\a.png"])
def test_a_zip_whose_files_would_land_outside(
    zipped: Zipped, tmp_path: Path, build: Build, name: str
) -> None:
    zipped({"fine.png": None, name: None})
    before = contents(tmp_path)
    with pytest.raises(DatasetError, match="would land outside"):
        build("photos.zip")
    assert contents(tmp_path) == before


def test_a_zip_with_a_link(tmp_path: Path, build: Build) -> None:
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        link = zipfile.ZipInfo("a.png")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(DatasetError, match="is a link"):
        build("photos.zip")


def test_a_zip_that_is_cut_short(zipped: Zipped, build: Build) -> None:
    path = zipped({"a.png": None})
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DatasetError, match=r"photos\.zip is not used"):
        build("photos.zip")


def test_a_zip_with_a_damaged_picture(zipped: Zipped, build: Build) -> None:
    path = zipped({"a.png": None})
    damaged = bytearray(path.read_bytes())
    damaged[60] ^= 0xFF
    path.write_bytes(damaged)
    with pytest.raises(DatasetError, match=r"a\.png cannot be read: a\.png in it is damaged"):
        build("photos.zip")


def test_a_zip_that_is_a_bomb(tmp_path: Path, build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kohya_wrap.host.zip_file._MOST_BYTES", 1_000_000)
    with zipfile.ZipFile(tmp_path / "photos.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.png", bytes(2_000_000))
    with pytest.raises(DatasetError, match="as a bomb does"):
        build("photos.zip")


def test_a_folder_of_the_zips_name_later_is_another_source(
    zipped: Zipped, picture: Picture, tmp_path: Path, build: Build, folder: Path
) -> None:
    zipped({"a.png": None})
    build("photos.zip")
    (tmp_path / "photos.zip").unlink()
    shutil.copytree(tmp_path / "store", tmp_path / "unpacked")
    assert build("unpacked").unchanged == 1  # known by what is in it
    assert contents(folder) == ["a.png"]


@pytest.mark.parametrize("name", ["z.png", "a.txt", "all.json"])
@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_what_is_no_file_is_named_and_not_read(
    picture: Picture, tmp_path: Path, build: Build, folder: Path, name: str, kind: str
) -> None:
    picture("in/a.png")
    picture("in/b.png", (9, 9))
    odd = tmp_path / "in" / name
    os.mkfifo(odd) if kind == "pipe" else odd.symlink_to(os.devnull)  # as /dev/zero, which never ends
    with pytest.raises(
        DatasetError, match=rf"{name} cannot be read: it is no file but a pipe, a socket or a"
    ):
        build()
    build(skip_broken=True)
    assert contents(folder) == (["b.png"] if name == "a.txt" else ["a.png", "b.png"])


def test_a_picture_that_fits_no_memory_is_named_and_not_read(picture: Picture, build: Build) -> None:
    with picture("in/a.png").open("r+b") as file:
        file.truncate(1 + (1 << 29))  # takes no room
    with pytest.raises(DatasetError, match=r"a.png cannot be read: it has 0\.5 GB, more than any picture"):
        build()
