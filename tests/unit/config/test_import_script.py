"""Training scripts: the command line in them, as the engine's parser would read it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kohya_wrap.config import importing
from kohya_wrap.config.importing.source import Source
from kohya_wrap.domain.family import FamilyName
from kohya_wrap.errors import ConfigError

Read = Callable[[str], Source]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def through(text: str) -> Source:
        path = tmp_path / "train"
        path.write_text(text, encoding="utf-8")
        return importing.read(path)

    return through


BASH = r"""#!/bin/bash
# don't: python train_network.py --seed 9      what a comment says is no command
model="/models/my model.safetensors"   # the base
export rate=1e-4
dim=16
extra=(--lowram)

cd sd-scripts && HF_HUB_OFFLINE=1 accelerate launch --num_cpu_threads_per_process=8 "./train_network.py" \
  --pretrained_model_name_or_path="$model" \
  --network_module networks.lora --network_dim ${dim} \
  --learning_rate=$rate --seed ${seed:-7} \
  --network_args "conv_dim=4" 'conv_alpha=1' \
  --max_train_ep 3 --enable_bucket > log.txt 2>&1
echo done
"""
BRANCHES = r"""#!/bin/bash
model_type="{model}"   # sd1.5, sdxl, flux
weights=""
unet_only=1; text_only=0
offset="0.05"
wandb=0
extra=()
launch=()
trainer="./scripts/train_network.py"

if [ "$model_type" == "sd1.5" ]; then
  extra+=("--clip_skip=2")
elif [ "$model_type" == "sdxl" ]; then
  trainer="./scripts/sdxl_train_network.py"
elif [ "$model_type" == "flux" ]; then
  trainer="./scripts/flux_train_network.py"
fi
if [[ $multi_gpu == 1 ]]; then launch+=("--num_processes=2"); fi
if [[ $unet_only == 1 ]]; then extra+=("--network_train_unet_only"); fi
if [[ $text_only == 1 ]]; then extra+=("--network_train_text_encoder_only"); fi
if [[ $weights ]]; then extra+=("--network_weights $weights"); fi
if [[ -n "$weights" ]]; then extra+=("--dim_from_weights"); fi
if [[ -z "$weights" ]]; then extra+=("--sdpa"); fi
if [[ $offset != "0" ]]; then extra+=("--noise_offset $offset"); fi
if [[ $unet_only -ne 1 ]]; then extra+=("--weighted_captions"); fi
if [[ $wandb == 1 ]]; then
  extra+=("--log_with=all")
  if [[ -z "$weights" ]]; then extra+=("--log_prefix=x"); fi
else
  extra+=("--log_with=tensorboard")
fi
for name in a b; do looped=$name; done
python -m accelerate.commands.launch ${{launch[@]}} "$trainer" --network_dim 4 \
  ${{extra[@]}} --output_name=$looped
"""
POWERSHELL = """
$model = "D:\\models\\my model.safetensors"
$dim = 16   # rank
$weights = Join-Path -Path $out -ChildPath "x.safetensors"
accelerate launch "./train_network.py" `
  --pretrained_model_name_or_path="$model" --network_module=networks.lora `
  --network_dim=$dim --network_weights=$weights
"""
CMD = """@echo off
rem python train_network.py --seed 9
:: python train_network.py --seed 9
set MODEL=D:\\models\\my model.safetensors
set "DIM=16"
python train_network.py ^
 --pretrained_model_name_or_path="%MODEL%" ^
 --network_module=networks.lora --network_dim=%DIM%
