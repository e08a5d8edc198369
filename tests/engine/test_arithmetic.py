"""Our restatement of the engine's buckets against its own code."""

from __future__ import annotations

import json
import random
import subprocess
from typing import Any

import pytest

from kohya_wrap.domain import buckets
from kohya_wrap.domain.finding import Level
from tests.engine.conftest import RealEngine
from tests.unit.config.test_check import RANGES, findings

# Runs in the engine's interpreter: rules and sizes on stdin, the buckets it selects on stdout; and of other rules whether
# it gets that far, by its own steps before it selects: the sides rounded and compared, then its list of buckets.
SELECT = """
import contextlib, json, logging, sys
sys.path.insert(0, sys.argv[1])
with contextlib.redirect_stdout(sys.stderr):
    from library.train_util import BaseDataset, BucketManager
logging.disable(logging.CRITICAL)
rules, ranges = json.load(sys.stdin)
chosen, taken = [], []
for side, low, high, step, no_upscale, sizes in rules:
    manager = BucketManager(no_upscale, (side, side), low, high, step)
    if not no_upscale:
        manager.make_buckets()
    for size in sizes:
        try:
            chosen.append(manager.select_bucket(*size)[0])
        except ZeroDivisionError:  # a side that shrinks below one step
            chosen.append(None)
for sides, low, high, step, no_upscale in ranges:
    try:
        low, high = BaseDataset.adjust_min_max_bucket_reso_by_steps(None, sides, low, high, step)
        manager = BucketManager(no_upscale, sides, low, high, step)
        no_upscale or manager.make_buckets()
        taken.append(True)
    except (AssertionError, ZeroDivisionError):
        taken.append(False)
print(json.dumps([chosen, taken], default=int))
"""


def _drawn() -> list[Any]:
    draw = random.Random(1)
    rules = []
    for _ in range(200):
        side, step = draw.choice((256, 512, 640, 768, 1024)), draw.choice((32, 64, 128))
        low, high = draw.choice((128, 256)), draw.choice((1024, 1536, 2048))
        sizes = [(draw.randint(step, 3000), draw.randint(step, 3000)) for _ in range(40)]
        rules.append(
            (side, low, high, step, draw.random() < 0.3, [s for s in sizes if 0.1 < s[0] / s[1] < 10])
        )
    return rules


RULES = _drawn()


@pytest.fixture(scope="module")
def theirs(real_engine: RealEngine) -> list[list[Any]]:
    """What it selects for RULES, and which of RANGES it takes: its imports are most of the time."""
    ranges = [(buckets.parse_resolution(one["resolution"]), *list(one.values())[1:]) for one in RANGES]
    asked = subprocess.run(
        [real_engine.python, "-I", "-c", SELECT, real_engine.checkout.source],
        input=json.dumps([RULES, ranges]), capture_output=True, encoding="utf-8", check=True,
    )  # fmt: skip
    answer: list[list[Any]] = json.loads(asked.stdout)
    return answer


def test_buckets_are_the_engines(theirs: list[list[Any]]) -> None:
    selected = iter(theirs[0])
    compared = 0
    for side, low, high, step, no_upscale, sizes in RULES:
        rule = buckets.BucketRule((side, side), True, low, high, step, no_upscale)
        for size in sizes:
            chosen = next(selected)
            if chosen is not None:
                assert list(buckets.select(rule, size)) == chosen, (rule, size)
                compared += 1
    assert compared > 5000


def test_the_sides_that_are_refused_are_those_that_the_engine_dies_of(theirs: list[list[Any]]) -> None:
    taken = [all(found.level is not Level.ERROR for found in findings(**one)) for one in RANGES]
    assert taken == theirs[1]
    assert 100 < sum(taken) < len(taken) - 100
