from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from kohya_wrap.domain.family import FamilyName
from kohya_wrap.engine import weights
from kohya_wrap.engine.catalogue import Base, BaseOptions, Licence, Mirror, WeightsFile
from kohya_wrap.engine.reference import Catalogued, Local, OnCivitai, OnHub, Reference
from kohya_wrap.errors import EngineError, ExitCode, MachineError
from kohya_wrap.host import atomic, file_hash
from kohya_wrap.places import Places
from tests.fixtures import weight_files as made
from tests.fixtures.loopback_hub import LoopbackHub

BASE, VAE = made.safetensors(made.SDXL, metadata={"the": "base"}), made.safetensors(made.VAE)
BASE_KEY, VAE_KEY = "owner/base/base.safetensors", "owner/vae/vae.safetensors"


@pytest.fixture
def loopback(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackHub]:
    with LoopbackHub() as server:
        server.use(monkeypatch)
        yield server


@pytest.fixture
def places(own_home: Path) -> Places:
    return Places(own_home / "kohya-wrap")


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "project" / "models"


@pytest.fixture
def known(loopback: LoopbackHub) -> Catalogued:
    """A base with a VAE, as `sdxl`, that the loopback Hub has."""
    main = WeightsFile(
        repo="owner/base", revision="c" * 40, filename="base.safetensors", bytes=len(BASE),
        sha256=loopback.put("owner/base", "base.safetensors", BASE),
        mirrors=(Mirror(repo="other/base", revision="main"),),
    )  # fmt: skip
    vae = WeightsFile(
        repo="owner/vae", revision="d" * 40, filename="vae.safetensors", bytes=len(VAE),
        sha256=loopback.put("owner/vae", "vae.safetensors", VAE),
    )  # fmt: skip
    licence = Licence(name="Open", summary="be kind", url="https://example.org")
    base = Base(
        name="known",
        family=FamilyName.SDXL,
        title="Known",
        licence=licence,
        default="a",
        files={"a": main},
        vae=vae,
    )
    return Catalogued(base, main)


