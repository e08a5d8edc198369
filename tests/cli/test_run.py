"""`kohya-wrap run`: the guide's config trained, watched, stopped and failed, on the rehearsal engine."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import toml
from safetensors import safe_open
from safetensors.numpy import save_file

from tests.fixtures import projects
from tests.fixtures.shell import Answer, Shell, until

REHEARSAL = ("--engine", "rehearsal")


def only_run(project: Path) -> Path:
    (folder,) = (project / ".kohya-wrap" / "runs").glob("2*")  # beside a lock
    return folder


def metadata(lora: Path) -> dict[str, str]:
    with safe_open(lora, framework="numpy") as file:
        return dict(file.metadata())


def test_the_guides_config_runs_as_printed(guide_run: tuple[Path, Answer]) -> None:
    guide, answer = guide_run
    assert (answer.code, answer.err) == (0, "")
    assert guide.read_bytes() == projects.GUIDE.read_bytes()
    for note in (
        '`resolution = 512` is given as "512,512"',
        "`batch_size` is the engine's `train_batch_size`",
        "a CPU cannot train in fp16",
    ):
        assert answer.out.count(note) == 1
    assert "8 images, 8 captions (.txt); 10 epochs of 5 steps = 50 steps, batch 2" in answer.out
    given = toml.load(only_run(guide.parent) / "engine_config.toml")
    assert (given["train_batch_size"], given["resolution"]) == (2, "512,512")
    assert (given["caption_extension"], given["network_module"]) == (".txt", "networks.lora")
    assert given["logging_dir"] == str(guide.parent / "logs"), "where the guide looks with TensorBoard"
    trained = metadata(guide.parent / "output" / "my_lora.safetensors")
    assert trained["ss_total_batch_size"] == "2"
    assert trained["ss_num_train_images"] == "8"
    assert "skimage photo" in json.loads(trained["ss_tag_frequency"])["1_concept"]


def test_ends_by_naming_what_was_made(guide_run: tuple[Path, Answer]) -> None:
    guide, answer = guide_run
    summary = answer.out.partition("Rehearsed 50 steps")[2]
    assert str(guide.parent / "output" / "my_lora.safetensors") in summary
    assert "4 earlier checkpoints beside it" in summary
    assert str(only_run(guide.parent)) in summary


def test_a_config_beside_the_user_is_found_without_a_word(shell: Shell, guide: Path) -> None:
    assert Shell(guide.parent, shell.variables)("run", *REHEARSAL).code == 0


def test_the_command_line_sets_options_for_this_once(shell: Shell, guide: Path) -> None:
    words = ("--set", "max_train_epochs=2", "--set", "output_name=other", "--set", "batch_size=4")
    answer = shell("run", guide, *REHEARSAL, *words, KOHYA_WRAP_SET_OUTPUT_NAME="weaker")
    assert (answer.code, answer.err) == (0, "")
    assert "2 epochs of " in answer.out and "batch 4" in answer.out
    assert (guide.parent / "output" / "other.safetensors").is_file()
    assert guide.read_bytes() == projects.GUIDE.read_bytes()


def test_a_wrong_word_of_the_command_line_starts_nothing(shell: Shell, guide: Path) -> None:
    answer = shell("run", guide, *REHEARSAL, "--set", "network_dimm=4")
    assert answer.code == 3
    assert answer.three_lines[0].startswith("--set: `network_dimm` is no option")
    assert not (guide.parent / ".kohya-wrap").exists()


def stopped(shell: Shell, guide: Path, strike: Callable[[subprocess.Popen[str]], None]) -> tuple[int, str]:
    """Strike once a checkpoint is saved and step 15 never ends; exit code and stderr, when nothing runs any more."""
    with shell.start("run", guide, *REHEARSAL, KOHYA_WRAP_REHEARSAL_FAULT="hang@15") as child:
        until(child, "saved my_lora-000002.safetensors")
        family = psutil.Process(child.pid).children(recursive=True)
        assert len(family) == 2  # launcher and trainer
        strike(child)
        _, err = child.communicate(timeout=30)
    gone, alive = psutil.wait_procs(family, timeout=5)
    assert (len(gone), alive) == (2, [])
    return child.returncode, err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 7)])
def test_a_signal_stops_everything_and_names_what_is_kept(
    shell: Shell, guide: Path, number: signal.Signals, code: int
) -> None:
    returned, err = stopped(shell, guide, lambda child: child.send_signal(number))
    assert returned == code
    what, why, hint = err.splitlines()
    assert what.endswith("of 50; epoch 2 is kept, and it goes on from there.")
    assert ("Ctrl-C" if number == signal.SIGINT else "SIGTERM") in why
    assert f"kohya-wrap run {guide}" in hint
    assert (guide.parent / "output" / "my_lora-000002.safetensors").is_file()
    last = (only_run(guide.parent) / "events.jsonl").read_text(encoding="utf-8").splitlines()[-1]
    assert (json.loads(last)["event"], json.loads(last)["outcome"]) == ("RunEnded", "stopped")
    again = shell("run", guide, *REHEARSAL)
    assert (again.code, again.err) == (0, "")
    assert "going on after epoch 2" in again.out and "Rehearsed 50 steps" in again.out
    only_run(guide.parent)


def test_two_runs_do_not_write_the_same_files(shell: Shell, guide: Path) -> None:
    with shell.start("run", guide, *REHEARSAL, KOHYA_WRAP_REHEARSAL_FAULT="hang@15") as first:
        until(first, "engine started")
        second = shell("run", guide, *REHEARSAL)
        other = shell("run", guide, *REHEARSAL, KOHYA_WRAP_SET_OUTPUT_NAME="other")
        first.terminate()
        first.communicate(timeout=30)
    assert second.code == 2
    assert second.three_lines[0] == "Another run of this project is training my_lora already."
    assert "engine started" not in second.out
    assert (other.code, other.err) == (0, "")
    assert first.returncode == 7
    assert shell("run", guide, *REHEARSAL).code == 0


@pytest.mark.parametrize("launcher_too", [False, True])
def test_a_trainer_that_outlives_its_kohya_wrap_is_watched_again(
    shell: Shell, guide: Path, launcher_too: bool
) -> None:
    slow = {"KOHYA_WRAP_REHEARSAL_STEP_SECONDS": "0.12"}
    with shell.start("run", guide, *REHEARSAL, **slow) as first:
        until(first, "saved my_lora-000002.safetensors")
        launcher, trainer = psutil.Process(first.pid).children(recursive=True)
        first.kill()
    if launcher_too:
        launcher.kill()
        psutil.wait_procs([launcher], timeout=5)
    other = shell("run", guide, *REHEARSAL, "--restart")
    second = shell("run", guide, *REHEARSAL)
    assert (other.code, second.code, second.err) == (2, 0, "")
    assert f"{trainer.pid}); its last words" in other.three_lines[0]
    assert f"kohya-wrap stop {only_run(guide.parent)} --now" in other.three_lines[2]
    assert "the trainer is still at work" in second.out and "engine started" not in second.out
    assert "saved my_lora-000004.safetensors" in second.out and "Rehearsed 50 steps" in second.out
    told = [json.loads(line) for line in (only_run(guide.parent) / "events.jsonl").open(encoding="utf-8")]
    steps = [event["step"] for event in told if event["event"] == "Progress"]
    assert steps == sorted(steps) and set(steps) == {*range(1, 51)}
    assert len([event for event in told if event["event"] == "CheckpointKept"]) == 5, "each is told once"


def test_a_trainer_at_work_keeps_its_options(shell: Shell, guide: Path) -> None:
    with shell.start("run", guide, *REHEARSAL, KOHYA_WRAP_REHEARSAL_FAULT="hang@15") as first:
        until(first, "saved my_lora-000002.safetensors")
        first.kill()
    refused = shell("run", guide, *REHEARSAL, "--set", "train_batch_size=4")
    assert refused.code == 3 and "is at work with train_batch_size = 2" in refused.three_lines[0]
    assert f"kohya-wrap stop {guide}" in refused.three_lines[2]
    assert shell("stop", guide, "--now").code == 0
    taken = shell("run", guide, *REHEARSAL, "--set", "train_batch_size=4")
    assert taken.code == 0 and "goes on with train_batch_size = 4" in taken.out


def test_fewer_epochs_than_are_done_are_refused(shell: Shell, guide: Path) -> None:
    constant = ("--set", "lr_scheduler=constant", "--set", "lr_warmup_steps=0")
    slow = {"KOHYA_WRAP_REHEARSAL_STEP_SECONDS": "0.1"}
    assert shell("run", guide, *REHEARSAL, *constant, "--until-epoch", "3", **slow).code == 0
    refused = shell("run", guide, *REHEARSAL, *constant, "--set", "max_train_epochs=2")
    assert refused.code == 3 and "has 3 epochs done; now it shall have 2" in refused.three_lines[0]
    more = shell("run", guide, *REHEARSAL, *constant, "--set", "max_train_epochs=4")
    assert more.code == 0 and "going on after epoch 3" in more.out


def test_what_an_out_of_memory_has_changed_is_said_when_it_goes_on(shell: Shell, guide: Path) -> None:
    words = ("run", guide, *REHEARSAL)
    once = {"KOHYA_WRAP_REHEARSAL_FAULT": "oom@7,oom@8", "KOHYA_WRAP_REHEARSAL_FAULT_ONCE": str(guide.parent / "struck"), "KOHYA_WRAP_REHEARSAL_STEP_SECONDS": "0.1"}  # fmt: skip
    assert shell(*words, "--until-epoch", "3", **once).code == 0
    again = shell(*words, "--set", "train_batch_size=4")
    held = "still holds, whatever the config says: gradient_checkpointing = true"
    assert again.code == 0 and again.out.index(held) < again.out.index("going on after epoch 3")


def test_a_run_that_has_begun_does_not_begin_with_a_lora(shell: Shell, guide: Path) -> None:
    slow = {"KOHYA_WRAP_REHEARSAL_STEP_SECONDS": "0.1"}
    assert shell("run", guide, *REHEARSAL, "--until-epoch", "2", **slow).code == 0
    lora = guide.parent / "output" / "my_lora-000002.safetensors"
    again = shell("run", guide, *REHEARSAL, "--continue-from", lora)
    assert again.code == 0 and "from its own state, and not from the LoRA named here" in again.out


def test_what_a_lora_does_not_bring_is_said(shell: Shell, guide: Path) -> None:
    assert shell("run", guide, *REHEARSAL).code == 0
    lora = guide.parent / "output" / "my_lora.safetensors"
    again = shell("run", guide, *REHEARSAL, "--continue-from", lora, "--set", "output_name=further")
    said = f"it begins with the weights of {lora}; optimizer, learning-rate curve and the count of steps begin anew."
    assert again.code == 0 and again.out.count(said) == 1


def test_another_lora_trains_beside_one_that_nobody_watches(shell: Shell, guide: Path) -> None:
    with shell.start("run", guide, *REHEARSAL, KOHYA_WRAP_REHEARSAL_FAULT="hang@15") as first:
        until(first, "saved my_lora-000002.safetensors")
        family = psutil.Process(first.pid).children(recursive=True)
        first.kill()
    try:
        other = shell("run", guide, *REHEARSAL, "--set", "output_name=other")
        assert (other.code, other.err) == (0, "")
        assert all(one.is_running() for one in family)
    finally:
        for left in family:
            left.kill()


def test_stops_at_an_epoch_and_goes_on(shell: Shell, guide: Path) -> None:
    slow = {
        "KOHYA_WRAP_REHEARSAL_STEP_SECONDS": "0.1"
    }  # so that the epoch after it is not done before it stops
    first = shell("run", guide, *REHEARSAL, "--until-epoch", "3", **slow)
    assert (first.code, first.err) == (0, "")
    assert "Epoch 3 of 10 is done." in first.out
    output = guide.parent / "output"
    assert sorted(path.name for path in output.glob("*.safetensors")) == [
        "my_lora-000002.safetensors", "my_lora-000003.safetensors",
    ]  # fmt: skip
    second = shell("run", guide, *REHEARSAL, "--until-epoch", "5", "--json", **slow)
    assert [second.envelope["data"][name] for name in ("epoch", "epochs", "paused", "steps")] == [
        5, 10, True, 25,
    ]  # fmt: skip
    third = shell("run", guide, *REHEARSAL)
    assert "going on after epoch 5" in third.out
    trained = metadata(output / "my_lora.safetensors")
    assert (trained["ss_steps"], trained["ss_epoch"]) == ("50", "10")
    assert not (only_run(guide.parent) / "attempts").exists()


def test_an_unfinished_run_takes_over_what_it_can_and_refuses_the_rest(shell: Shell, guide: Path) -> None:
    slow = {"KOHYA_WRAP_REHEARSAL_STEP_SECONDS": "0.1"}
    assert shell("run", guide, *REHEARSAL, "--until-epoch", "3", **slow).code == 0
    refused = shell("run", guide, *REHEARSAL, "--set", "unet_lr=5e-3")
    assert refused.code == 3
    what, _, hint = refused.three_lines
    assert "unet_lr = 0.0001; now it is unet_lr = 0.005" in what
    assert f"kohya-wrap run {guide} --restart" in hint
    longer = shell("run", guide, *REHEARSAL, "--set", "max_train_epochs=20")
    assert longer.code == 3 and "max_train_epochs = 10; now" in longer.three_lines[0]
    taken = shell("run", guide, *REHEARSAL, "--set", "batch_size=4", "--set", "noise_offset=0.05")
    assert (taken.code, taken.err) == (0, "")
    said = "noise_offset = 0.05, train_batch_size = 4; before it was no noise_offset, train_batch_size = 2"
    assert taken.out.index(said) < taken.out.index("engine started")
    assert "Rehearsed " in taken.out and "going on after epoch 3" in taken.out
    anew = shell("run", guide, *REHEARSAL, "--set", "unet_lr=5e-3", "--restart")
    assert (anew.code, anew.err) == (0, "")
    assert "going on" not in anew.out


@pytest.mark.parametrize("by", [Path.rename, shutil.copytree])
def test_a_moved_project_goes_on(shell: Shell, guide: Path, tmp_path: Path, by: Callable[..., Any]) -> None:
    """To another mount point, say, with the base of the config's own, that lies below it."""
    slow = {"KOHYA_WRAP_REHEARSAL_STEP_SECONDS": "0.1"}
    assert shell("run", guide, *REHEARSAL, "--until-epoch", "3", **slow).code == 0
    moved = tmp_path / "elsewhere" / "renamed"
    moved.parent.mkdir()
    by(guide.parent, moved)
    shown = shell("status", moved)
    assert "kept          epoch 3 of 10" in shown.out
    again = shell("run", moved / guide.name, *REHEARSAL, "--json")
    assert (again.code, "going on after epoch 3" in again.err) == (0, True), again.err
    assert "before it was" not in again.err, "no option is another"
    assert "no run on record here" not in again.err and "output_dir is another" not in again.err
    assert f"newest        {moved / 'output' / 'my_lora-000003.safetensors'}" in shown.out
    made = [Path(path) for path in again.envelope["data"]["checkpoints"]]
    assert {path.parent for path in made} == {moved / "output"}
    if by is not Path.rename:
        assert len(list(only_run(guide.parent).glob("attempts/1/*-state"))) == 2, "the other's are its own"
    trained = metadata(moved / "output" / "my_lora.safetensors")
    assert (trained["ss_steps"], trained["ss_epoch"]) == ("50", "10")


