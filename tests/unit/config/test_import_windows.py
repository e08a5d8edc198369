"""Scripts of Windows, and the cell of a notebook: what they set, which branch they take, what they pass on."""

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


POWERSHELL = """# it's a comment
<# $dim = 1
#>
$model = "D:\\my models\\x.safetensors" # base
$kind = "{kind}"
$unet_only = 1
$zero = 0
$weights = ""
$offset = "0"
.\\venv\\Scripts\\activate
$Env:HF_HOME = "huggingface"
$ext_args = [System.Collections.ArrayList]::new()
$launch = [System.Collections.ArrayList]::new()
$fixed = @(
  "--network_dim=16",   # rank
  '--network_alpha=8'
)
$trainer = "./sd-scripts/train_network.py"
if ($kind -eq "sdxl") {{
  $trainer = "./sd-scripts/sdxl_train_network.py"
}}
elseif ($kind -eq "flux") {{
  $trainer = "./sd-scripts/flux_train_network.py"
}} else {{
  [void]$ext_args.Add("--clip_skip=2")
}}
if ($unet_only) {{ [void]$ext_args.Add("--network_train_unet_only") }}
if ($zero) {{ [void]$ext_args.Add("--color_aug") }}
if ($weights) {{ [void]$ext_args.Add("--network_weights=" + $weights) }}
if ($offset -ne 0)
{{
  [void]$ext_args.Add("--noise_offset=$offset")
}}
if (($unet_only -eq 1) -and (-not $zero)) {{
  $null = $ext_args.Add("--optimizer_args")
  [void]$ext_args.Add("weight_decay=0.1")
}}
python -m accelerate.commands.launch $launch --num_cpu_threads_per_process=4 $trainer `
  --pretrained_model_name_or_path=$model --output_name "$kind`_lora" `
  --train_data_dir="${{model}}_img" @fixed --seed 5 $ext_args 2>&1 | Tee-Object log.txt
Write-Output "Train finished"
"""


@pytest.mark.parametrize(
    ("kind", "family", "clip_skip"), [("sd15", FamilyName.SD15, 2), ("sdxl", FamilyName.SDXL, None)]
)
def test_a_script_of_powershell(read: Read, kind: str, family: FamilyName, clip_skip: int | None) -> None:
    """As the train.ps1 of lora-scripts is made."""
    source = read(POWERSHELL.format(kind=kind))
    assert source.family is family
    assert source.lost == ()
    assert source.options == {
        "pretrained_model_name_or_path": "D:\\my models\\x.safetensors", "output_name": f"{kind}_lora", "seed": 5,
        "train_data_dir": "D:\\my models\\x.safetensors_img", "network_dim": 16, "network_alpha": 8.0,
        "network_train_unet_only": True, "optimizer_args": ["weight_decay=0.1"],
    } | ({"clip_skip": clip_skip} if clip_skip else {})  # fmt: skip


def test_a_branch_of_powershell_for_another_family_is_refused(read: Read) -> None:
    with pytest.raises(ConfigError, match="a Flux LoRA"):
        read(POWERSHELL.format(kind="flux"))


@pytest.mark.parametrize(
    ("sets", "use", "value"),
    [
        ('$a = "x y"', "$a", "x y"),
        ("$a = 'it''s $b'", "$a", "it's $b"),
        ('$a = "say `"hi`""', "$a", 'say "hi"'),
        ('$a = "x" + "y"\n$a += "z"', "$a", "xyz"),
        ('$a = if ($q) { "one" } else { "two" }', "$a", "two"),
        ('$A = "x"', "$a", "x"),
        ("[string]$a = 'x'", '"$a-y"', "x-y"),
        ('try {\n $a = "x"\n} catch {\n $a = "y"\n}', "$a", "x"),
        ('$a = "x"\nif ($a -like "y*" -or $a -ne "x") {\n $a = "z"\n}', "$a", "x"),
        ('$l = @("p", "q")\n$l += "r"', '"$l"', "p q r"),
        ('$l = "p", "q"', "$l", "p q"),
    ],
)
def test_a_value_of_powershell(read: Read, sets: str, use: str, value: str) -> None:
    source = read(f"$none = 1\n{sets}\npython train_network.py --network_dim 4 --training_comment={use}")
    assert source.options["training_comment"] == value


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        ("$dim = Get-Content dim.txt", "line 2: the script computes it"),
        ("$dim = $other / 2", "line 2: the script computes it"),
        ("$dim = $conf.dim", "line 2: the script computes it"),
        ("$dim = @{ a = 1 }", "line 2: the script computes it"),
        ("$dim = $env:DIM", "line 2: the script does not set $env:DIM"),
        ("foreach ($dim in 4, 8) {\n}", "line 2: it has one value after another, in a loop"),
        ("if ($env:BIG) { $dim = 8 }", "line 2: it is set in the `if` of line 2, which is not followed"),
        ("if (Test-Path x) {\n$dim = 8\n}", "line 3: it is set in the `if` of line 2, which is not followed"),
        ("function f {\n$dim = 8\n}\nf", "line 6: the script does not set $dim"),  # it is f's own
    ],
)
def test_what_powershell_works_out_is_named_with_its_line(read: Read, text: str, lost: str) -> None:
    source = read(f"$x = 1\n{text}\npython train_network.py --network_alpha=4 --network_dim=$dim")
    assert [(left.source, left.why) for left in source.lost] == [("--network_dim", lost)]


