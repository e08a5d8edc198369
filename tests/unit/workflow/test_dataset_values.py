"""Values in a dataset_config are held to what the same options beside it are held to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from kohya_wrap.domain.finding import Finding, Level
from kohya_wrap.domain.hardware import Gpu
from kohya_wrap.errors import ConfigError
from kohya_wrap.places import Places
from kohya_wrap.workflow import check_dataset, effective
from kohya_wrap.workflow.check_dataset import CheckRequest
from kohya_wrap.workflow.effective import ConfigRequest
from tests.unit.workflow.conftest import Prepared

SD15 = 'dataset_config = "data.toml"\nmax_train_epochs = 1\n[kohya_wrap]\nbase = "sd15"\n'
TEXT = """[general]
enable_bucket = true
{general}
[[datasets]]
{dataset}
[[datasets.subsets]]
image_dir = "one"
{subset}
"""
Found = Callable[..., list[Finding]]


@pytest.fixture
def found(tmp_path: Path, places: Places, cards: list[Gpu]) -> Found:
    """found(dataset="batch_size = 0"): what `config check` says of it."""
    (tmp_path / "my-lora" / "one").mkdir(parents=True)
    Image.new("RGB", (64, 64)).save(tmp_path / "my-lora" / "one" / "a.png")

    def of(base: str = "sd15", more: str = "", **lines: str) -> list[Finding]:
        values = {"general": "", "dataset": "", "subset": ""} | lines
        (tmp_path / "my-lora" / "data.toml").write_text(TEXT.format(**values), encoding="utf-8")
        config = tmp_path / "my-lora" / "training_config.toml"
        config.write_text(more + SD15.replace("sd15", base), encoding="utf-8")
        said = effective.of(ConfigRequest(config), places, {}).findings
        return [finding for finding in said if finding.where.startswith("data.toml")]

    return of


WRONG = [
    ("dataset", "resolution = 0", "out-of-range", 5),
    ("dataset", "resolution = -5", "out-of-range", 5),
    ("dataset", "resolution = [512, 0]", "out-of-range", 5),
    ("dataset", "bucket_reso_steps = 0", "out-of-range", 5),
    ("dataset", "bucket_reso_steps = 8", "bucket-steps", 5),
    ("dataset", "min_bucket_reso = 0", "out-of-range", 5),
    ("dataset", "batch_size = 0", "out-of-range", 5),
    ("general", "batch_size = -1", "out-of-range", 3),
    ("subset", "num_repeats = 0", "out-of-range", 8),
    ("general", "num_repeats = -1", "out-of-range", 3),
    ("subset", "caption_dropout_rate = 1.5", "out-of-range", 8),
    ("dataset", "resolution = 2048", "bucket-range", 5),
    ("general", "min_bucket_reso = 1024\nmax_bucket_reso = 512", "bucket-range", 3),
    ("dataset", "min_bucket_reso = 1024", "bucket-range", 5),
]


@pytest.mark.parametrize(("where", "line", "code", "number"), WRONG)
def test_what_the_engine_dies_of_has_its_line(
    found: Found, where: str, line: str, code: str, number: int
) -> None:
    errors = [finding for finding in found(**{where: line}) if finding.level is Level.ERROR]
    assert [(error.code, error.where.partition(":")[0]) for error in errors] == [(code, "data.toml")]
    assert int(errors[0].where.rpartition(":")[2]) in (number, number + line.count("\n"))
    assert errors[0].hint


@pytest.mark.parametrize(("where", "line", "code", "number"), WRONG)
def test_run_and_check_refuse_it(
    found: Found,
    prepared: Prepared,
    places: Places,
    tmp_path: Path,
    where: str,
    line: str,
    code: str,
    number: int,
) -> None:
    found(**{where: line})
    with pytest.raises(ConfigError) as by_run:
        prepared(SD15, gpu="cpu")
    request = CheckRequest(tmp_path / "my-lora" / "training_config.toml", "cpu")
    with pytest.raises(ConfigError) as by_check:
        check_dataset.run(request, places, {}, lambda *_: None)
    for refused in (by_run, by_check):
        assert code in [finding.code for finding in refused.value.findings]


@pytest.mark.parametrize(
    ("base", "lines"),
    [
        ("sd15", {"dataset": "resolution = [512, 768]\nbatch_size = 1", "subset": "num_repeats = 1"}),
        ("sdxl", {"dataset": "bucket_reso_steps = 32"}),
        ("sd15", {"dataset": "enable_bucket = false\nresolution = 512\nbucket_reso_steps = 8"}),
        ("sd15", {"general": "max_bucket_reso = 512", "dataset": "max_bucket_reso = 1024"}),
    ],
)
def test_what_it_takes(found: Found, base: str, lines: dict[str, str]) -> None:
    assert [finding for finding in found(base, **lines) if finding.level is Level.ERROR] == []


def test_a_remedy_is_written_as_it_stands_there(found: Found) -> None:
    (small,) = [finding for finding in found("sdxl", dataset="resolution = 512") if "SDXL" in finding.message]
    assert small.hint == "Write resolution = [1024, 1024]." and small.where == "data.toml:5"


def test_what_general_says_wrong_is_said_once(found: Found) -> None:
    twice = '[[datasets.subsets]]\nimage_dir = "./one"\n[[datasets]]\n[[datasets.subsets]]\nimage_dir = "one"'
    wrong = found(general="bucket_reso_steps = 8", subset=twice)
    assert [finding.code for finding in wrong if finding.level is Level.ERROR] == ["bucket-steps"]


def test_what_is_filled_in_is_said_where_nobody_says_it(found: Found) -> None:
    assert [f.where for f in found() if f.code == "filled"] == ["data.toml:4"]
    assert [f for f in found(dataset="resolution = 512") if f.code == "filled"] == []
    assert [f for f in found(more="resolution = 512\n") if f.code == "filled"] == []


def test_the_options_beside_it_are_not_said_to_be_filled_in(
    found: Found, tmp_path: Path, places: Places
) -> None:
    found(dataset="resolution = 512")
    config = tmp_path / "my-lora" / "training_config.toml"
    said = effective.of(ConfigRequest(config), places, {}).findings
    filled = [finding.message.split("`")[1] for finding in said if finding.code == "filled"]
    assert not {"resolution", "caption_extension"} & {*filled}
