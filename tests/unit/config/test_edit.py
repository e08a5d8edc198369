"""One value changed in a text, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from kohya_wrap.config.edit import place_of, put
from kohya_wrap.host.toml_file import of_text

HERE = Path("training_config.toml")


@pytest.mark.parametrize(
    ("text", "table", "key", "written", "changed", "line"),
    [
        ("a = 1 # one\n", "", "a", "2", "a = 2 # one\n", 1),
        ("[t]\na = [\n  1,\n]\nb = 2\n", "t", "a", "[3]", "[t]\na = [\n  3,\n]\nb = 2\n", 2),
        ("[t]\na = [1, 2] # two\n", "t", "a", "[3]", "[t]\na = [3] # two\n", 2),
        ("[t]\na = [\n  1, # one\n]\n", "t", "a", "2e-4", "[t]\na = 2e-4\n", 2),
        ("t.a = 1\n", "t", "a", "2", "t.a = 2\n", 1),
        ("t = { a = 1 }\n", "t", "a", "2", "t = { a = 2 }\n", 1),
        ("[t]\n# of b\nb = 1\n\n# of u\n[u]\nc = 1\n", "t", "a", "2", "[t]\n# of b\nb = 1\na = 2\n\n# of u\n[u]\nc = 1\n", 4),
        ("[t]\n[t.deep]\nc = 1\n", "t", "a", "2", "[t]\na = 2\n[t.deep]\nc = 1\n", 2),
        ("", "t", "a", "2", "[t]\na = 2\n", 2),
        ("b = 1", "t", "a", "2", "b = 1\n\n[t]\na = 2\n", 4),
        ("[t]\nb = 1", "t", "a", "2", "[t]\nb = 1\na = 2\n", 3),
        ("[t]\r\nb = 1\r\n", "t", "a", "2", "[t]\r\nb = 1\r\na = 2\r\n", 3),
    ],
)  # fmt: skip
def test_put(text: str, table: str, key: str, written: str, changed: str, line: int) -> None:
    value = of_text(f"v = {written}", HERE).data["v"]
    done = put(of_text(text, HERE), table, key, value, written)
    assert (done.changed.text, done.line, done.new) == (changed, line, value)


LIST = """\
[t]
a = [  # head
  1e-4, # of one
  # between
  2, # of two
  3  # of three
] # tail
"""


@pytest.mark.parametrize(
    ("written", "changes", "gone"),
    [
        ("[1e-4, 2, 3]", (), ()),
        ("[1e-4, 5, 3]", ("  2,", "  5,"), ()),
        ("[1e-4, 2, 3, 4]", ("3  # of three", "3, # of three\n  4"), ()),
        ("[0, 1e-4, 2, 3]", ("  1e-4", "  0,\n  1e-4"), ()),
        ("[1e-4, 3]", ("  2, # of two\n", ""), ("# of two",)),
        ("[2, 3]", ("  1e-4, # of one\n", ""), ("# of one",)),
    ],
)
def test_a_list_over_several_lines_keeps_the_comments_of_what_stays(
    written: str, changes: tuple[str, str] | tuple[()], gone: tuple[str, ...]
) -> None:
    done = put(of_text(LIST, HERE), "t", "a", of_text(f"v = {written}", HERE).data["v"], written)
    words = " ".join(done.changed.text.split())
    assert words == " ".join((LIST.replace(*changes) if changes else LIST).split())
    assert done.gone == gone


def test_a_list_that_tomlkit_cannot_change_is_written_anew_and_its_comments_named() -> None:
    text = '[t]\na = ["x" # of x\n, "y" # of y\n]\n'
    done = put(of_text(text, HERE), "t", "a", ["y", "y"], '["y", "y"]')
    assert (done.changed.text, done.gone) == ('[t]\na = ["y", "y"]\n', ("# of x", "# of y"))


@pytest.mark.parametrize(
    "text",
    [
        "[network_args] # four\nconv_dim = 4\n[u]\nb = 1\n",
        "[u]\nb = 1\n[network_args]\nconv_dim = 4 # four\n",
    ],
)
def test_a_section_of_arguments_becomes_a_list(text: str) -> None:
    source = of_text(text, HERE)
    done = put(source, *place_of(source, "", "network_args"), ["conv_dim=8"], '["conv_dim=8"]')
    assert done.changed.data == {"u": {"b": 1}, "network_args": ["conv_dim=8"]}
    assert done.gone == ("# four",)


@pytest.mark.parametrize(
    ("text", "name", "place"),
    [
        ("[any]\nseed = 1\n", "seed", ("any", "seed")),
        ("batch_size = 1\n", "train_batch_size", ("", "batch_size")),
        ("[x]\ncaption_extention = '.txt'\n", "caption_extension", ("x", "caption_extention")),
        ("[gpu]\ntrain_batch_size = 1\n", "train_batch_size", ("dataset", "train_batch_size")),
        ("", "vae", ("model", "vae")),
        ("", "resolution", ("dataset", "resolution")),
        ("", "learning_rate", ("training", "learning_rate")),
    ],
)
def test_where_an_option_stands_or_belongs(text: str, name: str, place: tuple[str, str]) -> None:
    assert place_of(of_text(text, HERE), "", name) == place
