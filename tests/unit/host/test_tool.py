"""Short commands on real children."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from kohya_wrap.host.tool import Outcome, ToolFailed, redact, run


def python(script: str) -> list[str]:
    return [sys.executable, "-c", script]


BOTH = """
import sys
for i in range(3):
    print(f'out {i}', flush=True)
    print(f'err {i}', file=sys.stderr, flush=True)
"""


def test_both_streams_in_the_order_they_came() -> None:
    outcome = run(python(BOTH))
    assert outcome.output.splitlines() == ["out 0", "err 0", "out 1", "err 1", "out 2", "err 2"]
    assert (outcome.returncode, outcome.last_line) == (0, "err 2")


def test_lines_come_while_the_command_runs() -> None:
    came: list[float] = []
    run(
        python("import time; print('a', flush=True); time.sleep(0.3); print('b')"),
        on_line=lambda _: came.append(time.monotonic()),
    )
    assert came[1] - came[0] > 0.2


def test_a_progress_bar_s_carriage_return_ends_a_line() -> None:
    lines: list[str] = []
    run(python(r"print('10 %\r20 %\r', end='')"), on_line=lines.append)
    assert lines == ["10 %", "20 %"]


def test_folder_and_environment_are_as_asked(tmp_path: Path) -> None:
    script = "import os; print(os.getcwd()); print(os.environ.get('X'), 'HOME' in os.environ)"
    outcome = run(python(script), cwd=tmp_path, env={"X": "1"})
    assert outcome.output.splitlines() == [str(tmp_path.resolve()), "1 False"]


def test_it_cannot_ask_anybody_anything() -> None:
    """Whoever types while it runs: the command reads nothing of it."""
    typed, keyboard = os.pipe()
    os.write(keyboard, b"yes\n")
    os.close(keyboard)
    stdin = os.dup(0)
    os.dup2(typed, 0)
    try:
        assert run(python("import sys; print(repr(sys.stdin.read()))")).last_line == "''"
    finally:
        os.dup2(stdin, 0)
        os.close(stdin)
        os.close(typed)


def test_a_failure_keeps_code_and_words() -> None:
    with pytest.raises(ToolFailed, match="ended with 3: why") as error:
        run(python("print('before'); print('why'); raise SystemExit(3)"))
    assert (error.value.outcome.returncode, error.value.outcome.output) == (3, "before\nwhy\n")


def test_output_that_is_no_text_is_kept_readable() -> None:
    assert run(python("import os; os.write(1, b'a\\xff\\n')")).output == "a\ufffd\n"


@pytest.mark.parametrize("wanted", ["/no/such/program", "folder"])
def test_what_cannot_be_started(tmp_path: Path, wanted: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(ToolFailed) as error:
        run([tmp_path / wanted])
    assert error.value.outcome.returncode == 127


SLOW = "import time\nprint('said', flush=True)\ntime.sleep(30)"
GRANDCHILD = (
    "import subprocess, sys\n"
    "print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(30)']).pid, flush=True)\n"
    "import time; time.sleep(30)"
)


@pytest.mark.parametrize("on_line", [None, lambda _: None])
@pytest.mark.parametrize("script", [SLOW, GRANDCHILD])
def test_a_command_that_does_not_end_is_killed_in_time(script: str, on_line: None) -> None:
    started = time.monotonic()
    with pytest.raises(ToolFailed, match=r"124: no end after") as error:
        run(python(script), timeout=0.5, on_line=on_line)
    assert time.monotonic() - started < 5
    first = error.value.outcome.output.splitlines()[0]
    assert first == "said" or not alive(int(first)), "what it had said is kept, what it started is gone"


def alive(pid: int) -> bool:
    """Neither gone nor a zombie."""
    for _ in range(20):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            return False
        if state == "Z":
            return False
        time.sleep(0.05)
    return True


def test_a_command_that_ends_in_time_is_left_alone() -> None:
    assert run(python("print(1)"), timeout=30).returncode == 0


def test_an_interrupt_ends_the_command_too() -> None:
    pids: list[int] = []

    def interrupt(line: str) -> None:
        pids.append(int(line))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(python("import os, time; print(os.getpid(), flush=True); time.sleep(30)"), on_line=interrupt)
    assert not alive(pids[0])


# --- secrets

TOKEN = "hf_" + "AbCdEfGh" * 4


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (f"token {TOKEN}.", "token hf_***."),
        ("https://user:pass@host/x.git", "https://***@host/x.git"),
        ("https://ghp_abc123@host/x.git", "https://***@host/x.git"),
        ("https://host/api?token=abc&x=1", "https://host/api?token=***&x=1"),
        ("https://host/api?TOKEN=abc", "https://host/api?TOKEN=***"),
        ("?api_key=abc", "?api_key=***"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer ***"),
        ("https://host/a@b", "https://host/a@b"),
        ("hf_hub_download hf_transfer", "hf_hub_download hf_transfer"),
        ("step 3/10, loss=0.08", "step 3/10, loss=0.08"),
        ("export RUNPOD_API_KEY=...   and again", "export RUNPOD_API_KEY=...   and again"),
        ("RUNPOD_API_KEY=...word", "RUNPOD_API_KEY=***"),
        ("upload:ssh://me@nas:22/loras", "upload:ssh://me@nas:22/loras"),
        ("ssh://me:word@nas/loras", "ssh://***@nas/loras"),
    ],
)
def test_redacted(text: str, clean: str) -> None:
    assert redact(text) == clean


def test_no_secret_reaches_a_line_the_output_or_the_words_of_the_command() -> None:
    lines: list[str] = []
    outcome = run(python(f"print('{TOKEN}')"), on_line=lines.append)
    assert TOKEN not in str((lines, outcome))


@pytest.mark.parametrize(
    ("argv", "timeout"),
    [
        (python(f"print('{TOKEN}'); raise SystemExit(1)"), None),
        (python(f"import time; print('{TOKEN}', flush=True); time.sleep(30)"), 0.5),
        ([f"/no/such/{TOKEN}"], None),
    ],
)
def test_no_secret_reaches_a_failure(argv: list[str], timeout: float | None) -> None:
    with pytest.raises(ToolFailed) as error:
        run(argv, timeout=timeout)
    assert "hf_***" in str(error.value.outcome)
    assert TOKEN not in str(error.value) + str(error.value.outcome)


def test_last_line_of_nothing() -> None:
    assert Outcome(("x",), 0, "\n \n").last_line == ""
