"""`kohya-wrap config set`: one value changed, everything else as it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import toml

from tests.fixtures.shell import Shell

Write = Callable[[str], Path]
FILE = """\
# mine
[model]   # the base
pretrained_model_name_or_path = "./a.safetensors"

# images
[dataset]
batch_size = 2   # small card

# how
[training]
learning_rate = 1e-4 # the guide's

[kohya_wrap]
base = "sd15"
"""


@pytest.mark.parametrize(
    ("word", "old", "new", "said"),
    [
        ("learning_rate=2e-4", "learning_rate = 1e-4 #", "learning_rate = 2e-4 #", "training_config.toml:11: learning_rate = 0.0001 -> 0.0002"),
        ("train_batch_size=4", "batch_size = 2   #", "batch_size = 4   #", "training_config.toml:7: batch_size = 2 -> 4"),
        ("clip_skip=2", "the guide's\n", "the guide's\nclip_skip = 2\n", "training_config.toml:12: clip_skip = 2 (new)"),
        ("resolution=768", "small card\n", 'small card\nresolution = "768"\n', 'training_config.toml:8: resolution = "768" (new)'),
        ("vae=v.safetensors", 'a.safetensors"\n', 'a.safetensors"\nvae = "v.safetensors"\n', 'training_config.toml:4: vae = "v.safetensors" (new)'),
        ("kohya_wrap.price_per_hour=0.69", 'base = "sd15"\n', 'base = "sd15"\nprice_per_hour = 0.69\n', "training_config.toml:15: price_per_hour = 0.69 (new)"),
        ("kohya_wrap.trigger=1", 'base = "sd15"\n', 'base = "sd15"\ntrigger = "1"\n', 'training_config.toml:15: trigger = "1" (new)'),
        ("gpu.preset=4090", 'base = "sd15"\n', 'base = "sd15"\n\n[gpu]\npreset = "RTX 4090"\n', 'training_config.toml:17: preset = "RTX 4090" (new)'),
        ("training.clip_skip=2", "the guide's\n", "the guide's\nclip_skip = 2\n", "training_config.toml:12: clip_skip = 2 (new)"),
        ('kohya_wrap.trigger="a b"', 'base = "sd15"\n', 'base = "sd15"\ntrigger = "a b"\n', 'training_config.toml:15: trigger = "a b" (new)'),
        ("gpu.preset=T4", 'base = "sd15"\n', 'base = "sd15"\n\n[gpu]\npreset = "T4"\n', 'training_config.toml:17: preset = "T4" (new)'),
    ],
)  # fmt: skip
def test_one_value(shell: Shell, write: Write, word: str, old: str, new: str, said: str) -> None:
    config = write(FILE)
    answer = shell("config", "set", word)
    done = [line for line in answer.out.splitlines() if not line.startswith("warning: ")]
    assert (answer.code, answer.err, done) == (0, "", [said])
    assert FILE.count(old) == 1
    assert config.read_text(encoding="utf-8") == FILE.replace(old, new)


def test_several_values_and_a_list(shell: Shell, write: Write) -> None:
    config = write(FILE)
    answer = shell(
        "config", "set", "seed=1", 'network_args=["conv_dim=4", "conv_alpha=2"]', "network_alpha=8"
    )
    assert answer.code == 0
    training = toml.loads(config.read_text(encoding="utf-8"))["training"]
    assert training["network_args"] == ["conv_dim=4", "conv_alpha=2"]
    assert (training["seed"], training["network_alpha"]) == (1, 8.0)


@pytest.mark.parametrize(
    ("words", "code", "what", "hint"),
    [
        (("learning_rat=1e-4",), 3, "`learning_rat` is no option", "Write `learning_rate`."),
        (("seed=many",), 3, "`seed` must be a whole number, not 'many'", "Mend"),
        (("seed=1", "network_dim=x", "y=2"), 3, "`network_dim` must be a whole number", "Mend"),
        (
            ("cache_text_encoder_outputs=true",),
            3,
            "no option of train_network.py",
            "Leave out `cache_text_encoder_outputs=…`.",
        ),
        (("train_batch_size=0",), 3, "must be 1 or more", "Write train_batch_size = 1"),
        (("kohya_wrap.prize=1",), 3, "[kohya_wrap] prize", "remove `prize`"),
        (("gpu.nonsense=1",), 3, "`nonsense` is no option", "Leave out `nonsense=…`."),
        (("gpu.learning_rate=1",), 3, "`learning_rate` is no matter of the card", "Write `learning_rate=…`."),
        (("gpu.preset=RTX 3080",), 3, "No GPU preset is called 'RTX 3080'.", "gpu.preset='24 GB'"),
        (("trigger=x",), 3, "`trigger` belongs under [kohya_wrap]", "Write `kohya_wrap.trigger=…`."),
        (
            ("network_dim=hf_AbCdEfGhIjKlMnOpQrStUvWxYz",),
            3,
            "`network_dim` must be a whole number, not 'hf_***'.",
            "Mend",
        ),
        (("seed",), 2, "'seed' is not KEY=VALUE.", "learning_rate=1e-4"),
        (("seed=1", "--file", "none.toml"), 3, "none.toml is not there", "init"),
    ],
)
def test_a_wrong_one_changes_nothing(
    shell: Shell, write: Write, words: tuple[str, ...], code: int, what: str, hint: str
) -> None:
    config = write(FILE)
    answer = shell("config", "set", *words)
    assert answer.code == code
    said, _, remedy = answer.three_lines
    assert what in said and hint in remedy
    assert config.read_text(encoding="utf-8") == FILE


def test_a_key_given_twice_is_left_to_the_user(shell: Shell, write: Write) -> None:
    write("[a]\nseed = 1\n[b]\nseed = 2\n")
    answer = shell("config", "set", "seed=3")
    assert answer.code == 3
    assert "training_config.toml:2 and training_config.toml:4" in answer.three_lines[0]


def test_line_ends_and_a_link_stay(shell: Shell, tmp_path: Path) -> None:
    real = tmp_path / "elsewhere.toml"
    real.write_bytes(b"[training]\r\nseed = 1\r\n\r\n[dataset]\r\nkeep_tokens = 1")
    (tmp_path / "training_config.toml").symlink_to(real)
    assert shell("config", "set", "seed=2", "clip_skip=2", "flip_aug=true").code == 0
    assert (tmp_path / "training_config.toml").is_symlink()
    assert real.read_bytes() == (
        b"[training]\r\nseed = 2\r\nclip_skip = 2\r\n\r\n[dataset]\r\nkeep_tokens = 1\r\nflip_aug = true\r\n"
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "elsewhere.toml",
        "home",
        "training_config.toml",
    ]


def test_as_json(shell: Shell, write: Write) -> None:
    write(FILE)
    answer = shell("config", "set", "learning_rate=2e-4", "seed=3", "--json")
    assert (answer.code, answer.envelope["command"]) == (0, "config set")
    assert answer.envelope["data"]["changes"] == [
        {"key": "learning_rate", "line": 11, "old": 1e-4, "new": 2e-4, "gone": []},
        {"key": "seed", "line": 12, "old": None, "new": 3, "gone": []},
    ]


def test_a_comment_that_goes_with_its_item_is_said(shell: Shell, write: Write) -> None:
    config = write('network_args = [\n  "conv_dim=4", # small\n  "conv_alpha=2", # half\n]\n')
    answer = shell("config", "set", 'network_args=["conv_dim=4"]')
    assert answer.code == 0
    assert config.read_text(encoding="utf-8") == 'network_args = [\n  "conv_dim=4", # small\n]\n'
    assert answer.out.splitlines()[1] == "  gone with what it stood beside: # half"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("output_name=a/b",), "`output_name = 'a/b'` holds a slash"),
        (("lr_scheduler=rex",), "`lr_scheduler = 'rex'` is no scheduler of the engine."),
        (("optimizer_type=Foo",), "`optimizer_type = 'Foo'` is known neither"),
        (("train_data_dir=",), "`train_data_dir` is empty"),
        (("v2=true",), "`v2` is for Stable Diffusion 2"),
        (
            ("seed=1", "lr_scheduler=constant"),
            "the scheduler `constant` takes no warm-up",
        ),  # beside what is there
    ],
)
def test_what_check_would_call_an_error_is_not_written(
    shell: Shell, alone: Path, words: tuple[str, ...], said: str
) -> None:
    before = alone.read_bytes()
    answer = shell("config", "set", *words)
    assert answer.code == 3 and said in answer.three_lines[0]
    assert alone.read_bytes() == before and answer.out == ""


def test_words_that_are_right_together_are_written(shell: Shell, alone: Path) -> None:
    assert shell("config", "set", "lr_scheduler=constant", "lr_warmup_steps=0").code == 0
    assert 'lr_scheduler = "constant"' in alone.read_text(encoding="utf-8")


def test_an_error_that_was_there_before_keeps_nothing_from_being_set(shell: Shell, alone: Path) -> None:
    alone.write_text(alone.read_text(encoding="utf-8").replace("seed", "sed") + "clipskip = 2\n")
    answer = shell("config", "set", "seed=42")
    assert (answer.code, answer.err) == (0, "")


def test_warnings_that_a_value_brings_are_said(shell: Shell, alone: Path) -> None:
    answer = shell("config", "set", "optimizer_type=Prodigy")
    assert answer.code == 0 and 'optimizer_type = "Prodigy"' in alone.read_text(encoding="utf-8")
    assert "warning: training_config.toml:20: Prodigy finds the learning rate itself" in answer.out
    codes = [finding["code"] for finding in shell("config", "set", "seed=2", "--json").envelope["findings"]]
    assert codes == []  # only what is new


def test_the_environment_does_not_hide_what_is_wrong(shell: Shell, alone: Path) -> None:
    answer = shell("config", "set", "lr_scheduler=rex", KOHYA_WRAP_SET_LR_SCHEDULER="cosine")
    assert answer.code == 3


def test_of_one_key_twice_the_last_counts(shell: Shell, write: Write) -> None:
    config = write("[training]\nseed = 42\n")
    answer = shell("config", "set", "seed=42", "seed=43")
    assert answer.out.splitlines()[0] == "training_config.toml:2: seed = 42 -> 43"
    assert shell("config", "set", "seed=43").out.splitlines()[0].endswith("seed = 43 (as it was)")
    assert config.read_text(encoding="utf-8") == "[training]\nseed = 43\n"
