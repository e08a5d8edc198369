"""`kohya-wrap dataset caption`, as it is typed."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from tests.fixtures import tiny_tagger
from tests.fixtures.loopback_hub import LoopbackHub
from tests.fixtures.shell import Answer, Shell

CONFIG = '[model]\npretrained_model_name_or_path = "a.safetensors"\n[kohya_wrap]\ntrigger = "sks cat"\n'
RED = "sks cat, kitty (a show), red hair, ^_^\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Three pictures; the last has a caption of a person's."""
    folder = tmp_path / "my-lora" / "training_data" / "10_cat"
    folder.mkdir(parents=True)
    for name, colour in {"a": (250, 0, 0), "b": (0, 0, 250), "c": (0, 250, 0)}.items():
        Image.new("RGB", (16, 12), colour).save(folder / f"{name}.png")
    (folder / "c.txt").write_text("a green field, solo, solo\n", encoding="utf-8")
    (tmp_path / "my-lora" / "training_config.toml").write_text(CONFIG, encoding="utf-8")
    tiny_tagger.make(tmp_path / "tagger")
    return tmp_path / "my-lora"


def texts(project: Path) -> dict[str, str]:
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(project.rglob("10_cat/*.txt"))}


def wd14(shell: Shell, project: Path, *words: str) -> Answer:
    return shell("dataset", "caption", "my-lora", "--with", "wd14", "--model", "tagger", *words)


def test_wd14_captions_what_has_none(shell: Shell, project: Path) -> None:
    answer = wd14(shell, project)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.splitlines()[-1] == (
        "3 pictures: 2 captions written, with 'sks cat' in front; 1 by a person, not replaced (--overwrite)"
    )
    assert texts(project) == {
        "a": RED, "b": "sks cat, blue sky, ^_^\n", "c": "a green field, solo, solo\n",
    }  # fmt: skip


def test_again_there_is_nothing_to_do_and_other_thresholds_renew(shell: Shell, project: Path) -> None:
    wd14(shell, project)
    assert "0 captions written; 2 from an earlier run up to date; 1 by a person" in wd14(shell, project).out
    answer = wd14(shell, project, "--threshold", "0.3", "--character-threshold", "1")
    assert "2 captions written" in answer.out
    assert texts(project)["a"] == "sks cat, red hair, ^_^, unlikely tag\n"


def test_a_person_s_caption_is_replaced_when_that_is_asked_and_can_be_taken_back(
    shell: Shell, project: Path
) -> None:
    before = texts(project)
    answer = wd14(shell, project, "--overwrite")
    assert texts(project)["c"] == "sks cat, green eyes, ^_^\n"
    command = answer.out.splitlines()[-1].partition("back with: ")[2]
    assert command.startswith("cp -r my-lora/.kohya-wrap/caption-backups/")
    subprocess.run(shlex.split(command), cwd=shell.cwd, check=True)
    assert texts(project) | before == texts(project)


def test_the_words_in_front_are_those_asked_for(shell: Shell, project: Path) -> None:
    assert wd14(shell, project, "--prefix", "").code == 0
    assert texts(project)["a"] == "kitty (a show), red hair, ^_^\n"
    answer = wd14(shell, project, "--prefix", "zwx")
    assert "3 captions edited" in answer.out
    assert texts(project)["a"] == "zwx, kitty (a show), red hair, ^_^\n"
    assert texts(project)["c"] == "zwx, a green field, solo, solo\n"


def test_edits_alone(shell: Shell, project: Path) -> None:
    words = ("--remove", "nothing, a green field", "--replace", "solo=one", "--prefix", "x")
    answer = shell("dataset", "caption", "my-lora", *words)
    assert (answer.code, answer.err) == (0, "")
    said = answer.out.splitlines()
    assert said[0] == "3 pictures: 1 caption edited"
    assert said[-1] == "warning: no caption has 'nothing' as a tag of its own, between commas."
    assert texts(project) == {"c": "x, one\n"}


