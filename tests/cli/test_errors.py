"""Bad input: exactly three lines on stderr, and the exit code that a script may rely on."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from kohya_wrap.cli import errors
from kohya_wrap.errors import Stopped
from kohya_wrap.host import atomic
from kohya_wrap.places import Places
from tests.fixtures import small_engine, weight_files
from tests.fixtures.loopback_hub import LoopbackHub
from tests.fixtures.shell import Shell
from tests.fixtures.small_engine import SmallEngine

RUN = ("run", "my-lora/training_config.toml", "--engine", "rehearsal")
Spoil = Callable[[Path], object]  # given the project's folder


def concept(project: Path) -> Path:
    return project / "training_data" / "1_concept"


def add(text: str) -> Spoil:
    def spoil(project: Path) -> None:
        with (project / "training_config.toml").open("a", encoding="utf-8") as config:
            config.write(text)

    return spoil


def remove_images(project: Path) -> None:
    shutil.rmtree(concept(project))
    concept(project).mkdir()


@pytest.mark.parametrize(
    ("spoil", "code", "what", "hint"),
    [
        (remove_images, 4, "No image in ", "10_concept"),
        (lambda project: concept(project).rename(project / "training_data" / "concept"), 4,
         "No numbered folder in ", "mv "),
        (lambda project: (concept(project) / "camera.jpg").write_bytes(b"\xff\xd8\xff"), 4,
         "1_concept/camera.jpg cannot be read", "rm "),
        (lambda project: (concept(project) / "camera.txt").write_bytes("猫".encode("shift-jis")), 4,
         "camera.txt is not UTF-8", "iconv -f SHIFT_JIS"),
        (lambda project: shutil.rmtree(project / "training_data"), 4, "training_data is not there", "init"),
        (lambda project: (project / "training_config.toml").unlink(), 3, "is not there", "kohya-wrap init"),
        (add("network_dimm = 16\n"), 3, "training_config.toml:29: `network_dimm`", "`network_dim`"),
        (add('seed = "42"\n'), 3, "training_config.toml:29: `seed` must be a whole number, not '42'", "Write seed = 42."),
        (add("seed = = 42\n"), 3, "is not TOML: seed = = 42", "Mend that line"),
        (add('in_json = "d.json"\n'), 3, "training_config.toml:29: `in_json`", "training_data/N_"),
        (add('dataset_config = "d.toml"\n'), 2, "training_config.toml:29: the rehearsal does not play", "--engine real"),
        (add("[kohya_wrap]\nbases = 1\n"), 3, "[kohya_wrap] bases", "remove `bases`"),
    ],
)  # fmt: skip
def test_run_on_a_project_with_a_fault(
    shell: Shell, guide: Path, spoil: Spoil, code: int, what: str, hint: str
) -> None:
    spoil(guide.parent)
    answer = shell(*RUN)
    assert answer.code == code
    said, _, remedy = answer.three_lines
    assert what in said
    assert hint in remedy
    assert not (guide.parent / ".kohya-wrap").exists()  # nothing was started
    assert said not in answer.out  # nor said twice


@pytest.mark.parametrize(
    ("words", "code", "what", "hint"),
    [
        (["--images", "empty"], 4, "No picture in ", "Name the folder"),
        (["--images", "nowhere"], 4, "nowhere is not there", "dataset build FOLDER"),
        (["--gpu", "RTX 9999"], 2, "'RTX 9999'", "--gpu auto"),
        (["--base", "sd16"], 2, "`sd16`", "sd15"),
        (["--concept", "a/b"], 2, "'a/b'", "--concept"),
        (["--concept", "x" * 300], 2, "over 150 bytes", "--concept"),
        (["--trigger", "sks\ncat"], 2, "holds an end of a line", "--trigger"),
        (["--trigger", "  "], 2, "nothing but spaces", "--trigger"),
        (["--repeats", "0"], 2, "'0'", "--repeats 10"),
    ],
)
def test_init_with_words_that_cannot_be_meant(
    shell: Shell, tmp_path: Path, words: list[str], code: int, what: str, hint: str
) -> None:
    (tmp_path / "empty").mkdir()
    answer = shell("init", "my-lora", *words)
    assert answer.code == code
    said, _, remedy = answer.three_lines
    assert what in said
    assert hint in remedy
    assert not (tmp_path / "my-lora" / "training_config.toml").exists()


def test_unreadable_pictures_are_all_named_before_anything_is_built(
    shell: Shell, tmp_path: Path, photographs: Path
) -> None:
    shutil.copytree(photographs, tmp_path / "mine")
    for name in ("a.png", "b.jpg"):
        (tmp_path / "mine" / name).write_bytes(b"no picture")
    answer = shell("init", "my-lora", "--images", "mine")
    assert answer.code == 4
    assert "a.png cannot be read" in answer.three_lines[0] and "b.jpg cannot be read" in answer.out
    assert not (tmp_path / "my-lora" / "training_data").exists()


def test_no_gpu_for_a_base_that_needs_one(shell: Shell, guide: Path) -> None:
    answer = shell("run", guide)
    assert answer.code == 8
    what, _, hint = answer.three_lines
    assert what == "There is no NVIDIA GPU here."
    assert hint.endswith(f"kohya-wrap run {guide} --gpu cpu")


def test_a_model_that_is_nowhere_is_said_before_the_engine_is_fetched(shell: Shell, guide: Path) -> None:
    answer = shell("init", "--base", "./nowhere.safetensors", "--gpu", "cpu", PATH="")  # no git either
    assert answer.code == 5
    assert answer.three_lines[0].endswith("nowhere.safetensors does not exist.")

    text = guide.read_text(encoding="utf-8").replace("v1-5-pruned", "nowhere")
    guide.write_text(text, encoding="utf-8")
    answer = shell("run", guide, "--gpu", "cpu", PATH="")
    assert answer.code == 5
    what, _, hint = answer.three_lines
    assert what.startswith("training_config.toml:2: the base model ")
    assert "sd15" in hint


def test_a_pickle_is_refused(shell: Shell, tmp_path: Path) -> None:
    weight_files.write_ckpt(tmp_path / "model.ckpt", weight_files.SD15)
    answer = shell("init", "--base", "model.ckpt", "--gpu", "cpu", PATH="")
    assert answer.code == 5
    what, _, hint = answer.three_lines
    assert what.endswith("model.ckpt is a pickle, and refused.")
    assert "--allow-pickle" in hint
    assert not (tmp_path / "pickle-was-run").exists()


def test_weights_with_a_wrong_hash_are_kept_aside(small: Shell, places: Places) -> None:
    with LoopbackHub() as hub:
        hub.put("owner/repo", "base.safetensors", b"damaged on the way", sha256="0" * 64)
        answer = small("init", "--gpu", "cpu", "--base", "hf:owner/repo/base.safetensors", **hub.env)
    assert answer.code == 5
    aside = places.weights / "owner--repo" / "base.safetensors.wrong-hash"
    assert answer.three_lines[0] == f"base.safetensors has a wrong hash and is kept aside: {aside}"
    assert aside.read_bytes() == b"damaged on the way"
    assert not (small.cwd / "training_config.toml").exists()


@pytest.mark.parametrize(("environment", "needs"), [("0", "2.1 GB"), ("1000000000", "3.1 GB")])
def test_a_disk_too_small_for_both_is_said_before_anything_is_fetched(
    small: Shell, engine: SmallEngine, places: Places, environment: str, needs: str
) -> None:
    free = "1500000000" if environment == "0" else "2500000000"  # then enough for each alone
    with LoopbackHub() as hub:
        answer = small("init", "--gpu", "cpu", FREE_BYTES=free, NEEDED_BYTES=environment, **hub.env)
        assert hub.asked == []
    assert answer.code == 8
    what, why, _ = answer.three_lines
    assert what == "The disk is too small for the engine's environment and the base weights."
    assert why.startswith(f"It needs {needs} and {free[0]}.5 GB are free at ")
    assert not engine.source(places).exists()


def test_an_engine_out_of_reach_is_said_within_10_seconds(small: Shell, tmp_path: Path) -> None:
    closed = tmp_path / "gitconfig"
    closed.write_text('[url "http://127.0.0.1:9/"]\n  insteadOf = https://\n', encoding="utf-8")
    began = time.monotonic()
    answer = small("demo", "--engine", "real", GIT_CONFIG_GLOBAL=str(closed))
    assert time.monotonic() - began < 10
    assert answer.code == 5
    what, _, hint = answer.three_lines
    assert what.startswith("The engine's repository is out of reach: https://")
    assert "--engine-dir" in hint


def test_no_git(small: Shell) -> None:
    answer = small("demo", "--engine", "real", PATH=str(Path(sys.executable).parent))
    assert answer.code == 5
    what, _, hint = answer.three_lines
    assert what == "There is no git program on this machine."
    assert "apt-get install git" in hint


def test_no_python_that_the_engine_supports(shell: Shell, tmp_path: Path) -> None:
    engine = small_engine.make(tmp_path / "small", python=["3.3"])
    small = Shell(shell.cwd, {**shell.variables, **engine.variables}, small_engine.CLI)
    closed = {"UV_PYTHON_INSTALL_MIRROR": "http://127.0.0.1:9"}
    answer = small("demo", "--engine", "real", **closed)
    assert answer.code == 5
    what, _, hint = answer.three_lines
    assert what == "No Python that the engine supports is on this machine (3.3)."
    assert hint.startswith("Install Python 3.3")


def test_a_file_on_the_way_to_the_home(tmp_path: Path) -> None:
    """KOHYA_WRAP_HOME can lead around it, as it cannot where a project's folder is a file."""
    (tmp_path / "taken").touch()
    home = Shell(tmp_path, {"KOHYA_WRAP_HOME": str(tmp_path / "taken" / "home")})
    answer = home("demo", "--engine", "rehearsal")
    assert answer.code == 8
    what, _, hint = answer.three_lines
    assert what == f"{tmp_path / 'taken'} is a file, where a folder must be."
    assert "set KOHYA_WRAP_HOME to another folder" in hint


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("run", "a.toml", "--restart=3"), "kohya-wrap run --help"),
        (("run", "--no-such"), "kohya-wrap run --help"),
        (("run", "--gpu"), "kohya-wrap run --help"),
        (("config", "check", "--json=3"), "kohya-wrap config check --help"),
        (("nothing",), "kohya-wrap --help"),
    ],
)
def test_help_is_named_of_the_command_that_was_meant(shell: Shell, words: tuple[str, ...], hint: str) -> None:
    answer = shell(*words)
    assert (answer.code, answer.three_lines[2]) == (2, hint)


