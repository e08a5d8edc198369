"""What is edited in the page, saved and applied, as the real engine's own dataset then has it: what a training would learn."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from kohya_wrap.config import option_table, render
from kohya_wrap.dataset.view import manifest
from kohya_wrap.workflow import cached_with, training_view
from kohya_wrap.workflow.prepare import JobRequest, prepare
from tests.browser.page import Page
from tests.browser.test_preview import TYPED
from tests.engine.conftest import RealEngine
from tests.fixtures import hundred
from tests.fixtures.shell import Shell

# In the engine's interpreter: from the config that it is given to its dataset, as its train_network.py goes.
READ = """
import contextlib, json, sys
sys.path.insert(0, sys.argv.pop(1))
with contextlib.redirect_stdout(sys.stderr):
    import train_network
    from library import config_util, train_util
    from library.config_util import BlueprintGenerator, ConfigSanitizer
    parser = train_network.setup_parser()
    args = train_util.read_config_from_file(parser.parse_args(), parser)
    train_util.prepare_dataset_args(args, True)
    subsets = config_util.generate_dreambooth_subsets_config_by_subdirs(args.train_data_dir, args.reg_data_dir)
    blueprint = BlueprintGenerator(ConfigSanitizer(True, True, False, True)).generate({"datasets": [{"subsets": subsets}]}, args)
    group, _ = config_util.generate_dataset_group_by_blueprint(blueprint.dataset_group)
images = [info for dataset in group.datasets for info in dataset.image_data.values()]
print(json.dumps({info.absolute_path: info.caption for info in images}))
"""


def read_by(real: RealEngine, config: Path, scratch: Path) -> dict[str, str]:
    """The user's image -> its caption in the engine, through the view that `run` makes and with the config it renders."""
    words = (f"pretrained_model_name_or_path={real.base}",)
    job = prepare(JobRequest(config, "cpu", "real", words=words), real.places, os.environ)
    run, given = scratch / "run", scratch / "engine_config.toml"
    run.mkdir()
    cached = cached_with.of(job.config, job.family, real.engine)
    parts, place = training_view.of_folders(job.images.inventories, job.config, cached)
    with training_view.standing(job.project, run, job.config, parts, place) as on_view:
        render.for_engine(given, on_view.config, option_table.for_script(job.family.script))
        asked = subprocess.run(
            [real.python, "-I", "-c", READ, real.checkout.source, "--config_file", given],
            capture_output=True, encoding="utf-8", env=os.environ | {"HF_HUB_OFFLINE": "1"},
        )  # fmt: skip
        assert asked.returncode == 0, asked.stderr[-2000:]
        captions = json.loads(asked.stdout)
        root = Path(on_view.config.get("train_data_dir")).parent
        return {
            Path(line.source).name: captions.pop(str(root / line.path)) for line in manifest.read(run)
        } | captions


def first_line(image: Path) -> str:
    """What the engine takes of a caption file (engine contract, section 1); of none, the folder's name."""
    file = image.with_suffix(".txt")
    return file.read_text(encoding="utf-8").split("\n")[0].strip() if file.exists() else "pictures"


@pytest.mark.engine
def test_what_was_typed_in_the_page(real_engine: RealEngine, page: Page, shell: Shell, tmp_path: Path) -> None:  # fmt: skip
    """The new text for each image that was edited, and the old one for all others."""
    project = shell.cwd / "my-lora"
    folder = project / "training_data" / "2_pictures"
    before = {
        path.name: first_line(path) for path in folder.iterdir() if path.suffix not in (".txt", ".json")
    }
    assert len(before) == hundred.COUNT and before["drawing-0004.png"] == ""
    assert read_by(real_engine, project / "training_config.toml", tmp_path) == before
    for name, text in TYPED.items():
        page.write(name, text)
    page["save"].click()
    applied = shell("dataset", "apply", page.saved(), "my-lora")
    assert (applied.code, applied.err) == (0, "")
    (tmp_path / "later").mkdir()
    after = read_by(real_engine, project / "training_config.toml", tmp_path / "later")
    assert after == before | {name: text.split("\n")[0] for name, text in TYPED.items()}
