"""`kohya-wrap init`: what stands afterwards, and what is left alone."""

from __future__ import annotations

import shlex
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
import toml
from PIL import Image

from kohya_wrap.places import Places
from tests.fixtures import weight_files
from tests.fixtures.loopback_hub import LoopbackHub
from tests.fixtures.shell import Answer, Shell, until
from tests.fixtures.small_engine import SmallEngine

REHEARSAL = ("--engine", "rehearsal")


def config(project: Path) -> dict[str, Any]:
    return toml.load(project / "training_config.toml")


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_lays_out_the_images_and_leaves_the_source_alone(
    shell: Shell, tmp_path: Path, photographs: Path
) -> None:
    before = tree(photographs)
    answer = shell("init", "my-lora", "--images", photographs, "--concept", "mycat", *REHEARSAL)
    assert (answer.code, answer.err) == (0, "")
    built = tmp_path / "my-lora" / "training_data" / "10_mycat"
    assert len(list(built.glob("*.txt"))) == 8
    pictures = [path for path in built.iterdir() if path.suffix != ".txt"]
    assert len(pictures) == 8
    for picture in pictures:
        assert picture.samefile(photographs / picture.name)  # a hard link: no second copy on disk
    assert tree(photographs) == before
    assert answer.out.splitlines()[-1] == "Ready. Next: kohya-wrap run my-lora/training_config.toml"


def test_writes_the_trigger_into_captions_that_lack_it(
    shell: Shell, tmp_path: Path, photographs: Path
) -> None:
    answer = shell("init", "--images", photographs, "--trigger", "sks cat", *REHEARSAL)
    assert "trigger written into 8" in answer.out
    captions = list((tmp_path / "training_data").rglob("*.txt"))
    assert len(captions) == 8
    assert all(path.read_text(encoding="utf-8").startswith("sks cat, skimage photo, ") for path in captions)


def test_for_a_memory_the_config_is_for_its_most_modest_card_which_is_said(
    shell: Shell, tmp_path: Path
) -> None:
    answer = shell("init", "--gpu", "24GB")
    said = "the most modest of 24GB, RTX 3090: 2 images at once for SD 1.5, 1 for SDXL, bf16; not in this machine"
    assert said in answer.out
    assert config(tmp_path)["gpu"]["preset"] == "RTX 3090"


def test_a_second_time_keeps_everything(shell: Shell, tmp_path: Path, photographs: Path) -> None:
    words = ("init", "my-lora", "--images", photographs, *REHEARSAL)
    assert shell(*words).code == 0
    file = tmp_path / "my-lora" / "training_config.toml"
    file.write_text(file.read_text(encoding="utf-8") + "# mine\n", encoding="utf-8")
    before = tree(tmp_path / "my-lora")
    answer = shell(*words, "--gpu", "cpu", "--steps", "7", "--json")
    assert answer.code == 0
    assert answer.envelope["data"]["config_kept"] is True
    assert tree(tmp_path / "my-lora") == before


KEPT = ("--concept", "mycat", "--base", "sd15", "--trigger", "sks cat", *REHEARSAL)


@pytest.fixture
def project(shell: Shell, tmp_path: Path, photographs: Path) -> Path:
    assert shell("init", "my lora", "--images", photographs, *KEPT).code == 0
    return tmp_path / "my lora"


def said(answer: Answer) -> list[tuple[str, str]]:
    assert answer.code == 0, answer.err
    return [(finding["code"], finding["hint"]) for finding in answer.envelope["findings"]]


ANEW = "rm 'my lora/training_config.toml'   and then the same line: it is made anew, without what you changed in it."
SET = "kohya-wrap config set {} --file 'my lora/training_config.toml'"


