"""One commit, small; and a repository that does not answer is told within seconds."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

import pytest

from kohya_wrap.errors import EngineError, ExitCode
from kohya_wrap.host import git
from tests.fixtures import upstream
from tests.fixtures.upstream import Upstream


@pytest.fixture
def repository(tmp_path: Path) -> Upstream:
    files = {"train.py": "print()\n", "docs/big.md": "much\n", "library/docs/kept.md": "kept\n"}
    return upstream.repository(tmp_path / "outside", files)


def fetched(tmp_path: Path, url: str, commit: str) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    git.fetch_commit(url, commit, folder, leave_out=["docs/"])
    return folder


def test_checks_out_the_commit_asked_for_and_not_the_newest(tmp_path: Path, repository: Upstream) -> None:
    folder = fetched(tmp_path, repository.url, repository.older)
    assert git.head(folder) == repository.older
    assert (folder / "dropped.txt").is_file()


def test_brings_no_history_and_nothing_that_is_left_out(tmp_path: Path, repository: Upstream) -> None:
    folder = fetched(tmp_path, repository.url, repository.commit)
    assert upstream.git(folder, "rev-list", "--count", "HEAD") == "1"
    assert not (folder / "docs").exists()
    assert upstream.git(folder, "status", "--porcelain") == ""
    assert (folder / "library" / "docs" / "kept.md").is_file()
    missing = upstream.git(folder, "rev-list", "--objects", "--missing=print", "HEAD").splitlines()
    assert len([line for line in missing if line.startswith("?")]) == 1  # docs/big.md was not even downloaded


def test_a_commit_that_the_repository_lacks_is_named_by_git(tmp_path: Path, repository: Upstream) -> None:
    with pytest.raises(EngineError) as caught:
        fetched(tmp_path, repository.url, "1" * 40)
    assert "1111111" in caught.value.why


def test_no_git_program(tmp_path: Path, repository: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match="no git program") as caught:
        fetched(tmp_path, repository.url, repository.commit)
    assert caught.value.code == ExitCode.ENGINE
    assert "--engine-dir" in caught.value.hint


def test_a_refused_connection_is_out_of_reach_at_once(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    start = time.monotonic()
    with pytest.raises(EngineError, match=f"out of reach: http://127.0.0.1:{port}/e"):
        fetched(tmp_path, f"http://127.0.0.1:{port}/e", "1" * 40)
    assert time.monotonic() - start < 5


def test_silence_is_out_of_reach_in_time_and_leaves_no_helper(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert git.ANSWER_WITHIN < 10
    monkeypatch.setattr(git, "ANSWER_WITHIN", 1.0)
    hung_up = threading.Event()

    def listen() -> None:
        peer, _ = server.accept()
        peer.settimeout(10)
        while peer.recv(4096):  # ends when git's transport helper is gone
            pass
        hung_up.set()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=listen, daemon=True).start()
        with pytest.raises(EngineError) as caught:
            fetched(tmp_path, f"http://127.0.0.1:{server.getsockname()[1]}/e", "1" * 40)
        assert "did not answer within 1 s" in caught.value.why
        assert hung_up.wait(3)


def test_a_password_in_the_address_is_not_told(tmp_path: Path) -> None:
    with pytest.raises(EngineError) as caught:
        fetched(tmp_path, "http://me:secret@127.0.0.1:9/e", "1" * 40)
    assert "secret" not in f"{caught.value.message} {caught.value.why}"


def test_head_needs_no_git_and_follows_a_linked_checkout(
    tmp_path: Path, repository: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, linked = tmp_path / "outside" / "work", tmp_path / "linked"
    upstream.git(work, "worktree", "add", "-q", "--detach", str(linked), repository.older)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git.head(work) == repository.commit  # a branch
    assert git.head(linked) == repository.older  # .git is a file, as in a submodule


@pytest.mark.parametrize("made", ["absent", "empty", "inside a checkout", "no commit yet"])
def test_head_of_what_is_no_checkout_is_none(tmp_path: Path, repository: Upstream, made: str) -> None:
    folder = tmp_path / "it"
    if made == "inside a checkout":
        folder = tmp_path / "outside" / "work" / "library"
    elif made != "absent":
        folder.mkdir()
    if made == "no commit yet":
        upstream.git(folder, "init", "-q")
    assert git.head(folder) is None
