"""How a picture looks, in numbers."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFilter

from kohya_wrap.dataset.check.images import _BLURRED, _FLAT
from kohya_wrap.dataset.check.look import LEAST, SIDE, Look, measure
from kohya_wrap.host import image_file
from tests.fixtures import photographs


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Image.Image]:
    folder = tmp_path_factory.mktemp("photographs")
    return {path.stem: image_file.facts_and_picture(path, LEAST)[1] for path in photographs.write(folder)}


def saved(picture: Image.Image, kind: str, **words: object) -> Image.Image:
    held = io.BytesIO()
    picture.save(held, kind, **words)
    return Image.open(held)


def test_sharp_photographs_are_told_from_blurred_ones(pictures: dict[str, Image.Image]) -> None:
    sharp = {name: measure(picture).sharpness for name, picture in pictures.items()}
    assert [name for name, value in sharp.items() if value < _BLURRED] == [
        "clock"
    ]  # by motion, in the original
    blurred = {n: measure(p.convert("RGB").filter(ImageFilter.GaussianBlur(2))) for n, p in pictures.items()}
    assert [name for name, one in blurred.items() if one.sharpness >= _BLURRED] == []


def test_a_pale_picture_is_as_sharp_as_it_was(pictures: dict[str, Image.Image]) -> None:
    picture = pictures["astronaut"].convert("RGB")
    pale = picture.point(lambda levels: levels // 5 + 120)
    assert measure(pale).sharpness == pytest.approx(measure(picture).sharpness, rel=0.1)


def test_only_a_silhouette_holds_little_information(pictures: dict[str, Image.Image]) -> None:
    assert [name for name, picture in pictures.items() if measure(picture).entropy < _FLAT] == ["horse"]
    assert measure(Image.new("RGB", (700, 700), (9, 80, 200))).entropy < _FLAT


def test_copies_are_near_and_other_pictures_are_not(pictures: dict[str, Image.Image]) -> None:
    prints = {name: measure(picture).likeness for name, picture in pictures.items()}
    for name, picture in pictures.items():
        plain = picture.convert("RGB")
        copies = (
            saved(plain, "JPEG", quality=40),
            plain.resize((plain.width // 2, plain.height // 2)),
            plain.resize((900, 900)),
        )
        assert all(prints[name].is_near(measure(copy).likeness) for copy in copies), name
        assert [other for other in prints if prints[other].is_near(prints[name])] == [name]


def test_the_mirrored_print_is_that_of_the_mirror_image(pictures: dict[str, Image.Image]) -> None:
    for name, picture in pictures.items():
        turned = measure(picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT))
        assert measure(picture).mirrored.is_near(turned.likeness), name


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV", "I;16", "I", "F"]
)
@pytest.mark.parametrize("size", [(1, 1), (2, 900), (1500, 3), (SIDE + 1, SIDE), (40, 30)])
def test_any_mode_and_size_can_be_measured(mode: str, size: tuple[int, int]) -> None:
    found = measure(Image.new(mode, size))
    assert isinstance(found, Look) and 0 <= found.sharpness <= 1


def test_light_is_measured_from_black_to_white() -> None:
    picture = Image.new("RGB", (400, 400), "white")
    assert (measure(picture).mean, measure(picture).darkest, measure(picture).lightest) == (1.0, 1.0, 1.0)
    ImageDraw.Draw(picture).rectangle((0, 0, 199, 399), fill="black")
    found = measure(picture)
    assert (found.mean, found.darkest, found.lightest) == (pytest.approx(0.5, abs=0.01), 0.0, 1.0)


def test_a_turned_picture_is_measured_upright(pictures: dict[str, Image.Image]) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = pictures["astronaut"].convert("RGB").transpose(Image.Transpose.ROTATE_90)
    turned = measure(saved(lying, "JPEG", quality=95, exif=exif))
    assert turned.likeness.is_near(measure(pictures["astronaut"]).likeness)


def test_the_colour_under_transparent_places_is_told_and_not_seen() -> None:
    picture = Image.new("RGBA", (600, 600), (10, 200, 30, 0))
    picture.paste((250, 0, 0, 255), (0, 0, 600, 300))
    found = measure(picture)
    assert found.hidden == (10, 200, 30)
    assert found.likeness.colours[-3:] == bytes([255, 255, 255])  # white, where it is transparent
    assert measure(picture.convert("RGB")).hidden is None
    assert measure(Image.new("RGBA", (9, 9), (1, 2, 3, 255))).hidden is None


@pytest.mark.parametrize(
    ("colour", "grey"), [((90, 90, 90), True), ((90, 94, 97), True), ((90, 90, 120), False)]
)
def test_grey_is_without_colour_anywhere(colour: tuple[int, int, int], grey: bool) -> None:
    assert measure(Image.new("RGB", (50, 50), colour)).grey is grey
    spotted = Image.new("RGB", (50, 50), (90, 90, 90))
    spotted.putpixel((7, 7), (200, 0, 0))
    assert measure(spotted).grey is False


def test_a_jpeg_is_decoded_small_and_a_bad_file_is_refused_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "large.jpg"
    Image.effect_noise((2400, 1600), 40).convert("RGB").save(path, quality=80)
    facts, picture = image_file.facts_and_picture(path, LEAST)
    assert facts == image_file.facts(path) and facts.size == (2400, 1600)
    assert LEAST <= min(picture.size) < 2 * LEAST
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(image_file.Unreadable, match="truncated"):
        image_file.facts_and_picture(path, LEAST)


def test_a_damaged_exif_turns_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    Image.new("RGB", (640, 480), "red").save(path, exif=b"Exif\0\0MM\0*")
    facts, picture = image_file.facts_and_picture(path, 256)
    assert (facts.size, facts.misread) == ((640, 480), frozenset())
    assert measure(picture).mean > 0.2
