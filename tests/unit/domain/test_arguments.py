"""Which texts after "key=" the engine can use, where it reads Python literals and where a module converts them."""

from __future__ import annotations

import pytest

from kohya_wrap.domain.arguments import Argument


def literal(kind: str) -> Argument:
    return Argument("x", kind, literal=True)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("float", "0.1"),
        ("float", "1"),
        ("float", "1e-2"),
        ("float", " 0.1"),
        ("float", "None"),
        ("int", "8"),
        ("bool", "True"),
        ("bool", "0"),
        ("list", "[0.9, 0.99]"),
        ("list", "(0.9, 0.99)"),
        ("list", "0.9,0.99"),
        ("list", "[None, 0.99]"),
        ("str", "'cosine'"),
        ("any", "{1: 2}"),
    ],
)
def test_a_literal_taken(kind: str, text: str) -> None:
    assert literal(kind).refuses(text) == ""


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("float", "true", "a number"),
        ("float", "'0.1'", "a number"),
        ("float", "", "a number"),
        ("int", "8.5", "a whole number"),
        ("bool", "true", "True or False"),
        ("bool", "0.5", "True or False"),
        ("list", "0.9", "numbers in brackets"),
        ("list", "[0.9, 'x']", "numbers in brackets"),
        ("str", "cosine", "a text in quotes"),
        ("any", "cosine", "a Python value"),
        ("any", "1==1", "a Python value"),
        ("any", "'a=b'", "a Python value"),  # the engine splits at every "="
        ("any", "f()", "a Python value"),
        ("any", "(" * 10_000, "a Python value"),
        ("any", "1\0", "a Python value"),
    ],
)
def test_a_literal_refused(kind: str, text: str, expected: str) -> None:
    why = literal(kind).refuses(text)
    assert why.startswith(f"must be {expected}") and why.endswith(f", not {text!r}")


@pytest.mark.parametrize(
    ("argument", "text"),
    [
        (Argument("conv_dim", "int"), "8"),
        (Argument("conv_dim", "int"), " 8 "),
        (Argument("conv_alpha", "float"), "1"),
        (Argument("dora_wd", "bool"), "true"),
        (Argument("split_qkv", "bool", ("False", "True")), "True"),
        (Argument("enable_conv", "flag"), "True"),
        (Argument("block_dims", "list"), "4,8,16"),
        (Argument("algo", "str", ("loha", "lokr")), "LoHa"),
        (Argument("preset", "name-or-file", ("full",)), "full"),
        (Argument("preset", "name-or-file", ("full",)), "my/preset.toml"),
        (Argument("down_lr_weight", "any"), "cosine+.25"),
        (Argument("free", "str"), "a=b"),
    ],
)
def test_a_text_taken(argument: Argument, text: str) -> None:
    assert argument.refuses(text) == ""


@pytest.mark.parametrize(
    ("argument", "text", "expected"),
    [
        (Argument("conv_dim", "int"), "8.0", "a whole number"),
        (Argument("conv_dim", "int"), "", "a whole number"),
        (Argument("conv_alpha", "float"), "[1]", "a number"),
        (Argument("dora_wd", "bool"), "1", "True or False"),
        (Argument("split_qkv", "bool", ("False", "True")), "true", "one of False, True"),  # would be False
        (Argument("enable_conv", "flag"), "False", "True or left out (any text turns it on)"),
        (Argument("block_dims", "list"), "4,x", "numbers with commas between"),
        (Argument("algo", "str", ("loha", "lokr")), "ia3", "one of loha, lokr"),
        (Argument("preset", "name-or-file", ("full",)), "Full", "one of full"),
    ],
)
def test_a_text_refused(argument: Argument, text: str, expected: str) -> None:
    assert argument.refuses(text) == f"must be {expected}, not {text!r}"