@pytest.mark.parametrize(
    ("words", "code", "hint"),
    [
        (("--base", "sdxl"), "kept-base", ANEW),
        (("--subject", "style"), "kept-subject", ANEW),
        (
            ("--steps", "77"),
            "kept-target-steps",
            "Remove max_train_epochs and save_every_n_epochs from it, and: "
            + SET.format("kohya_wrap.target_steps=77"),
        ),
        (
            ("--trigger", "xyz cat"),
            "kept-trigger",
            SET.format("'kohya_wrap.trigger=xyz cat'")
            + "   and then the same line: it is written into captions that lack it.",
        ),
        (("--engine", "real"), "kept-engine", SET.format("kohya_wrap.engine=real")),
        (
            ("--gpu", "RTX 3090"),
            "kept-gpu",
            "kohya-wrap run 'my lora/training_config.toml' --gpu 'RTX 3090'",
        ),
        (("--repeats", "5"), "kept-repeats", "mv '{0}/10_mycat' '{0}/5_mycat'"),
    ],
)
def test_what_is_asked_and_a_config_says_otherwise_is_said(
    shell: Shell, project: Path, words: tuple[str, ...], code: str, hint: str
) -> None:
    before = tree(project)
    answer = shell("init", "my lora", *words, "--json")
    assert said(answer) == [(code, hint.format(project / "training_data"))]
    assert tree(project) == before


def test_what_is_said_to_be_typed_does_it(shell: Shell, project: Path) -> None:
    ((_, hint),) = said(shell("init", "my lora", "--trigger", "xyz cat", "--json"))
    assert shell(*shlex.split(hint.partition("   ")[0])[1:]).code == 0
    again = shell("init", "my lora", "--trigger", "xyz cat", "--json")
    assert said(again) == []
    captions = (project / "training_data").rglob("*.txt")
    assert all(path.read_text(encoding="utf-8").startswith("xyz cat, skimage ") for path in captions)


def test_what_is_asked_as_the_config_says_it_is_not_said(
    shell: Shell, project: Path, photographs: Path
) -> None:
    assert said(shell("init", "my lora", "--images", photographs, *KEPT, "--steps", "1500", "--json")) == []
    assert said(shell("init", "my lora", "--json")) == []  # sd15, 10 and real are defaults, and not asked


def test_a_base_of_ones_own_is_the_same_however_it_is_written(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "base.safetensors").write_bytes(weight_files.safetensors(weight_files.SD15))
    assert shell("init", "--base", "base.safetensors", *REHEARSAL).code == 0
    assert said(shell("init", "--base", f"../{tmp_path.name}/base.safetensors", "--json")) == []


def test_the_base_that_is_fetched_is_the_configs(small: Shell, tmp_path: Path) -> None:
    with LoopbackHub() as hub:
        hub.put("owner/repo", "base.safetensors", weight_files.safetensors(weight_files.SD15))
        hub.put("owner/repo", "other.safetensors", weight_files.safetensors(weight_files.SD15))
        words = ("init", "--gpu", "cpu", "--base", "hf:owner/repo/base.safetensors")
        assert small(*words, **hub.env).code == 0
        assert said(small(*words, "--json", **hub.env)) == []
        answer = small(
            "init", "--gpu", "cpu", "--base", "hf:owner/repo/other.safetensors", "--json", **hub.env
        )
    assert [code for code, _ in said(answer)] == ["kept-base"]
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["base.safetensors"]


def test_a_second_concept_is_said_and_has_a_trigger_of_its_own(
    shell: Shell, project: Path, photographs: Path
) -> None:
    words = ("init", "my lora", "--concept", "dog", "--images", photographs, "--trigger", "xyz")
    answer = shell(*words)
    assert "10_dog, 8 images, 8 captions, trigger written into 8 (16 images in all folders)" in answer.out
    assert "10_dog is trained together with 10_mycat" in answer.out
    first, second = (project / "training_data" / name for name in ("10_mycat", "10_dog"))
    assert all(path.read_text(encoding="utf-8").startswith("xyz, skimage") for path in second.glob("*.txt"))
    before = tree(first)
    again = shell("init", "my lora", "--concept", "mycat", "--trigger", "xyz", "--json")
    assert [code for code, _ in said(again)] == ["kept-trigger"]
    assert tree(first) == before
    assert again.envelope["data"]["images"] == 8
    assert said(shell(*words, "--json")) == []