def test_of_an_emptied_caption_a_line_is_left(shell: Shell, project: Path) -> None:
    """The engine dies of a file without a byte."""
    (project / "training_data" / "10_cat" / "c.txt").write_text("solo", encoding="utf-8")
    answer = shell("dataset", "caption", "my-lora", "--remove", "solo")
    assert (answer.code, texts(project)) == (0, {"c": "\n"})
    assert "nothing is left of 10_cat/c.txt" in answer.out


def test_a_dry_run_shows_the_diff(shell: Shell, project: Path) -> None:
    answer = shell("dataset", "caption", "my-lora", "--dedupe", "--prefix", "sks cat", "--dry-run")
    assert answer.out.splitlines() == [
        "--- a/training_data/10_cat/c.txt", "+++ b/training_data/10_cat/c.txt", "@@ -1 +1 @@",
        "-a green field, solo, solo", "+sks cat, a green field, solo", "3 pictures: 1 caption would be edited",
    ]  # fmt: skip
    assert texts(project) == {"c": "a green field, solo, solo\n"}
    assert not (project / ".kohya-wrap").exists()


def test_none_writes_the_trigger_where_there_is_no_caption(shell: Shell, project: Path) -> None:
    (project / "training_data" / "10_cat" / "b.txt").write_bytes(b"")  # the engine would die of it
    answer = shell("dataset", "caption", "my-lora", "--with", "none")
    assert "1 by a person, not replaced\n" in answer.out
    assert (answer.code, answer.err) == (0, "")
    assert texts(project) == {"a": "sks cat\n", "b": "sks cat\n", "c": "a green field, solo, solo\n"}


def test_a_tagger_of_the_hub_is_fetched_once_its_size_said(shell: Shell, project: Path) -> None:
    with LoopbackHub() as hub:
        for name in ("model.onnx", "selected_tags.csv"):
            hub.put("me/tiny", name, shell.cwd / "tagger" / name)
        words = ("dataset", "caption", "my-lora", "--with", "wd14", "--model", "hf:me/tiny")
        first = shell(*words, **hub.env)
        asked = len(hub.asked)
        again = shell(*words, "--threshold", "0.5", **hub.env)
        assert len(hub.asked) == asked
    assert (first.code, again.code) == (0, 0)
    assert first.out.startswith("… tagger       me/tiny: 0.0 MB to download\n")
    assert texts(project)["a"] == "sks cat, kitty (a show), red hair\n"


def test_a_tagger_that_cannot_be_fetched_costs_nothing(shell: Shell, project: Path) -> None:
    answer = shell("dataset", "caption", "my-lora", "--with", "wd14", HF_ENDPOINT="http://127.0.0.1:9")
    assert answer.code == 5
    assert "cannot be reached" in answer.three_lines[0]
    assert list(texts(project)) == ["c"]


def test_as_json(shell: Shell, project: Path) -> None:
    answer = wd14(shell, project, "--dedupe", "--json")
    data = answer.envelope["data"]
    assert (answer.code, answer.envelope["command"]) == (0, "dataset caption")
    folder = project / "training_data" / "10_cat"
    assert data["made"][0] == {"caption": str(folder / "a.txt"), "old": None, "new": RED}
    assert [change["new"] for change in data["edited"]] == ["a green field, solo\n"]
    assert (data["images"], data["kept"], data["current"], data["dry_run"]) == (3, 1, 0, False)
    assert Path(data["backup"], "training_data/10_cat/c.txt").is_file()


