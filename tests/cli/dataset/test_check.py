"""`kohya-wrap dataset check`: what the trainer will really see."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image

from tests.fixtures.shell import Shell


def test_a_project_is_read_in_a_minute(shell: Shell, guide: Path) -> None:
    answer = shell("dataset", "check", guide, "--gpu", "RTX 4090")
    assert (answer.code, answer.err) == (0, "")
    lines = answer.out.splitlines()
    assert lines[0].endswith("training_data: 8 images, 8 captions (.txt), seen as SD 1.5 at 512,512")
    assert len(lines) < 50
    said = " ".join(answer.out.split())
    for words in (
        "8 images: fewer than the guide's 20-40",
        "1_concept 8 1 8 8 'skimage photo' (assumed) in 8 of 8, first in all",
        "of 2; 5 steps x 10 epochs = 50 steps",
        "done folders as the trainer wants them",
        "not seen test prompts written",
        "warning: 8 images are few",
    ):
        assert words in said


def test_as_json_each_image_has_a_record(shell: Shell, guide: Path) -> None:
    answer = shell("dataset", "check", guide, "--gpu", "RTX 4090", "--json")
    envelope = answer.envelope
    assert (answer.code, envelope["ok"], envelope["command"]) == (0, True, "dataset check")
    data = envelope["data"]
    assert (data["family"], data["batches_per_epoch"], data["steps"], data["captions"]) == ("sd15", 5, 50, 8)
    assert sum(bucket["passes"] for bucket in data["buckets"]) == 8
    (cat,) = [record for record in data["images"] if record["path"].endswith("chelsea.webp")]
    assert cat["caption"] == "skimage photo, a tabby cat looking aside"
    assert (cat["size"], cat["bucket"], cat["crop"]) == ([451, 300], [640, 384], [0, 15, 451, 285])
    assert (cat["tokens"], cat["has_trigger"], cat["format"]) == (None, True, "WEBP")
    assert [finding["code"] for finding in cat["findings"]] == ["enlarged"]
    assert "data" in envelope and any(finding["code"] == "enlarged" for finding in envelope["findings"])


def test_errors_end_with_4_and_the_data_is_shown_all_the_same(shell: Shell, guide: Path) -> None:
    folder = guide.parent / "training_data" / "1_concept"
    whole = (folder / "astronaut.png").read_bytes()
    (folder / "astronaut.png").write_bytes(whole[: len(whole) // 2])
    (folder / "camera.txt").write_bytes("青い髪".encode("shift_jis"))
    answer = shell("dataset", "check", guide)
    assert answer.code == 4
    assert answer.err.splitlines()[0].startswith("error: 2 things in ")
    assert "astronaut.png cannot be read" in answer.out and "not UTF-8" in answer.out
    as_json = shell("dataset", "check", guide, "--json").envelope
    assert (as_json["ok"], as_json["error"]["code"], len(as_json["data"]["images"])) == (False, 4, 6)


def test_sizes_that_do_not_go_with_the_config_are_what_the_engine_would_die_of(
    shell: Shell, small_project: Path
) -> None:
    """`run` says the same, and nothing is started."""
    words = [f"--set={name}=false" for name in ("enable_bucket", "cache_latents", "cache_latents_to_disk")]
    answer = shell("dataset", "check", small_project, *words)
    said = " ".join(answer.out.split())
    assert answer.code == 4 and "of the size of 2 the engine dies" in said
    assert "error: 2 of 3 images are not 512x512, and without buckets and cached latents" in said
    config = small_project / "training_config.toml"
    answer = shell("run", config, "--engine", "rehearsal", *words)
    assert (answer.code, answer.three_lines[2]) == (4, "Write enable_bucket = true.")
    assert not (small_project / ".kohya-wrap" / "runs").exists()
    regular = small_project / "reg" / "1_cat"
    regular.mkdir(parents=True)
    Image.new("RGB", (600, 600)).save(regular / "x.png")
    answer = shell("dataset", "check", small_project, *words, "--set=reg_data_dir=reg", "--json")
    assert [f["where"] for f in answer.envelope["findings"] if f["message"].startswith("is 600x600")]


@pytest.mark.parametrize("named", ["photos", "photos/10_cat", "loose", "project"])
def test_a_folder_alone_may_be_named(shell: Shell, guide: Path, named: str) -> None:
    source = guide.parent / "training_data" / "1_concept"
    shutil.copytree(source, shell.cwd / "photos" / "10_cat")
    shutil.copytree(source, shell.cwd / "loose")
    shutil.copytree(guide.parent, shell.cwd / "project")
    answer = shell("dataset", "check", named, "--json")
    assert answer.code == 0
    data, codes = answer.envelope["data"], [finding["code"] for finding in answer.envelope["findings"]]
    assert len(data["images"]) == 8
    assert ("no-config" in codes) == (data["config"] is None) == (named != "project")
    assert ("not-built" in codes) == (named == "loose")
    undone = [tick["item"] for tick in data["checklist"] if tick["state"] == "not done"]
    assert undone == {
        "loose": ["folders as the trainer wants them", "training config ready"],
        "project": [],
    }.get(named, ["training config ready"])


def test_what_it_is_checked_for_can_be_said(shell: Shell, guide: Path) -> None:
    words = ("--family", "sdxl", "--subject", "style", "--trigger", "photo", "--set", "train_batch_size=3")
    data = shell("dataset", "check", guide, *words, "--json").envelope["data"]
    assert (data["family"], data["batch"], data["concepts"][0]["trigger"]) == ("sdxl", 3, "photo")


def test_the_projects_trigger_and_subject_are_its_own(shell: Shell, guide: Path) -> None:
    with guide.open("a", encoding="utf-8") as config:
        config.write('[kohya_wrap]\nsubject = "object"\ntrigger = "sks photo"\n')
    answer = shell("dataset", "check", guide, "--json")
    assert answer.envelope["data"]["concepts"][0]["trigger"] == "sks photo"
    assert "no-trigger" in [finding["code"] for finding in answer.envelope["findings"]]


@pytest.mark.parametrize(
    ("named", "words", "dog", "cat"),
    [
        ("my-lora", (), ("sks dog", False), ("skimage photo", True)),
        ("my-lora/training_data/10_dog", (), ("sks dog", False), ("skimage photo", True)),
        ("my-lora", ("--trigger", "photo"), ("photo", False), ("photo", False)),
    ],
)
def test_the_trigger_that_build_was_told(
    shell: Shell,
    guide: Path,
    named: str,
    words: tuple[str, ...],
    dog: tuple[str, bool],
    cat: tuple[str, bool],
) -> None:
    pictures = guide.parent.parent / "pictures"
    shutil.copytree(guide.parent / "training_data" / "1_concept", pictures)
    for concept, more in {"dog": ("--trigger", "sks dog"), "cat": ()}.items():
        assert (
            shell("dataset", "build", pictures, "--project", "my-lora", "--concept", concept, *more).code == 0
        )
    answer = shell("dataset", "check", named, *words, "--json")
    found = {
        of["folder"]: (of["trigger"], of["trigger_assumed"]) for of in answer.envelope["data"]["concepts"]
    }
    assert (found["10_dog"], found["10_cat"]) == (dog, cat)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("nowhere",), 3),
        (("--set", "resolution=banana"), 3),
        (("--set", "learning_rate=banana"), 0),  # nothing that is said of the images
        (("--set", "resolutoin=768"), 3),
        (("--set", "foo=3"), 3),
        (("--set", "trigger=sks cat"), 3),  # that of the section is kohya_wrap.trigger
        (("--set", "kohya_wrap.tigger=sks cat"), 3),
        (("--set", "gpu.foo=3"), 3),
        (("--set", "config_file=x.toml"), 3),
        (("--set", "color_aug=true"), 0),
        (("--set", "color_aug=true", "--set", "cache_latents=true"), 3),
        (("--set", "random_crop=true", "--set", "cache_latents=true"), 3),
        (("--set", "caption_extension="), 3),
        (("--set", "in_json=x.json"), 3),
        (("--set", "train_data_dir=https://example.org/x"), 3),
        (("--set", "train_data_dir=nowhere"), 4),
        (("--set", "dataset_config=data.toml"), 3),
        (("--family", "sd9"), 2),
        (("--set", "no equals sign"), 2),
    ],
)
def test_what_cannot_be_checked_is_refused_in_three_lines(
    shell: Shell, guide: Path, words: tuple[str, ...], code: int
) -> None:
    place = () if words[0] == "nowhere" else (guide,)
    assert shell("dataset", "check", *place, *words).code == code


def test_what_is_no_config_and_no_folder_is_said_so(shell: Shell, guide: Path) -> None:
    picture = guide.parent / "training_data" / "1_concept" / "astronaut.png"
    for command in ("check", "preview", "view"):
        missing, named = shell("dataset", command, "nope"), shell("dataset", command, picture)
        assert (missing.code, named.code) == (3, 3)
        assert "a config, a project with one, or a folder of images" in missing.three_lines[1].lower()
        assert "is a picture" in named.three_lines[0] and str(picture.parent) in named.three_lines[2]


def test_a_project_without_a_config_is_not_taken_for_a_folder_of_folders(shell: Shell, guide: Path) -> None:
    guide.unlink()
    data = shell("dataset", "check", guide.parent, "--json").envelope["data"]
    assert (data["folder"], data["captions"]) == (str(guide.parent / "training_data"), 8)
    shutil.rmtree(guide.parent / "training_data" / "1_concept")
    (guide.parent / "training_data" / "10_a").write_text("a file", encoding="utf-8")
    answer = shell("dataset", "check", guide.parent)
    assert answer.code == 4 and "10_training_data" not in answer.err


def test_bad_folders_are_refused_with_a_reason(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "looped" / "10_cat").mkdir(parents=True)
    (tmp_path / "looped" / "10_cat" / "loop.png").symlink_to("loop.png")
    (tmp_path / "named" / "10_cat").mkdir(parents=True)
    (tmp_path / "named" / "10_cat" / "folder.png").mkdir()
    (tmp_path / "nothing" / "10_cat").mkdir(parents=True)
    (tmp_path / "nothing" / "10_cat" / "zero.png").write_bytes(b"")
    for name in ("empty", "looped", "named", "nothing"):
        answer = shell("dataset", "check", name)
        assert answer.code == 4, (name, answer.err)
        assert "Traceback" not in answer.err


def test_a_caption_of_100_kb_is_refused_as_build_does_and_an_odd_picture_is_no_trouble(
    shell: Shell, tmp_path: Path
) -> None:
    folder = tmp_path / "data" / "10_cat"
    folder.mkdir(parents=True)
    Image.effect_noise((600, 500), 60).convert("CMYK").save(folder / "a.jpg")
    (folder / "a.txt").write_text("word, " * 17_000, encoding="utf-8")
    answer = shell("dataset", "check", "data", "--json")
    assert answer.code == 4
    (error,) = [found for found in answer.envelope["findings"] if found["level"] == "error"]
    assert error["message"].startswith("10_cat/a.txt has 102 kB: that is no caption")
    (folder / "a.txt").write_text("word", encoding="utf-8")
    answer = shell("dataset", "check", "data", "--json")
    assert answer.code == 0 and "colours" in [f["code"] for f in answer.envelope["findings"]]


def test_regularisation_images_are_counted_and_read_to_their_end(shell: Shell, guide: Path) -> None:
    regular = guide.parent / "reg" / "1_photo"
    regular.mkdir(parents=True)
    Image.effect_noise((600, 600), 60).save(regular / "a.png")
    words = ("--set", "reg_data_dir=reg", "--gpu", "RTX 4090", "--json")
    envelope = shell("dataset", "check", guide, *words).envelope
    assert sum(bucket["passes"] for bucket in envelope["data"]["buckets"]) == 16
    assert "no-caption" not in [finding["code"] for finding in envelope["findings"]]
    (regular / "b.png").write_bytes(b"")
    assert shell("dataset", "check", guide, *words).code == 4


def test_one_is_not_many(shell: Shell, small_project: Path) -> None:
    folder = small_project / "training_data" / "10_cat"
    for name in ("a.png", "a.txt", "c.png"):
        (folder / name).unlink()
    (folder / "b.txt").write_text("a dog\na second line", encoding="utf-8")
    said = " ".join(shell("dataset", "check", small_project).out.split())
    for words in (
        "training_data: 1 image, 1 caption (.txt)",
        "1 image: fewer than the guide's",
        "1 image is few",
        "1 of 1 caption in 10_cat/ lacks the trigger",
        "has 1 more line in its caption",
    ):
        assert words in said
    (folder / "b.txt").unlink()
    said = " ".join(shell("dataset", "check", small_project).out.split())
    assert "0 of 1 image have one" in said and "1 of 1 image in 10_cat/ has no .txt" in said


def test_nothing_is_written(shell: Shell, guide: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in guide.parent.rglob("*")}
    assert shell("dataset", "check", guide).code == 0
    assert {path: path.stat().st_mtime_ns for path in guide.parent.rglob("*")} == before


def test_what_is_wrong_with_regularisation_images_names_their_folder(shell: Shell, guide: Path) -> None:
    reg = guide.parent / "reg"
    words = ("dataset", "check", guide, "--set", "reg_data_dir=reg")
    what, why, hint = shell(*words).three_lines
    assert (what, why) == (
        f"{reg} is not there.",
        "The config's reg_data_dir names a folder that does not exist.",
    )
    assert (
        hint == "Put pictures of the class into reg_data/1_class, mend the path, or leave `reg_data_dir` out."
    )
    reg.mkdir()
    assert (
        shell(*words).three_lines[2] == "Put images and captions into reg_data/1_class/image.png + image.txt"
    )
    (reg / "photo").mkdir()
    assert shell(*words).three_lines[2] == f"mv {reg}/photo {reg}/1_photo"
    (reg / "photo").rename(reg / "1_photo")
    (reg / "1_photo" / "broken.png").write_bytes(b"x")
    Image.new("RGB", (600, 600)).save(reg / "1_photo" / "a.png")
    answer = shell(*words)
    assert answer.code == 4
    assert answer.err.splitlines()[0] == "error: 1 thing to mend before a training."


@pytest.mark.parametrize("command", ["check", "preview"])
def test_a_mistyped_option_is_said_as_config_check_does(shell: Shell, guide: Path, command: str) -> None:
    answer = shell("dataset", command, guide, "--set", "resolutoin=768")
    assert answer.code == 3
    what, _, hint = answer.three_lines
    assert (what[:26], hint) == ("--set: `resolutoin` is no ", "Write `resolution`.")
    answer = shell("dataset", command, guide, KOHYA_WRAP_SET_FLIP_AUGG="true")
    assert (answer.code, answer.three_lines[2]) == (3, "Write `flip_aug`.")
    with guide.open("a", encoding="utf-8") as config:
        config.write("network_dimm = 16\n")  # of which no image is counted otherwise
    assert shell("dataset", command, guide).code == 0
    with guide.open("a", encoding="utf-8") as config:
        config.write("train_batchsize = 3\n")
    answer = shell("dataset", command, guide)
    assert (answer.code, answer.three_lines[2]) == (3, "Write `train_batch_size`.")


def test_where_no_image_is_left_none_is_praised(shell: Shell, tmp_path: Path) -> None:
    folder = tmp_path / "10_cat"
    folder.mkdir()
    Image.new("RGB", (600, 600)).save(folder / "a.png")
    (folder / "a.txt").write_text("x" * 100_000)
    answer = shell("dataset", "check", tmp_path)
    assert answer.code == 4 and "1 thing" in answer.err and "would die" not in answer.err
    assert "cropped to a fitting shape: there is none that can be trained on" in answer.out
    assert "are few" not in answer.out
