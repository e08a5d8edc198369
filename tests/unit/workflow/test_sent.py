"""What a project knows as sent by itself."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from kohya_wrap.host.upload.item import Item
from kohya_wrap.workflow import sent
from kohya_wrap.workflow.run_folder import RunFolder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """It has sent a file of this hash."""
    project = tmp_path / "mycat"
    (project / ".kohya-wrap" / "runs" / "1").mkdir(parents=True)
    assert before(project, "abc") == set()
    return project


def before(project: Path, sha256: str) -> set[str]:
    item = Item(project, "mycat.safetensors", 1, sha256)
    return sent.before([RunFolder(project / ".kohya-wrap" / "runs" / "1")], [item])


def test_a_copy_has_sent_nothing_yet(project: Path) -> None:
    copy = shutil.copytree(project, project.with_name("copy"))
    assert before(copy, "def") == set()
    assert before(copy, "abc") == {"def"}
    assert before(copy, "abc") == {"abc", "def"}
    assert before(project, "abc") == {"abc"}


def test_a_copy_in_the_same_place_has_sent_nothing_yet(project: Path) -> None:
    original = project.rename(project.with_name("original"))
    shutil.copytree(original, project)
    assert before(project, "abc") == set()
    assert before(original, "abc") == {"abc"}


def test_a_moved_project_has_sent_what_it_had(project: Path) -> None:
    assert before(project.rename(project.with_name("moved")), "abc") == {"abc"}


def test_a_drive_may_get_another_number(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stat = Path.stat

    class Elsewhere:
        st_dev = 12345

        def __init__(self, path: Path) -> None:
            self.st_ino = stat(path).st_ino

    with monkeypatch.context() as patched:
        patched.setattr(Path, "stat", lambda path, **_: Elsewhere(path))
        marks = sent._marks(project / ".kohya-wrap")
    assert len(marks & sent._marks(project / ".kohya-wrap")) == 1


def test_who_sent_what_an_older_version_has_noted_is_not_known(project: Path) -> None:
    (project / ".kohya-wrap" / "sent").write_text("abc\n", encoding="utf-8")
    assert before(project, "abc") == set()
    assert before(project, "abc") == {"abc"}