class Told:
    """What `ensure` says and shows."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.bytes: list[tuple[int, int]] = []

    def ensure(
        self, reference: Reference, models: Path, places: Places, *, allow_pickle: bool = False
    ) -> weights.Weights:
        return weights.ensure(
            reference, models, places, allow_pickle=allow_pickle, say=self.lines.append,
            progress=lambda here, total: self.bytes.append((here, total)),
        )  # fmt: skip


@pytest.fixture
def told() -> Told:
    return Told()


def test_a_base_comes_with_its_vae_and_licence(
    loopback: LoopbackHub, known: Catalogued, models: Path, places: Places, told: Told
) -> None:
    got = told.ensure(known, models, places)
    assert got.path.read_bytes() == BASE and got.vae is not None and got.vae.read_bytes() == VAE
    assert (
        got.path.is_relative_to(places.weights)
        and not got.path.is_symlink()
        and got.path.suffix == ".safetensors"
    )
    assert (got.family, got.v_prediction, got.name) == (FamilyName.SDXL, False, "Known")
    assert got.licence == "Open: be kind (https://example.org)"
    assert (models / "base.safetensors").resolve() == got.path and (
        models / "vae.safetensors"
    ).resolve() == got.vae
    assert told.bytes[-1] == (len(BASE) + len(VAE), len(BASE) + len(VAE))
    assert "base.safetensors" in told.lines[0] and "MB" in told.lines[0] and "owner/base" in told.lines[0]


@pytest.mark.parametrize("says", [True, False])
def test_how_a_base_was_trained_is_known_of_a_file_that_does_not_say(
    known: Catalogued, models: Path, places: Places, told: Told, says: bool
) -> None:
    options = BaseOptions(v_parameterization=says, zero_terminal_snr=says)
    base = replace(known.base, options=options)
    got = told.ensure(replace(known, base=base), models, places)
    assert (got.v_prediction, got.zero_terminal_snr) == (says, says)


def test_what_is_found_is_neither_downloaded_nor_hashed_again(
    loopback: LoopbackHub,
    known: Catalogued,
    models: Path,
    places: Places,
    told: Told,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    got = told.ensure(known, models, places)
    asked = len(loopback.asked)
    monkeypatch.setattr(file_hash, "sha256", lambda path: pytest.fail(f"{path} was hashed again"))
    assert weights.find(known, models, places) == told.ensure(known, models, places) == got
    assert weights.bytes_needed(known, models, places) == 0
    assert len(loopback.asked) == asked


def test_a_second_project_shares_the_file(
    loopback: LoopbackHub, known: Catalogued, models: Path, places: Places, tmp_path: Path, told: Told
) -> None:
    told.ensure(known, models, places)
    got = told.ensure(known, tmp_path / "other", places)
    assert (tmp_path / "other" / "base.safetensors").resolve() == got.path
    assert loopback.served[BASE_KEY] == len(BASE)


def test_a_kill_between_the_file_and_its_record_costs_no_download(
    loopback: LoopbackHub, known: Catalogued, models: Path, places: Places, told: Told
) -> None:
    got = told.ensure(known, models, places)
    got.path.with_name(f"{got.path.name}.verified.json").unlink()
    shutil.rmtree(models)
    assert told.ensure(known, models, places) == got
    assert (models / "base.safetensors").exists() and loopback.served[BASE_KEY] == len(BASE)


def test_a_file_changed_on_disk_is_fetched_anew(
    loopback: LoopbackHub, known: Catalogued, models: Path, places: Places, told: Told
) -> None:
    got = told.ensure(known, models, places)
    got.path.write_bytes(BASE[:-1])
    assert weights.find(known, models, places) is None
    assert told.ensure(known, models, places).path.read_bytes() == BASE


def test_a_missing_vae_alone_is_fetched(
    loopback: LoopbackHub, known: Catalogued, models: Path, places: Places, told: Told
) -> None:
    got = told.ensure(known, models, places)
    assert got.vae is not None
    got.vae.unlink()
    assert weights.find(known, models, places) is None
    assert weights.bytes_needed(known, models, places) == len(VAE)
    assert told.ensure(known, models, places) == got
    assert (loopback.served[BASE_KEY], loopback.served[VAE_KEY]) == (len(BASE), 2 * len(VAE))


def test_a_file_the_user_put_into_the_project_is_used(
    loopback: LoopbackHub, known: Catalogued, models: Path, places: Places, told: Told
) -> None:
    models.mkdir(parents=True)
    (models / "base.safetensors").write_bytes(BASE)
    assert told.ensure(known, models, places).path == models / "base.safetensors"
    assert loopback.served[BASE_KEY] == 0


def test_another_file_of_that_name_is_left_alone(
    known: Catalogued, models: Path, places: Places, told: Told
) -> None:
    mine = made.write(models / "base.safetensors", made.SD15)
    before = mine.read_bytes()
    assert told.ensure(known, models, places).path.read_bytes() == BASE
    assert mine.read_bytes() == before and not mine.is_symlink()


def test_a_dangling_link_is_mended(known: Catalogued, models: Path, places: Places, told: Told) -> None:
    models.mkdir(parents=True)
    (models / "base.safetensors").symlink_to(models / "gone")
    got = told.ensure(known, models, places)
    assert (models / "base.safetensors").resolve() == got.path


def test_where_links_are_impossible_the_file_gets_a_second_name(
    known: Catalogued, models: Path, places: Places, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(self: Path, target: Path) -> None:
        raise OSError("no privilege")

    monkeypatch.setattr(Path, "symlink_to", refused)
    got = told.ensure(known, models, places)
    shown = models / "base.safetensors"
    assert not shown.is_symlink() and shown.samefile(got.path)


def test_a_wrong_hash_is_kept_aside_and_the_next_call_is_fine(
    loopback: LoopbackHub, known: Catalogued, models: Path, places: Places, told: Told
) -> None:
    wrong = b"x" * len(BASE)
    loopback.put("owner/base", "base.safetensors", wrong, sha256=known.file.sha256)
    with pytest.raises(EngineError, match=r"base\.safetensors\.wrong-hash") as raised:
        told.ensure(known, models, places)
    assert raised.value.code is ExitCode.ENGINE
    kept = next(places.weights.rglob("*.wrong-hash"))
    assert kept.read_bytes() == wrong and weights.find(known, models, places) is None
    loopback.put("owner/base", "base.safetensors", BASE)
    assert told.ensure(known, models, places).path.read_bytes() == BASE


def test_a_replaced_file_is_not_downloaded_and_its_mirror_is(
    loopback: LoopbackHub, known: Catalogued, models: Path, places: Places, told: Told
) -> None:
    loopback.put("owner/base", "base.safetensors", VAE)
    with pytest.raises(EngineError, match="another file now"):
        told.ensure(known, models, places)
    loopback.put("other/base", "base.safetensors", BASE)
    assert told.ensure(known, models, places).path.read_bytes() == BASE
    assert loopback.served[BASE_KEY] == 0


@pytest.mark.parametrize("refusal", [401, 404])
def test_a_mirror_helps_where_the_repository_is_closed(
    loopback: LoopbackHub, known: Catalogued, models: Path, places: Places, told: Told, refusal: int
) -> None:
    loopback.refusals[BASE_KEY] = refusal
    loopback.put("other/base", "base.safetensors", BASE)
    assert told.ensure(known, models, places).path.read_bytes() == BASE


def test_an_interrupted_download_counts_as_had(
    loopback: LoopbackHub, known: Catalogued, models: Path, places: Places, told: Told
) -> None:
    needed = len(BASE) + len(VAE)
    assert weights.bytes_needed(known, models, places) == needed
    part = places.weights / "owner--base" / f".base.safetensors.{known.file.sha256[:12]}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(BASE[:100])
    assert weights.bytes_needed(known, models, places) == needed - 100
    told.ensure(known, models, places)
    assert loopback.served[BASE_KEY] == len(BASE) - 100
    assert told.bytes[0] == (100, needed) and not list(places.weights.rglob("*.part"))


def test_a_small_disk_is_said_before_the_download(
    loopback: LoopbackHub,
    known: Catalogued,
    models: Path,
    places: Places,
    told: Told,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(atomic, "free_bytes", lambda path: len(BASE))
    with pytest.raises(MachineError) as raised:
        told.ensure(known, models, places)
    assert raised.value.code is ExitCode.MACHINE and loopback.asked == []
    monkeypatch.setattr(atomic, "free_bytes", lambda path: len(BASE) + len(VAE))
    assert told.ensure(known, models, places)


def test_a_file_on_the_hub(loopback: LoopbackHub, models: Path, places: Places, told: Told) -> None:
    content = made.safetensors(made.SDXL_VPRED)
    loopback.put("some/one", "sub/x.safetensors", content)
    reference = OnHub("some/one", "sub/x.safetensors", "main")
    assert weights.find(reference, models, places) is None
    assert weights.bytes_needed(reference, models, places) == len(content)
    got = told.ensure(reference, models, places)
    assert (got.family, got.v_prediction, got.zero_terminal_snr, got.vae) == (
        FamilyName.SDXL,
        True,
        True,
        None,
    )
    assert "some/one" in got.licence and (models / "x.safetensors").resolve() == got.path
    asked = len(loopback.asked)
    assert told.ensure(reference, models, places) == got == weights.find(reference, models, places)
    assert len(loopback.asked) == asked


def test_two_revisions_are_two_files(loopback: LoopbackHub, models: Path, places: Places, told: Told) -> None:
    loopback.put("some/one", "x.safetensors", made.safetensors(made.SD15))
    main = told.ensure(OnHub("some/one", "x.safetensors", "main"), models, places)
    loopback.put("some/one", "x.safetensors", made.safetensors(made.SDXL))
    other = told.ensure(OnHub("some/one", "x.safetensors", "v2"), models, places)
    assert (main.family, other.family) == (FamilyName.SD15, FamilyName.SDXL)
    assert main.path.exists() and main.path != other.path


def test_a_version_on_civitai(loopback: LoopbackHub, models: Path, places: Places, told: Told) -> None:
    loopback.put_civitai(42, "nice.safetensors", made.safetensors(made.SD15))
    got = told.ensure(OnCivitai(42), models, places)
    assert got.family is FamilyName.SD15 and (models / "nice.safetensors").resolve() == got.path
    asked = len(loopback.asked)
    assert weights.find(OnCivitai(42), models, places) == got
    assert len(loopback.asked) == asked


@pytest.mark.parametrize(
    "answer",
    [[], {"files": [{"type": "Model"}]}, {"files": [{"name": "x", "sizeKB": -1}]}, {"files": "none"}],
)
def test_an_answer_of_civitai_that_cannot_be_read(
    loopback: LoopbackHub, models: Path, places: Places, told: Told, answer: object
) -> None:
    loopback.put_civitai(42, "nice.safetensors", made.safetensors(made.SD15))
    loopback.versions[42] = answer
    with pytest.raises(EngineError, match="none that is understood"):
        told.ensure(OnCivitai(42), models, places)


def test_civitais_own_hash_is_held_to(
    loopback: LoopbackHub, models: Path, places: Places, told: Told
) -> None:
    loopback.put_civitai(42, "nice.safetensors", made.safetensors(made.SD15), sha256="0" * 64)
    with pytest.raises(EngineError, match="wrong hash"):
        told.ensure(OnCivitai(42), models, places)
    assert weights.find(OnCivitai(42), models, places) is None


def test_a_lora_from_the_hub_is_refused_as_base(
    loopback: LoopbackHub, models: Path, places: Places, told: Told
) -> None:
    loopback.put("some/one", "x.safetensors", made.safetensors(made.LORA))
    with pytest.raises(EngineError, match="a LoRA"):
        told.ensure(OnHub("some/one", "x.safetensors", "main"), models, places)


def test_a_pickle_is_refused_before_the_download(
    loopback: LoopbackHub, models: Path, places: Places, told: Told, tmp_path: Path
) -> None:
    content = made.write_ckpt(tmp_path / "x.ckpt", made.SD15).read_bytes()
    loopback.put("some/one", "x.ckpt", content)
    reference = OnHub("some/one", "x.ckpt", "main")
    with pytest.raises(EngineError, match="pickle") as raised:
        told.ensure(reference, models, places)
    assert "any code" in raised.value.why and "--allow-pickle" in raised.value.hint
    assert loopback.served["some/one/x.ckpt"] == 0
    assert told.ensure(reference, models, places, allow_pickle=True).family is FamilyName.SD15


def test_a_local_pickle(tmp_path: Path, models: Path, places: Places, told: Told) -> None:
    reference = Local(made.write_ckpt(tmp_path / "x.ckpt", made.SDXL))
    with pytest.raises(EngineError, match="pickle"):
        told.ensure(reference, models, places)
    assert told.ensure(reference, models, places, allow_pickle=True).family is FamilyName.SDXL


def test_a_local_file_is_used_where_it_is(tmp_path: Path, models: Path, places: Places, told: Told) -> None:
    path = made.write(tmp_path / "v1-5-pruned.safetensors", made.SDXL)  # not what the catalogue calls so
    got = told.ensure(Local(path), models, places)
    assert (got.path, got.family, got.licence) == (path, FamilyName.SDXL, "")
    assert weights.bytes_needed(Local(path), models, places) == 0 and not models.exists()


def test_a_link_into_a_hub_cache_gets_a_name_the_engine_can_read(
    tmp_path: Path, models: Path, places: Places, told: Told
) -> None:
    blob = made.write(tmp_path / "blobs" / "ab12", made.SD15)
    snapshot = tmp_path / "model.safetensors"
    snapshot.symlink_to(blob)
    got = told.ensure(Local(snapshot), models, places)
    assert got.path.name == "model.safetensors" and not got.path.is_symlink() and got.path.samefile(blob)


def test_a_missing_local_file(tmp_path: Path, models: Path, places: Places, told: Told) -> None:
    reference = Local(tmp_path / "none.safetensors")
    assert weights.find(reference, models, places) is None
    with pytest.raises(EngineError, match="does not exist"):
        told.ensure(reference, models, places)


def test_an_unreachable_hub(
    known: Catalogued, models: Path, places: Places, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(EngineError, match="cannot be reached"):
        told.ensure(replace(known), models, places)