def test_pictures_put_in_by_hand_get_the_trigger_the_second_time(
    shell: Shell, project: Path, photographs: Path, tmp_path: Path
) -> None:
    first = shell("init", "new", "--concept", "mycat", "--trigger", "sks cat", *REHEARSAL)
    assert "Then the same line again: it writes the trigger" in first.out
    folder = tmp_path / "new" / "training_data" / "10_mycat"
    before = tree(photographs)
    for path in photographs.iterdir():
        (folder / path.name).hardlink_to(path)
    run = ("run", "new/training_config.toml", "--set", "max_train_epochs=1")
    assert "8 of 8 images in 10_mycat/ have no 'sks cat' in their captions" in shell(*run).out
    assert "10_mycat, 8 images, trigger written into 8" in shell("init", "new").out
    assert "in their captions" not in shell(*run).out
    assert all(path.read_text(encoding="utf-8").startswith("sks cat, ") for path in folder.glob("*.txt"))
    assert tree(photographs) == before


def test_a_concept_folder_that_is_a_link_to_ones_own_pictures_is_not_written_into(
    shell: Shell, tmp_path: Path, photographs: Path
) -> None:
    (tmp_path / "training_data").mkdir()
    (tmp_path / "training_data" / "10_mycat").symlink_to(photographs)
    before = tree(photographs)
    answer = shell("init", "--trigger", "sks cat", *REHEARSAL, "--json")
    assert [code for code, _ in said(answer)] == ["captions-outside"]
    assert tree(photographs) == before