def test_a_copied_project_whose_config_names_a_file_of_the_other_goes_on(
    shell: Shell, guide: Path, tmp_path: Path
) -> None:
    """Written there as a whole path, it is the same for both."""
    with guide.open("a", encoding="utf-8") as config:
        config.write(f'vae = "{guide.parent}/vae.safetensors"\n')
    (guide.parent / "vae.safetensors").touch()
    slow = {"KOHYA_WRAP_REHEARSAL_STEP_SECONDS": "0.1"}
    assert shell("run", guide, *REHEARSAL, "--until-epoch", "1", **slow).code == 0
    copy = tmp_path / "copy"
    shutil.copytree(guide.parent, copy)
    again = shell("run", copy / guide.name, *REHEARSAL)
    assert (again.code, "going on after epoch 1" in again.out) == (0, True), again.err
    assert "before it was" not in again.out, "no option is another"


def test_a_moved_project_that_its_lora_is_named_after(shell: Shell, guide: Path) -> None:
    guide.write_text(
        guide.read_text(encoding="utf-8").replace('output_name = "my_lora"', ""), encoding="utf-8"
    )
    slow = {"KOHYA_WRAP_REHEARSAL_STEP_SECONDS": "0.1"}
    assert shell("run", guide, *REHEARSAL, "--until-epoch", "3", **slow).code == 0
    moved = guide.parent.rename(guide.parent.with_name("renamed")) / guide.name
    assert f"It can go on: kohya-wrap run {moved}" in shell("status", moved.parent).out
    words = ("run", moved, *REHEARSAL, "--until-epoch", "1")
    anew = shell(*words, **slow)
    assert "going on" not in anew.out and "To go on with it: --set output_name=my-lora" in anew.out
    again = shell("run", moved, *REHEARSAL, "--set", "output_name=my-lora")
    assert (again.code, "going on after epoch 3" in again.out) == (0, True), again.err