@pytest.mark.parametrize("words", [("status",), ("init", "x"), ("dataset", "check"), ("run",)], ids=" ".join)
def test_a_folder_that_is_gone(tmp_path: Path, words: tuple[str, ...]) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    program = (
        f"import os, sys; os.rmdir({str(gone)!r}); from kohya_wrap.cli import main; main({list(words)!r})"
    )
    answer = Shell(gone, program=(sys.executable, "-P", "-c"))(program)
    assert answer.code in (2, 3, 4, 8) and "a bug" not in answer.err
    if answer.code == 8:
        assert "is not there any more" in answer.three_lines[0]


@pytest.mark.parametrize(
    ("number", "file", "is_home"),
    [
        (errno.ENOSPC, "a/home/bases/x", True),
        (errno.EROFS, "a", True),  # a folder on the way to the home
        (errno.EDQUOT, "a/project/not/yet/x", False),
        (errno.ENOSPC, "", False),  # the home's disk, but it is where the command stands that is full
    ],
)
def test_what_helps_where_a_disk_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, file: str, is_home: bool
) -> None:
    here = tmp_path / "a"
    (here / "home").mkdir(parents=True)
    monkeypatch.setenv("KOHYA_WRAP_HOME", str(here / "home"))
    monkeypatch.setattr(sys, "argv", ["kohya-wrap", "status"])
    monkeypatch.chdir(here)
    monkeypatch.setattr(atomic, "free_bytes", lambda folder: 0 if folder == here else 10**10)
    error = OSError(number, os.strerror(number), *([str(tmp_path / file)] if file else []))
    said = errors.of_the_system(error)
    assert said is not None and said.code == 8
    assert said.message.startswith(f"{tmp_path / file}: " if file else f"The disk of {here}: ")
    assert ("is full" in said.why) == (number != errno.EROFS)
    assert ("KOHYA_WRAP_HOME" in said.hint, "move the project" in said.hint) == (is_home, not is_home)
    there = here / "home" if "home" in file else here
    assert said.hint.startswith(f"df -h {there} ")


@pytest.mark.parametrize(("number", "is_terminal"), [(signal.SIGTERM, False), (signal.SIGHUP, True)])
def test_a_lost_terminal_is_named_where_it_was_that(number: signal.Signals, is_terminal: bool) -> None:
    with pytest.raises(Stopped) as stopped:
        errors._terminated(number, None)
    assert ("terminal" in stopped.value.why) == is_terminal


def test_a_limit_for_the_size_of_a_file(shell: Shell, guide: Path) -> None:
    """As `ulimit -f` sets it; in a shell, whose child alone has it."""
    source = guide.parent / "training_data" / "1_concept"
    limited = ("bash", "-c", 'ulimit -f 1; exec "$@"', "bash", *shell.program)
    answer = replace(shell, program=limited)("dataset", "build", source, "--concept", "x", "--project", "new")
    what, why, hint = answer.three_lines
    assert answer.code == 8
    assert (
        "cannot be written: File too large." in what and "ulimit -f" in why and "ulimit -f unlimited" in hint
    )