def test_other_images_than_those_that_are_there_are_said(
    shell: Shell, project: Path, photographs: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    known, new = sorted(photographs.glob("*.png"))[:2]
    (other / "renamed.png").write_bytes(known.read_bytes())
    Image.open(new).rotate(90).save(other / "new.png")
    answer = shell("init", "my lora", "--images", "other", "--json")
    ((code, hint),) = said(answer)
    assert (code, "(new.png)" in answer.envelope["findings"][0]["message"]) == ("kept-images", True)
    assert shell(*shlex.split(hint)[1:]).code == 0
    assert said(shell("init", "my lora", "--images", "other", "--json")) == []
    assert said(shell("init", "my lora", "--images", "not-on-this-machine", "--json")) == []


@pytest.mark.parametrize(
    ("steps", "words"),
    [("1500", "71 epochs of 21 steps = 1491 steps"), ("3", "1 epoch of 21 steps = 21 steps")],
)
def test_says_what_the_steps_come_to(shell: Shell, photographs: Path, steps: str, words: str) -> None:
    answer = shell("init", "--images", photographs, "--steps", steps, *REHEARSAL)
    assert f"To train: {words}" in answer.out


def test_a_concept_is_not_another_whose_name_ends_alike(
    shell: Shell, tmp_path: Path, photographs: Path
) -> None:
    black = tmp_path / "training_data" / "10_black_cat"
    black.mkdir(parents=True)
    (black / "note.txt").write_text("mine", encoding="utf-8")
    assert shell("init", "--images", photographs, "--concept", "cat", *REHEARSAL).code == 0
    assert len(list((tmp_path / "training_data" / "10_cat").glob("*.txt"))) == 8
    assert list(tree(black)) == ["note.txt"]


@pytest.mark.parametrize(
    ("card", "base", "expected"),
    [
        ("RTX 4090", "sd15", {"train_batch_size": 4, "mixed_precision": "bf16"}),
        ("rtx3090", "sdxl", {"train_batch_size": 1, "gradient_checkpointing": True}),
        ("A100", "sd15", {"train_batch_size": 4}),
        ("cpu", "sd15", {"train_batch_size": 2, "gradient_accumulation_steps": 2}),
    ],
)
def test_the_config_says_what_the_cards_preset_says(
    shell: Shell, tmp_path: Path, card: str, base: str, expected: dict[str, Any]
) -> None:
    assert shell("init", "--gpu", card, "--base", base, *REHEARSAL).code == 0
    written = config(tmp_path)["gpu"]
    assert {name: written[name] for name in expected} == expected


def test_sdxl_gets_options_and_vae_of_its_own(shell: Shell, tmp_path: Path) -> None:
    assert shell("init", "--base", "sdxl", *REHEARSAL).code == 0
    written = config(tmp_path)
    assert written["dataset"]["resolution"] == "1024,1024"
    assert written["model"]["pretrained_model_name_or_path"] == "./models/sd_xl_base_1.0.safetensors"
    assert written["model"]["vae"] == "./models/sdxl_vae.safetensors"
    assert written["training"]["network_train_unet_only"] is True


def captioned(photographs: Path, folder: Path, caption: str) -> Path:
    """Copies, each with that caption."""
    shutil.copytree(photographs, folder)
    for path in folder.glob("*.txt"):
        path.write_text(caption, encoding="utf-8")
    return folder


TAGS, PROSE = "sks cat, 1girl, solo, long hair", "a photo of a cat that sleeps on a wooden table"


@pytest.mark.parametrize(
    ("caption", "written"),
    [(TAGS, {"shuffle_caption": True, "keep_tokens": 1}), (PROSE, {"shuffle_caption": False})],
)
def test_a_subject_brings_its_own_values(
    shell: Shell, tmp_path: Path, photographs: Path, caption: str, written: dict[str, Any]
) -> None:
    mine = captioned(photographs, tmp_path / "mine", caption)
    answer = shell("init", "--images", mine, "--subject", "character", "--base", "sdxl", *REHEARSAL)
    assert (answer.code, answer.err) == (0, "")
    made = config(tmp_path)
    assert (made["kohya_wrap"]["subject"], made["kohya_wrap"]["target_steps"]) == ("character", 2000)
    assert (made["training"]["unet_lr"], made["training"]["network_dim"]) == (3e-4, 8)
    dataset = made["dataset"]
    assert {name: dataset[name] for name in ("shuffle_caption", "keep_tokens") if name in dataset} == written
    assert ("captions are tags" if written["shuffle_caption"] else "captions are sentences") in answer.out


def test_without_a_subject_the_values_are_the_guides(shell: Shell, tmp_path: Path, photographs: Path) -> None:
    mine = captioned(photographs, tmp_path / "mine", TAGS)
    assert shell("init", "--images", mine, *REHEARSAL).code == 0
    made = config(tmp_path)
    assert (made["kohya_wrap"]["subject"], made["kohya_wrap"]["target_steps"]) == ("", 1500)
    assert (made["training"]["unet_lr"], made["training"]["network_dim"]) == (1e-4, 32)
    assert not {"shuffle_caption", "keep_tokens"} & set(made["dataset"])


def test_a_base_that_predicts_v_is_known_before_it_is_here(shell: Shell, tmp_path: Path) -> None:
    assert shell("init", "--base", "noobai-vpred", *REHEARSAL).code == 0
    model = config(tmp_path)["model"]
    assert (model["v_parameterization"], model["zero_terminal_snr"]) == (True, True)


@pytest.mark.parametrize("card", ["auto", "RTX 4090"])
def test_without_the_gpu_it_prepares_and_downloads_nothing(
    small: Shell, engine: SmallEngine, places: Places, tmp_path: Path, photographs: Path, card: str
) -> None:
    with LoopbackHub() as hub:
        answer = small("init", "my-lora", "--gpu", card, "--images", photographs, **hub.env)
        assert hub.asked == []
    assert (answer.code, answer.err) == (0, "")
    assert not engine.source(places).exists()
    assert not places.weights.exists()
    assert config(tmp_path / "my-lora")["gpu"]["preset"] == "RTX 4090"
    assert "nothing was downloaded" in answer.out
    assert "--full" in answer.out
    assert "rsync -a my-lora USER@HOST:\n" in answer.out
    assert "kohya-wrap run my-lora/training_config.toml --gpu cpu" in answer.out


def test_full_fetches_for_a_card_that_is_elsewhere(small: Shell, engine: SmallEngine, places: Places) -> None:
    with LoopbackHub() as hub:
        hub.put("owner/repo", "base.safetensors", weight_files.safetensors(weight_files.SD15))
        base = "hf:owner/repo/base.safetensors"
        answer = small("init", "--gpu", "RTX 4090", "--full", "--base", base, **hub.env)
    assert (answer.code, answer.err) == (0, "")
    assert engine.is_complete(places)
    assert (small.cwd / "models" / "base.safetensors").is_file()
    assert "Licence of the base, which your LoRA inherits: as its page says" in answer.out


def test_says_where_the_images_go_when_it_was_given_none(shell: Shell) -> None:
    answer = shell("init", "my lora", "--concept", "mycat", *REHEARSAL)
    images, then = answer.out.splitlines()[-2:]
    assert images == "Put your images and captions (a.png with a.txt) into 'my lora/training_data/10_mycat'."
    assert then == "Then: kohya-wrap run 'my lora/training_config.toml'"


def test_options_can_stand_in_the_environment(shell: Shell, tmp_path: Path) -> None:
    variables = {"KOHYA_WRAP_INIT_GPU": "RTX 3090", "KOHYA_WRAP_INIT_ENGINE": "rehearsal"}
    assert shell("init", **variables).code == 0
    assert config(tmp_path)["gpu"]["preset"] == "RTX 3090"
    assert config(tmp_path)["kohya_wrap"]["engine"] == "rehearsal"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 7)])
