"""Pictures whose sources changed between two builds: each keeps its caption, and what is held out stays so."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from kohya_wrap.dataset.building import Built, record
from tests.unit.dataset.building.conftest import Build, contents, texts
from tests.unit.dataset.building.test_again import codes

Draw = Callable[..., Path]


def drawn(number: int) -> Image.Image:
    """One of many that look quite different from each other, and have nothing finer than a twelfth of a side."""
    import numpy as np

    coarse = np.random.default_rng(number).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((96, 72), Image.Resampling.BICUBIC)


def number_of(path: Path) -> int:
    """Which of them a file shows."""
    import numpy as np

    shown = np.asarray(Image.open(path).convert("RGB").resize((96, 72))).astype(int)
    return min(range(20), key=lambda number: float(abs(np.asarray(drawn(number)).astype(int) - shown).mean()))


def save(number: int, path: Path, quality: int = 90) -> None:
    """Turned by its EXIF where that is asked by the name: the engine cannot be given that one as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image, exif = drawn(number), Image.Exif()
    if path.stem.startswith("turned"):
        image, exif[0x0112] = image.transpose(Image.Transpose.ROTATE_90), 6
    if path.suffix == ".png":
        image.save(path, exif=exif)
    else:
        image.save(path, quality=quality, exif=exif)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """in/1.jpg to in/8.jpg, with captions."""
    for number in range(1, 9):
        save(number, tmp_path / f"in/{number}.jpg")
        (tmp_path / f"in/{number}.txt").write_text(f"picture {number}")
    return tmp_path / "in"


@pytest.fixture
def held(tmp_path: Path) -> Path:
    return tmp_path / "held_out/cat"


def pictures(folder: Path) -> set[int]:
    return {number_of(path) for path in folder.iterdir() if path.suffix in (".jpg", ".png")}


def retouched(photos: Path) -> None:
    for path in list(photos.glob("*.jpg")):
        image = Image.open(path)
        image.load()
        image.putpixel((0, 0), (1, 2, 3))
        path.unlink()  # not the file of the link
        image.save(path, quality=95)


def saved_as_png(photos: Path) -> None:
    for path in list(photos.glob("*.jpg")):
        Image.open(path).save(path.with_suffix(".png"))
        path.unlink()


def renamed_and_saved_anew(photos: Path) -> None:
    for path in list(photos.glob("*.jpg")):
        Image.open(path).save(photos / f"export-{path.stem}.jpg", quality=70)
        path.unlink()


