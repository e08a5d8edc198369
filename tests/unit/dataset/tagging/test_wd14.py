"""What the tagger is shown and how its answers are read, on a graph small enough to know the answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from kohya_wrap.dataset.tagging import wd14
from kohya_wrap.dataset.tagging.wd14 import Tag, Tagger, Thresholds
from kohya_wrap.domain.finding import Finding
from kohya_wrap.errors import EngineError
from tests.fixtures import tiny_tagger

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def save(path: Path, size: tuple[int, int], colour: Any, mode: str = "RGB", **how: Any) -> Path:
    Image.new(mode, size, colour).save(path, **how)
    return path


def test_a_picture_is_centred_on_a_white_square_blue_first(tmp_path: Path) -> None:
    seen = wd14.prepare(save(tmp_path / "a.png", (4, 2), (10, 20, 30)), 4)
    assert (seen.shape, seen.dtype) == ((4, 4, 3), np.float32)
    assert seen[:, 0].tolist() == [[255] * 3, [30, 20, 10], [30, 20, 10], [255] * 3]


def test_an_odd_pixel_goes_below_and_right(tmp_path: Path) -> None:
    seen = wd14.prepare(save(tmp_path / "a.png", (2, 5), (10, 20, 30)), 5)
    assert [pixel[0] for pixel in seen[0].tolist()] == [255, 30, 30, 255, 255]


def test_it_is_resized_bicubically(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    stripes = np.zeros((9, 9, 3), np.uint8)
    stripes[:, ::2] = 200
    Image.fromarray(stripes).save(path)
    wanted = Image.open(path).resize((5, 5), Image.Resampling.BICUBIC)
    assert np.array_equal(wd14.prepare(path, 5), np.asarray(wanted, np.float32)[:, :, ::-1])


def test_it_is_seen_as_a_person_sees_it(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = Image.new("RGB", (4, 4), BLUE)
    picture.paste(RED, (0, 0, 4, 2))  # its top, which the camera held to the right
    picture.save(tmp_path / "turned.png", exif=exif)
    assert wd14.prepare(tmp_path / "turned.png", 4)[0].tolist() == [[255, 0, 0]] * 2 + [[0, 0, 255]] * 2
    clear = save(tmp_path / "clear.png", (4, 4), (10, 200, 30, 0), "RGBA")
    assert wd14.prepare(clear, 4)[0, 0].tolist() == [255] * 3


@pytest.mark.parametrize(
    ("scores", "names"),
    [
        ([0.9, 0.4, 0.5, 0.9, 0.8], ["a b", "c"]),
        ([0.9, 0.95, 0.4, 0.86, 0.89], ["kitty (a show)", "dog", "c", "a b"]),
        ([0.9, 0.35, 0.36, 0.85, 0], ["a b"]),  # above the threshold, not at it
        ([0.9, 0, 0, 0, 0], []),
    ],
)
def test_characters_first_and_the_surest_first(scores: list[float], names: list[str]) -> None:
    tags = [Tag("explicit", "9"), Tag("c", "0"), Tag("a_b", "0"), Tag("dog", "4"), Tag("kitty_(a_show)", "4")]
    if scores[3] == 0.9:
        tags[3] = Tag("meta", "5")  # of a category that describes no picture
    found = wd14.chosen(tags, np.array(scores, np.float64), Thresholds())
    assert found == names


@pytest.mark.parametrize(
    ("name", "words"), [("long_hair", "long hair"), ("^_^", "^_^"), ("||_||", "||_||"), ("a_^_^", "a ^ ^")]
)
def test_underscores_are_spaces_but_in_a_face(name: str, words: str) -> None:
    assert wd14.as_words(name) == words


def pictures(folder: Path) -> list[Path]:
    return [
        save(folder / f"{n}.png", (8, 8), colour) for n, colour in enumerate((RED, GREEN, BLUE, RED, BLUE))
    ]


EXPECTED = [
    ["kitty (a show)", "red hair", "^_^"],
    ["green eyes", "^_^"],
    ["blue sky", "^_^"],
    ["kitty (a show)", "red hair", "^_^"],
    ["blue sky", "^_^"],
]


@pytest.mark.parametrize(
    ("fixed", "asked", "sizes"), [("n", 2, [2, 2, 1]), ("n", 9, [5]), (2, 9, [2, 2, 1]), (1, 4, [1] * 5)]
)
def test_batch_by_batch_as_large_as_the_model_takes(
    tmp_path: Path, fixed: int | str, asked: int, sizes: list[int]
) -> None:
    tagger = Tagger(tiny_tagger.make(tmp_path / "model", batch=fixed), Thresholds())
    batches = list(tagger.tag(pictures(tmp_path), asked))
    assert [len(batch) for batch in batches] == sizes
    assert [tags for batch in batches for _, tags in batch] == EXPECTED
    assert [path.name for batch in batches for path, _ in batch] == [f"{n}.png" for n in range(5)]


def test_thresholds_are_those_asked_for(tmp_path: Path) -> None:
    tagger = Tagger(tiny_tagger.make(tmp_path / "model"), Thresholds(general=0.3, character=1))
    [[(_, tags)]] = tagger.tag(pictures(tmp_path)[:1], 4)
    assert tags == ["red hair", "^_^", "unlikely tag"]


def test_an_unreadable_picture_is_named_and_the_others_are_tagged(tmp_path: Path) -> None:
    paths = pictures(tmp_path)
    paths[1].write_bytes(paths[1].read_bytes()[:40])
    for batch in (1, 5):
        tagger = Tagger(tiny_tagger.make(tmp_path / "model"), Thresholds())
        found = [tags for batch in tagger.tag(paths, batch) for _, tags in batch]
        assert isinstance(found[1], Finding)
        assert (found[1].code, found[1].where) == ("unreadable", str(paths[1]))
        assert found[0] == EXPECTED[0] and found[2:] == EXPECTED[2:]


def _no_table(folder: Path) -> None:
    (folder / "selected_tags.csv").unlink()


def _other_table(folder: Path) -> None:
    (folder / "selected_tags.csv").write_text("id,label\n1,a\n", encoding="utf-8")


def _longer_table(folder: Path) -> None:
    with (folder / "selected_tags.csv").open("a", encoding="utf-8") as file:
        file.write("9,one_more,0,5\n")


def _no_model(folder: Path) -> None:
    (folder / "model.onnx").unlink()


def _damaged_model(folder: Path) -> None:
    (folder / "model.onnx").write_bytes((folder / "model.onnx").read_bytes()[:100])


def _other_model(folder: Path) -> None:
    """Channels first, as other taggers have them."""
    tiny_tagger.make(folder, shape=(3, 8, 8), tags=tiny_tagger.TAGS)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_no_table, "selected_tags.csv cannot be read (No such file"),
        (_other_table, "no table with the columns name and category"),
        (_longer_table, "selected_tags.csv lists 8 tags, model.onnx answers with 7."),
        (_no_model, "There is no model.onnx in it."),
        (_damaged_model, "cannot be loaded as an ONNX model"),
        (_other_model, "does not take square pictures of three channels last"),
    ],
)
def test_what_is_no_tagger_is_refused(tmp_path: Path, spoil: Any, said: str) -> None:
    folder = tiny_tagger.make(tmp_path / "model")
    spoil(folder)
    with pytest.raises(EngineError) as refused:
        Tagger(folder, Thresholds())
    assert said in f"{refused.value.message} {refused.value.why}"
    assert "\n" not in refused.value.message + refused.value.why + refused.value.hint
