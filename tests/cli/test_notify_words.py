"""`--notify` on the command line: what a shell and a variable may say, and what is never shown of it."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from kohya_wrap.cli import errors, options


@click.command()
@options.notify
def echo(notify: tuple[str, ...]) -> None:
    for word in notify:
        click.echo(f"<{word}>")


@pytest.mark.parametrize(
    ("words", "variable", "given"),
    [
        ([], None, []),
        (["--notify", "sh a b", "--notify", "https://h/x"], None, ["sh a b", "https://h/x"]),
        ([], "sh a b\n\n https://h/x \n", ["sh a b", "https://h/x"]),  # a command has spaces of its own
        (["--notify", "sh c"], "sh a b", ["sh c"]),
    ],
)
def test_one_word_or_line_each(words: list[str], variable: str | None, given: list[str]) -> None:
    answer = CliRunner().invoke(echo, words, env={"KOHYA_WRAP_NOTIFY": variable})
    assert answer.output.splitlines() == [f"<{word}>" for word in given]


def test_a_report_of_a_bug_does_not_quote_an_address(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @click.command()
    @click.argument("words", nargs=-1)
    def broken(words: tuple[str, ...]) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("kohya_wrap.cli.streams.open_to_all", lambda: None)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    argv = ["--", "run", "--notify", "https://h/s3cret", "--notify=https://h/s3cret", "a.toml"]
    with pytest.raises(SystemExit):
        errors.run_and_exit(broken, argv)
    said = capsys.readouterr().err
    assert "a.toml" in said and "--notify" in said and "s3cret" not in said