def test_an_unfinished_run_says_that_its_images_are_others(shell: Shell, guide: Path) -> None:
    slow = {"KOHYA_WRAP_REHEARSAL_STEP_SECONDS": "0.1"}
    assert shell("run", guide, *REHEARSAL, "--until-epoch", "2", **slow).code == 0
    folder = next((guide.parent / "training_data").iterdir())
    pictures = sorted(path for path in folder.iterdir() if path.suffix != ".txt")
    pictures[0].unlink()
    pictures[1].with_suffix(".txt").write_text("something else", encoding="utf-8")
    again = shell("run", guide, *REHEARSAL, "--until-epoch", "4", **slow)
    assert again.code == 0 and "going on after epoch 2" in again.out
    told = "since the last attempt of this run: 1 image fewer, 1 caption changed."
    assert again.out.index(told) < again.out.index("going on after epoch 2")
    assert told not in shell("run", guide, *REHEARSAL).out
    found = shell("status", guide, "--json").envelope["data"]["runs"][0]
    trained = metadata(guide.parent / "output" / "my_lora.safetensors")
    counts = {found["step"], found["steps"], int(trained["ss_steps"]), int(trained["ss_max_train_steps"])}
    assert counts == {2 * 5 + 8 * 4}, "over all attempts: an epoch has 4 steps since"


