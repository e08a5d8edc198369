"""Where keys and sections stand."""

from __future__ import annotations

import pytest

from kohya_wrap.host.toml_lines import comments, first, places, twice

TEXT = """\
flat = 1   # = 2
# comment = 3
dotted.inner = 4
[model]
"quoted key" = "a = b" # [x]
'literal' = 'c'
list = [
  [1, 2],  # ]
  "]",
]
text = \"\"\"
fake = 1
[fake]
\"\"\"
after = '''x = 1
'''
inline = { a = 1, b = [1] }
[ training . "deep" ]
last = true
[[many]]
one = 1"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("flat",), 1),
        (("dotted", "inner"), 3),
        (("dotted",), 3),
        (("model",), 4),
        (("model", "quoted key"), 5),
        (("model", "literal"), 6),
        (("model", "list"), 7),
        (("model", "text"), 11),
        (("model", "after"), 15),
        (("model", "inline"), 17),
        (("training",), 18),
        (("training", "deep", "last"), 19),
        (("many", "one"), 21),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_key_at_its_line(path: tuple[str, ...], line: int, end: str) -> None:
    assert first(TEXT.replace("\n", end))[path] == line


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (r'"a\nb" = 1', "a\nb"),
        (r'"\u00e9" = 1', "é"),
        (r"'a\nb' = 1", r"a\nb"),
        (r'"a\q" = 1', r"a\q"),  # no TOML: the parser says so, with its line
    ],
)
def test_a_key_in_quotes_by_what_it_means(text: str, key: str) -> None:
    assert list(first(text)) == [(key,)]


def test_comments() -> None:
    assert comments(TEXT) == ["# = 2", "# comment = 3", "# [x]", "# ]"]


def test_nothing_else_is_a_key() -> None:
    names = {place.path[-1] for place in places(TEXT)}
    assert names == {
        "flat", "inner", "model", "quoted key", "literal", "list", "text", "after", "inline", "deep", "last", "many",
        "one",
    }  # fmt: skip


def test_where_a_value_ends() -> None:
    assert [(place.path[-1], place.last) for place in places(TEXT) if place.last != place.first] == [
        ("list", 10),
        ("text", 14),
        ("after", 16),
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a = 1\nb = 2\na = 3\n", ("`a`", 1, 3)),
        ("[x]\na = 1\n[y]\na = 1\n[x]\n", ("[x]", 1, 5)),
        ("[x]\na = 1\n[y]\na = 1\n", None),
        ("[[x]]\na = 1\n[[x]]\na = 1\n", None),
        ("x.a = 1\nx.b = 1\n", None),
    ],
)
def test_what_stands_twice(text: str, found: tuple[str, int, int] | None) -> None:
    assert twice(text) == found
