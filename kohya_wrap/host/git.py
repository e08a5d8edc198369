"""Git, by GitPython: one commit of a repository fetched small, and what a checkout stands at."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import threading
from collections.abc import Sequence
from pathlib import Path

from kohya_wrap.errors import EngineError
from kohya_wrap.host.tool import redact

# Seconds in which a repository must answer: a network that swallows packets else holds git for minutes.
ANSWER_WITHIN = 8.0
FETCH_WITHIN = 600.0

_ENVIRONMENT = {"GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "true", "GCM_INTERACTIVE": "never"}
_STALLED = ("-c", "http.lowSpeedLimit=100", "-c", "http.lowSpeedTime=10")


def fetch_commit(url: str, commit: str, folder: Path, *, leave_out: Sequence[str] = ()) -> None:
    """Check out exactly `commit` of `url` into the empty `folder`: no history, and no file under `leave_out`.

    Raises:
        EngineError: no git program, no answer within 10 s, or the repository does not have the commit.
    """
    _git(folder, "ls-remote", url, "HEAD", within=ANSWER_WITHIN, url=url)
    _git(folder, "init", "--quiet", "--template=", url=url)
    _git(folder, "remote", "add", "origin", url, url=url)
    _git(folder, "config", "core.sparseCheckout", "true", url=url)
    patterns = ["/*", *(f"!/{name.strip('/')}/" for name in leave_out)]
    sparse = folder / ".git" / "info" / "sparse-checkout"
    sparse.parent.mkdir(exist_ok=True)
    sparse.write_text("\n".join(patterns) + "\n", encoding="utf-8")
    small = ("--no-tags", "--depth=1", "--filter=blob:none")
    _git(folder, "fetch", "--quiet", *small, "origin", commit, url=url)
    _git(folder, "checkout", "--quiet", "--detach", commit, url=url)


def head(folder: Path) -> str | None:
    """The commit a checkout stands at, read without the git program; None where `folder` is no checkout."""
    if not (folder / ".git").exists():
        return None
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # else the import fails where no git is installed
    from git import Repo, SymbolicReference
    from git.exc import GitError

    try:
        with Repo(folder) as repo:
            return SymbolicReference.dereference_recursive(repo, "HEAD")
    except (GitError, ValueError, OSError):
        return None


def _git(folder: Path, *words: str, url: str, within: float = FETCH_WITHIN) -> str:
    if shutil.which("git") is None:
        raise EngineError(
            "There is no git program on this machine.",
            why="The training engine is fetched with git, and none is on PATH.",
            hint="Install it (Debian, Ubuntu: apt-get install git), or give a checkout with --engine-dir.",
        )
    from git import Git

    # A session of its own: git's transport helpers hold its pipes, so a kill must reach them too.
    process = Git(folder).execute(
        ["git", *_STALLED, *words], as_process=True, env=_ENVIRONMENT, start_new_session=True
    )
    overdue = threading.Event()

    def give_up() -> None:
        overdue.set()
        _kill(process.pid)

    timer = threading.Timer(within, give_up)
    timer.start()
    try:
        out, err = process.communicate()
    except BaseException:
        _kill(process.pid)
        raise
    finally:
        timer.cancel()
    if overdue.is_set():
        raise _unreachable(url, f"It did not answer within {within:.0f} s.")
    if process.returncode != 0:
        said = [line for line in redact(err.decode("utf-8", "replace")).splitlines() if line.strip()]
        raise _refused(url, words, said)
    return str(out.decode("utf-8", "replace"))


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _refused(url: str, words: Sequence[str], said: Sequence[str]) -> EngineError:
    causes = [line for line in said if line.startswith(("fatal:", "error:"))]
    reason = (causes or list(said) or ["git gave no reason"])[0]
    if words[0] == "ls-remote":
        return _unreachable(url, reason)
    return EngineError(
        f"git {words[0]} of {redact(url)} failed.",
        why=reason,
        hint="Run the same command again; what was fetched in part has been removed.",
    )


def _unreachable(url: str, reason: str) -> EngineError:
    return EngineError(
        f"The engine's repository is out of reach: {redact(url)}",
        why=reason,
        hint="Check the network or proxy, or give a checkout that you have with --engine-dir DIR.",
    )
