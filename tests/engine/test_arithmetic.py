"""Our restatement of the engine's buckets against its own code."""

from __future__ import annotations

import json
import random
import subprocess

from kohya_wrap.domain import buckets
from tests.engine.conftest import RealEngine

# Runs in the engine's interpreter: rules and sizes on stdin, the buckets it selects on stdout.
SELECT = """
import contextlib, json, sys
sys.path.insert(0, sys.argv[1])
with contextlib.redirect_stdout(sys.stderr):
    from library.train_util import BucketManager
chosen = []
for side, low, high, step, no_upscale, sizes in json.load(sys.stdin):
    manager = BucketManager(no_upscale, (side, side), low, high, step)
    if not no_upscale:
        manager.make_buckets()
    for size in sizes:
        try:
            chosen.append(manager.select_bucket(*size)[0])
        except ZeroDivisionError:  # a side that shrinks below one step
            chosen.append(None)
print(json.dumps(chosen, default=int))
"""


def test_buckets_are_the_engines(real_engine: RealEngine) -> None:
    draw = random.Random(1)
    rules = []
    for _ in range(200):
        side, step = draw.choice((256, 512, 640, 768, 1024)), draw.choice((32, 64, 128))
        low, high = draw.choice((128, 256)), draw.choice((1024, 1536, 2048))
        sizes = [(draw.randint(step, 3000), draw.randint(step, 3000)) for _ in range(40)]
        rules.append(
            (side, low, high, step, draw.random() < 0.3, [s for s in sizes if 0.1 < s[0] / s[1] < 10])
        )
    asked = subprocess.run(
        [real_engine.python, "-I", "-c", SELECT, real_engine.checkout.source],
        input=json.dumps(rules), capture_output=True, encoding="utf-8", check=True,
    )  # fmt: skip
    theirs = iter(json.loads(asked.stdout))
    compared = 0
    for side, low, high, step, no_upscale, sizes in rules:
        rule = buckets.BucketRule((side, side), True, low, high, step, no_upscale)
        for size in sizes:
            chosen = next(theirs)
            if chosen is not None:
                assert list(buckets.select(rule, size)) == chosen, (rule, size)
                compared += 1
    assert compared > 5000
