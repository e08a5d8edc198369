"""What the engine would read of a folder, line by line of its rules (engine contract, section 1)."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from kohya_wrap.dataset import folders
from kohya_wrap.dataset.folders import repeats_and_tokens
from kohya_wrap.dataset.inventory import survey, take
from kohya_wrap.domain.dataset import Inventory
from kohya_wrap.domain.finding import Level
from kohya_wrap.errors import DatasetError
from tests.unit.dataset.conftest import Picture


@pytest.mark.parametrize(
    ("folder", "read"),
    [
        ("10_ok dog", (10, "ok dog")),
        ("5", (5, "")),
        ("6_", (6, "")),
        ("8__dbl", (8, "_dbl")),
        ("07_x", (7, "x")),
        ("1_000_x", (1, "000_x")),
        ("+2_plus", (2, "plus")),
        (" 4_space", (4, "space")),
        ("３_fw", (3, "fw")),
        ("x_abc", None),
        ("1.5_f", None),
        ("1e2_e", None),
        (".5_h", None),
        ("_u", None),
        ("0_zero", None),
        ("-1_neg", None),
        ("", None),
    ],
)
def test_repeats_and_tokens_of_a_folder_s_name(folder: str, read: tuple[int, str] | None) -> None:
    assert repeats_and_tokens(folder) == read


def found(inventory: Inventory) -> list[str]:
    return [image.path.name for subset in inventory.subsets for image in subset.images]


def codes(inventory: Inventory) -> list[str]:
    return [finding.code for finding in inventory.findings]


def test_subsets_with_repeats_tokens_sizes_and_captions(picture: Picture, tmp_path: Path) -> None:
    first = picture("data/10_cat/a.png", (30, 20), "a cat")
    picture("data/3_dog/b.jpg", (20, 30), "a dog")
    inventory = take(tmp_path / "data", None)
    assert [(s.folder.name, s.repeats, s.class_tokens) for s in inventory.subsets] == [
        ("10_cat", 10, "cat"),
        ("3_dog", 3, "dog"),
    ]
    assert inventory.sized() == [((30, 20), 10), ((20, 30), 3)]
    assert inventory.subsets[0].images[0].caption.path == first.with_suffix(".txt")
    assert (inventory.images, inventory.captions, inventory.findings) == (2, 2, ())


@pytest.mark.parametrize(
    "name", ["a.png", "a.jpg", "a.jpeg", "a.webp", "a.bmp", "a.PNG", "a.JPG", "ä b.c.png"]
)
def test_endings_the_engine_reads(picture: Picture, tmp_path: Path, name: str) -> None:
    picture(f"data/1_a/{name}", caption="x")
    assert (found(take(tmp_path / "data", None)), codes(take(tmp_path / "data", None))) == ([name], [])


@pytest.mark.parametrize("name", ["b.Png", "b.Jpg", "b.gif", "b.tiff"])
def test_endings_the_engine_passes_over_are_said(picture: Picture, tmp_path: Path, name: str) -> None:
    """The training view gives it those pictures under another."""
    picture("data/1_a/a.png", caption="x")
    picture(f"data/1_a/{name}", caption="y")
    inventory = take(tmp_path / "data", None)
    assert (found(inventory), codes(inventory)) == (["a.png", name], ["other-ending"])
    assert inventory.findings[0].level is Level.NOTE
    assert name in inventory.findings[0].message


def test_endings_that_nobody_can_open_are_said(picture: Picture, tmp_path: Path) -> None:
    picture("data/1_a/a.png", caption="x").with_name("b.jxl").write_bytes(b"?")
    inventory = take(tmp_path / "data", None)
    assert (found(inventory), codes(inventory)) == (["a.png"], ["extension"])
    assert "b.jxl" in inventory.findings[0].message


def test_hidden_files_are_no_pictures(picture: Picture, tmp_path: Path) -> None:
    """macOS leaves `._photo.jpg` beside photo.jpg; the engine's glob passes over it."""
    picture("data/1_a/a.jpg", caption="x").with_name("._a.jpg").write_bytes(b"\0\5\x16\7")
    inventory = take(tmp_path / "data", None)
    assert (found(inventory), codes(inventory)) == (["a.jpg"], [])


def test_files_of_other_kinds_are_left_alone(picture: Picture, tmp_path: Path) -> None:
    picture("data/1_a/a.png", caption="x").with_name("a_0012x0008_sd.npz").write_bytes(b"cache")
    (tmp_path / "data/readme.txt").write_text("hello")
    (tmp_path / "data/notes").mkdir()
    assert codes(take(tmp_path / "data", None)) == []


