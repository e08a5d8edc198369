"""What stands for which image in the training view, and what its caption file holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from kohya_wrap.domain import view
from kohya_wrap.domain.dataset import CaptionFacts, ImageFacts, Inventory, Misread, Subset, TrainingImage
from kohya_wrap.domain.view import Entry

HERE = Path("10_a")


def entries(*images: TrainingImage, alpha_mask: bool = False, every_line: bool = False) -> tuple[Entry, ...]:
    found = Inventory((Subset(HERE, 10, "a", images),), ".txt", ())
    (folder,) = view.of(found, alpha_mask=alpha_mask, every_line=every_line)
    assert folder.name == "10_a"
    return folder.entries


def image(
    name: str = "x.png",
    *misread: Misread,
    kind: str = "PNG",
    text: str = "a cat",
    size: tuple[int, int] = (8, 8),
) -> TrainingImage:
    facts = ImageFacts(size, kind, frozenset(misread), "0")
    return TrainingImage(HERE / name, facts, CaptionFacts(HERE / "x.txt", text))


def test_names_are_of_one_width_in_the_user_s_order() -> None:
    names = [entry.name for entry in entries(*(image(f"{n}.png") for n in range(11)))]
    assert names == [f"{n:06}.png" for n in range(1, 12)]


def test_more_images_than_six_digits_count() -> None:
    one = image()
    assert [entry.name for entry in entries(*[one] * 1_000_000)][::999_999] == ["0000001.png", "1000000.png"]


@pytest.mark.parametrize(
    ("kind", "ending", "copied"),
    [
        ("PNG", ".png", False), ("JPEG", ".jpg", False), ("WEBP", ".webp", False), ("BMP", ".bmp", False),
        ("MPO", ".jpg", False), ("GIF", ".png", True), ("TIFF", ".png", True), ("AVIF", ".png", True),
    ],
)  # fmt: skip
def test_the_ending_is_that_of_the_true_format(kind: str, ending: str, copied: bool) -> None:
    (entry,) = entries(image("x.jpeg", kind=kind))
    assert (entry.name, bool(entry.converted)) == ("000001" + ending, copied)


@pytest.mark.parametrize("misread", Misread)
def test_what_would_be_misread_is_a_copy_and_says_why(misread: Misread) -> None:
    (entry,) = entries(image("x.jpg", misread, kind="JPEG"))
    assert (entry.name, entry.converted) == ("000001.png", (misread.value,))
    assert not entry.keeps_alpha


def test_with_a_mask_transparency_is_what_is_wanted() -> None:
    only, both = entries(
        image("a.webp", Misread.ALPHA, kind="WEBP"),
        image("b.png", Misread.ALPHA, Misread.ROTATED),
        alpha_mask=True,
    )
    assert (only.name, only.converted, only.keeps_alpha) == ("000001.webp", (), False)
    assert (both.converted, both.keeps_alpha) == ((Misread.ROTATED.value,), True)


@pytest.mark.parametrize(
    ("text", "first", "all_lines"),
    [
        ("a cat", "a cat", "a cat"),
        (" a cat \n a dog\n", "a cat", "a cat\na dog"),
        ("\n\na dog\n", "", "a dog"),
        ("", "", ""),
        (" \n ", "", ""),
        ("a\u2028b\nc", "a\u2028b", "a\u2028b\nc"),  # to the engine no end of a line
    ],
)
def test_a_caption_is_what_the_engine_would_read(text: str, first: str, all_lines: str) -> None:
    assert entries(image(text=text))[0].caption == first + "\n"
    assert entries(image(text=text), every_line=True)[0].caption == all_lines + "\n"


def test_a_folder_without_images_is_left_out() -> None:
    assert (
        view.of(Inventory((Subset(HERE, 10, "a", ()),), ".txt", ()), alpha_mask=False, every_line=False) == ()
    )
