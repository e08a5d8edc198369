"""Where a training writes to is made and proven before anything costs money."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import pytest

from kohya_wrap.errors import ConfigError, ExitCode, KohyaWrapError, MachineError
from kohya_wrap.host import atomic
from kohya_wrap.places import Places
from kohya_wrap.workflow import job, outputs
from tests.unit.workflow.conftest import Prepared

SD15 = '[kohya_wrap]\nbase = "sd15"\n'


def test_folders_are_made_and_nothing_is_left_in_them(prepared: Prepared, tmp_path: Path) -> None:
    project = tmp_path / "my-lora"
    outputs.require(prepared('output_dir = "new/out"\n' + SD15, gpu="cpu"))
    made = ("new/out", "logs", ".kohya-wrap/runs")
    assert [list((project / folder).iterdir()) for folder in made] == [[], [], []]


@pytest.mark.parametrize("option", ["output_dir", "logging_dir"])
@pytest.mark.parametrize(
    ("folder", "code"),
    [
        ("/proc/x", ExitCode.MACHINE),
        ("/proc", ExitCode.MACHINE),  # it is there, and takes no file
        ("training_config.toml", ExitCode.CONFIG),
        ("training_config.toml/out", ExitCode.CONFIG),
    ],
)
def test_what_cannot_be_written_to_is_told_at_its_line(
    prepared: Prepared, option: str, folder: str, code: ExitCode
) -> None:
    ready = prepared(f'seed = 1\n{option} = "{folder}"\n' + SD15, gpu="cpu")
    with pytest.raises(KohyaWrapError, match=rf"training_config\.toml:2: `{option}`: .*{folder}") as raised:
        outputs.require(ready)
    assert raised.value.code is code


def test_a_link_whose_target_is_not_there(prepared: Prepared, tmp_path: Path) -> None:
    ready = prepared('output_dir = "disk/out"\n' + SD15, gpu="cpu")
    (tmp_path / "my-lora" / "disk").symlink_to("/mnt/unmounted")
    with pytest.raises(
        ConfigError, match=r"disk is a link to /mnt/unmounted, which is not there\."
    ) as raised:
        outputs.require(ready)
    assert raised.value.hint.endswith(f"ls -ld {tmp_path}/my-lora/disk")


def test_a_folder_of_a_variable_is_told_so(prepared: Prepared) -> None:
    ready = prepared(SD15, gpu="cpu", env={"KOHYA_WRAP_SET_OUTPUT_DIR": "/proc/x"})
    with pytest.raises(MachineError, match="KOHYA_WRAP_SET_OUTPUT_DIR: `output_dir`: /proc/x"):
        outputs.require(ready)


def test_a_quota_that_is_used_up(prepared: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    """Free space does not tell of it, and a file can be made all the same."""
    ready = prepared(SD15, gpu="cpu")
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda dir: Path("/dev/full").open("wb"))  # noqa: SIM115
    with pytest.raises(MachineError, match="cannot be written to: No space left on device"):
        outputs.require(ready)


def test_a_project_that_cannot_be_written_to(prepared: Prepared, tmp_path: Path) -> None:
    ready = prepared(SD15, gpu="cpu")
    (tmp_path / "my-lora" / ".kohya-wrap").write_text("a file in the way", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"\.kohya-wrap"):
        outputs.require(ready)


@pytest.mark.parametrize(
    ("free", "engine", "told"), [(499, "real", True), (500, "real", False), (1, "rehearsal", False)]
)
def test_room(
    prepared: Prepared, monkeypatch: pytest.MonkeyPatch, free: int, engine: str, told: bool
) -> None:
    monkeypatch.setattr(atomic, "free_bytes", lambda path: free * 10**6)
    ready = prepared(SD15, gpu="cpu", engine=engine)
    if not told:
        return outputs.require(ready)
    with pytest.raises(MachineError, match="499 MB are free"):
        outputs.require(ready)


@pytest.mark.parametrize(("full", "way"), [("runs", "move the project"), ("output", "point output_dir")])
def test_the_disk_that_is_full_is_named(
    prepared: Prepared, monkeypatch: pytest.MonkeyPatch, full: str, way: str
) -> None:
    monkeypatch.setattr(atomic, "free_bytes", lambda path: 0 if path.name == full else 10**10)
    ready = prepared(SD15, gpu="cpu")
    with pytest.raises(MachineError, match="0 MB are free") as refused:
        outputs.require(ready)
    assert way in refused.value.hint and f"kohya-wrap run {ready.user.path}" in refused.value.hint
    assert re.search(rf"df -h \S+/{full} ", refused.value.hint)


def test_it_is_found_before_anything_is_fetched(
    prepared: Prepared, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[object] = []
    monkeypatch.setattr(job, "provide", lambda *given: fetched.append(given))
    with pytest.raises(MachineError, match="/proc/x"):
        job.provided(prepared('output_dir = "/proc/x"\n' + SD15, gpu="cpu"), places, {}, fetched.append)
    assert fetched == []