def test_symlinked_folders_and_files_are_read(picture: Picture, tmp_path: Path) -> None:
    real = picture("elsewhere/a.png", caption="x")
    (tmp_path / "data").mkdir()
    (tmp_path / "data/1_a").symlink_to(real.parent)
    assert found(take(tmp_path / "data", None)) == ["a.png"]


def test_images_in_the_order_of_their_names(picture: Picture, tmp_path: Path) -> None:
    for name in ("b.png", "a.png", "10.png", "9.png"):
        picture(f"data/1_a/{name}", caption="x")
    assert found(take(tmp_path / "data", None)) == ["10.png", "9.png", "a.png", "b.png"]


@pytest.mark.parametrize(
    ("passed_over", "code", "hint"),
    [
        ("data/cats/b.png", "folder-without-number", "mv {0}/data/cats {0}/data/10_cats"),
        ("data/b.png", "loose-image", "mv {0}/data/b.png {0}/data/1_a/"),
        ("data/1_a/more/b.png", "nested-folder", "mv {0}/data/1_a/more/* {0}/data/1_a/"),
        ("data/1_a/x/y/z/b.png", "nested-folder", "mv {0}/data/1_a/x/* {0}/data/1_a/"),
    ],
)
def test_what_the_engine_ignores_is_said(
    picture: Picture, tmp_path: Path, passed_over: str, code: str, hint: str
) -> None:
    picture("data/1_a/a.png", caption="x")
    picture(passed_over)
    inventory = take(tmp_path / "data", None)
    assert found(inventory) == ["a.png"]
    assert [(f.level, f.code, f.hint) for f in inventory.findings] == [
        (Level.WARNING, code, hint.format(tmp_path))
    ]


@pytest.mark.parametrize(("end", "when"), [(0, "at its start."), (-16, "at its batch, hours later.")])
def test_when_the_engine_dies_of_a_broken_picture(
    picture: Picture, tmp_path: Path, end: int, when: str
) -> None:
    whole = picture("data/1_a/a.png", caption="x").read_bytes()
    (tmp_path / "data/1_a/a.png").write_bytes(whole[:end])
    with pytest.raises(DatasetError, match=when):
        take(tmp_path / "data", None)


def test_a_link_upwards_and_what_is_hidden_hold_no_images(picture: Picture, tmp_path: Path) -> None:
    picture("data/1_a/a.png", caption="x")
    picture("data/1_a/.thumbnails/b.png")
    (tmp_path / "data/loop").symlink_to(tmp_path)
    (tmp_path / "data/1_a/loop").symlink_to("..")
    assert take(tmp_path / "data", None).findings == ()


@pytest.mark.parametrize("name", ["mom's cat", "a b", "$HOME", "猫;ls"])
def test_what_is_to_be_typed_can_be_pasted(picture: Picture, tmp_path: Path, name: str) -> None:
    picture("data/1_a/a.png", caption="x")
    picture(f"data/{name}/b.png")
    (finding,) = take(tmp_path / "data", None).findings
    subprocess.run(finding.hint, shell=True, check=True)  # noqa: S602 - as a person would
    assert found(take(tmp_path / "data", None)) == ["b.png", "a.png"]


def test_a_caption_to_mend_can_be_pasted(picture: Picture, tmp_path: Path) -> None:
    caption = picture("data/1_a/mom's cat.png").with_suffix(".txt")
    caption.write_bytes("猫".encode("shift_jis"))
    with pytest.raises(DatasetError) as error:
        take(tmp_path / "data", None)
    iconv, _, mv = error.value.hint.partition(" && ")
    assert shlex.split(iconv) == [
        *["iconv", "-f", "SHIFT_JIS", "-t", "UTF-8"],
        str(caption),
        "-o",
        f"{caption}.utf8",
    ]
    assert shlex.split(mv) == ["mv", f"{caption}.utf8", str(caption)]