"""


def test_a_bash_script(read: Read) -> None:
    source = read(BASH)
    assert source.options == {
        "pretrained_model_name_or_path": "/models/my model.safetensors", "network_module": "networks.lora",
        "network_dim": 16, "learning_rate": 1e-4, "seed": 7, "network_args": ["conv_dim=4", "conv_alpha=1"],
        "max_train_epochs": 3, "enable_bucket": True,
    }  # fmt: skip
    assert source.lost == ()
    assert [left.source for left in source.dropped] == ["--num_cpu_threads_per_process=8"]


@pytest.mark.parametrize(
    ("model", "family", "clip_skip"), [("sd1.5", FamilyName.SD15, 2), ("sdxl", FamilyName.SDXL, None)]
)
def test_a_script_with_branches_and_a_list(
    read: Read, model: str, family: FamilyName, clip_skip: int | None
) -> None:
    """As the train.sh of lora-scripts is made."""
    source = read(BRANCHES.format(model=model))
    assert source.family is family
    assert source.options == {
        "network_dim": 4, "network_train_unet_only": True, "sdpa": True, "noise_offset": 0.05, "log_with": "tensorboard",
    } | ({"clip_skip": clip_skip} if clip_skip else {})  # fmt: skip
    assert [(left.source, left.value) for left in source.lost] == [("--output_name", "$looped")]


def test_the_branch_for_another_family_is_refused(read: Read) -> None:
    with pytest.raises(ConfigError, match="a Flux LoRA"):
        read(BRANCHES.format(model="flux"))


def test_a_script_that_works_out_what_it_starts_is_told_so(read: Read) -> None:
    text = "$file = 'a.py'\nif ($env:x -eq 1) {\n $file = 'b.py'\n}\naccelerate launch $more $file --network_module networks.lora"
    with pytest.raises(ConfigError, match="no training config") as refused:
        read(text)
    assert "($more, $file)" in refused.value.why
    assert "Line 5" in refused.value.why


@pytest.mark.parametrize(
    ("use", "comment"), [('"${more[@]}"', "of two words"), ("${more[@]}", "of"), ("$more", "of")]
)
def test_the_items_of_a_list_are_words_as_in_the_shell(read: Read, use: str, comment: str) -> None:
    text = f"""more=("--training_comment=of two words" --seed 1)\npython train_network.py --network_dim 4 {use}"""
    assert read(text).options["training_comment"] == comment


@pytest.mark.parametrize(
    ("branch", "dim"),
    [
        ("if [[ 1 == 1 ]]; then dim=8; else dim=16; fi", 8),
        ("if [[ 1 == 2 ]]; then dim=8; else dim=16; fi", 16),
        ("if [[ 1 == 1 ]]; then dim=8; elif [[ 1 == 1 ]]; then dim=16; fi", 8),
        ("if [[ 1 == 2 ]]; then dim=8; elif [[ 1 == 1 ]]; then dim=16; else dim=32; fi", 16),
        ("if [[ $unset == 1 ]]; then dim=8; fi", 4),
        ("if [[ $unset != 1 ]]; then dim=8; fi", 8),
        ("if [ $unset ]; then dim=8; fi", 4),
        ("if [[ 1 == 2 ]]; then\nif [[ 1 == 1 ]]; then dim=8; fi\nfi", 4),
        ("if [[ sdxl-base == sdxl* ]]; then dim=8; fi", 8),
        ("if ($x -eq 1) {\n $other = 8\n} else {\n $other = 9\n}\n$dim = 16", 16),
        ("dim=8\nif nvidia-smi; then dim=8; fi", 8),
        ("dim=1\ndim+=6", 16),
        ("dim=16; unset other; read -r other", 16),
        ("if [[ 1 == 1 ]]; then dim=8; elif [[ 1 == 2 ]] || [[ 1 == 1 ]]; then dim=16; fi", 8),
        ("if [[ 1 == 2 ]]; then dim=8; elif [[ 1 == 2 ]] || [[ 1 == 1 ]]; then dim=16; fi", 16),
        ("if [[ 1 == 1 ]] && [[ 1 == 2 ]]; then dim=8; else dim=16; fi", 16),
        ("if nvidia-smi; then true; elif [[ 1 == 2 ]]; then dim=8; fi", 4),
        ('if [ "p -a q" == "p -a q" ]; then dim=8; fi', 8),
        ("if [[ 1 == 1 || 1 == 1 && 1 == 2 ]]; then dim=8; fi", 8),
        ("if ! [[ 1 == 2 ]]; then dim=8; fi", 8),
        ("for x in a; do other=8; done\ndim=16", 16),
        ('comment="a # b"; dim=8 # 16', 8),
    ],
)
def test_the_branch_that_is_taken(read: Read, branch: str, dim: int) -> None:
    source = read(f"dim=4\n{branch}\npython train_network.py --network_dim $dim --training_comment a#b")
    assert source.options == {"network_dim": dim, "training_comment": "a#b"}


@pytest.mark.parametrize(
    "branch",
    [
        "for x in a b; do dim=8; done",
        "case $x in\n a) true;;\nesac\nwhile true; do dim=8; done",
        "if grep -q x y; then dim=8; fi",
        "if [[ $(nvidia-smi) ]]; then dim=8; fi",
        "if [[ 1 == 1 && $computed == 1 ]]; then dim=8; fi",
        "if [[ $HOME == /root ]]; then dim=8; fi",
        "grep -q x y && dim=8",
        "[ -d x ] || dim=8",
        "f() {\n [ -d x ] && dim=8\n}\nf",
        "if [ -d x ]; then f() {\n dim=8\n}; f; fi",
        "read -p 'dim? ' dim",
        "((dim *= 2))",
        "if [[ $computed == 1 ]]; then dim=8; fi",
        "while read dim; do true; done",
    ],
)
def test_what_depends_on_what_is_not_plain_is_not_guessed(read: Read, branch: str) -> None:
    source = read(f"computed=$(date)\ndim=4\n{branch}\npython train_network.py --network_dim $dim --seed 1")
    assert source.options == {"seed": 1}
    (left,) = source.lost
    assert (left.source, left.value) == ("--network_dim", "$dim")
    assert left.why.startswith("line ")


@pytest.mark.parametrize("value", ["$(cat dim)", "`cat dim`", "$((2 * 4))", "${dim:0:1}", "$HOME", "$1"])
def test_what_is_computed_is_named_with_its_line(read: Read, value: str) -> None:
    (left,) = read(f"true\ndim={value}\npython train_network.py --network_dim $dim --seed 1").lost
    assert left.value == value
    assert left.why.startswith("line 2: the script ")


@pytest.mark.parametrize("text", [POWERSHELL, CMD])
def test_scripts_of_windows(read: Read, text: str) -> None:
    assert read(text).options == {
        "pretrained_model_name_or_path": "D:\\models\\my model.safetensors",
        "network_module": "networks.lora", "network_dim": 16,
    }  # fmt: skip


def test_a_value_that_the_script_computes_is_lost(read: Read) -> None:
    (left,) = read(POWERSHELL).lost
    assert left.source == "--network_weights"
    assert left.value == 'Join-Path -Path $out -ChildPath "x.safetensors"'
    assert left.why == "line 4: the script computes it"


@pytest.mark.parametrize(
    ("words", "option", "value"),
    [
        ("--lr_warmup_steps 100 --lr_scheduler cosine", "lr_warmup_steps", 100),
        ("--lr_warmup_steps=10% --lr_scheduler cosine", "lr_warmup_steps", 0.1),
        ("--lr_warmup_steps 0.05 --lr_scheduler cosine", "lr_warmup_steps", 0.05),
        ("--lr_warmup_steps 2.0 --lr_scheduler cosine", "lr_warmup_steps", 2),
        ("--text_encoder_lr 1e-5", "text_encoder_lr", 1e-5),
        ("--text_encoder_lr 1e-5 2e-5", "text_encoder_lr", [1e-5, 2e-5]),
        ("--optimizer_args weight_decay=0.1 betas=0.9,0.99 --seed 1", "optimizer_args",
         ["weight_decay=0.1", "betas=0.9,0.99"]),
        ("--noise_offset -0.1", "noise_offset", -0.1),
        ("--seed 1 --seed 2", "seed", 2),
        ("--caption_extention .txt", "caption_extension", ".txt"),
        ("--resolution=512,768", "resolution", "512,768"),
        ("--output_name 'my $name'", "output_name", "my $name"),
    ],
)  # fmt: skip
def test_words(read: Read, words: str, option: str, value: Any) -> None:
    got = read(f"python train_network.py --network_dim 4 {words}").options.get(option)
    assert (got, type(got)) == (value, type(value))


@pytest.mark.parametrize(
    ("words", "source", "why"),
    [
        ("--no_such 1", "--no_such", "has no such option"),
        ("--max_train 1", "--max_train", "it could be max_train_epochs, max_train_steps"),
        ("--enable_bucket=true", "--enable_bucket", "without a value"),
        ("--seed --sdpa", "--seed", "it needs a value"),
        ("stray", "stray", "it stands alone"),
        ("$extArgs", "$extArgs", "line 1: the script does not set $extArgs"),
        ("--network_args a=1 $extArgs", "--network_args", "does not set $extArgs"),
        ("--mixed_precision=fp8", "--mixed_precision", "must be one of"),
        ("--seed ten", "--seed", "a whole number"),
        ("--cache_text_encoder_outputs", "--cache_text_encoder_outputs", "sdxl_train_network.py"),
    ],
)
def test_nothing_is_left_out_in_silence(read: Read, words: str, source: str, why: str) -> None:
    # A word after the dimension stands alone: an option takes one value.
    lost = read(f"python train_network.py --network_dim 4 {words}").lost
    assert why in next(left.why for left in lost if left.source == source)


def test_a_variable_in_single_quotes_is_not_filled_in(read: Read) -> None:
    source = read("name=x\npython train_network.py --network_dim 4 --output_name '$name'")
    assert source.options["output_name"] == "$name"


def test_an_option_given_twice_is_said(read: Read) -> None:
    source = read("python train_network.py --network_dim 4 --network_dim 8")
    assert [(left.source, left.value, left.why) for left in source.dropped] == [
        ("--network_dim", 4, "a later one overrides it")
    ]


def test_the_filled_items_of_a_list_are_kept(read: Read) -> None:
    source = read("python train_network.py --network_dim 4 --optimizer_args weight_decay=0.1 $more")
    assert source.options["optimizer_args"] == ["weight_decay=0.1"]


@pytest.mark.parametrize(
    ("launcher", "lost"),
    [
        ("accelerate launch --num_processes 2", ["--num_processes"]),
        ("accelerate launch --num_processes=1", []),
    ],
)
def test_more_gpus_than_one_are_said(read: Read, launcher: str, lost: list[str]) -> None:
    source = read(f"{launcher} train_network.py --network_dim 4")
    assert [left.source for left in source.lost] == lost


def test_the_config_file_that_the_command_names_is_read_and_the_command_wins(
    read: Read, tmp_path: Path
) -> None:
    (tmp_path / "my.toml").write_text(
        "[x]\nnetwork_dim = 4\nlearning_rate = 1e-3\nseed = 5", encoding="utf-8"
    )
    source = read("python train_network.py --config_file my --seed 9")
    assert source.options == {"network_dim": 4, "learning_rate": 1e-3, "seed": 9}
    assert [finding.code for finding in source.findings] == ["config-file"]
    assert ("seed", 5) in [(left.source, left.value) for left in source.dropped]


def test_a_command_whose_options_are_elsewhere_is_refused(read: Read) -> None:
    with pytest.raises(ConfigError, match="train:2: what this command trains cannot be read") as refused:
        read("\npython train_network.py --config_file 'my own.toml' --sample_prompts p.txt")
    assert refused.value.hint == "kohya-wrap config import 'my own.toml'"


def test_a_command_of_which_nothing_is_known_is_refused(read: Read) -> None:
    with pytest.raises(ConfigError, match="cannot be read") as refused:
        read('accelerate launch train_network.py "${args[@]}"')
    assert "line 1: the script does not set ${args[@]}" in refused.value.why


def test_a_config_file_on_the_command_line_is_said(read: Read) -> None:
    source = read("python train_network.py --network_dim 4 --config_file my.toml")
    (finding,) = source.findings
    assert finding.code == "config-file"
    assert finding.hint == "kohya-wrap config import my.toml"


@pytest.mark.parametrize(
    "text",
    [
        'screen -dmS x bash -c "cd y && accelerate launch train_network.py --network_dim 4 2>&1 | tee log"',
        "cmd='python train_network.py --network_dim 4'\neval \"$cmd\"",
        "cmd='python train_network.py --network_dim 4'\n$cmd",
        "for i in 1; do\n python train_network.py --network_dim 4\ndone",
        "train() {\n python train_network.py --network_dim 4\n}\ntrain",
        "( cd x; python -u train_network.py --network_dim 4 )",
        "nohup python train_network.py --network_dim 4 > log 2>&1 &",
        "docker run --gpus all image accelerate launch train_network.py --network_dim 4",
    ],
)
def test_a_command_is_found_wherever_it_stands(read: Read, text: str) -> None:
    assert read(text).options == {"network_dim": 4}


def test_the_first_of_several_trainings_is_taken_and_that_is_said(read: Read) -> None:
    one = "python train_network.py --network_dim {}\n"
    source = read(one.format(4) + one.format(8))
    assert source.options == {"network_dim": 4}
    (finding,) = source.findings
    assert (finding.code, finding.where) == ("several-trainings", "train:1")
    assert "the command of line 1 is imported, not that of line 2." in finding.message


def test_a_training_in_a_loop_is_imported_and_that_is_said(read: Read) -> None:
    source = read("for dim in 4 8; do\n python train_network.py --network_dim $dim --seed 1\ndone")
    assert source.options == {"seed": 1}
    (finding,) = source.findings
    assert (finding.code, finding.where) == ("not-followed", "train:2")
    assert "in the `for` of line 1" in finding.message


def test_an_item_that_may_be_added_is_not_taken_and_its_if_is_named(read: Read) -> None:
    source = read(
        "extra=(--seed 1)\nif nvidia-smi; then\n extra+=(--sdpa '--clip_skip=2')\nfi\n"
        'python train_network.py --network_dim 4 "${extra[@]}"'
    )
    assert source.options == {"network_dim": 4, "seed": 1}
    why = "line 3: it is added in the `if` of line 2, which is not followed"
    assert [(left.source, left.value, left.why) for left in source.lost] == [
        ("--sdpa", True, why),
        ("--clip_skip", "2", why),
    ]


def test_lines_that_a_comment_cuts_off_are_lost(read: Read) -> None:
    text = "python train_network.py --network_dim 4 \\\n  # --seed 1 \\\n  --sdpa \\\n  --clip_skip 2\n"
    source = read(text)
    assert source.options == {"network_dim": 4}
    assert [left.source for left in source.lost] == ["--sdpa", "--clip_skip"]
    assert "line 3 is no part of the command" in source.lost[0].why


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        (
            "python train_network.py \\ \n --network_dim 4",
            1,
            "with a space after it does not continue the line",
        ),
        ('\npython train_network.py --network_dim 4 --output_name "x\n', 2, 'the " is never closed'),
        ("\n\npython train_network.py --network_dim 4 --output_name 'x\n", 3, "the ' is never closed"),
        ("args=(\n --network_dim 4\npython train_network.py $args", 1, "the bracket is never closed"),
        ("python train_network.py ` \n --network_dim=4", 1, "with a space after it"),
        ("$a = 'x\npython train_network.py --network_dim=4", 1, "the ' is never closed"),
        ("@echo off\npython train_network.py ^ \n --network_dim=4", 2, "with a space after it"),
        ('@echo off\npython train_network.py --network_dim=4 --output_name="x', 2, 'the " is never closed'),
    ],
)
def test_a_script_that_cannot_be_split_is_refused_with_its_line(
    read: Read, text: str, line: int, what: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        read(text)
    assert refused.value.message.startswith(f"train:{line}: ")
    assert what in refused.value.message


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_script_as_windows_saves_it(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "train.ps1"
    path.write_bytes(POWERSHELL.replace("\n", "\r\n").encode(encoding))
    assert importing.read(path).options["network_dim"] == 16


@pytest.mark.parametrize(
    ("script", "family"), [("train_network.py", FamilyName.SD15), ("sdxl_train_network.py", FamilyName.SDXL)]
)
def test_the_script_tells_the_family(read: Read, script: str, family: FamilyName) -> None:
    assert read(f"python sd-scripts/{script} --network_dim 4").family is family


@pytest.mark.parametrize(
    ("command", "what"),
    [
        ("flux_train_network.py --network_dim 4", "a Flux LoRA"),
        ("train_textual_inversion.py --token_string x", "a textual inversion"),
        ("train_db.py --seed 1", "a DreamBooth training"),
        ("fine_tune.py --seed 1", "a fine-tuning"),
        ("train_network.py --v2 --network_dim 4", "a LoRA for Stable Diffusion 2"),
        ("train_network.py --network_module networks.lora_flux", "a Flux LoRA"),
        ("make_captions.py --batch_size 1", "no training config"),
    ],
)
def test_what_we_do_not_train_is_refused(read: Read, command: str, what: str) -> None:
    with pytest.raises(ConfigError, match=what):
        read(f"accelerate launch {command}")


TRAIN = "python train_network.py --network_module=networks.lora"


@pytest.mark.parametrize(
    "script",
    [
        "run() {{\n {train} --network_dim=4\n}}\n{train} --network_dim=64",
        "run() {{ {train} --network_dim=4; }}\n{train} --network_dim=64",
        "function run\n{{\n {{ true; }}\n {train} --network_dim=4\n}}\n{train} --network_dim=64",
        "if [ -d x ]; then {train} --network_dim=4; fi\n{train} --network_dim=64",
        "run() {{\n {train} --network_dim=$1\n}}\nrun 64",
        "run() {{ {train} $@; }}\nrun --network_dim=64",
        'run() {{\n {train} "$@" --seed=1\n}}\nmain() {{ run --network_dim 64; }}\nmain',
        "run() {{\n {train} --network_dim=$dim\n}}\ndim=64\nrun",
        "run() {{\n return\n {train} --network_dim=4\n}}\nrun\n{train} --network_dim=64",
        "run() {{\n {train} --network_dim=64\n exit\n}}\nrun\n{train} --network_dim=4",
        "run() {{\n run\n {train} --network_dim=64\n}}\nrun",
        "echo {train} --network_dim=4\n{train} --network_dim=64",
        'cmd="{train} --network_dim=64"\necho "$cmd --network_dim=4"\neval "$cmd"',
        "cp train_network.py /tmp --network_dim=4\n{train} --network_dim=64",
    ],
)
def test_what_is_run_is_imported(read: Read, script: str) -> None:
    source = read("#!/bin/bash\n" + script.format(train=TRAIN))
    assert source.options["network_dim"] == 64
    assert not [one for one in source.findings if one.code in ("several-trainings", "not-followed")]


@pytest.mark.parametrize(
    ("script", "findings"),
    [
        ("run() {{ {train} --network_dim=4; }}", {"not-followed"}),
        ("run() {{ {train} --network_dim=4; }}\n{train} --network_dim=4", {"training-left-out"}),
        ("{train} --network_dim=4\n{train} --network_dim=8", {"several-trainings"}),
        ("for x in 1 2; do\n{train} --network_dim=4\ndone", {"not-followed"}),
    ],
)
def test_what_is_said_of_several_trainings(read: Read, script: str, findings: set[str]) -> None:
    source = read("#!/bin/bash\n" + script.format(train=TRAIN))
    assert source.options["network_dim"] == 4
    assert {finding.code for finding in source.findings} == findings


def test_a_script_that_only_shows_a_training_is_none(read: Read) -> None:
    with pytest.raises(ConfigError) as error:
        read(f"#!/bin/bash\necho {TRAIN} --network_dim=4")
    assert "starts neither" in error.value.why


def test_of_a_list_that_is_not_known_the_options_are_named(read: Read) -> None:
    ways = 'ARGS="--network_dim=4 --seed=1"\nif [ -d x ]; then\nARGS="--learning_rate=1"\nfi\n'
    source = read(f"#!/bin/bash\n{ways}{TRAIN} $ARGS --max_train_epochs=3")
    assert {(one.source, one.value) for one in source.lost} == {
        ("--network_dim", "$ARGS"), ("--seed", "$ARGS"), ("--learning_rate", "$ARGS"),
    }  # fmt: skip
    assert source.unknown == {"network_dim", "seed", "learning_rate"}
    assert {one.why for one in source.lost} == {
        "line 4: it is set in the `if` of line 3, which is not followed"
    }


def test_functions_that_call_each_other_come_to_an_end(read: Read) -> None:
    chain = "".join(f"f{n}() {{ f{n + 1}; f{n + 1}; }}\n" for n in range(40))
    source = read(f"#!/bin/bash\n{chain}f0\n{TRAIN} --network_dim=64")
    assert source.options["network_dim"] == 64


def test_a_function_that_calls_itself_and_is_never_called_is_named_once(read: Read) -> None:
    source = read(f"#!/bin/bash\nf() {{\n {TRAIN} --network_dim=4\n f\n}}\n{TRAIN} --network_dim=64")
    assert [finding.code for finding in source.findings] == ["training-left-out"]
