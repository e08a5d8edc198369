"""`kohya-wrap dataset build`: what is said, what is taken over from the last time, what ends how."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from kohya_wrap.cli.dataset.build import command
from kohya_wrap.errors import Interrupted
from tests.fixtures.shell import Shell

BUILD = ("dataset", "build")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Six pictures of as many kinds, three captions."""
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    Image.effect_noise((900, 600), 60).convert("RGB").save(folder / "a.jpg")
    Image.new("RGBA", (300, 200), (9, 9, 9, 0)).save(folder / "logo.png")
    for number in range(4):
        Image.new("RGB", (200 + number, 200)).save(folder / f"more/{number}.png")
    for name in ("a", "more/0", "more/1"):
        (folder / f"{name}.txt").write_text(f"a photo, {name[-1]}")
    return folder


def tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.endswith(".lock")
    }


@pytest.mark.parametrize("too_many", ["6", "9"])
def test_the_most_that_can_be_held_out_is_said(shell: Shell, photos: Path, too_many: str) -> None:
    words = (*BUILD, "photos", "--concept", "mycat", "--holdout")
    answer = shell(*words, too_many)
    assert answer.code == 4
    most = answer.three_lines[2].split()[1]
    assert answer.three_lines[2].startswith("--holdout ") and shell(*words, most).code == 0
    assert shell(*words, str(int(most) + 1)).code == 4


def test_what_a_person_reads(shell: Shell, photos: Path) -> None:
    answer = shell(
        *BUILD,
        "photos",
        "--concept",
        "mycat",
        "--trigger",
        "sks cat",
        "--project",
        "my-lora",
        "--holdout",
        "1",
    )
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.splitlines() == [
        "my-lora/training_data/10_mycat: 5 images, 5 captions, trigger written into 6",
        "  saved as PNG          1 laid on white, transparent before",
        "  held out              1, in my-lora/held_out/mycat",
        "  an epoch              10 x 5 = 50 image passes",
        "",
        "Next: kohya-wrap init my-lora",
    ]


def test_the_same_again_changes_nothing_and_needs_no_words(
    shell: Shell, tmp_path: Path, photos: Path
) -> None:
    words = ("--trigger", "sks", "--repeats", "auto", "--holdout", "1", "--resize", "256")
    assert shell(*BUILD, "photos", "--concept", "mycat", *words).code == 0
    before = tree(tmp_path / "training_data")
    answer = shell(*BUILD, "--concept", "mycat")
    assert tree(tmp_path / "training_data") == before
    first, second, third, *_ = answer.out.splitlines()
    assert first == f"As the last time: {photos} --trigger sks --resize 256 --holdout 1"
    assert second == "training_data/60_mycat: 5 images, 5 captions"
    assert third == "  since the last build  nothing new; 6 pictures as they were"


def test_the_envelope(shell: Shell, tmp_path: Path, photos: Path) -> None:
    data = shell(*BUILD, "photos", "--concept", "mycat", "--json").envelope["data"]
    assert data["regularisation"] is None
    assert data["concept"]["folder"] == str(tmp_path / "training_data/10_mycat")
    assert [
        data["concept"][name] for name in ("images", "captions", "added", "saved_as_png", "held_out")
    ] == [6, 3, 6, 1, 0]


def test_several_concepts_weigh_equally(shell: Shell, tmp_path: Path, photos: Path) -> None:
    auto = ("--repeats", "auto")
    shell(*BUILD, "photos", "--concept", "mycat", *auto)
    assert (tmp_path / "training_data/50_mycat").is_dir()
    answer = shell(*BUILD, "photos/more", "--concept", "dog", *auto)
    assert "50_mycat is called 24_mycat now, so that the concepts weigh equally." in answer.out
    assert sorted(path.name for path in (tmp_path / "training_data").glob("[0-9]*")) == ["24_mycat", "36_dog"]


def test_a_folder_that_a_person_renamed_keeps_its_number(shell: Shell, tmp_path: Path, photos: Path) -> None:
    shell(*BUILD, "photos", "--concept", "mycat", "--repeats", "auto")
    (tmp_path / "training_data/50_mycat").rename(tmp_path / "training_data/20_mycat")
    shell(*BUILD, "photos/more", "--concept", "dog", "--repeats", "auto")
    assert sorted(path.name for path in (tmp_path / "training_data").glob("[0-9]*")) == ["20_mycat", "30_dog"]
    assert "20 x 6" in shell(*BUILD, "--concept", "mycat").out