CMD = """@echo off
rem it's a "comment
set MODEL=D:\\my models\\x.safetensors
set "NAME=lora"
set QUOTED="two words"
set DIM=8
if "%NAME%"=="lora" set DIM=16
if "%NAME%"=="LORA" set DIM=64
if "%NAME%"=="lora" (
  set SEED=3
) else (
  set SEED=4
)
if /i not "%NAME%"=="LORA" (
  set DIM=32
) else (
  set ALPHA=4
)
call venv\\Scripts\\activate.bat
cd sd-scripts && accelerate launch --num_cpu_threads_per_process 1 train_network.py ^
  --pretrained_model_name_or_path="%MODEL%" --output_name=%NAME%_%DIM% ^
  --network_dim=%DIM% --network_alpha=%ALPHA% --training_comment=%QUOTED% --seed %SEED% ^
  --network_args "conv_dim=4" "conv_alpha=1" > log.txt 2>&1
pause
"""


def test_a_batch_file(read: Read) -> None:
    source = read(CMD)
    assert source.lost == ()
    assert source.options == {
        "pretrained_model_name_or_path": "D:\\my models\\x.safetensors", "output_name": "lora_16", "network_dim": 16,
        "network_alpha": 4.0, "training_comment": "two words", "seed": 3, "network_args": ["conv_dim=4", "conv_alpha=1"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "value", "lost"),
    [
        ("set /p DIM=dim?", "%DIM%", "line 2: the script computes it"),
        ("if exist x set DIM=8", "%DIM%", "line 2: it is set in the `if` of line 2, which is not followed"),
        (
            "if exist x (\nset DIM=8\n)",
            "%DIM%",
            "line 3: it is set in the `if` of line 2, which is not followed",
        ),
        (
            "for %%d in (4 8) do set DIM=%%d",
            "%DIM%",
            "line 2: it is set in the `for` of line 2, which is not followed",
        ),
        ("echo", "%~1", "line 3: the script does not set %~1"),
        ("echo", "%DIM%", "line 3: the script does not set %DIM%"),
    ],
)
def test_what_a_batch_file_does_not_tell_is_named_with_its_line(
    read: Read, text: str, value: str, lost: str
) -> None:
    source = read(f"@echo off\n{text}\npython train_network.py --network_alpha 4 --network_dim {value}")
    assert [(left.source, left.value, left.why) for left in source.lost] == [("--network_dim", value, lost)]


NOTEBOOK = """model = "a model.safetensors"  #@param {type:"string"}
dim: int = 16
rate = 1e-4
name = f"lora_{dim}"
if rate:
  alpha = 8
%cd /content/sd-scripts
!pip install -q x && echo it
!accelerate launch --num_cpu_threads_per_process 8 train_network.py \\
  --pretrained_model_name_or_path="{model}" --network_dim={dim} --learning_rate=$rate \\
  --output_name={name} --network_alpha={alpha} --seed={conf['seed']} --enable_bucket
"""


def test_the_cell_of_a_notebook(read: Read) -> None:
    source = read(NOTEBOOK)
    assert source.options == {
        "pretrained_model_name_or_path": "a model.safetensors", "network_dim": 16, "learning_rate": 1e-4, "enable_bucket": True,
    }  # fmt: skip
    assert [(left.source, left.value, left.why) for left in source.lost] == [
        ("--output_name", "$name", "line 4: Python works it out"),
        ("--network_alpha", "$alpha", "line 6: Python works it out"),
        ("--seed", "{conf['seed']}", "line 11: Python works it out"),
    ]


def test_a_cell_that_is_a_script(read: Read) -> None:
    options: dict[str, Any] = dict(read("%%bash\ndim=4\npython train_network.py --network_dim $dim").options)
    assert options == {"network_dim": 4}


TRAIN = "python train_network.py --network_module=networks.lora"


@pytest.mark.parametrize(
    "script",
    [
        "function Run {{\n {train} --network_dim=4\n}}\n{train} --network_dim=64",
        "function Run {{ {train} --network_dim=4 }}\n{train} --network_dim=64",
        "if (Test-Path x) {{\n{train} --network_dim=4\n}}\n{train} --network_dim=64",
        "function Run($dim) {{\n {train} --network_dim=$dim\n}}\nrun 64",
        "$dim = 4\nfunction Run {{\n param([int]$dim)\n {train} --network_dim=$dim\n}}\nRun 64",
        "function Set {{\n $script:dim = 64\n}}\nSet\n{train} --network_dim=$dim",
        "$dim = 64\nfunction Set {{\n $dim = 4\n}}\nSet\n{train} --network_dim=$dim",
        "function Run {{\n if (1 -eq 1) {{\n {train} --network_dim=64\n}}\n}}\nRun",
        "Write-Host {train} --network_dim=4\n{train} --network_dim=64",
        "Write-Output {train} --network_dim=4\n{train} --network_dim=64",
    ],
)
def test_what_powershell_runs_is_imported(read: Read, script: str) -> None:
    source = read("$x = 1\n" + script.format(train=TRAIN))
    assert source.options["network_dim"] == 64
    assert not [one for one in source.findings if one.code in ("several-trainings", "not-followed")]


def test_what_a_function_of_powershell_is_given_by_name_is_not_guessed(read: Read) -> None:
    source = read(f"$dim = 4\nfunction Run($dim) {{\n {TRAIN} --network_dim=$dim --seed=1\n}}\nRun -dim 64")
    assert [(one.source, one.why) for one in source.lost] == [
        ("--network_dim", "line 5: it is given to a function")
    ]
    assert source.unknown == {"network_dim"} and source.options["seed"] == 1


def test_of_a_list_that_powershell_works_out_the_options_are_named(read: Read) -> None:
    made = '$args = @("--network_dim=4", ("--seed=" + (Get-Random)))\n$args += "--clip_skip=2"'
    source = read(f"{made}\n{TRAIN} @args --max_train_epochs=3")
    assert {one.source for one in source.lost} == {"--network_dim", "--seed"}
    assert source.unknown == {"network_dim", "seed"} and source.options["clip_skip"] == 2
