"""The simulation held against the CPU's own allocator: the same step on real tensors, each allocation told by torch's profiler.

    cd ENGINE_SOURCE; PYTHONPATH=.:KOHYA_WRAP ENGINE_PYTHON -m scripts.memory.against_cpu '{"width": 256, "height": 256}'

Prints both peaks in bytes. What a card's kernels allocate for themselves is no part of it: nobody of us has seen that.
"""

from __future__ import annotations

import json
import sys

from torch._C._profiler import _EventType
from torch.profiler import ProfilerActivity, profile

from scripts.memory.counting import Counter
from scripts.memory.simulate import PARTS, Job, Setup, simulated


def counted(setup: Setup) -> int:
    """Bytes at most, by the CPU's allocator, of a step on real tensors."""
    job = Job(setup)
    counter = Counter()
    for name in PARTS:
        for tensor in job.tensors(name):
            counter.watch(tensor)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        for _ in range(1 + setup.first_step_leaves_something):
            job.step()
    now = most = 0
    for event in _flat(profiled.profiler.kineto_results.experimental_event_tree()):
        if event.tag == _EventType.Allocation:
            now += event.extra_fields.alloc_size
            most = max(most, now)
    return counter.alive + most


def _flat(events):
    found, left = [], list(events)
    while left:
        event = left.pop()
        found.append(event)
        left += event.children
    return sorted(found, key=lambda event: event.start_time_ns)


if __name__ == "__main__":
    setup = Setup(**json.loads(sys.argv[1]))
    print(json.dumps({"simulated": simulated(setup, card=False).most, "counted": counted(setup)}))
