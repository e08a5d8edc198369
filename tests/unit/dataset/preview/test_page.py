"""The page's text; how it behaves is seen in tests/browser."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path

import pytest

from kohya_wrap import resources
from kohya_wrap.dataset import check
from kohya_wrap.dataset.preview import page
from kohya_wrap.dataset.preview.page import About
from kohya_wrap.domain.buckets import BucketRule
from kohya_wrap.domain.config import Layer, Origin, settle
from kohya_wrap.domain.family import FAMILIES, FamilyName
from kohya_wrap.domain.finding import Finding, Level
from tests.unit.dataset.conftest import Picture

Rendered = Callable[..., str]


@pytest.fixture
def rendered(tmp_path: Path) -> Rendered:
    """rendered(): the page of what lies in data/, checked at 64 x 64."""

    def render(*findings: Finding, title: str = "my-lora") -> str:
        settings = check.Settings(
            config=settle([Layer(Origin.FILE, {"resolution": "64,64", "train_batch_size": 2})]),
            family=FAMILIES[FamilyName.SD15],
            rule=BucketRule((64, 64), minimum=32, maximum=128, steps=32),
            subject="",
            trigger="sks",
            target_steps=100,
            config_ready=None,
            tokenizer=None,
        )
        checked = check.check(*check.survey(tmp_path / "data", None, lambda: None), settings)
        about = About(title, "SD 1.5", tmp_path / "data", (*checked.findings, *findings), "today")
        return page.render(checked, about, resources.templates())

    return render


def attribute(text: str, name: str) -> list[str]:
    return [unescape(value) for value in re.findall(rf'\b{name}="([^"]*)"', text)]


def test_only_its_own_style_and_script_may_do_anything(picture: Picture, rendered: Rendered) -> None:
    picture("data/10_a/x.png")
    text = rendered()
    (policy,) = attribute(text, "content")[:1]
    style, script = re.search(r"<style>(.*?)</style>.*<script>(.*?)</script>", text, re.DOTALL).groups()  # type: ignore[union-attr]
    for kind, content in (("style", style), ("script", script)):
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "unsafe" not in policy
    assert not re.search(r"https?://|\bstyle=|\bon\w+=", text.replace(script, ""))


def test_words_of_the_user_are_no_markup(picture: Picture, rendered: Rendered) -> None:
    evil = "<img src=x onerror=alert(1)>"
    picture("data/10_<b>a/x'\"&<i>.png", caption=f"sks, {evil}, </textarea>")
    text = rendered(Finding(Level.NOTE, "x", evil, evil, evil), title=evil)
    assert "<img src=x" not in text and "<i>" not in text and "<b>a" not in text
    assert text.count("</textarea>") == 1
    assert "10_<b>a/x'\"&<i>.txt" in attribute(text, "data-key")


def test_a_caption_is_given_whole_but_for_its_last_newline(picture: Picture, rendered: Rendered) -> None:
    captions = {"a": "sks, one\n", "b": "sks, two", "c": "\nsks, three\n\n"}
    for name, caption in captions.items():
        picture(f"data/10_a/{name}.png", caption=caption)
    text = rendered()
    # A parser drops the first newline of a textarea.
    shown = re.findall(r"<textarea[^>]*>\n(.*?)</textarea>", text, re.DOTALL)
    ends = attribute(text, "data-end")
    assert [a + b for a, b in zip(shown, ends, strict=True)] == list(captions.values())


def test_images_that_share_a_caption_share_its_key(picture: Picture, rendered: Rendered) -> None:
    picture("data/10_a/x.png", caption="sks")
    picture("data/10_a/x.jpg")
    picture("data/10_a/y.png")
    text = rendered()
    assert attribute(text, "data-key") == ["10_a/x.txt", "10_a/x.txt", "10_a/y.txt"]
    assert len(re.findall("data-new placeholder", text)) == 1


@pytest.mark.parametrize(
    ("size", "whole", "kept"),
    [
        ((64, 64), [], []),
        ((128, 128), [], []),
        ((100, 64), ["M0 0H100V64H0Z"], ["M18 0H82V64H18Z"]),
        ((60, 100), ["M0 0H60V100H0Z"], ["M13 0H47V100H13Z"]),
    ],
)
def test_the_crop_is_outlined(
    picture: Picture, rendered: Rendered, size: tuple[int, int], whole: list[str], kept: list[str]
) -> None:
    picture("data/10_a/x.png", size)
    text = rendered()
    assert re.findall('class="kept" d="(.*?)"', text) == kept
    assert re.findall('class="away" d="(.*?)"', text) == [a + b for a, b in zip(whole, kept, strict=True)]


def test_words_lead_to_the_captions_that_have_them(picture: Picture, rendered: Rendered) -> None:
    for number, tags in enumerate(("hat, long coat, tree", "hat, tree, old lamp", "old lamp, door, hat")):
        picture(f"data/10_a/{number}.png", (64 + number, 64), caption=f"sks, {tags}")
    text = rendered()
    buttons = {label: n for n, label in re.findall(r'data-term="(\d+)".*?<span>(.*?)</span>', text)}
    terms = [set(value.split()) for value in attribute(text, "data-terms")]
    assert {label: [n in held for held in terms] for label, n in buttons.items()} == {
        "hat": [True, True, True], "tree": [True, True, False], "old lamp": [False, True, True],
    }  # fmt: skip


def test_a_file_that_cannot_be_read_is_named(picture: Picture, rendered: Rendered, tmp_path: Path) -> None:
    picture("data/10_a/x.png")
    (tmp_path / "data" / "10_a" / "bad.png").write_bytes(b"")
    text = rendered()
    assert '<span class="level error">1 error</span>' in text
    assert "bad.png" in text


def test_copies_are_found_by_what_the_dataset_calls_them(picture: Picture, rendered: Rendered) -> None:
    picture("data/10_a/x.png")
    picture("data/10_a/y.png")
    text = rendered()
    assert all("duplicate" in codes.split() for codes in attribute(text, "data-codes"))
    assert 'data-show-code="duplicate"' in text


@pytest.mark.skipif(os.name == "nt", reason="names are Unicode there")
def test_a_name_or_caption_that_no_page_gives_back_is_not_edited(
    picture: Picture, rendered: Rendered
) -> None:
    path = picture("data/10_a/x.png")
    path.rename(path.with_name(os.fsdecode(b"caf\xe9.png")))
    picture("data/10_a/y.png", caption="a\0b")
    picture("data/10_a/z.png", caption="sks")
    assert re.findall(r'aria-label="Caption of ([^"]*)"[^>]* readonly>', rendered()) == ["caf?.png", "y.png"]
