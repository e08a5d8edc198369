"""What of a training is brought away."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from kohya_wrap.domain.events import CheckpointKept, CheckpointSaved, RunEnded, RunStarted
from kohya_wrap.training.journal import Journal
from kohya_wrap.workflow.run_folder import RunFolder
from kohya_wrap.workflow.to_upload import made


def run_of(project: Path, *kept: str, outcome: str = "done", name: str = "cat") -> RunFolder:
    """A run with these checkpoints, of a kind whose content is not looked into."""
    run = RunFolder(project / "runs" / f"of-{project.name}")
    output = project / "output"
    (output / "sample").mkdir(parents=True)
    run.path.mkdir(parents=True)
    run.describe({"output_name": name, "output_dir": str(output)})
    with Journal(run.journal) as journal:
        journal.write(RunStarted("real", "x", "c", "g", 1, 1))
        for file in kept:
            (output / file).write_bytes(file.encode())
            journal.write(CheckpointKept(str(output / file)))
        journal.write(RunEnded(outcome, "", ()))
    return run


def names(*runs: RunFolder) -> set[str]:
    return {name for _, name in made(runs).files}


def test_files_of_the_run_and_no_others(tmp_path: Path) -> None:
    run = run_of(tmp_path / "a", "cat-000001.ckpt", "cat.ckpt")
    for other in ("sample/cat_e000001_00.png", "sample/dog_e000001_00.png", "dog.safetensors"):
        (tmp_path / "a" / "output" / other).touch()
    assert names(run) == {
        "cat-000001.ckpt", "cat.ckpt", "sample/cat_e000001_00.png", "of-a/run.toml", "of-a/events.jsonl",
    }  # fmt: skip


def test_samples_of_a_copied_project_are_its_own(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "a" / ".kohya-wrap" / "runs" / "1")
    output = tmp_path / "a" / "output"
    (output / "sample").mkdir(parents=True)
    (output / "cat.ckpt").touch()
    (output / "sample" / "cat_1.png").touch()
    run.path.mkdir(parents=True)
    run.describe({"output_name": "cat", "output_dir": str(output)})
    with Journal(run.journal) as journal:
        journal.write(RunStarted("real", "x", "c", "g", 1, 1))
        journal.write(CheckpointSaved(str(run.attempt(1) / "cat.ckpt")))
        journal.write(CheckpointKept(str(output / "cat.ckpt")))
    copy = shutil.copytree(tmp_path / "a", tmp_path / "b")
    files = made([RunFolder(copy / ".kohya-wrap" / "runs" / "1")]).files
    assert {path for path, name in files if "cat" in name} == {
        copy / "output" / "cat.ckpt", copy / "output" / "sample" / "cat_1.png",
    }  # fmt: skip


def test_what_cannot_be_made_again_comes_first(tmp_path: Path) -> None:
    runs = []
    for name in ("cat", "dog"):
        runs.append(run_of(tmp_path / name, f"{name}-1.ckpt", f"{name}-2.ckpt", f"{name}.ckpt", name=name))
        (tmp_path / name / "output/sample" / f"{name}.png").touch()
    assert [name for _, name in made(runs).files] == [
        "cat.ckpt", "dog.ckpt",
        "of-cat/run.toml", "of-cat/events.jsonl", "of-dog/run.toml", "of-dog/events.jsonl",
        "cat-2.ckpt", "cat-1.ckpt", "dog-2.ckpt", "dog-1.ckpt",
        "sample/cat.png", "sample/dog.png",
    ]  # fmt: skip


def test_what_was_removed_in_its_turn_is_not_missed_but_the_last_one_is(tmp_path: Path) -> None:
    run = run_of(tmp_path / "a", "cat-000001.ckpt", "cat.ckpt")
    (tmp_path / "a/output/cat-000001.ckpt").unlink()
    assert made([run]).problems == ()
    (tmp_path / "a/output/cat.ckpt").unlink()
    assert "cat.ckpt" in made([run]).problems[0]


def test_a_done_run_without_a_file_is_not_whole(tmp_path: Path) -> None:
    assert made([run_of(tmp_path / "a")]).problems
    assert not made([run_of(tmp_path / "b", outcome="failed")]).problems


def test_two_projects_with_one_name(tmp_path: Path) -> None:
    found = names(run_of(tmp_path / "a", "cat.ckpt"), run_of(tmp_path / "b", "cat.ckpt"))
    assert {"cat.ckpt", "of-b/cat.ckpt"} <= found


def test_several_projects_with_one_name_whose_runs_began_in_the_same_second(tmp_path: Path) -> None:
    runs = []
    for place in "abcd":
        run = run_of(tmp_path / place / "project", "cat.ckpt")
        runs.append(RunFolder(run.path.rename(run.path.with_name("20261130-035806"))))
    files = made(runs).files
    assert {source for source, name in files if name.endswith("cat.ckpt")} == {
        tmp_path / place / "project/output/cat.ckpt" for place in "abcd"
    }
    assert {source for source, name in files if name.endswith("events.jsonl")} == {
        run.journal for run in runs
    }
    assert len(dict(files)) == len({name for _, name in files}) == 12


@pytest.mark.parametrize("content", [b"", b"x" * 100])
def test_a_lora_that_was_cut_short(tmp_path: Path, content: bytes) -> None:
    run = run_of(tmp_path / "a", "cat.safetensors")
    (tmp_path / "a/output/cat.safetensors").write_bytes(content)
    assert "is no whole .safetensors file" in made([run]).problems[0]
