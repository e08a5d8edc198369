"""What `dataset check` counts against the engine's own dataset, on a thousand drawn folders of images."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from kohya_wrap.dataset import inventory
from kohya_wrap.dataset.check import Settings, arithmetic
from kohya_wrap.domain import validation
from kohya_wrap.domain.config import Layer, Origin, settle
from kohya_wrap.domain.family import FAMILIES, FamilyName
from kohya_wrap.domain.framing import frame
from kohya_wrap.workflow import bucketing
from tests.engine.conftest import RealEngine
from tests.fixtures import drawn_datasets

DATASETS = 1000

# Runs in the engine's interpreter. The dataset is made as its train_network.py makes it, and the steps are counted by
# the very statement that stands there.
COUNT = """
import ast, contextlib, inspect, json, logging, math, sys, textwrap
from types import SimpleNamespace
sys.path.insert(0, sys.argv[1])
with contextlib.redirect_stdout(sys.stderr):
    import train_network
    from library import config_util, train_util
    from library.config_util import BlueprintGenerator, ConfigSanitizer
logging.disable(logging.CRITICAL)
train_util.tqdm = lambda items, **words: items
body = ast.parse(textwrap.dedent(inspect.getsource(train_network.NetworkTrainer.train))).body[0]
(override,) = [
    node for node in ast.walk(body)
    if isinstance(node, ast.If) and ast.unparse(node.test) == "args.max_train_epochs is not None"
    and "num_processes" in ast.unparse(node)
]
override = compile(ast.Module([override], []), "train_network.py", "exec")
parser = train_network.setup_parser()
counted = []
with contextlib.redirect_stdout(sys.stderr):
    for asked in json.load(sys.stdin):
        args = parser.parse_args([])
        vars(args).update({name: value for name, value in asked.items() if value is not None})
        train_util.prepare_dataset_args(args, True)
        subsets = config_util.generate_dreambooth_subsets_config_by_subdirs(args.train_data_dir, args.reg_data_dir)
        blueprint = BlueprintGenerator(ConfigSanitizer(True, True, False, True)).generate({"datasets": [{"subsets": subsets}]}, args)
        try:
            group, _ = config_util.generate_dataset_group_by_blueprint(blueprint.dataset_group)
        except ZeroDivisionError:
            counted.append(None)
            continue
        (dataset,) = group.datasets
        images = {i.absolute_path: [i.bucket_reso, i.resized_size] for i in dataset.image_data.values()}
        loader = range(len(group))
        exec(override, dict(args=args, math=math, train_dataloader=loader,
                            accelerator=SimpleNamespace(num_processes=1, print=lambda *_: None)))
        counted.append([images, len(group), args.max_train_steps])
print(json.dumps(counted, default=int))
"""


def settings(options: dict[str, Any]) -> Settings:
    config = settle(
        [Layer(Origin.FILE, {name: value for name, value in options.items() if value is not None})]
    )
    family = FAMILIES[FamilyName.SD15]
    return Settings(config, family, bucketing.rule(config), "", "", 1500, None, None)


def test_buckets_batches_and_steps_are_the_engines(real_engine: RealEngine, tmp_path: Path) -> None:
    pool = drawn_datasets.pool(tmp_path)
    drawn = [drawn_datasets.draw(tmp_path / "datasets", number, pool) for number in range(DATASETS)]
    asked = subprocess.run(
        [real_engine.python, "-I", "-c", COUNT, real_engine.checkout.source],
        input=json.dumps([one.options for one in drawn]), capture_output=True, encoding="utf-8",
        env=os.environ | {"HF_HUB_OFFLINE": "1"},
    )  # fmt: skip
    assert asked.returncode == 0, asked.stderr[-2000:]
    compared = refused = 0
    for one, theirs in zip(drawn, json.loads(asked.stdout), strict=True):
        ours = settings(one.options)
        found = inventory.survey(one.folder, None)
        regular = inventory.survey(one.regular, None) if one.regular else None
        trained = validation.trained(found, ours.config)
        images = [image for subset in trained.subsets for image in subset.images]
        framed = {str(image.path): frame(ours.rule, image.facts.size) for image in images}
        if None in framed.values():  # a side of 0: the engine dies of it, or trains on NaN
            assert theirs is None or any(0 in bucket for bucket, _ in theirs[0].values()), one.options
            refused += 1
            continue
        if theirs is None:  # of a regularisation image, or of one that is set aside
            others = [*found.sized(), *(regular.sized() if regular else [])]
            assert any(frame(ours.rule, size) is None for size, _ in others), one.options
            refused += 1
            continue
        of_images, batches, steps = theirs
        assert {path for path in of_images if path.startswith(f"{one.folder}/")} == set(framed), one.options
        for path, framing in framed.items():
            assert framing is not None
            assert [list(framing.bucket), list(framing.resized)] == of_images[path], (path, one.options)
            compared += 1
        _, plan = arithmetic.count(found, regular, ours)
        assert (plan.batches_per_epoch, plan.steps) == (batches, steps), one.options
    assert compared > 10 * DATASETS and refused < DATASETS / 5
