"""How the keys of `network_args`, and what becomes of their texts, are read from a module's source."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from kohya_wrap.engine.inside import network_arguments


@pytest.mark.parametrize(
    ("source", "key", "kind"),
    [
        ("dim = kwargs.get('conv_dim', None)\ndim = int(dim)", "conv_dim", ["any", []]),
        ("conv_dim = kwargs.get('conv_dim', None)\nconv_dim = int(conv_dim)", "conv_dim", ["int", []]),
        ("a = float(kwargs.get('alpha', 1) or 1)", "alpha", ["float", []]),
        ("a = float(nw_kwargs.get('alpha'))", "alpha", ["float", []]),
        ("f = kwargs.get('factor', -1)", "factor", ["int", []]),
        ("d = kwargs['dims']\ndims = parse_ints(dims)", "dims", ["list", []]),
        ("c = kwargs.get('c')\nc = bool(c)", "c", ["flag", []]),
        ("c = kwargs.get('c', False)", "c", ["flag", []]),
        ("c = str_bool(kwargs.get('b') or kwargs.get('c', False))", "c", ["bool", []]),
        ("split = kwargs.get('split')\nsplit = True if split == 'True' else False", "split", ["bool", ["False", "True"]]),
        ("v = kwargs.get('v', 'false')\nv = v.lower() == 'true'", "v", ["bool", []]),
        ("known = 'x' in kwargs", "x", ["any", []]),
        ("algo = (kwargs.get('algo', 'lora') or 'lora').lower()", "algo", ["str", []]),
    ],
)  # fmt: skip
def test_a_key(tmp_path: Path, source: str, key: str, kind: list[object]) -> None:
    tree = ast.parse(source)
    asked = dict(network_arguments.asked_for(node) for node in ast.walk(tree))
    assert network_arguments.kind_of(key, asked[key], network_arguments.conversions(tree)) == kind


def test_other_look_ups_are_no_keys() -> None:
    tree = ast.parse("a = weights.get('x')\nb = weights['y']\nc = 'z' in names\nkwargs.get(name)")
    assert {network_arguments.asked_for(node)[0] for node in ast.walk(tree)} == {None}