def test_the_trigger_of_the_config(shell: Shell, tmp_path: Path, photos: Path) -> None:
    shell("init", "--concept", "mycat", "--trigger", "sks cat", "--engine", "rehearsal")
    answer = shell(*BUILD, "photos", "--concept", "mycat")
    assert "6 captions, trigger written into 6" in answer.out
    assert answer.out.splitlines()[0] == "As the config says: --trigger 'sks cat'"
    assert "As the last time" in shell(*BUILD, "--concept", "mycat").out
    assert answer.out.splitlines()[-1] == "Next: kohya-wrap dataset check training_config.toml"
    other = shell(*BUILD, "--concept", "mycat", "--trigger", "xyz", "--json")
    assert [found["code"] for found in other.envelope["findings"]] == ["trigger-differs"]


def test_regularisation_images(shell: Shell, tmp_path: Path, photos: Path) -> None:
    (tmp_path / "1_cat").mkdir()
    Image.new("RGB", (64, 64)).save(tmp_path / "1_cat/r.png")
    words = ("--concept", "mycat", "--trigger", "sks", "--reg", "1_cat")
    shell("init", "--concept", "mycat", "--engine", "rehearsal")
    answer = shell(*BUILD, "photos", *words, "--json")
    assert tree(tmp_path / "reg_data").keys() == {"1_cat/r.png"}  # without the trigger
    (said,) = answer.envelope["findings"]
    assert (said["code"], answer.envelope["data"]["regularisation"]["images"]) == ("reg-data-dir", 1)
    assert shell(*said["hint"].split()[1:]).code == 0
    assert shell(*BUILD, "--reg", "1_cat", "--json").envelope["findings"] == []


def test_a_linked_folder_of_ones_own_is_not_replaced(shell: Shell, tmp_path: Path, photos: Path) -> None:
    (tmp_path / "project/training_data").mkdir(parents=True)
    (tmp_path / "project/training_data/10_mycat").symlink_to(photos)
    before = tree(photos)
    answer = shell(*BUILD, "photos", "--concept", "mycat", "--project", "project")
    assert (answer.code, "is a link to a folder outside" in answer.three_lines[0]) == (4, True)
    assert tree(photos) == before


def test_training_data_on_another_disk(shell: Shell, tmp_path: Path, photos: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "project").mkdir()
    (tmp_path / "project/training_data").symlink_to(tmp_path / "disk")
    for _ in range(2):
        assert shell(*BUILD, "photos", "--concept", "mycat", "--project", "project").code == 0
    assert (tmp_path / "disk/10_mycat").is_dir()


