"""The steps after a training, proven possible before it starts: no hours are paid for a typo."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from kohya_wrap.domain.afterwards import Kind, Step, kept_by
from kohya_wrap.errors import UsageError
from kohya_wrap.host import instance, seconds
from kohya_wrap.host.instance import Instance
from kohya_wrap.host.upload import named
from kohya_wrap.host.upload.folder import Folder
from kohya_wrap.host.upload.item import Destination
from kohya_wrap.workflow.afterwards import ENDS, PAUSES, Afterwards


def ready(steps: tuple[Step, ...], env: Mapping[str, str], outputs: Sequence[Path], base: Path) -> Afterwards:
    """Proven as far as can be without doing them.

    Args:
        outputs: the folders that the trainings write to.
        base: where relative destinations begin.

    Raises:
        UsageError: words without a meaning here; results that would be lost with the instance.
        MachineError: a provider, key, machine or folder that cannot be had.
    """
    places = {
        step.destination: named.destination(step.destination, base)
        for step in steps
        if step.kind is Kind.UPLOAD
    }
    here = instance.detect(env)
    for step in steps:
        if step.kind is Kind.COMMAND:
            _require_program(step, env)
        elif step.ends_instance:
            here.require(ENDS[step.kind])
            _require_that_it_keeps(step, steps, here, places, outputs)
    for place in places.values():
        if isinstance(place, Folder) and any(place.path.resolve() == output.resolve() for output in outputs):
            raise UsageError(
                f"upload:{place.where} is the folder that the training writes to.",
                why="An upload is a second copy somewhere else.",
                hint="upload:/another/folder, upload:hf://user/repo or upload:user@host:path",
            )
        place.require()
    return Afterwards(steps, here, places, env, seconds.pauses(env, PAUSES))


def _require_program(step: Step, env: Mapping[str, str]) -> None:
    if shutil.which(step.argv[0], path=env.get("PATH")) is None:
        raise UsageError(
            f"`{step.argv[0]}` is no program here.",
            why=f"--then {shlex.quote(step.words)} is none of the known words, so it is a command; it would fail after the training.",
            hint="stop-instance, terminate-instance, upload:DEST, or a command that is on the PATH",
        )


def _require_that_it_keeps(
    step: Step,
    steps: Sequence[Step],
    here: Instance,
    places: Mapping[str, Destination],
    outputs: Sequence[Path],
) -> None:
    """Raises UsageError: what the training makes would be gone with the instance, and nothing takes it away before."""
    what = ENDS[step.kind]
    if all(here.outlives(output, what) for output in outputs):
        return
    kept = kept_by(steps, step)
    for one in kept:
        place = places.get(one.destination)
        if not isinstance(place, Folder) or here.outlives(place.path, what):
            return
    option = "--then-always" if step.always else "--then"
    lies_here = f" {kept[0].words} lies on it too." if kept else ""
    raise UsageError(
        f"{option} {step.words} would delete what the training makes: nothing brings it away before.{lies_here}",
        why=f"{here.title} loses what is not on a drive of its own when it is {'stopped' if what == instance.STOP else 'terminated'}.",
        hint=f"{option} upload:hf://user/repo {option} {step.words}   (or upload:user@host:path, or a command of yours)",
    )
