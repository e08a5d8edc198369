"""Where notices go: checked before a training, tried more than once, nothing secret said."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from kohya_wrap.errors import UsageError
from kohya_wrap.host.webhook import NotTaken
from kohya_wrap.workflow import notify
from kohya_wrap.workflow.notify import Notice
from tests.fixtures.receiver import Receiver

NOTICE = Notice(
    "finished", "my_lora: trained", "/runs/1", "my_lora", 50, 50, 0.08, "/out/my_lora.safetensors"
)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(notify, "_PAUSES", (0.0, 0.0))


def send(word: str) -> None:
    (target,) = notify.targets([word], os.environ)
    target.send(NOTICE)


def test_what_slack_discord_and_plain_receivers_read() -> None:
    with Receiver() as receiver:
        send(receiver.url)
    assert receiver.got == [
        {
            "text": "my_lora: trained", "content": "my_lora: trained", "event": "finished", "run": "/runs/1",
            "name": "my_lora", "step": 50, "steps": 50, "loss": 0.08, "lora": "/out/my_lora.safetensors",
        }
    ]  # fmt: skip


def test_a_long_text_is_cut_for_discord() -> None:
    long = Notice("failed", "x" * 5000, "", "a", 0, 1, None, "")
    assert len(long.as_data()["content"]) == 1900


@pytest.mark.parametrize(
    ("answers", "tries", "arrives"),
    [((500,), 2, True), ((503, 429), 3, True), ((500, 500, 500), 3, False), ((404,), 1, False)],
)
def test_tried_again_where_that_may_help(answers: tuple[int, ...], tries: int, arrives: bool) -> None:
    with Receiver(*answers) as receiver:
        if arrives:
            send(receiver.url)
        else:
            with pytest.raises(NotTaken):
                send(receiver.url)
    assert len(receiver.got) == tries


def test_a_command_gets_the_facts_in_its_environment(tmp_path: Path) -> None:
    out = tmp_path / "with space"
    code = "import os,sys; open(sys.argv[1],'w').write('|'.join(v for k,v in sorted(os.environ.items()) if k.startswith('KOHYA_WRAP_') and k != 'KOHYA_WRAP_HOME'))"
    send(f'{sys.executable} -c "{code}" "{out}"')
    assert out.read_text() == "finished|/out/my_lora.safetensors|0.08|my_lora|/runs/1|50|50|my_lora: trained"


def test_no_shell_reads_a_command(tmp_path: Path) -> None:
    send(f"echo a > {tmp_path}/made; touch {tmp_path}/made")
    assert not list(tmp_path.glob("made*"))


def test_a_command_that_fails_or_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notify, "_COMMAND", 0.2)
    for word, reason in (("false", "it ended with 1"), ("sleep 30", "it took more than 0.2 s")):
        with pytest.raises(NotTaken) as caught:
            send(word)
        assert caught.value.reason == reason


@pytest.mark.parametrize(
    "word",
    ["", " ", "http://", "https://host:s3cret/x", "http://h ost/s3cret", "ftp://host/s3cret", "htps://me:s3cret@host", "nothing-of-this-name --token s3cret", "echo 's3cret", "/nowhere/at/all"],
)  # fmt: skip
def test_refused(word: str) -> None:
    with pytest.raises(UsageError) as caught:
        notify.targets([word], os.environ)
    error = caught.value
    assert error.why and error.hint
    assert "s3cret" not in f"{error.message}{error.why}{error.hint}"


def test_only_the_host_or_the_program_is_called_by_name() -> None:
    found = notify.targets(["https://me:pw@hooks.example.com/T0/s3cret", "echo s3cret"], os.environ)
    assert [target.called for target in found] == ["hooks.example.com", "echo"]


def test_twice_the_same_is_once() -> None:
    assert len(notify.targets(["echo a", "echo a"], os.environ)) == 1