def test_what_changed_is_said_where_all_did(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    for size in (64, 65):
        Image.new("RGB", (size, size)).save(tmp_path / "one/a.png.part", "PNG")
        (tmp_path / "one/a.png.part").rename(tmp_path / "one/a.png")
        answer = shell(*BUILD, "one", "--concept", "mycat")
    assert "since the last build  1 changed; 0 pictures as they were" in answer.out


def test_a_concept_called_as_if_it_were_pending(shell: Shell, photos: Path) -> None:
    for _ in range(2):
        for concept in ("v.pending", "v"):
            assert shell(*BUILD, "photos", "--concept", concept).code == 0


def empty(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()


def broken(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/a.png").touch()


def escaping(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "src", "w") as archive:
        archive.writestr("../a.png", "x")


def loop(tmp_path: Path) -> None:
    (tmp_path / "src").symlink_to("src")


@pytest.mark.parametrize("make", [empty, broken, escaping, loop, None])
def test_what_cannot_be_a_source_is_4_in_three_lines(shell: Shell, tmp_path: Path, make: object) -> None:
    if callable(make):
        make(tmp_path)
    before = tree(tmp_path)
    answer = shell(*BUILD, "src", "--concept", "mycat")
    assert (answer.code, answer.out) == (4, "")
    assert answer.three_lines
    assert tree(tmp_path) == before


def test_what_is_broken_can_be_left_out(shell: Shell, tmp_path: Path, photos: Path) -> None:
    (photos / "b.png").touch()
    answer = shell(*BUILD, "photos", "--concept", "mycat")
    assert answer.three_lines[2].endswith("the same line with --skip-broken")
    assert "6 images" in shell(*BUILD, "photos", "--concept", "mycat", "--skip-broken").out


@pytest.mark.parametrize(
    ("words", "named"),
    [(("photos",), "--concept"), (("--concept", "mycat"), "Nothing to build"), (("photos", "--concept", "a/b"), "a/b"),
     (("photos", "--concept", "x", "--repeats", "0"), "--repeats"),
     (("photos", "--concept", "x", "--repeats", "1000000"), "neither auto nor a number from 1 to 999999"),
     (("photos", "--concept", "x", "--background", "whit"), "--background"),
     (("photos", "--concept", "x", "--resize", "10"), "--resize"),
     (("photos", "--concept", "x" * 300), "over 150 bytes"), (("photos", "--concept", "猫" * 60), "over 150 bytes"),
     (("photos", "--concept", "x", "--repeats", "9" * 300), "--repeats"),
     (("photos", "--concept", "x", "--reg-class", "c"), "--reg-class names"),
     (("--reg", "photos", "--reg-class", "../z"), "--reg-class '../z' cannot be"),
     (("photos", "--concept", "x", "--trigger", "sks\ncat"), "--trigger"),
     (("photos", "--concept", "x", "--trigger", "   "), "nothing but spaces")],
)  # fmt: skip
def test_what_is_asked_wrong_is_2(shell: Shell, photos: Path, words: tuple[str, ...], named: str) -> None:
    answer = shell(*BUILD, *words)
    assert (answer.code, named in answer.three_lines[0]) == (2, True)
    assert not (photos.parent / "training_data").exists() and not (photos.parent / "reg_data").exists()


def test_spaces_around_the_trigger_do_not_belong_to_it(shell: Shell, tmp_path: Path, photos: Path) -> None:
    assert shell(*BUILD, "photos", "--concept", "x", "--trigger", " sks\u3000cat ").code == 0
    assert (tmp_path / "training_data/10_x/a.txt").read_text() == "sks\u3000cat, a photo, a\n"


def test_ctrl_c_says_that_nothing_was_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("kohya_wrap.workflow.build_dataset.run", interrupted)
    with pytest.raises(Interrupted) as caught:
        command.main(["photos", "--concept", "m", "--project", str(tmp_path)], standalone_mode=False)
    assert "goes on where it was" not in caught.value.hint and "begins anew" in caught.value.hint


def test_a_disk_that_fills_up_midway_is_8_and_nothing_is_lost(
    shell: Shell, tmp_path: Path, photos: Path, small_disk: Path
) -> None:
    words = ("--concept", "mycat", "--project", small_disk)
    assert shell(*BUILD, "photos/more", *words).code == 0
    before = tree(small_disk)
    for number in range(3):
        Image.effect_noise((700, 700), 200).convert("RGB").save(photos / f"large-{number}.gif")
    answer = shell(*BUILD, "photos", *words)
    assert (answer.code, "No space left" in answer.three_lines[0]) == (8, True)
    assert tree(small_disk) == before


def test_a_trigger_goes_also_from_captions_whose_source_is_not_named_again(
    shell: Shell, photos: Path, tmp_path: Path
) -> None:
    shutil.copytree(photos, tmp_path / "others")
    Image.new("RGB", (77, 77), "red").save(tmp_path / "others" / "a.jpg")
    (tmp_path / "others" / "a.txt").write_text("a red square")

    def build(*words: str) -> dict[str, str]:
        answer = shell(*BUILD, *words, "--concept", "m", "--project", "my-lora")
        assert (answer.code, "edited" in answer.out + answer.err) == (0, False), answer.err
        (folder,) = (tmp_path / "my-lora" / "training_data").glob("*_m")
        return {path.name: path.read_text().strip() for path in folder.glob("a*.txt")}

    first = build("photos", "others", "--trigger", "BBB")
    assert set(first.values()) == {"BBB, a photo, a", "BBB, a red square"}
    assert set(build("others", "--trigger", "AAA").values()) == {"AAA, a photo, a", "AAA, a red square"}
    assert build("photos", "others", "--trigger", "BBB") == first
    assert set(build("--trigger", "CCC").values()) == {"CCC, a photo, a", "CCC, a red square"}


def test_a_caption_that_is_none_takes_its_picture_along_and_both_are_named(
    shell: Shell, photos: Path
) -> None:
    (photos / "a.txt").write_text("word " * 20_000)
    answer = shell(*BUILD, "photos", "--concept", "m", "--project", "my-lora", "--skip-broken")
    assert answer.code == 0
    assert "left out: a.jpg, because of its caption: a.txt has 100 kB" in answer.out + answer.err


def test_what_is_called_otherwise_than_in_the_source_is_said(shell: Shell, photos: Path) -> None:
    Image.new("RGB", (64, 64), "red").save(photos / "more" / "a.png")
    Image.new("RGB", (64, 64), "blue").save(photos / "wrong.png", "JPEG")
    Image.new("P", (64, 64)).save(photos / "odd.gif")  # saved as PNG, which is said already
    answer = shell(*BUILD, "photos", "--concept", "m", "--json")
    assert answer.envelope["data"]["concept"]["renamed"] == [
        {"from": "more/a.png", "to": "a-2.png"},
        {"from": "wrong.png", "to": "wrong.jpg"},
    ]
    assert "  renamed               2: more/a.png -> a-2.png, wrong.png -> wrong.jpg\n" in answer.err


def test_of_captions_that_differ_the_one_taken_is_named(shell: Shell, photos: Path) -> None:
    (photos / "a.caption").write_text("something else")
    (photos / "more" / "0.caption").write_text("a photo, 0\n")
    answer = shell(*BUILD, "photos", "--concept", "m")
    assert "note: 1 picture has captions that differ: a.jpg (a.txt, not a.caption).  To take" in answer.out


def test_a_file_of_captions_that_is_too_large_is_not_passed_over_in_silence(
    shell: Shell, photos: Path
) -> None:
    with (photos / "meta.json").open("wb") as large:
        large.truncate(100_000_001)
    answer = shell(*BUILD, "photos", "--concept", "m")
    assert (answer.code, "no caption is looked for in meta.json, over 100 MB." in answer.out) == (0, True)


def test_a_source_that_is_not_named_again_goes_when_its_pictures_are_deleted(
    shell: Shell, photos: Path, tmp_path: Path
) -> None:
    """As the help says."""
    words = ("--concept", "m")
    assert shell(*BUILD, "photos", *words).code == 0
    assert "6 images" in shell(*BUILD, "photos/more", *words).out
    folder = tmp_path / "training_data" / "10_m"
    for path in folder.glob("[a-z]*"):
        path.unlink()
    assert "4 images" in shell(*BUILD, *words).out
    assert not list(folder.glob("[a-z]*"))


def test_the_longest_name_of_a_concept(shell: Shell, photos: Path) -> None:
    for words in (("--repeats", "100000"), ("--repeats", "auto", "--holdout", "1"), ()):
        assert shell(*BUILD, "photos", "--concept", "x" * 150, *words).code == 0


def test_the_trigger_of_an_init_without_a_build_gives_way_to_the_configs(
    shell: Shell, tmp_path: Path, photos: Path
) -> None:
    folder = tmp_path / "training_data/10_mycat"
    folder.mkdir(parents=True)
    Image.new("RGB", (64, 64), "red").save(folder / "mine.png")
    shell("init", "--concept", "mycat", "--trigger", "one", "--engine", "rehearsal")
    assert (folder / "mine.txt").read_text() == "one\n"
    assert shell("config", "set", "kohya_wrap.trigger=two").code == 0
    answer = shell(*BUILD, "photos", "--concept", "mycat")
    assert "training_data/10_mycat: 7 images, 7 captions, trigger written into 7\n" in answer.out
    assert {path.read_text().partition(",")[0].strip() for path in folder.glob("*.txt")} == {"two"}


@pytest.mark.parametrize(
    ("base", "card", "most"),
    [("sd15", "RTX 4090", 400), ("sd15", "T4", 400), ("sdxl", "RTX 4090", 230), ("sdxl", "T4", 50)],
)
def test_an_epoch_of_auto_takes_no_more_than_ten_minutes_on_the_projects_card(
    shell: Shell, tmp_path: Path, base: str, card: str, most: int
) -> None:
    """By the slowest figure that is known of a step: SDXL takes five times as long as SD 1.5, on a T4 twenty."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(10):
        Image.new("RGB", (64 + number, 64)).save(folder / f"{number}.png")
    shell("init", "lo", "--base", base, "--gpu", card, "--concept", "x")
    answer = shell(*BUILD, folder, "--concept", "x", "--project", "lo", "--repeats", "auto")
    assert answer.code == 0, answer.err
    (built,) = [path for path in (tmp_path / "lo" / "training_data").iterdir() if path.is_dir()]
    passes = 10 * int(built.name.partition("_")[0])
    assert most / 2 <= passes <= most
    again = shell(
        "init",
        "new",
        "--base",
        base,
        "--gpu",
        card,
        "--images",
        folder,
        "--concept",
        "x",
        "--repeats",
        "auto",
    )
    assert again.code == 0 and (tmp_path / "new" / "training_data" / built.name).is_dir()


def test_what_another_project_built_or_set_aside_is_passed_over_and_named(
    shell: Shell, tmp_path: Path, photos: Path
) -> None:
    """Also where a project was copied, and its record names the place that it was copied from."""
    shell(*BUILD, "photos", "--concept", "mycat", "--project", "photos", "--holdout", "2")
    shutil.copytree(photos, tmp_path / "copied")
    again = shell(*BUILD, "--concept", "mycat", "--project", "copied")
    assert "  since the last build  nothing new; 6 pictures as they were" in again.out.splitlines()
    answer = shell(*BUILD, "photos", "--concept", "mycat", "--project", "other", "--json")
    assert answer.envelope["data"]["concept"]["images"] == 6
    (said,) = answer.envelope["findings"]
    assert said["code"] == "passed-over"
    assert f"{photos}/held_out, {photos}/training_data: what" in said["message"]
    shutil.rmtree(photos / "more")
    for name in ("a.jpg", "a.txt", "logo.png"):
        (photos / name).unlink()
    answer = shell(*BUILD, "photos", "--concept", "dog", "--project", "other")
    assert (answer.code, "but what a project keeps" in answer.three_lines[0]) == (4, True)
    assert shell(*BUILD, "photos/training_data", "--concept", "dog", "--project", "other").code == 0


@pytest.mark.parametrize("source", ["training_data/10_mycat", "held_out", "training_data/10_mycat/a.jpg"])
def test_what_the_project_itself_holds_is_no_source(
    shell: Shell, tmp_path: Path, photos: Path, source: str
) -> None:
    shell(*BUILD, "photos", "--concept", "mycat", "--holdout", "2")
    before = tree(tmp_path)
    for concept in ("mycat", "other"):
        answer = shell(*BUILD, source, "--concept", concept, "--repeats", "3")
        assert answer.code == 4
        assert answer.three_lines[0] == f"{tmp_path / source} is the project's own, and no source of a build."
    assert tree(tmp_path) == before


@pytest.mark.parametrize("source", [".", "training_data"])
def test_that_only_the_projects_own_pictures_were_found_is_said(
    shell: Shell, tmp_path: Path, source: str
) -> None:
    (tmp_path / "training_data/10_mycat").mkdir(parents=True)
    Image.new("RGB", (64, 64)).save(tmp_path / "training_data/10_mycat/a.png")
    answer = shell(*BUILD, source, "--concept", "mycat")
    assert answer.code == 4
    assert answer.three_lines[0].startswith(f"No picture in {tmp_path / source} but what a project keeps: ")
    assert answer.three_lines[2].endswith("What stands in training_data is trained on as it is.")


@pytest.mark.parametrize(
    ("says", "answer"),
    [('train_data_dir = "mydata"', "kohya-wrap config set train_data_dir=training_data --file training_config.toml"),
     ('dataset_config = "data.toml"', 'image_dir = "{}" in a subset of it; or take dataset_config out of the config.'),
     ('train_data_dir = "training_data"', None), ('dataset_config = "named.toml"', None), ("", None)],
)  # fmt: skip
def test_that_the_config_trains_on_other_pictures_is_said(
    shell: Shell, tmp_path: Path, photos: Path, says: str, answer: str | None
) -> None:
    built = tmp_path / "training_data/10_mycat"
    (tmp_path / "training_config.toml").write_text(f"{says}\n")
    for name, folder in (("data.toml", photos), ("named.toml", built)):
        (tmp_path / name).write_text(f'[[datasets]]\n[[datasets.subsets]]\nimage_dir = "{folder}"\n')
    data = shell(*BUILD, "photos", "--concept", "mycat", "--json").envelope
    said = [found["hint"] for found in data["findings"] if found["code"] == "not-trained-on"]
    assert said == ([answer.format(built)] if answer else [])


def test_captions_that_were_taken_over_are_counted(shell: Shell, tmp_path: Path, photos: Path) -> None:
    shell(*BUILD, "photos", "--concept", "mycat", "--trigger", "sks")
    (photos / "a.txt").write_text("another photo")
    (photos / "more/0.txt").unlink()
    lines = shell(*BUILD, "--concept", "mycat").out.splitlines()
    assert lines[2] == "  since the last build  2 captions changed; 6 pictures as they were"
    (tmp_path / "training_data/10_mycat/1.txt").write_text(
        "sks, mine\n"
    )  # edited: the trigger goes from it too
    data = shell(*BUILD, "--concept", "mycat", "--trigger", "", "--json").envelope["data"]["concept"]
    assert (data["captions_changed"], data["triggers_written"]) == (6, 0)
    data = shell(*BUILD, "--concept", "mycat", "--json").envelope["data"]["concept"]
    assert (data["captions_changed"], data["unchanged"]) == (0, 6)


def test_a_concept_that_begins_with_a_number_is_remarked(shell: Shell, tmp_path: Path, photos: Path) -> None:
    answer = shell(*BUILD, "photos", "--concept", "10_cat", "--json")
    (said,) = answer.envelope["findings"]
    assert (said["code"], said["hint"]) == ("numbered-name", "Not meant? --concept cat --repeats 10")
    words = ("--concept", "10_cat", "--engine", "rehearsal")
    assert "numbered-name" in shell("init", "new", "--images", "photos", *words, "--json").out
    assert "numbered-name" in shell("init", "new", *words, "--json").out


def test_why_more_are_set_aside_than_were_asked_for(shell: Shell, photos: Path) -> None:
    for path in list(photos.rglob("*.png")):
        shutil.copy(path, path.with_name(f"copy-{path.name}"))
    (photos / "a.jpg").unlink()
    answer = shell(*BUILD, "photos", "--concept", "mycat", "--holdout", "2", "--json")
    assert answer.envelope["data"]["concept"]["held_out"] == 4
    (said,) = answer.envelope["findings"]
    assert said["message"].startswith("4 pictures are set aside: the copies of one go with it")


@pytest.mark.parametrize("name", [".kohya-wrap", "held_out", "training_data"])
def test_a_file_where_the_projects_folder_must_be_is_named(
    shell: Shell, tmp_path: Path, photos: Path, name: str
) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / name).write_text("precious")
    answer = shell(*BUILD, "photos", "--concept", "mycat", "--project", "project")
    assert answer.code == 4
    assert f"{name} is a file, where a folder must be" in answer.three_lines[0]
    assert tree(tmp_path / "project") == {name: b"precious"}


@pytest.fixture
def four(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for number in range(4):
        Image.new("RGB", (64 + number, 64)).save(tmp_path / "photos" / f"{number}.png")


def test_what_is_held_out_for_one_concept_and_a_regularisation_image_is_named(
    shell: Shell, tmp_path: Path, four: None
) -> None:
    assert shell("dataset", "build", "photos", "--concept", "one", "--holdout", "1").code == 0
    (held,) = (tmp_path / "held_out" / "one").iterdir()
    answer = shell("dataset", "build", "--reg", "photos", "--reg-class", "two")
    said = f"1 picture held out for one is trained on in 1_two/: {held.name}."
    assert answer.code == 0 and said in answer.out + answer.err
    assert said in shell("dataset", "check", "training_data").out
    (tmp_path / "reg_data" / "1_two" / held.name).unlink()
    assert said not in shell("dataset", "check", "training_data").out


def test_what_is_held_out_for_one_concept_stays_out_of_another(
    shell: Shell, tmp_path: Path, four: None
) -> None:
    assert shell("dataset", "build", "photos", "--concept", "two").code == 0
    answer = shell("dataset", "build", "photos", "--concept", "one", "--holdout", "1")
    (held,) = (tmp_path / "held_out" / "one").iterdir()
    assert f"1 picture held out for one is trained on in 10_two/: {held.name}." in answer.out + answer.err
    for count in ("1", "0"):
        assert shell("dataset", "build", "--concept", "two", "--holdout", count).code == 0
        assert [path.name for path in (tmp_path / "held_out" / "two").iterdir()] == [held.name]
