"""Scripts of bash: the words that the trainer is given, against those that bash itself gives it."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from kohya_wrap.config.importing import scripts
from kohya_wrap.config.importing.scripts.marks import marked

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="bash is the judge here")

_PYTHON = """#!{interpreter}
import json, pathlib, sys
with pathlib.Path(__file__).with_name("words").open("a") as file:
    file.write(json.dumps(sys.argv[1:]) + chr(10))
"""
SETS = (
    "v=1", "v='p q'", 'v="r $v s"', "v+=t", "export v=9 u=2", "l=(a 'b c')", 'l+=("d e")', "l=()", 'l+=("--z $v")',
    "l=(\n 'm n' # c 'x\n o\n)", "if [[ $v == 1 ]]; then l+=(yes); else l+=(no); fi",
    'if [ "$v" != "0" ]; then v=0; fi', '[ "$v" == "1" ] && l+=(one) || l+=(other)',
    "if [[ -z $v ]]; then v=z; elif [[ $v == p* ]]; then v=pp; fi", "# don't", '[[ -n "$v" && $v != 0 ]] && l+=(nn)',
    "if [[ $v == 1 ]] || [[ $v == 9 ]]; then l+=(oo); fi", 'if [[ "${u:-0}" -ge 2 ]]; then\n v=8\nfi',
    "cat <<EOF >/dev/null\nit's $v\nEOF", "true && v=3", "false || v=4", "{ v=5; }", "! [[ $v == 5 ]] && v=6",
)  # fmt: skip
WORDS = (
    "--a", "'c d'", '"e f"', '"$v"', "$v", '"x$v y"', "--k=$v", '--k="${v}"', "${w:-dd}", '"${w:-d d}"', '"${l[@]}"',
    "${l[@]}", "a\\ b", '"say \\"hi\\""', "x#y", '"#n"', "--p=./my\\ data", "a=b", '""', "2>/dev/null", ">/dev/null",
    "\\\n", "a\"b c\"d'e f'", "$u", '\'$v\'', '"a\\$v"',
)  # fmt: skip


@pytest.fixture
def bash(tmp_path: Path) -> Callable[[str], list[str]]:
    (tmp_path / "python").write_text(_PYTHON.format(interpreter=sys.executable), encoding="utf-8")
    (tmp_path / "python").chmod(0o755)

    def given(script: str) -> list[str]:
        """The words after `python`, as bash gives them."""
        (tmp_path / "words").unlink(missing_ok=True)
        env = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
        subprocess.run(["bash", "-c", script], env=env, cwd=tmp_path, capture_output=True, check=True)
        (line,) = (tmp_path / "words").read_text(encoding="utf-8").splitlines()
        words: list[str] = json.loads(line)
        return words

    return given


def followed(script: str) -> list[str]:
    """As the import follows it."""
    read = scripts.follow("train.sh", f"#!/bin/bash\n{script}")
    (words,) = [command.words for command in read.commands if "python" in command.words]
    assert not any(marked(word) for word in words)
    return list(words[words.index("python") + 1 :])


@pytest.mark.parametrize("seed", range(60))
def test_the_words_are_those_of_bash(bash: Callable[[str], list[str]], seed: int) -> None:
    draw = random.Random(seed)
    sets = "\n".join(draw.choices(SETS, k=draw.randint(1, 8)))
    script = f"l=()\nv=0\nu=\n{sets}\npython {' '.join(draw.choices(WORDS, k=draw.randint(1, 8)))} && true\n"
    assert followed(script) == bash(script)


@pytest.mark.parametrize(
    "script",
    [
        'args=(\n  --network_dim 4   # rank\n  "--output_name=a b"\n)\npython "${args[@]}"',
        "python --a ./my\\ data \\\n  --b \\\n  --c",
        "cd . || exit 1\n[ -d . ] || { echo no; exit 1; }\nCUDA_VISIBLE_DEVICES=0 nice -n 0 python --a 2>&1 | cat",
        "cmd='python --a 1'\neval $cmd > log",
        "python --a ab\\\ncd --b 'x\ny'",
        'set -euo pipefail\nD="${D:-/data}"\nexport E="$D/x"\npython --a "$E" &\nwait',
    ],
)
def test_scripts_as_people_write_them(bash: Callable[[str], list[str]], script: str) -> None:
    assert followed(script) == bash(script)
