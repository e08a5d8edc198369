"""A run on its view: what the engine is given, what is kept, and runs beside each other."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import numpy as np
import pytest

from kohya_wrap.dataset.view.laid_out import CachedWith
from kohya_wrap.domain.config import Layer, Origin
from kohya_wrap.errors import MachineError
from kohya_wrap.host import atomic, lock
from kohya_wrap.workflow import training_view
from kohya_wrap.workflow.prepare import Job
from kohya_wrap.workflow.training_view import OnView
from tests.unit.workflow.conftest import Prepared

SD15 = '[kohya_wrap]\nbase = "sd15"\n'
CACHED = CachedWith("so")


class Run:
    """One run of a job: entered and left by the test."""

    def __init__(
        self,
        job: Job,
        name: str,
        config: Layer | None = None,
        *,
        in_use: bool = False,
        cached: CachedWith = CACHED,
    ) -> None:
        self.folder = job.project.runs / name
        self.folder.mkdir(parents=True, exist_ok=in_use)
        config_of_run = job.config.with_layer(config) if config else job.config
        parts, place = training_view.of_folders(job.images.inventories, config_of_run, cached)
        self._standing = training_view.standing(
            job.project, self.folder, config_of_run, parts, place, in_use=in_use
        )

    def __enter__(self) -> Run:
        self.on: OnView = self._standing.__enter__()
        self.data = Path(self.on.config.get("train_data_dir"))
        return self

    def __exit__(self, *error: object) -> None:
        self._standing.__exit__(*error)  # type: ignore[arg-type]

    def caches(self) -> list[Path]:
        return [self.data / "10_concept" / f"{n:06}_0064x0064_sd.npz" for n in (1, 2)]


@pytest.fixture
def job(prepared: Prepared) -> Job:
    return prepared(SD15, gpu="cpu")


def test_the_engine_is_given_the_view(job: Job) -> None:
    with Run(job, "one") as run:
        assert run.data == job.project.views / "one" / "train"
        assert sorted(path.name for path in (run.data / "10_concept").iterdir()) == [
            "000001.png", "000001.txt", "000002.png", "000002.txt",
        ]  # fmt: skip
    assert not run.data.exists()
    told = json.loads((run.folder / "view.json").read_text(encoding="utf-8"))
    assert [Path(line["source"]).name for line in told] == ["0.png", "1.png"]


def test_what_one_run_encoded_the_next_is_given(job: Job) -> None:
    with pytest.raises(KeyboardInterrupt), Run(job, "one") as run:
        assert not run.caches()[0].exists()
        np.savez(run.caches()[0], latents=np.ones(4))
        raise KeyboardInterrupt
    with Run(job, "two") as run:
        assert run.caches()[0].exists()


def test_two_at_once(job: Job) -> None:
    with Run(job, "one") as one:
        np.savez(one.caches()[0], latents=np.ones(4))
        with Run(job, "two") as two:
            assert not two.caches()[0].exists(), "it may be half written"
            assert one.caches()[0].exists()
        assert not two.data.exists() and one.caches()[0].exists()
    assert sorted(path.name for path in job.project.views.iterdir()) == [".store.lock", "store"]


@pytest.mark.parametrize("kills", ["before", "after"])
def test_a_run_that_was_killed(job: Job, kills: str) -> None:
    """Its lock died with it; its view is there, or half of it."""
    run = Run(job, "one")
    if kills == "after":
        run.__enter__()
        np.savez(run.caches()[0], latents=np.ones(4))
    else:
        (job.project.views / ".one.part-x").mkdir(parents=True)
    left = job.project.views / "one"
    lock = job.project.views / ".one.lock"
    lock.unlink(missing_ok=True)  # as it looks to another process when the holder is dead
    with Run(job, "two") as next_one:
        assert next_one.caches()[0].exists() is (kills == "after")
        assert not left.exists() and not list(job.project.views.glob(".one*"))


def test_a_trainer_that_is_at_work_keeps_its_view(job: Job) -> None:
    run = Run(job, "one")
    run.__enter__()
    (job.project.views / ".one.lock").unlink()  # its kohya-wrap is dead
    encoded = run.caches()[0]
    np.savez(encoded, latents=np.ones(4))
    with Run(job, "one", in_use=True) as again:
        assert again.data == run.data and encoded.exists(), "nothing is laid out under it"
    assert not run.data.exists()
    with Run(job, "two") as later:
        assert later.caches()[0].exists(), "what it has encoded is kept when it has ended"


def test_where_the_disk_is_too_small_the_engine_caches_in_memory(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(atomic, "free_bytes", lambda path: 1_000_100_000)
    with Run(job, "one") as run:  # 2 x 65,536 bytes
        assert run.on.config.get("cache_latents_to_disk") is False
        (said,) = run.on.findings
        assert said.code == "caches-in-memory" and "would take 1 MB of the 1001 MB" in said.message
    with Run(job, "two", Layer(Origin.FILE, {"cache_latents_to_disk": True})) as run:
        assert run.on.config.get("cache_latents_to_disk") is True, "the user has said so"
    with Run(job, "bare", cached=CachedWith()) as run:
        assert (run.on.config.get("cache_latents_to_disk"), run.on.findings) == (True, ()), "none is written"
    monkeypatch.setattr(atomic, "free_bytes", lambda path: 1_000_200_000)
    with Run(job, "three") as run:
        assert (run.on.config.get("cache_latents_to_disk"), run.on.findings) == (True, ())


def test_a_disk_that_is_full(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(MachineError, match="No space left on device"), Run(job, "one"):
        pass
    monkeypatch.undo()
    assert [path.name for path in job.project.views.glob("[!.]*") if path.name != "store"] == []


def test_while_another_run_looks_whether_it_was_left(job: Job) -> None:
    """It is waited for: to sweep takes a moment, and is no other training."""
    folder = job.project.views / "20260101-000000"
    folder.parent.mkdir(parents=True)
    sweeping, swept = threading.Event(), threading.Event()

    def sweep() -> None:
        with lock.hold(folder, wait=False):
            sweeping.set()
            swept.wait(10)

    other = threading.Thread(target=sweep)
    other.start()
    sweeping.wait(10)
    threading.Timer(0.5, swept.set).start()
    with Run(job, folder.name) as run:
        assert swept.is_set() and run.data.is_dir()
    other.join()
