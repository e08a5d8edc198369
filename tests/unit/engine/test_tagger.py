"""The tagger's files: named, found, downloaded whole."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import toml

from kohya_wrap import resources
from kohya_wrap.engine import tagger
from kohya_wrap.errors import EngineError, MachineError, UsageError
from kohya_wrap.host import atomic
from kohya_wrap.places import Places
from tests.fixtures.loopback_hub import LoopbackHub

REPO = "SmilingWolf/wd-eva02-large-tagger-v3"
MODEL, TAGS = b"onnx" * 50_000, b"tag_id,name,category\n"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackHub]:
    with LoopbackHub() as hub:
        hub.use(monkeypatch)
        yield hub


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "home")


@pytest.fixture
def known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The default tagger, as small as what the loopback Hub serves."""
    data = toml.load(resources.presets() / "taggers.toml")
    for part, content in (("model", MODEL), ("tags", TAGS)):
        entry = data["wd-eva02-large-tagger-v3"][part]
        entry |= {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    (tmp_path / "presets").mkdir()
    (tmp_path / "presets" / "taggers.toml").write_text(toml.dumps(data), encoding="utf-8")
    monkeypatch.setattr(resources, "presets", lambda: tmp_path / "presets")


def ensure(model: str, places: Places) -> tuple[Path, list[str]]:
    said: list[str] = []
    return tagger.ensure(tagger.refer(model), places, said.append, lambda done, total: None), said


def test_the_shipped_ones_can_be() -> None:
    shipped = tagger.known()
    assert next(iter(shipped)) == "wd-eva02-large-tagger-v3"
    for one in shipped.values():
        assert one.model.repo == one.tags.repo and one.model.revision == one.tags.revision
        assert (one.model.local_name, one.tags.local_name) == tagger.FILES
        assert all(len(file.sha256) == 64 and file.bytes > 1000 for file in (one.model, one.tags))


@pytest.mark.usefixtures("known")
def test_the_default_is_downloaded_verified_and_found(places: Places, hub: LoopbackHub) -> None:
    hub.put(REPO, "model.onnx", MODEL)
    hub.put(REPO, "selected_tags.csv", TAGS)
    assert not tagger.is_here(tagger.refer(""), places)
    folder, said = ensure("", places)
    assert (folder / "model.onnx").read_bytes() == MODEL
    assert (folder / "selected_tags.csv").read_bytes() == TAGS
    assert said == [
        "wd-eva02-large-tagger-v3: 0.2 MB to download",
        f"selected_tags.csv: 0.0 MB from {REPO}/selected_tags.csv on the Hub",
        f"model.onnx: 0.2 MB from {REPO}/model.onnx on the Hub",
    ]
    assert tagger.is_here(tagger.refer(""), places)
    asked = len(hub.asked)
    assert ensure("wd-eva02-large-tagger-v3", places) == (folder, [])
    assert len(hub.asked) == asked


@pytest.mark.usefixtures("known")
def test_a_download_that_was_cut_goes_on(
    places: Places, hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 1 << 14)  # else a cut loses 10 MB
    hub.put(REPO, "model.onnx", MODEL)
    hub.put(REPO, "selected_tags.csv", TAGS)
    hub.cuts = [len(TAGS), 70_000]
    folder, _ = ensure("", places)
    assert (folder / "model.onnx").read_bytes() == MODEL
    assert hub.served[f"{REPO}/model.onnx"] < len(MODEL) + 70_000


@pytest.mark.usefixtures("known")
def test_another_file_under_its_name_is_not_taken(places: Places, hub: LoopbackHub) -> None:
    hub.put(REPO, "model.onnx", MODEL + b"more")
    hub.put(REPO, "selected_tags.csv", TAGS)
    with pytest.raises(EngineError, match="another file now"):
        ensure("", places)
    assert not tagger.is_here(tagger.refer(""), places)


@pytest.mark.usefixtures("known")
def test_a_small_disk_is_said_before_the_download(
    places: Places, hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(atomic, "free_bytes", lambda path: 1000)
    with pytest.raises(MachineError, match="too small for the tagger"):
        ensure("", places)
    assert not hub.served


def test_one_of_the_hub_by_its_address(places: Places, hub: LoopbackHub) -> None:
    hub.put("me/my-tagger", "model.onnx", MODEL)
    hub.put("me/my-tagger", "selected_tags.csv", TAGS)
    folder, _ = ensure("hf:me/my-tagger", places)
    assert (folder / "model.onnx").read_bytes() == MODEL
    assert tagger.is_here(tagger.refer("hf:me/my-tagger"), places)


def test_a_repository_without_a_tagger_costs_no_model(places: Places, hub: LoopbackHub) -> None:
    hub.put("me/other", "model.onnx", MODEL)
    with pytest.raises(EngineError, match=r"me/other/selected_tags\.csv on the Hub does not exist"):
        ensure("hf:me/other", places)
    assert not hub.served


def test_a_folder_is_taken_as_it_is(tmp_path: Path, places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path)
    assert ensure("mine", places) == (tmp_path / "mine", [])
    assert tagger.refer("mine").name == "mine"


@pytest.mark.parametrize("model", ["wd-eva03", "hf:me", "hf:me/you/model.onnx", "/no/such/folder"])
def test_what_names_no_tagger(model: str) -> None:
    with pytest.raises(UsageError) as refused:
        tagger.refer(model)
    assert model in refused.value.message
    assert "wd-swinv2-tagger-v3" in refused.value.why