def test_a_finished_run_is_followed_by_a_new_one(shell: Shell, guide: Path) -> None:
    assert [shell("run", guide, *REHEARSAL).code for _ in range(2)] == [0, 0]
    assert len(list((guide.parent / ".kohya-wrap" / "runs").glob("2*"))) == 2


@pytest.mark.parametrize("more", ["", "initial_step = 30\n"])
def test_a_run_goes_on_from_a_state_that_the_config_names(
    shell: Shell, tmp_path: Path, photographs: Path, more: str
) -> None:
    """Also without its step, which a state of a resumed run tells wrong: whole epochs are counted."""
    config = projects.guide(tmp_path / "my-lora", photographs)
    text = (
        config.read_text(encoding="utf-8")
        .replace("cosine_with_restarts", "constant")
        .replace("lr_warmup_steps = 100", "")
    )
    config.write_text(text.replace("max_train_epochs = 10", "max_train_epochs = 6") + "save_state = true\n")
    assert shell("run", config, *REHEARSAL).code == 0
    config.write_text(
        text
        + f'resume = "output/my_lora-state"\noutput_name = "longer"\n{more}'.replace(
            'output_name = "longer"', ""
        ).replace("\n\n", "\n")
    )
    again = shell("run", config, *REHEARSAL, "--set", "output_name=longer")
    assert (again.code, again.err) == (0, "")
    assert "going on after epoch 6" in again.out and "Rehearsed 50 steps" in again.out
    trained = metadata(tmp_path / "my-lora" / "output" / "longer.safetensors")
    assert (trained["ss_steps"], trained["ss_epoch"]) == ("50", "10")