@pytest.mark.parametrize(
    ("content", "said", "hint"),
    [
        (
            "a cat".encode("utf-16"),
            "a.txt is not UTF-8 (UTF-16?): the engine would crash.",
            "iconv -f UTF-16 ",
        ),
        (b"caf\xe9 cat", "a.txt is not UTF-8 (WINDOWS-1252?)", "iconv -f WINDOWS-1252 "),
        (b"\x81 \x8d", "a.txt is not UTF-8: the", "Save it as UTF-8 in your editor: "),
    ],
)
def test_the_encoding_of_a_caption_is_guessed(
    picture: Picture, tmp_path: Path, content: bytes, said: str, hint: str
) -> None:
    picture("data/1_a/a.png").with_suffix(".txt").write_bytes(content)
    (finding,) = survey(tmp_path / "data", None).findings
    assert said in finding.message and finding.hint.startswith(hint)


# --- captions


@pytest.mark.parametrize(
    ("txt", "caption", "extension"),
    [(2, 0, ".txt"), (0, 2, ".caption"), (1, 2, ".caption"), (2, 2, ".txt"), (0, 0, ".txt")],
)
def test_the_extension_most_captions_have(
    picture: Picture, tmp_path: Path, txt: int, caption: int, extension: str
) -> None:
    for number in range(3):
        image = picture(f"data/1_a/{number}.png")
        if number < txt:
            image.with_suffix(".txt").write_text("x")
        if number < caption:
            image.with_suffix(".caption").write_text("x")
    (tmp_path / "data/1_a/readme.txt").write_text("no caption of any image")
    inventory = take(tmp_path / "data", None)
    assert (inventory.caption_extension, inventory.captions) == (extension, max(txt, caption))


@pytest.mark.parametrize("written", [".tags", "tags"])
def test_an_extension_asked_for_with_or_without_its_dot(
    picture: Picture, tmp_path: Path, written: str
) -> None:
    picture("data/1_a/a.png", caption="x").with_suffix(".tags").write_text("y")
    inventory = take(tmp_path / "data", written)
    assert inventory.caption_extension == ".tags"
    assert [i.caption.path.name for s in inventory.subsets for i in s.images if i.caption.path] == ["a.tags"]


def test_a_stem_with_four_underscores_finds_the_shorter_caption(picture: Picture, tmp_path: Path) -> None:
    """The engine's rule for cut-out faces: photo_1_2_3_4.png takes photo.txt where it has none of its own."""
    picture("data/1_a/photo_1_2_3_4.png")
    own = picture("data/1_a/photo_5_6_7_8.png", caption="own")
    (tmp_path / "data/1_a/photo.txt").write_text("shared")
    captions = [image.caption.path for image in take(tmp_path / "data", None).subsets[0].images]
    assert captions == [tmp_path / "data/1_a/photo.txt", own.with_suffix(".txt")]


@pytest.mark.parametrize(
    ("ending", "extension"), [(".TXT", ".txt"), (".Txt", ".txt"), (".Caption", ".caption")]
)
def test_captions_whose_ending_is_spelled_otherwise(
    picture: Picture, tmp_path: Path, ending: str, extension: str
) -> None:
    for name in ("a", "b"):
        picture(f"data/1_my cat/{name}.png").with_suffix(ending).write_text("x")
    (tmp_path / f"data/1_my cat/readme{ending}").write_text("no caption of any image")
    inventory = take(tmp_path / "data", extension)
    said, none = inventory.findings
    assert (said.code, none.code) == ("caption-ending", "no-caption")
    assert f"a{ending}, b{ending}." in said.message
    subprocess.run(said.hint, shell=True, check=True)  # noqa: S602 - as a person would
    assert (take(tmp_path / "data", extension).captions, take(tmp_path / "data", extension).findings) == (
        2,
        (),
    )


@pytest.mark.parametrize(("folder", "instead"), [("1_my cat", "'my cat'"), ("1", "an empty caption")])
def test_missing_captions_say_what_takes_their_place(
    picture: Picture, tmp_path: Path, folder: str, instead: str
) -> None:
    picture(f"data/{folder}/a.png", caption="x")
    picture(f"data/{folder}/b.png")
    (finding,) = take(tmp_path / "data", None).findings
    assert (finding.code, finding.hint) == ("no-caption", "Write e.g. b.txt")
    assert "1 of 2" in finding.message and instead in finding.message


def test_two_pictures_of_one_stem_share_a_caption(picture: Picture, tmp_path: Path) -> None:
    picture("data/1_a/a.png", caption="x")
    picture("data/1_a/a.jpg")
    picture("data/2_b/a.png", caption="x")  # of another folder: its own caption
    (finding,) = take(tmp_path / "data", None).findings
    assert (finding.code, finding.where) == ("same-stem", str(tmp_path / "data/1_a/a"))


