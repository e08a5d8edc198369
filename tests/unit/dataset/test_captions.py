"""Of each caption the line that the engine reads."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from kohya_wrap.dataset import captions, inventory
from kohya_wrap.domain.captions import CaptionStyle

TAGS, PROSE = "1girl, solo, long hair, smile", "a girl stands at the window and looks out"


def lay_out(folder: Path, texts: list[str | None]) -> None:
    folder.mkdir()
    for number, text in enumerate(texts):
        Image.new("RGB", (64, 64)).save(folder / f"{number}.png")
        if text is not None:
            (folder / f"{number}.txt").write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("texts", "style"),
    [
        ([TAGS, TAGS, PROSE], CaptionStyle.TAGS),
        ([PROSE, PROSE, TAGS], CaptionStyle.PROSE),
        ([f"{TAGS}\n{PROSE}\n"], CaptionStyle.TAGS),
        ([f"{PROSE}\n{TAGS}\n"], CaptionStyle.PROSE),
        ([f"\n{TAGS}\n"], None),  # the engine takes the empty line
        ([None, None, TAGS], CaptionStyle.TAGS),
        ([None], None),
    ],
)
def test_the_style_of_a_dataset(tmp_path: Path, texts: list[str | None], style: CaptionStyle | None) -> None:
    lay_out(tmp_path / "1_thing", texts)
    assert captions.style_of(inventory.take(tmp_path, None)) is style


@pytest.mark.parametrize(
    ("folder", "texts", "trigger", "without"),
    [
        ("1_thing", ["sks, a cat", "a SKS cat"], "sks", ""),
        ("1_thing", ["sks, a cat", "a cat", "a cat\nsks"], "sks", "2 of 3"),
        ("1_thing", ["sks, a cat", None], "sks", "1 of 2"),
        ("1_sks cat", ["sks, a cat", None], "sks", ""),  # the folder's name is the caption then
        ("1_thing", ["a cat"], "", ""),
    ],
)
def test_captions_without_the_trigger_are_counted(
    tmp_path: Path, folder: str, texts: list[str | None], trigger: str, without: str
) -> None:
    lay_out(tmp_path / folder, texts)
    found = captions.trigger_lacks(inventory.take(tmp_path, None), trigger, tmp_path / "my lora")
    said = [(f.code, f.message[:6], f.hint.partition(": ")[2]) for f in found]
    assert said == ([("no-trigger", without, f"kohya-wrap init '{tmp_path / 'my lora'}'")] if without else [])


def test_several_concepts_have_a_trigger_each(tmp_path: Path) -> None:
    for name in ("1_cat", "1_dog"):
        lay_out(tmp_path / name, ["a cat" if name == "1_cat" else "sks, a dog"])
    assert list(captions.trigger_lacks(inventory.take(tmp_path, None), "sks", tmp_path)) == []