def test_the_environment_decides_which_images_are_counted(
    shell: Shell, guide: Path, photographs: Path
) -> None:
    elsewhere = guide.parent / "others" / "3_few"
    elsewhere.mkdir(parents=True)
    for name in ("astronaut.png", "astronaut.txt", "camera.jpg"):
        shutil.copy(photographs / name, elsewhere)
    answer = shell("run", guide, *REHEARSAL, KOHYA_WRAP_SET_TRAIN_DATA_DIR="others")
    assert answer.code == 0
    assert "2 images, 1 captions" in answer.out
    assert metadata(guide.parent / "output" / "my_lora.safetensors")["ss_num_train_images"] == "6"


@pytest.mark.parametrize(
    ("fault", "what", "why"),
    [
        ("oom@1", "The GPU ran out of memory before the first step was done.", "memory"),
        ("nan@7", "The loss is not a number since step 7.", "learning rate"),
        ("crash@3", "The trainer was killed by SIGKILL after step 2 of 50; no epoch", "out of main memory"),
        ("disk-full@save", "No space left on device", "The disk is full"),
        ("disk-full@state", "inline_container", "The disk is full"),
    ],
)
def test_a_failure_says_the_engines_real_cause(
    shell: Shell, guide: Path, fault: str, what: str, why: str
) -> None:
    answer = shell("run", guide, *REHEARSAL, KOHYA_WRAP_REHEARSAL_FAULT=fault, KOHYA_WRAP_RETRY_SECONDS="0")
    assert answer.code == 6
    said, cause, _ = answer.three_lines
    assert what in said
    assert why in cause
    assert ("no epoch was finished" in said) == fault.startswith("crash"), "what may pass another time"
    assert "CalledProcessError" not in answer.err
    assert "Rehearsed" not in answer.out