@pytest.mark.parametrize(("content", "words"), [(b"", "is empty"), ("猫".encode("shift_jis"), "not UTF-8")])
def test_a_caption_the_engine_would_crash_on(
    picture: Picture, tmp_path: Path, content: bytes, words: str
) -> None:
    caption = picture("data/1_a/a.png").with_suffix(".txt")
    caption.write_bytes(content)
    with pytest.raises(DatasetError, match=words) as error:
        take(tmp_path / "data", None)
    assert "1_a/a.txt" in error.value.message and str(caption) in error.value.hint


def test_a_blank_caption_is_a_caption(picture: Picture, tmp_path: Path) -> None:
    picture("data/1_a/a.png", caption="\n")
    assert take(tmp_path / "data", None).captions == 1


# --- nothing to train on


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="is not there"):
        take(tmp_path / "data", None)


@pytest.mark.parametrize(
    ("make", "message", "hint"),
    [
        ("data/a.png", "No numbered folder", "mkdir 10_concept"),
        ("data/cats/a.png", "No numbered folder", "10_cats"),
        ("data/0_cats/a.png", "No numbered folder", "10_0_cats"),
        ("data/10_cats/more/a.png", "No image", "10_concept/image.png"),
    ],
)
def test_no_image_the_engine_would_find(
    picture: Picture, tmp_path: Path, make: str, message: str, hint: str
) -> None:
    picture(make)
    with pytest.raises(DatasetError, match=message) as error:
        take(tmp_path / "data", None)
    assert hint in error.value.hint


def test_an_empty_folder_would_end_with_exit_code_0(tmp_path: Path) -> None:
    (tmp_path / "data/10_cats").mkdir(parents=True)
    with pytest.raises(DatasetError, match="No image") as error:
        take(tmp_path / "data", None)
    assert "exit 0" in error.value.why


def test_a_file_in_the_place_of_a_concept_folder(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "10_cats").touch()
    with pytest.raises(DatasetError, match="10_cats is a file, where a folder of pictures must be") as error:
        take(tmp_path / "data", None)
    assert error.value.hint.startswith("mv ")


def test_an_empty_folder_beside_a_full_one_is_left_out(picture: Picture, tmp_path: Path) -> None:
    picture("data/1_a/a.png", caption="x")
    (tmp_path / "data/2_b").mkdir()
    assert take(tmp_path / "data", None).images == 1


def test_pictures_that_cannot_be_read_are_all_named(picture: Picture, tmp_path: Path) -> None:
    picture("data/1_a/good.png", caption="x")
    empty = picture("data/2_b/mom's.png")
    empty.write_bytes(b"")
    cut = picture("data/1_a/cut.jpg", (400, 400))
    cut.write_bytes(cut.read_bytes()[:-40])
    with pytest.raises(
        DatasetError, match=r"^2 files in .*1_a/cut.jpg cannot be read \(image file is trunc"
    ) as error:
        take(tmp_path / "data", None)
    assert [finding.where for finding in error.value.findings] == [str(cut), str(empty)]
    for finding in error.value.findings:
        assert shlex.split(finding.hint.partition(": ")[2]) == ["rm", finding.where]


def test_a_survey_goes_on_past_what_cannot_be_read(picture: Picture, tmp_path: Path) -> None:
    picture("data/1_a/a.png", caption="x")
    picture("data/1_a/b.png", caption="y").write_bytes(b"no picture")
    picture("data/1_a/c.png", caption="").with_suffix(".txt")
    seen = survey(tmp_path / "data", None)
    assert found(seen) == ["a.png"]
    assert [f.code for f in seen.findings if f.level is Level.ERROR] == ["unreadable", "empty-caption"]


@pytest.mark.parametrize(
    ("named", "called"),
    [
        (["/d/a", "/d/b"], ["a", "b"]),
        (["/d/a/x", "/d/b/x", "/d/c"], ["a/x", "b/x", "c"]),
        (["/d/a", "/d/a"], ["a", "a"]),
        (["/a/x", "/d/a/x", "/e/x"], ["/a/x", "d/a/x", "e/x"]),
    ],
)
def test_folders_called_alike_are_told_apart(named: list[str], called: list[str]) -> None:
    assert folders.called(list(map(Path, named))) == called
    assert folders.called([Path("/d/a/x")], [Path("/d/b/x")]) == ["a/x"]
