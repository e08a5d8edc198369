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
        ("[t]\na = [\n  1,\n]\nb = 2\n", "t", "a", "[3]", "[t]\na = [3]\nb = 2\n", 2),
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