def renamed_and_made_lighter(photos: Path) -> None:
    for path in list(photos.glob("*.jpg")):
        Image.open(path).point(lambda level: 80 + level * 2 // 3).save(photos / f"export-{path.stem}.jpg")
        path.unlink()


@pytest.mark.parametrize(
    "change", [retouched, saved_as_png, renamed_and_saved_anew, renamed_and_made_lighter]
)
def test_what_is_held_out_stays_so_however_its_source_changes(
    photos: Path, held: Path, build: Build, folder: Path, change: Callable[[Path], None]
) -> None:
    build(holdout=2)
    before = pictures(held)
    change(photos)
    assert build(holdout=2).changed == 8
    assert (pictures(held), pictures(folder)) == (before, set(range(1, 9)) - before)
    build(holdout=1)
    assert pictures(held) < before


def test_a_copy_of_what_is_held_out_goes_with_it_when_both_change(
    photos: Path, held: Path, build: Build, folder: Path
) -> None:
    build(holdout=1)
    (name,) = (path.name for path in held.glob("*.jpg"))
    retouched(photos)
    shutil.copy(photos / name, photos / "copy.jpg")
    build(holdout=1)
    assert {name, "copy.jpg"} < {*contents(held)}


@pytest.mark.parametrize("anew", [False, True])
def test_a_held_picture_that_was_written_over_by_its_neighbour(
    tmp_path: Path, held: Path, build: Build, folder: Path, anew: bool
) -> None:
    """PNGs get new numbers in place: what is held out is a link, and shows another picture itself then."""
    for number in range(1, 7):
        save(number, tmp_path / f"in/{number}.png")
    build(holdout=2)
    before = pictures(held)
    first = min(set(range(1, 7)) - before)
    for place, number in enumerate(sorted(set(range(1, 7)) - {first}), 1):
        save(number, tmp_path / f"in/{place}.png")
        if anew:
            with (tmp_path / f"in/{place}.png").open("ab") as file:
                file.write(b"of another program")
    (tmp_path / "in/6.png").unlink()
    build(holdout=2)
    assert pictures(held) == before


@pytest.mark.parametrize("other", [1, 2, 3])
def test_what_has_the_name_of_a_held_one_that_is_gone_is_held(
    photos: Path, held: Path, build: Build, other: int
) -> None:
    """It may be that one after all; and it is no chance, which would hold out one of the three."""
    build(holdout=1)
    (one,) = held.glob("*.jpg")
    place = (int(one.stem) + other - 1) % 8 + 1
    (photos / f"{place}.jpg").replace(photos / one.name)
    build(holdout=1)
    assert pictures(held) == {place}


@pytest.mark.parametrize("shown", [16, 17, 18])
def test_another_format_of_a_held_one_that_was_taken_out_is_held(
    photos: Path, held: Path, build: Build, shown: int
) -> None:
    build(holdout=1)
    (one,) = held.glob("*.jpg")
    one.unlink()
    (photos / one.name).unlink()
    save(shown, photos / f"{one.stem}.png")
    build(holdout=1)
    assert pictures(held) == {shown}


def test_one_that_was_trained_on_is_so_when_a_held_one_of_its_name_leaves(
    photos: Path, held: Path, build: Build
) -> None:
    for number in range(1, 9):
        save(number + 10, photos / f"{number}.png")
    build(holdout=1)
    (one,) = (path for path in held.iterdir() if path.suffix != ".txt")
    before = number_of(one)
    (photos / f"{(before - 1) % 10 + 1}.{'png' if before > 10 else 'jpg'}").unlink()
    build(holdout=2)
    assert not pictures(held) & {before, (before + 10) % 20}


@pytest.mark.parametrize("is_held", [True, False])
@pytest.mark.parametrize("caption", [True, False])
def test_a_copy_that_was_saved_as_png_may_be_renamed_in_the_project(
    tmp_path: Path, held: Path, build: Build, folder: Path, is_held: bool, caption: bool
) -> None:
    for number in range(1, 5):
        save(number, tmp_path / f"in/turned{number}.jpg")
        (tmp_path / f"in/turned{number}.txt").write_text(f"picture {number}")
    build(holdout=1)
    place = held if is_held else folder
    old = sorted(place.glob("*.png"))[0]
    number = number_of(old)
    old.with_suffix(".txt").write_text("mine\n")
    old.rename(place / "renamed.png")
    if caption:
        old.with_suffix(".txt").rename(place / "renamed.txt")
    for _ in range(2):
        built = build(holdout=1)
        assert (built.images, built.held, built.unchanged) == (3, 1, 4)
        assert number_of(place / "renamed.png") == number
        assert texts(place)["renamed.txt"] == "mine\n"
        assert old.with_suffix(".txt").name not in contents(place)


def test_a_copy_by_hand_of_a_held_one_that_was_saved_as_png_is_held_too(
    tmp_path: Path, held: Path, build: Build, folder: Path
) -> None:
    for number in range(1, 5):
        save(number, tmp_path / f"in/turned{number}.jpg")
    build(holdout=1)
    (one,) = held.glob("*.png")
    shutil.copy(one, folder / "copy.png")
    for _ in range(2):
        assert (build(holdout=1).images, len(contents(held))) == (3, 2)


def renumbered(photos: Path, *, in_place: bool) -> None:
    """Without 3, as a program exports them anew: 4 is called 3, and so on."""
    numbers = [1, 2, *range(4, 9)]
    if not in_place:
        shutil.rmtree(photos)
    for place, number in enumerate(numbers, 1):
        save(number, photos / f"{place}.jpg", quality=75)
        (photos / f"{place}.txt").write_text(f"picture {number}")
    for ending in ("jpg", "txt"):
        (photos / f"8.{ending}").unlink(missing_ok=True)


def captions(*folders: Path) -> dict[int, str]:
    """By what the picture shows."""
    return {
        number_of(path): path.with_suffix(".txt").read_text().strip()
        for folder in folders
        for path in folder.glob("*.jpg")
    }


@pytest.mark.parametrize("in_place", [True, False])
def test_edited_captions_follow_pictures_that_were_exported_anew_with_other_numbers(
    photos: Path, tmp_path: Path, held: Path, build: Build, folder: Path, in_place: bool
) -> None:
    build(holdout=2)
    before = pictures(held) - {3}
    for path in [*folder.glob("*.txt"), *held.glob("*.txt")]:
        path.write_text(f"this is number {path.stem}\n")
    renumbered(photos, in_place=in_place)
    built = build(holdout=2)
    wanted = {number: f"this is number {number}" for number in range(1, 9) if number != 3}
    assert captions(folder, held) == wanted
    assert before <= pictures(held)
    assert "edited-captions-kept-apart" in codes(built)
    (kept,) = (tmp_path / ".kohya-wrap/caption-backups").rglob("*.txt")
    assert kept.read_text() == "this is number 3\n"


def another_in_its_place(photos: Path) -> Built | None:
    (photos / "5.jpg").unlink()
    save(15, photos / "5.jpg")
    return None


def test_an_edited_caption_does_not_go_to_another_picture_without_a_word(
    photos: Path, tmp_path: Path, build: Build, folder: Path
) -> None:
    build()
    (folder / "5.txt").write_text("this is number 5\n")
    another_in_its_place(photos)
    (said,) = (found for found in build().findings if found.level.value == "warning")
    assert said.code == "caption-of-another-picture" and ": 5.jpg." in said.message
    (kept,) = (tmp_path / ".kohya-wrap/caption-backups").rglob("*.txt")
    assert kept.read_text() == texts(folder)["5.txt"] == "this is number 5\n"
    (folder / "5.txt").unlink()
    assert "caption-of-another-picture" not in codes(build())
    assert texts(folder)["5.txt"] == "picture 5\n"


def test_one_that_was_edited_in_the_folder_stands_and_its_caption_is_no_other_s(
    photos: Path, build: Build, folder: Path
) -> None:
    build()
    (folder / "5.jpg").unlink()
    save(16, folder / "5.jpg")
    (folder / "5.txt").write_text("this is number 16\n")
    another_in_its_place(photos)
    assert "caption-of-another-picture" not in codes(build())
    assert captions(folder)[16] == "this is number 16"


def test_another_picture_with_the_source_s_caption_needs_no_words(photos: Path, build: Build) -> None:
    build()
    another_in_its_place(photos)
    assert build().findings == ()


def without_likenesses(path: Path) -> None:
    known = record.read(path)
    assert known is not None
    data = record.as_data(known)
    for entry in data["entries"]:
        del entry["likeness"]
    record.write(path, record.of(data))


def test_a_record_without_likenesses_is_read(
    photos: Path, tmp_path: Path, build: Build, folder: Path
) -> None:
    """Of an earlier version: they are made of what stands."""
    build()
    without_likenesses(tmp_path / "built/cat.json")
    for caption in folder.glob("*.txt"):
        caption.write_text(f"this is number {caption.stem}\n")
    renumbered(photos, in_place=False)
    build()
    assert captions(folder) == {n: f"this is number {n}" for n in range(1, 9) if n != 3}


def test_no_likeness_is_made_of_a_link_that_was_written_over(
    photos: Path, tmp_path: Path, build: Build, folder: Path
) -> None:
    """It would be that of the other picture, which would get the caption without a word."""
    build()
    without_likenesses(tmp_path / "built/cat.json")
    (folder / "5.txt").write_text("this is number 5\n")
    save(15, photos / "5.jpg")  # in place
    assert "caption-of-another-picture" in codes(build())


def test_a_picture_that_was_written_over_by_a_neighbour_s_very_bytes(
    photos: Path, build: Build, folder: Path
) -> None:
    """What stands is a link to a file that shows another picture now; a place that it does not come from holds its own."""
    build()
    for place in (3, 4):
        (photos / f"{place}.jpg").write_bytes((photos / f"{place + 1}.jpg").read_bytes())
    build()
    assert pictures(folder) == {1, 2, 4, 5, 6, 7, 8}


@pytest.mark.parametrize("with_its_caption", [False, True])
def test_a_link_that_was_renamed_in_the_project_and_written_over(
    photos: Path, build: Build, folder: Path, with_its_caption: bool
) -> None:
    build()
    (folder / "4.jpg").rename(folder / "mine.jpg")
    (folder / "4.txt").write_text("this is number 4\n")
    if with_its_caption:
        (folder / "4.txt").rename(folder / "mine.txt")
    renumbered(photos, in_place=True)
    build()
    assert captions(folder)[4] == "this is number 4"
    assert sorted(map(number_of, folder.glob("*.jpg"))) == [1, 2, 4, 5, 6, 7, 8]


def test_a_copy_of_the_source_stays_the_file_that_it_is(photos: Path, build: Build, folder: Path) -> None:
    build()
    (folder / "3.jpg").unlink()
    shutil.copy(photos / "3.jpg", folder / "3.jpg")
    inode = (folder / "3.jpg").stat().st_ino
    assert (build().unchanged, (folder / "3.jpg").stat().st_ino) == (8, inode)


def test_a_link_to_another_file_of_the_same_content_becomes_one_to_its_source(
    photos: Path, build: Build, folder: Path
) -> None:
    build()
    (photos / "9.jpg").write_bytes((photos / "3.jpg").read_bytes())
    (photos / "3.jpg").rename(photos.parent / "elsewhere.jpg")
    build()
    save(15, photos.parent / "elsewhere.jpg")  # in place
    assert (build().unchanged, number_of(folder / "3.jpg")) == (8, 3)