def test_what_cannot_be_read_is_named_and_the_others_are_done(shell: Shell, project: Path) -> None:
    folder = project / "training_data" / "10_cat"
    (folder / "b.png").write_bytes((folder / "b.png").read_bytes()[:50])
    (folder / "c.txt").write_bytes("猫".encode("shift_jis"))
    answer = wd14(shell, project, "--dedupe")
    assert answer.code == 4
    assert answer.three_lines[0] == "2 files could not be read; the others are done."
    assert "10_cat/b.png cannot be read" in answer.out and "10_cat/c.txt is not UTF-8" in answer.out
    assert (folder / "a.txt").read_text(encoding="utf-8") == RED
    assert (folder / "c.txt").read_bytes() == "猫".encode("shift_jis")
    assert not (folder / "b.txt").exists()
    assert wd14(shell, project, "--json").envelope["data"]["current"] == 1
    wd14(shell, project, "--overwrite")
    assert (folder / "c.txt").read_text(encoding="utf-8") == "sks cat, green eyes, ^_^\n"


def test_a_picture_of_which_the_tagger_says_nothing(shell: Shell, project: Path) -> None:
    answer = wd14(shell, project, "--prefix", "", "--threshold", "1", "--character-threshold", "1")
    assert answer.code == 0
    assert answer.out.count("there is nothing to say") == 2
    assert list(texts(project)) == ["c"]


@pytest.mark.parametrize(
    ("words", "code", "what"),
    [
        ((), 2, "Nothing was asked of the captions."),
        (("--overwrite",), 2, "Nothing was asked of the captions."),
        (("--with", "none", "--overwrite"), 2, "--overwrite needs a captioner"),
        (("--with", "none", "--prefix", ""), 2, "--with none has nothing to write."),
        (("--prefix", "sks\ncat"), 2, "--prefix 'sks\\ncat' holds an end of a line"),
        (("--replace", "solo"), 2, "--replace 'solo' is not OLD=NEW."),
        (("--with", "wd14", "--model", "nowhere"), 2, "--model nowhere is no folder"),
        (("--with", "wd14", "--model", "my-lora"), 5, "holds no WD14 tagger."),
        (("--with", "blip"), 5, "The engine is not installed here"),
        (("--with", "blip", "--model", "nowhere.pth"), 2, "--model nowhere.pth is no file."),
    ],
)
def test_what_cannot_be_done(
    shell: Shell, project: Path, words: tuple[str, ...], code: int, what: str
) -> None:
    before = texts(project)
    answer = shell("dataset", "caption", "my-lora", *words)
    assert answer.code == code
    assert what in answer.three_lines[0]
    assert texts(project) == before