def test_a_signal_ends_it_at_once_also_in_a_download_that_hangs(
    small: Shell, number: signal.Signals, code: int
) -> None:
    with LoopbackHub(stall_after=1) as hub:
        hub.put("owner/repo", "base.safetensors", bytes(10**6))
        base = "hf:owner/repo/base.safetensors"
        with small.start("init", "--gpu", "cpu", "--base", base, **hub.env) as child:
            until(child, "✓ tokenizers")
            child.send_signal(number)
            _, err = child.communicate(timeout=3)
    assert child.returncode == code
    what, _, hint = err.strip().splitlines()  # click leaves the line on which ^C stands
    assert what.startswith("error: ")
    assert hint == "  try: The same command again goes on where it was."


def test_the_trigger_of_a_build_does_not_stay_in_its_captions(
    shell: Shell, tmp_path: Path, photographs: Path
) -> None:
    """`dataset build` with one, `init` with another, `dataset build` with a third: each caption has the last alone."""
    build = ("dataset", "build", photographs, "--concept", "mycat", "--project", "new", "--trigger")
    shell(*build, "aaa")
    folder = tmp_path / "new" / "training_data" / "10_mycat"
    own = folder / "astronaut.txt"
    own.write_text("a sentence of mine\n", encoding="utf-8")
    assert "trigger written into 8" in shell("init", "new", "--trigger", "bbb", *REHEARSAL).out

    def begun(trigger: str) -> set[bool]:
        others = [path for path in folder.glob("*.txt") if path != own]
        return {path.read_text(encoding="utf-8").startswith(f"{trigger}, skimage") for path in others}

    assert begun("bbb") == {True}
    assert own.read_text(encoding="utf-8") == "bbb, a sentence of mine\n"
    shell(*build, "ccc")
    assert begun("ccc") == {True}
    assert own.read_text(encoding="utf-8") == "ccc, a sentence of mine\n", "a person's own is kept"
