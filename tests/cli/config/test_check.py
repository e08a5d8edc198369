"""`kohya-wrap config check`: all that is wrong, at once, on any machine."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from kohya_wrap.config import option_table
from kohya_wrap.config.user import PATHS
from tests.fixtures.shell import Shell

Write = Callable[[str], Path]


def test_the_guides_config_is_right_once_all_is_mapped_and_filled(shell: Shell, alone: Path) -> None:
    answer = shell("config", "check", "--gpu", "RTX 4090")
    assert (answer.code, answer.err) == (0, "")
    *notes, counted = answer.out.splitlines()
    for note, said in zip(
        notes,
        [
            '`network_module` is not given: "networks.lora" is taken',
            '`caption_extension` is not given: ".txt" is taken',
            "training_config.toml:2: v1-5-pruned.safetensors is not here: `run` fetches it (7.7 GB",
            "training_data is not there, and `run` needs images.",
            'training_config.toml:8: `resolution = 512` is given as "512,512"',
            "training_config.toml:9: `batch_size` is the engine's `train_batch_size`",
        ],
        strict=True,
    ):
        assert note.startswith("note: ") and said in note
    assert counted == "training_config.toml: no errors, 6 notes. SD 1.5, train_network.py, RTX 4090"


WRONG = """\
[model]
pretrained_model_name_or_path = "./nowhere.safetensors"
[dataset]
resolution = 512
"enable_bucket" = "true"
network_dimm = 4
[training]
seed = "42"
batch_size = 2
train_batch_size = 4
mixed_precision = "fp61"
optimizer_args = [
  "weigth_decay=0.1",
]
sample_every_n_epochs = 1
[gpu]
train_batch_size = 0
[kohya_wrap]
price = 0.69
"""


def test_all_that_is_wrong_is_said_at_once_each_at_its_line(shell: Shell, write: Write) -> None:
    write(WRONG)
    answer = shell("config", "check")
    assert answer.code == 3
    errors = [line for line in answer.out.splitlines() if line.startswith("error: ")]
    assert [line.split()[1] for line in errors] == [
        f"training_config.toml:{line}:" for line in (5, 6, 8, 10, 11, 12, 15, 17, 19)
    ]
    for said in (
        "Write enable_bucket = true.",
        "Write `network_dim`.",
        "Write seed = 42.",
        "is given twice: at training_config.toml:9 and here",
        'Write mixed_precision = "fp16".',
        "Write `weight_decay`.",
    ):
        assert said in answer.out
    what, _, hint = answer.three_lines
    assert what == "training_config.toml: 9 errors, 2 warnings, 8 notes."
    assert hint.endswith("kohya-wrap config check training_config.toml")


def test_as_json(shell: Shell, write: Write) -> None:
    write(WRONG)
    answer = shell("config", "check", "--json")
    assert (answer.code, answer.envelope["ok"], answer.envelope["command"]) == (3, False, "config check")
    (found,) = [finding for finding in answer.envelope["findings"] if finding["code"] == "unknown-option"]
    assert found == {
        "level": "error",
        "code": "unknown-option",
        "message": "`network_dimm` is no option of train_network.py: it would be ignored in silence.",
        "hint": "Write `network_dim`.",
        "where": "training_config.toml:6",
    }


def test_as_json_without_errors(shell: Shell, alone: Path) -> None:
    answer = shell("config", "check", alone, "--gpu", "T4", "--json")
    assert (answer.code, answer.envelope["command"]) == (0, "config check")
    data = answer.envelope["data"]
    assert (data["family"], data["gpu"], data["errors"], data["notes"]) == ("sd15", "T4", 0, 6)


@pytest.mark.parametrize(
    ("text", "words", "code"),
    [
        ('base = "sdxl"', (), 0),
        ('base = "sdxl"', ("--set", "cache_text_encoder_outputs=true"), 0),
        ('base = "sd15"', ("--set", "cache_text_encoder_outputs=true"), 3),
        ('base = "sd15"', ("--set", "network_dimm=4"), 3),
        ('base = "sd15"', ("--set", "network_dim=4"), 0),
    ],
)
def test_the_family_decides_which_options_there_are(
    shell: Shell, write: Write, text: str, words: tuple[str, ...], code: int
) -> None:
    write(f"[kohya_wrap]\n{text}\n")
    assert shell("config", "check", *words).code == code


def test_a_secret_is_told_of_and_never_shown(shell: Shell, write: Write) -> None:
    write('wandb_api_key = "s3cret"\n[kohya_wrap]\nbase = "sd15"\n')
    for words in (
        ("check",),
        ("check", "--json"),
        ("show",),
        ("show", "--json"),
        ("set", "wandb_api_key=s3cret2"),
    ):
        answer = shell("config", *words)
        assert answer.code == 0
        assert "s3cret" not in answer.out + answer.err
    assert "WANDB_API_KEY" in shell("config", "check").out


TOKEN = "hf_AbCdEfGhIjKlMnOpQrStUvWxYz"


@pytest.mark.parametrize(
    ("text", "words", "variables"),
    [
        (f'network_dim = "{TOKEN}"\n', (), {}),
        (f'[kohya_wrap]\nsubject = "{TOKEN}"\n', (), {}),
        ("", ("--set", f"network_dim={TOKEN}"), {}),
        ("", ("--set", TOKEN), {}),
        ("", (f"--{TOKEN}",), {}),
        ("", (), {"KOHYA_WRAP_SET_NETWORK_DIM": TOKEN}),
    ],
)
@pytest.mark.parametrize("json", [(), ("--json",)])
def test_what_looks_like_a_token_is_nowhere_shown(
    shell: Shell,
    write: Write,
    text: str,
    words: tuple[str, ...],
    variables: dict[str, str],
    json: tuple[str, ...],
) -> None:
    write(text)
    answer = shell("config", "check", *words, *json, **variables)
    assert answer.code in (2, 3)
    assert TOKEN not in answer.out + answer.err
    assert "hf_***" in answer.out + answer.err


def test_what_would_act_on_the_terminal_is_escaped(shell: Shell, write: Write) -> None:
    write('"a\\u001b[31m\\nb" = 1\noutput_name = "x\\u0000\\u009by/"\n')
    answer = shell("config", "check", "--gpu", "T4")
    errors = [line for line in answer.out.splitlines() if line.startswith("error: ")]
    assert r"training_config.toml:1: `a\x1b[31m\nb` is no option" in errors[1]
    assert not set("\x00\x1b\x9b") & set(answer.out + answer.err)


def test_a_zero_byte_in_a_path_is_told_at_its_line(shell: Shell, write: Write) -> None:
    given = {name: 1 + line for line, name in enumerate(sorted(PATHS))}
    write("".join(f'{name} = "a\\u0000b"\n' for name in given))
    answer = shell("config", "check", "--gpu", "RTX 4090", "--set", 'vae="\\u0000"')
    assert answer.code == 3 and "Traceback" not in answer.err
    known = option_table.for_script("train_network.py")
    for name, line in given.items():
        where = "--set" if name == "vae" else f"training_config.toml:{line}"
        assert name not in known or f"error: {where}: `{name}`" in answer.out, name


@pytest.mark.parametrize(
    ("gpu", "card", "said"),
    [
        ("RTX 3090", "RTX 3090", 0),
        ("24GB", "RTX 3090", 1),
        ("8 GB", "8 GB card", 1),
    ],
)
def test_a_card_by_its_memory(shell: Shell, alone: Path, gpu: str, card: str, said: int) -> None:
    answer = shell("config", "check", "--gpu", gpu)
    assert answer.out.splitlines()[-1].endswith(card)
    notes = [line for line in answer.out.splitlines() if line.startswith(f"note: {gpu} names no card")]
    assert len(notes) == said and all(f"{card}: " in note for note in notes)


def test_a_card_without_a_preset_is_told_near_names_and_its_memory(shell: Shell, alone: Path) -> None:
    answer = shell("config", "check", "--gpu", "RTX 3080 10GB")
    assert answer.code == 2
    what, why, hint = answer.three_lines
    assert "'RTX 3080 10GB'" in what and "RTX 3090" in why
    assert hint.startswith('--gpu "8 GB"') and "12, 16, 20, 24" in hint and "--gpu auto" in hint


def test_a_word_for_our_own_section(shell: Shell, write: Write) -> None:
    write("[gpu]\ntrain_batch_size = 2\n")
    words = (
        "--set",
        "kohya_wrap.base=sdxl",
        "--set",
        "gpu.preset=RTX 4090",
        "--set",
        "kohya_wrap.subject=cat",
    )
    answer = shell("config", "check", *words)
    assert "error: --set: [kohya_wrap] subject: must be one of" in answer.out
    assert "seen as on RTX 4090, which [gpu] was written for" in answer.out
    assert answer.three_lines[0].startswith("training_config.toml: 1 error,")


def test_it_imports_nothing_that_is_heavy_and_not_needed(shell: Shell, alone: Path) -> None:
    program = (sys.executable, "-X", "importtime", "-m", "kohya_wrap")
    answer = Shell(shell.cwd, shell.variables, program)("config", "check")
    assert answer.code == 0
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in answer.err.splitlines()}
    assert "tomlkit" in imported
    assert not imported & {
        "torch",
        "numpy",
        "PIL",
        "huggingface_hub",
        "git",
        "jinja2",
        "requests",
        "httpx",
        "pydantic",
    }