def test_a_folder_without_pictures(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    answer = shell("dataset", "caption", "empty", "--with", "none", "--prefix", "x", "--json")
    assert answer.code == 4
    assert answer.envelope["error"]["message"] == f"No picture in {tmp_path / 'empty'}."
    assert answer.envelope["command"] == "dataset caption"


def built(shell: Shell, concept: str, trigger: str) -> None:
    """Two pictures of one colour each; the second has a person's caption."""
    folder = shell.cwd / f"{concept}-photos"
    folder.mkdir(exist_ok=True)
    for name, colour in {"x": (250, 0, 0), "y": (0, 0, 250)}.items():
        Image.new("RGB", (16, 12), colour).save(folder / f"{name}.png")
    (folder / "y.txt").write_text("a boat\n", encoding="utf-8")
    words = ("--concept", concept, "--project", "fresh", "--trigger", trigger)
    assert shell("dataset", "build", folder, *words).code == 0


def of_fresh(shell: Shell, concept: str) -> list[str]:
    return [
        path.read_text().strip()
        for path in sorted((shell.cwd / "fresh" / "training_data").glob(f"10_{concept}/*.txt"))
    ]


def test_a_trigger_that_the_build_wrote_is_no_person_s_caption_and_is_kept_in_front(
    shell: Shell, project: Path
) -> None:
    built(shell, "sea", "sks w")
    wd14 = ("dataset", "caption", "fresh", "--with", "wd14", "--model", "tagger")
    assert "1 caption written, with 'sks w' in front; 1 by a person" in shell(*wd14).out
    assert of_fresh(shell, "sea") == ["sks w, kitty (a show), red hair, ^_^", "sks w, a boat"]
    built(shell, "sea", "zwx")
    answer = shell(*wd14, "--threshold", "0.3", "--character-threshold", "1")
    assert "1 caption written, with 'zwx' in front; 1 by a person" in answer.out
    assert of_fresh(shell, "sea") == ["zwx, red hair, ^_^, unlikely tag", "zwx, a boat"]


def test_each_concept_has_the_trigger_it_was_built_with(shell: Shell, project: Path) -> None:
    built(shell, "sea", "sks w")
    built(shell, "wood", "zwx")
    (shell.cwd / "fresh" / "training_config.toml").write_text(CONFIG, encoding="utf-8")
    answer = shell("dataset", "caption", "fresh", "--with", "wd14", "--model", "tagger")
    assert "2 captions written, with 'sks w' or 'zwx' in front" in answer.out
    assert of_fresh(shell, "sea")[0] == "sks w, kitty (a show), red hair, ^_^"
    assert of_fresh(shell, "wood")[0] == "zwx, kitty (a show), red hair, ^_^"
    (shell.cwd / "fresh" / "training_data" / "10_wood" / "x.txt").write_text("red\n", encoding="utf-8")
    found = shell("dataset", "check", "fresh", "--json").envelope["findings"]
    assert [f["message"] for f in found if f["code"] == "no-trigger"] == [
        "1 of 2 captions in 10_wood/ lacks the trigger 'zwx': x.png."
    ]


@pytest.mark.parametrize("beside", [None, "", " \n"])
def test_a_person_s_caption_of_another_ending_is_not_put_out_of_use(
    shell: Shell, project: Path, beside: str | None
) -> None:
    folder = project / "training_data" / "10_cat"
    if beside is not None:
        (folder / "a.txt").write_text(beside, encoding="utf-8")
    (folder / "a.caption").write_text("a person's own words", encoding="utf-8")
    answer = wd14(shell, project)
    assert answer.code == 0
    assert {stem for stem, text in texts(project).items() if text.strip()} == {"b", "c"}
    assert "a.caption is the caption of a.png, and not read" in answer.out
    assert answer.out.splitlines()[-2].startswith(
        "3 pictures: 1 caption written, with 'sks cat' in front; 1 by a"
    )
    assert answer.out.splitlines()[-2].endswith("; 1 passed over, as is said below")
    (moved,) = [
        line.partition("  mv ")[2].partition("   (")[0] for line in answer.out.splitlines() if "  mv " in line
    ]
    subprocess.run(["sh", "-c", f"mv {moved}"], check=True, cwd=shell.cwd)
    assert texts(project)["a"] == "a person's own words"


def test_a_caption_of_an_earlier_run_stands_where_nothing_is_found_any_more(
    shell: Shell, project: Path
) -> None:
    words = ("--prefix", "", "--character-threshold", "1")
    wd14(shell, project, *words)
    before = texts(project)
    answer = wd14(shell, project, *words, "--threshold", "1")
    assert (answer.code, texts(project)) == (0, before)
    assert "10_cat/a.png: there is nothing to say, so a.txt is left as it was." in answer.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--with", "none", "--model", "foo"], "--model does nothing with --with none."),
        (["--prefix", "x", "--threshold", "0.5"], "--threshold does nothing without a captioner."),
        (
            ["--with", "blip", "--character-threshold", "0.9"],
            "--character-threshold does nothing with --with blip.",
        ),
        (["--with", "wd14", "--engine-dir", "e"], "--engine-dir does nothing with --with wd14."),
        (["--prefix", "x", "--batch", "4"], "--batch does nothing without a captioner."),
    ],
)
def test_an_option_that_would_be_ignored_is_refused(
    shell: Shell, project: Path, words: list[str], said: str
) -> None:
    answer = shell("dataset", "caption", "my-lora", *words)
    assert answer.code == 2
    assert answer.three_lines[0] == said
    assert not (project / ".kohya-wrap").exists()
