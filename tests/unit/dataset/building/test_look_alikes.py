"""Pictures of one burst, or of one layout: told apart where they can be, and named where they cannot."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageOps

from kohya_wrap.dataset.building import Built
from tests.unit.dataset.building.conftest import Build, contents
from tests.unit.dataset.building.test_again import codes
from tests.unit.dataset.building.test_known_again import drawn


def frame(number: int) -> Image.Image:
    """Of one burst: what is in front of the same ground moves a little."""
    image = drawn(1).resize((384, 288))
    left = 150 + number * 8
    ImageDraw.Draw(image).ellipse((left, 90, left + 70, 190), fill=(220, 180, 160))
    return image


def disc(colour: str) -> Image.Image:
    image = Image.new("RGB", (256, 256), "white")
    ImageDraw.Draw(image).ellipse((75, 75, 180, 180), fill=colour)
    return image


def export(folder: Path, frames: dict[str, Image.Image]) -> dict[bytes, str]:
    """Saved anew, as all that there is; content -> what it is."""
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
    shows = {}
    for name, image in frames.items():
        image.save(folder / name, quality=85)  # of a PNG nothing
        shows[(folder / name).read_bytes()] = image.info["shows"]
    return shows


def burst(names: str, *, scale: float = 1.0, light: float = 1.0) -> dict[str, Image.Image]:
    """Five frames, called as `names` says with the number in braces, or with the number of the next."""
    frames = {}
    for number in range(5):
        image = frame(number)
        image = image.resize((int(image.width * scale), int(image.height * scale)))
        image = ImageEnhance.Brightness(image).enhance(light)
        image.info["shows"] = str(number)
        frames[names.format(number, next=number + 1)] = image
    return frames


def captioned(shows: dict[bytes, str], *folders: Path) -> None:
    for folder in folders:
        for path in folder.glob("*.png"):
            path.with_suffix(".txt").write_text(f"frame {shows[path.read_bytes()]}\n")


def found(shows: dict[bytes, str], folder: Path) -> dict[str, str]:
    """Frame -> caption."""
    pictures = [path for path in folder.iterdir() if path.suffix != ".txt"]
    return {shows[path.read_bytes()]: path.with_suffix(".txt").read_text().strip() for path in pictures}


@pytest.fixture
def held(tmp_path: Path) -> Path:
    return tmp_path / "held_out/cat"


@pytest.fixture
def built_burst(tmp_path: Path, held: Path, build: Build, folder: Path) -> str:
    """0.png to 4.png, each with a caption that was edited; which of them is held out."""
    shows = export(tmp_path / "in", burst("{}.png"))
    build(holdout=1)
    captioned(shows, folder, held)
    (one,) = found(shows, held)
    return one


@pytest.mark.parametrize("names", ["{next}.png", "{next}.jpg", "{}.jpg"])
@pytest.mark.parametrize("scale", [1.0, 0.75])
def test_frames_of_a_burst_that_are_exported_anew(
    built_burst: str, tmp_path: Path, held: Path, build: Build, folder: Path, names: str, scale: float
) -> None:
    shows = export(tmp_path / "in", burst(names, scale=scale))
    assert codes(build(holdout=1)) == ["caption-edits-kept"]
    assert found(shows, held) == {built_burst: f"frame {built_burst}"}
    assert found(shows, folder) == {f"{n}": f"frame {n}" for n in range(5) if f"{n}" != built_burst}


def said(built: Built, code: str) -> str:
    (one,) = (finding for finding in built.findings if finding.code == code)
    return one.message


def test_where_it_cannot_be_told_which_frame_is_held_out_those_that_may_be_are_named(
    built_burst: str, tmp_path: Path, held: Path, build: Build, folder: Path
) -> None:
    shows = export(tmp_path / "in", burst("{next}.jpg", light=1.3))
    built = build(holdout=1)
    (here,) = held.glob("*.jpg")
    (it,) = (path for path in (*folder.glob("*.jpg"), here) if shows[path.read_bytes()] == built_burst)
    named = said(built, "held-out-unclear")
    assert named.startswith(f"which one is {built_burst}.png now, which is held out,")
    assert it.name in named and named.endswith(f"Held out: {here.name}.")
    assert "caption-of-another-picture" in codes(built)
    assert len([*(tmp_path / ".kohya-wrap/caption-backups").rglob("*.txt")]) == 5


def test_another_frame_in_place_of_one_that_left_is_not_taken_for_it_without_a_word(
    tmp_path: Path, build: Build, folder: Path
) -> None:
    """It comes as near to the one that left as to those that stay, which are not even new."""
    frames = burst("{}.png")
    new = frames.pop("4.png")
    shows = export(tmp_path / "in", frames)
    build()
    captioned(shows, folder)
    (tmp_path / "in/3.png").unlink()
    new.save(tmp_path / "in/new.png")
    assert "1 picture may be another one than before" in said(build(), "caption-of-another-picture")
    (kept,) = (tmp_path / ".kohya-wrap/caption-backups").rglob("*.txt")
    assert kept.read_text() == "frame 3\n"


def test_another_drawing_of_the_same_layout(tmp_path: Path, build: Build, folder: Path) -> None:
    (tmp_path / "in").mkdir()
    disc("red").save(tmp_path / "in/a.png")
    build()
    (folder / "a.txt").write_text("a red disc\n")
    (tmp_path / "in/a.png").unlink()
    disc("purple").save(tmp_path / "in/b.png")
    assert "caption-of-another-picture" in codes(build())
    (kept,) = (tmp_path / ".kohya-wrap/caption-backups").rglob("*.txt")
    assert kept.read_text() == "a red disc\n"


def photographs(folder: Path, ending: str) -> None:
    folder.mkdir()
    for number in range(6):
        drawn(number).save(folder / f"{number}.{ending}", quality=85)


def test_what_is_held_out_stays_out_when_it_comes_from_elsewhere(
    tmp_path: Path, held: Path, build: Build, folder: Path
) -> None:
    photographs(tmp_path / "in", "png")
    photographs(tmp_path / "v2", "jpg")
    build(holdout=1)
    (one,) = contents(held)
    built = build("v2", holdout=1)
    too = one.replace(".png", "-2.jpg")
    assert said(built, "held-out-too").endswith(f"and goes with it: {too}.")
    for _ in range(2):
        assert contents(held) == sorted([one, too])
        assert build("v2", "in", holdout=1).held == 2
    assert build("v2", "in", holdout=0).held == 0


def test_a_copy_of_what_is_held_out_goes_with_it_and_counts_once(
    tmp_path: Path, held: Path, build: Build
) -> None:
    photographs(tmp_path / "in", "png")
    photographs(tmp_path / "v2", "jpg")
    build(holdout=2)
    build("v2", holdout=2)
    assert build("v2", "in", holdout=1).held == 2
    stay = contents(held)[0].partition("-")[0]
    assert contents(held) == [f"{stay}-2.jpg", f"{stay}.png"]


def test_a_held_out_picture_that_leaves_while_others_come_is_named(
    tmp_path: Path, held: Path, build: Build
) -> None:
    photographs(tmp_path / "in", "png")
    build(holdout=1)
    (one,) = held.iterdir()
    mirrored = ImageOps.mirror(Image.open(one))
    (tmp_path / "in" / one.name).unlink()
    assert "held-out-gone" not in codes(build(holdout=0))  # nothing new that it could be
    mirrored.save(tmp_path / "in" / one.name)
    build(holdout=1)
    (one,) = held.iterdir()
    ImageOps.mirror(Image.open(one)).save(tmp_path / "in/new.png")
    (tmp_path / "in" / one.name).unlink()
    gone = said(build(holdout=1), "held-out-gone")
    assert gone.startswith(f"{one.name}, held out, is no longer in the source.") and gone.endswith(
        ": new.png."
    )


def test_what_was_set_aside_by_hand_keeps_out_what_looks_like_it(
    tmp_path: Path, held: Path, build: Build, folder: Path
) -> None:
    """It has no origin."""
    photographs(tmp_path / "in", "png")
    build()
    held.mkdir(parents=True)
    drawn(7).save(held / "mine.jpg", quality=85)
    assert build().held == 1
    drawn(7).save(tmp_path / "in/new.png")
    for _ in range(2):
        assert build().held == 2
        assert contents(held) == ["mine.jpg", "new.png"]


def test_what_goes_with_two_that_are_held_out_is_named_once(tmp_path: Path, held: Path, build: Build) -> None:
    photographs(tmp_path / "in", "png")
    build()
    held.mkdir(parents=True)
    for name in ("mine.jpg", "mine.png"):
        drawn(7).save(held / name)
    build()
    drawn(7).save(tmp_path / "in/new.webp", quality=90)
    assert said(build(), "held-out-too").endswith("and goes with it: new.webp.")


@pytest.mark.parametrize("other", ["in", "v2"])
def test_concepts_that_share_pictures_let_them_go_together(tmp_path: Path, build: Build, other: str) -> None:
    """The same bytes, or saved anew: the second holds one out only because the first does."""
    photographs(tmp_path / "in", "png")
    photographs(tmp_path / "v2", "jpg")
    assert build(concept="one", holdout=1).held == 1
    for _ in range(2):
        assert build(other, concept="two").held == 1
        assert build(concept="one", holdout=1).held == 1
    assert build(concept="one", holdout=0).held == 0
    for _ in range(2):
        assert build(other, concept="two").held == 0


def test_a_picture_that_is_as_it_was_goes_with_what_another_concept_holds_out_later(
    tmp_path: Path, build: Build
) -> None:
    photographs(tmp_path / "in", "png")
    photographs(tmp_path / "v2", "jpg")
    assert build("v2", concept="two").held == 0
    build(concept="one", holdout=1)
    (one,) = (tmp_path / "held_out/one").iterdir()
    for _ in range(2):
        assert build("v2", concept="two").held == 1
        assert contents(tmp_path / "held_out/two") == [f"{one.stem}.jpg"]


def test_a_picture_that_is_as_it_was_stays_out_when_that_of_the_other_concept_is_saved_anew(
    tmp_path: Path, build: Build
) -> None:
    photographs(tmp_path / "in", "png")
    photographs(tmp_path / "v2", "jpg")
    build(concept="one", holdout=1)
    assert build("v2", concept="two").held == 1
    before = contents(tmp_path / "held_out/two")
    (tmp_path / "in").rename(tmp_path / "was")
    photographs(tmp_path / "in", "webp")
    assert build(concept="one", holdout=1).held == 1
    for _ in range(2):
        assert build("v2", concept="two").held == 1
        assert contents(tmp_path / "held_out/two") == before


def test_what_another_concept_lets_go_and_this_one_holds_out_is_its_own(tmp_path: Path, build: Build) -> None:
    """Else the other one would train on it for good."""
    photographs(tmp_path / "in", "png")
    photographs(tmp_path / "v2", "jpg")
    build(concept="one", holdout=2)
    assert build("v2", concept="two", holdout=2).held == 2
    before = contents(tmp_path / "held_out/two")
    assert build(concept="one", holdout=0).held == 0
    assert build("v2", concept="two", holdout=2).held == 2
    assert contents(tmp_path / "held_out/two") == before
    aside = [Path(name).stem for name in before]
    assert build(concept="one", holdout=0).held == 2
    assert contents(tmp_path / "held_out/one") == [f"{stem}.png" for stem in aside]


def test_one_that_was_edited_while_it_was_held_out_and_whose_source_left_is_named(
    tmp_path: Path, held: Path, build: Build
) -> None:
    photographs(tmp_path / "in", "png")
    build(holdout=1)
    (one,) = held.iterdir()
    mirrored = ImageOps.mirror(Image.open(one))
    one.unlink()
    drawn(9).save(one)
    (tmp_path / "in" / one.name).unlink()
    mirrored.save(tmp_path / "in/new.png")
    built = build(holdout=1)
    assert said(built, "held-out-gone").endswith(": new.png.")
    assert f"stays as if put in by hand: held_out/{one.name}" in said(built, "edited-picture-stays")


@pytest.mark.parametrize("by_hand", [False, True])
def test_what_shows_what_stands_from_elsewhere_is_named(
    tmp_path: Path, build: Build, folder: Path, by_hand: bool
) -> None:
    pictures = {str(number): drawn(number) for number in range(3)}
    (tmp_path / "v2").mkdir()
    if by_hand:
        folder.mkdir(parents=True)
    else:
        (tmp_path / "in").mkdir()
    for name, image in pictures.items():
        image.save((folder if by_hand else tmp_path / "in") / f"{name}.png")
        image.save(tmp_path / f"v2/new{name}.jpg", quality=85)
    drawn(7).save(tmp_path / "v2/other.jpg")
    if not by_hand:
        build()
    built = build("v2")
    assert built.images == 7
    (said,) = built.findings
    assert said.code == "shows-what-stands"
    assert "new0.jpg as 0.png, new1.jpg as 1.png, new2.jpg as 2.png." in said.message
    assert codes(build("v2")) == []
    for name in pictures:
        (folder / f"{name}.png").unlink()
    assert build("v2").images == 4


def test_frames_of_a_burst_that_come_from_elsewhere_are_not_named(
    tmp_path: Path, built_burst: str, build: Build
) -> None:
    image = frame(7)
    image.info["shows"] = "7"
    export(tmp_path / "v2", {"7.png": image})
    assert "shows-what-stands" not in codes(build("v2", holdout=1))