def test_the_engines_exit_code_0_is_not_believed(shell: Shell, guide: Path) -> None:
    """NaN in the last step: the engine saves its file and leaves with 0, mostly before anybody can stop it."""
    answer = shell("run", guide, *REHEARSAL, KOHYA_WRAP_REHEARSAL_FAULT="nan@50")
    assert answer.code == 6
    assert answer.three_lines[0] == "The loss is not a number since step 50."
    assert "--restart" in answer.three_lines[2], "a state brings the old rate back"
    assert events(guide)[-1]["outcome"] == "failed"


def events(config: Path) -> list[dict[str, Any]]:
    text = (only_run(config.parent) / "events.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_a_reader_that_leaves_ends_no_training(shell: Shell, guide: Path) -> None:
    """`kohya-wrap run | head -1`, a lost terminal: what is paid for goes on."""
    with shell.start("run", guide, *REHEARSAL) as child:
        assert child.stdout is not None
        child.stdout.readline()
        child.stdout.close()
        assert child.stderr is not None
        err = child.stderr.read()
    assert (child.wait(), err) == (0, "")
    assert events(guide)[-1]["outcome"] == "done"
    assert time.time() - (guide.parent / "output" / "my_lora.safetensors").stat().st_mtime < 60


def test_what_is_rehearsed_by_something_simpler_is_said(shell: Shell, guide: Path) -> None:
    lycoris = (
        "--set",
        "network_module=lycoris.kohya",
        "--set",
        "optimizer_type=Lion",
        "--set",
        "max_train_epochs=1",
    )
    answer = shell("run", guide, *REHEARSAL, *lycoris)
    assert answer.code == 0, answer.err
    assert "note: lycoris.kohya is rehearsed as networks.lora.\n" in answer.out
    assert "note: Lion is rehearsed as AdamW.\n" in answer.out


@pytest.mark.parametrize("word", ["validation_split=0.1", "reg_data_dir=reg"])
def test_what_cannot_be_rehearsed_is_refused_before_anything_starts(
    shell: Shell, guide: Path, word: str
) -> None:
    answer = shell("run", guide, *REHEARSAL, "--set", word)
    what, why, hint = answer.three_lines
    name = word.partition("=")[0]
    assert answer.code == 2 and what == f"the rehearsal does not play {name}; the real engine does."
    assert "what they name was not looked into" in why and "--engine real" in hint
    assert not (guide.parent / "output").exists() and answer.out == ""


def test_trains_on_from_a_lora(shell: Shell, guide: Path) -> None:
    assert shell("run", guide, *REHEARSAL).code == 0
    lora = guide.parent / "output" / "my_lora.safetensors"
    again = shell("run", guide, *REHEARSAL, "--continue-from", lora, "--set", "output_name=further")
    assert (again.code, again.err) == (0, "")
    log = next(
        path
        for path in guide.parent.glob(".kohya-wrap/runs/*/engine.log")
        if "load network weights" in path.read_text()
    )
    assert f"load network weights from {lora}" in log.read_text()


@pytest.mark.parametrize("epoch", ["2", "1"])
def test_an_epoch_that_is_done_is_reached_already(shell: Shell, guide: Path, epoch: str) -> None:
    """A machine's own start script gives the same command at every boot, whatever somebody has trained meanwhile."""
    slow = {"KOHYA_WRAP_REHEARSAL_STEP_SECONDS": "0.1"}
    first = shell("run", guide, *REHEARSAL, "--until-epoch", "2", "--json", **slow).envelope["data"]
    cap = ("--price", "3600", "--max-cost", "0.1")
    again = shell("run", guide, *REHEARSAL, "--until-epoch", epoch, *cap)
    assert (again.code, again.err) == (0, ""), "nothing is trained, so a cap that was passed ends nothing"
    assert "engine started" not in again.out and "Nothing to train" in again.out
    assert "Epoch 2 of 10 is done. To go on:" in again.out
    assert shell("status", guide, "--json").envelope["data"]["runs"][0]["state"] == "paused"
    told = shell("run", guide, *REHEARSAL, "--until-epoch", epoch, "--json").envelope["data"]
    assert told | {"seconds": 0} == first | {"seconds": 0}
    last = shell("run", guide, *REHEARSAL)
    assert last.code == 0 and "going on after epoch 2" in last.out


def test_an_epoch_that_is_done_and_whose_checkpoint_is_gone(shell: Shell, guide: Path) -> None:
    slow = {"KOHYA_WRAP_REHEARSAL_STEP_SECONDS": "0.1"}
    asked = ("run", guide, *REHEARSAL, "--until-epoch", "2")
    assert shell(*asked, **slow).code == 0
    (guide.parent / "output" / "my_lora-000002.safetensors").unlink()
    refused = shell(*asked)
    assert refused.code == 2
    assert refused.three_lines[0].startswith("Epoch 2 is done already, and no checkpoint of it is there")
    assert "--until-epoch 3" in refused.three_lines[2]
    for state in guide.parent.glob(".kohya-wrap/runs/*/attempts/1/my_lora-000002-state"):
        (state / "optimizer.bin").unlink()
    again = shell(*asked, **slow)
    assert again.code == 0 and "going on after epoch 1" in again.out, "epoch 2 is trained again"


@pytest.mark.parametrize(
    ("name", "words"), [("my_lora", ()), ("my_lora-000002", ()), ("my_lora-000003", ("--until-epoch", "3"))]
)
def test_a_folder_where_the_lora_will_be(
    shell: Shell, guide: Path, name: str, words: tuple[str, ...]
) -> None:
    (guide.parent / "output" / f"{name}.safetensors").mkdir(parents=True)
    answer = shell("run", guide, "--engine", "rehearsal", *words)
    assert answer.code == 3
    assert "is a folder, where the LoRA will be written" in answer.three_lines[0]
    assert answer.three_lines[2].startswith("mv ")


def test_what_a_training_cannot_continue_from(shell: Shell, guide: Path, tmp_path: Path) -> None:
    run = ("run", guide, "--engine", "rehearsal", "--continue-from")
    (tmp_path / "junk.safetensors").write_bytes(b"junk")
    junk = shell(*run, "junk.safetensors")
    assert junk.code == 3 and "is no whole .safetensors file" in junk.three_lines[0]
    save_file({"model.weight": np.ones((2, 2), np.float32)}, tmp_path / "base.safetensors")
    base = shell(*run, "base.safetensors")
    assert base.code == 3 and "holds no LoRA" in base.three_lines[0]
    nan = {"lora_unet_x.lora_up.weight": np.full((2, 2), np.nan, np.float32)}
    save_file(nan, tmp_path / "nan.safetensors")
    spoiled = shell(*run, "nan.safetensors")
    assert spoiled.code == 3 and "no numbers" in spoiled.three_lines[0]
    (tmp_path / "lora.ckpt").write_bytes(b"pickled")
    unknown = shell(*run, "lora.ckpt")
    assert unknown.code == 3 and unknown.three_lines[2].startswith("--set network_weights=lora.ckpt")
    assert not (guide.parent / ".kohya-wrap" / "runs").exists()


def test_continued_from_a_lora_it_goes_on_without_naming_it_again(shell: Shell, guide: Path) -> None:
    slow = {"KOHYA_WRAP_REHEARSAL_STEP_SECONDS": "0.05"}
    assert shell("run", guide, "--engine", "rehearsal", "--until-epoch", "2", **slow).code == 0
    earlier = guide.parent / "earlier.safetensors"
    (guide.parent / "output" / "my_lora-000002.safetensors").rename(earlier)
    words = (
        "run",
        guide,
        "--engine",
        "rehearsal",
        "--restart",
        "--continue-from",
        earlier,
        "--until-epoch",
        "2",
    )
    assert shell(*words, **slow).code == 0
    again = shell("run", guide, "--engine", "rehearsal")
    assert (again.code, "going on after epoch 2" in again.out) == (0, True), again.err
    assert "network_weights" not in again.out, "the state has weights of its own"


def test_only_the_last_two_states_are_kept(shell: Shell, guide: Path) -> None:
    """However often the run is paused: a state takes three times the LoRA's size."""
    slow = {"KOHYA_WRAP_REHEARSAL_STEP_SECONDS": "0.1"}
    for epoch in (1, 3, 5, 7):
        assert shell("run", guide, *REHEARSAL, "--until-epoch", str(epoch), **slow).code == 0
        states = [path.name for path in only_run(guide.parent).rglob("*-state")]
        assert 1 <= len(states) <= 2, states
    assert shell("run", guide, *REHEARSAL).code == 0
    assert [*guide.parent.rglob("*-state")] == []


def test_a_finished_run_is_trained_anew_which_is_said(shell: Shell, guide: Path) -> None:
    first, second = (shell("run", guide, "--engine", "rehearsal") for _ in range(2))
    said = "my_lora.safetensors was trained to its end already"
    assert said not in first.out and second.out.count(said) == 1
    assert second.out.index(said) < second.out.index("engine started")
    assert said not in shell("run", guide, "--engine", "rehearsal", "--restart").out


def test_a_file_that_no_run_has_made_is_replaced_which_is_said(shell: Shell, guide: Path) -> None:
    output = guide.parent / "output"
    output.mkdir()
    for name in ("my_lora", "my_lora-000002", "my_lora-000003", "mine"):
        (output / f"{name}.safetensors").write_text("mine")
    slow = {"KOHYA_WRAP_REHEARSAL_STEP_SECONDS": "0.05"}
    paused = shell("run", guide, *REHEARSAL, "--until-epoch", "4", **slow)
    said = f"{output / 'my_lora-000002.safetensors'} and 1 more, which no run on record here has made, will be replaced"
    assert paused.out.count(said) == 1 and paused.out.index(said) < paused.out.index("engine started")
    assert (output / "my_lora-000003.safetensors").read_text() == "mine", "it is not saved"
    again = shell("run", guide, *REHEARSAL)
    assert again.code == 0
    assert "my_lora.safetensors, which no run on record" in again.out, "it stands there still"
    for path in guide.parent.glob(".kohya-wrap/runs/2*"):
        shutil.rmtree(path)
    assert "no run on record" in shell("run", guide, *REHEARSAL).out
    assert "no run on record" not in shell("run", guide, *REHEARSAL).out
    moved = guide.parent.rename(guide.parent.with_name("moved"))
    again = shell("run", moved / guide.name, *REHEARSAL)
    assert (again.code, "no run on record" in again.out) == (0, False)


def test_what_was_asked_for_and_changes_nothing_is_said(shell: Shell, guide: Path) -> None:
    words = ("run", guide, *REHEARSAL, "--set", "max_train_epochs=4", "--count-setup", "--until-epoch")
    answer = shell(*words, "5")
    assert answer.code == 0
    assert "note: --until-epoch 5 ends nothing: the run has 4 epochs" in answer.out
    assert "note: --count-setup counts nothing: there is no cap." in answer.out
    assert "1 earlier checkpoint beside it, my_lora-000002.safetensors\n" in answer.out
    answer = shell(*words, "4", "--max-hours", "1")
    assert (answer.code, "nothing" in answer.out) == (0, False)


def test_a_lora_of_another_rank_is_refused_before_anything_starts(shell: Shell, guide: Path) -> None:
    """The rank that counts is the one the run has, from wherever it comes."""
    lora = guide.parent / "other.safetensors"
    save_file({"lora_unet_x.lora_down.weight": np.ones((8, 64), np.float32)}, lora)
    run = ("run", guide, *REHEARSAL, "--continue-from", lora)
    answer = shell(*run)
    assert answer.code == 3
    assert "other.safetensors has rank 8, and network_dim is 32" in answer.three_lines[0]
    assert "--set network_dim=8" in answer.three_lines[2]
    assert not (guide.parent / ".kohya-wrap" / "runs").exists()
    guide.write_text(re.sub(r"(?m)^network_dim.*\n", "", guide.read_text(encoding="utf-8")), encoding="utf-8")
    assert "network_dim is 32" in shell(*run).three_lines[0], "of the recipe"
