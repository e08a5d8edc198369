from __future__ import annotations

from pathlib import Path

import pytest

from kohya_wrap import resources
from kohya_wrap.engine import catalogue
from kohya_wrap.engine.catalogue import Catalogue
from kohya_wrap.engine.reference import Catalogued, Local, OnCivitai, OnHub, named_like, parse
from kohya_wrap.errors import UsageError


@pytest.fixture(scope="module")
def known() -> Catalogue:
    return catalogue.load(resources.presets())


@pytest.mark.parametrize(
    ("base", "filename"),
    [
        ("sd15", "v1-5-pruned-emaonly-fp16.safetensors"),
        ("SD15", "v1-5-pruned-emaonly-fp16.safetensors"),
        ("sd15:ema", "v1-5-pruned-emaonly.safetensors"),
        ("sd15:full", "v1-5-pruned.safetensors"),
        ("sdxl", "sd_xl_base_1.0.safetensors"),
        ("noobai-vpred", "NoobAI-XL-Vpred-v1.0.safetensors"),
        ("pony", "ponyDiffusionV6XL_v6StartWithThisOne.safetensors"),
    ],
)
def test_names_of_the_catalogue(known: Catalogue, base: str, filename: str) -> None:
    found = parse(base, known)
    assert isinstance(found, Catalogued) and found.file.local_name == filename


@pytest.mark.parametrize(
    ("base", "reference"),
    [
        ("hf:owner/repo/file.safetensors", OnHub("owner/repo", "file.safetensors", "main")),
        ("hf:o/r/deep/er/f.safetensors@v1.2", OnHub("o/r", "deep/er/f.safetensors", "v1.2")),
        ("civitai:290640", OnCivitai(290640)),
    ],
)
def test_references_to_elsewhere(known: Catalogue, base: str, reference: object) -> None:
    assert parse(base, known) == reference


@pytest.mark.parametrize("base", ["models/x.safetensors", "x.safetensors", "x.ckpt", "some/folder"])
def test_a_path_starts_where_it_is_told(known: Catalogue, base: str, tmp_path: Path) -> None:
    assert parse(base, known, tmp_path) == Local(tmp_path / base)


@pytest.mark.parametrize(
    "base", ["http://x/y.safetensors", "HTTPS://huggingface.co/o/r/resolve/main/v1-5-pruned.safetensors"]
)
def test_an_address_is_no_path(known: Catalogue, base: str) -> None:
    with pytest.raises(UsageError, match="is an address") as raised:
        parse(base, known)
    assert "hf:" in raised.value.hint and "civitai:" in raised.value.hint and "download" in raised.value.hint


def test_an_absolute_path_stays(known: Catalogue, tmp_path: Path) -> None:
    assert parse(str(tmp_path / "x.safetensors"), known, Path("/elsewhere")) == Local(
        tmp_path / "x.safetensors"
    )


def test_a_folder_with_a_plain_name(known: Catalogue, tmp_path: Path) -> None:
    (tmp_path / "mymodel").mkdir()
    assert parse("mymodel", known, tmp_path) == Local(tmp_path / "mymodel")


@pytest.mark.parametrize(
    ("base", "said"),
    [
        ("sdx", "sdxl"),
        ("ilustrious", "illustrious"),
        ("nonsense", "civitai:"),
        ("sd15:huge", "sd15:fp16"),
        ("hf:owner", "modelVersionId"),
        ("civitai:pony", "modelVersionId"),
    ],
)
def test_nonsense_is_a_usage_error_with_a_way_on(known: Catalogue, base: str, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse(base, known)
    assert said in raised.value.hint


def test_nonsense_names_the_known_bases(known: Catalogue) -> None:
    with pytest.raises(UsageError) as raised:
        parse("nonsense", known)
    assert all(name in raised.value.why for name in known.bases)


@pytest.mark.parametrize(
    ("filename", "sha256"),
    [
        ("models/v1-5-pruned.safetensors", "1a189f0b"),
        ("C:\\models\\v1-5-pruned.ckpt", "1a189f0b"),
        ("SD_XL_base_1.0.safetensors", "31e35c80"),
        ("v6.safetensors", "67ab2fd8"),
    ],
)
def test_a_file_the_catalogue_knows_by_name(known: Catalogue, filename: str, sha256: str) -> None:
    found = named_like(filename, known)
    assert found is not None and found.file.sha256.startswith(sha256)


def test_a_file_nobody_knows(known: Catalogue) -> None:
    assert named_like("my-merge.safetensors", known) is None


def test_the_catalogue_is_sound(known: Catalogue) -> None:
    names = []
    for base in known.bases.values():
        assert base.default in base.files
        assert base.licence.line.count("http") == 1
        assert (base.vae is not None) == (base.family.value == "sdxl")
        for file in base.files.values():
            assert file.revision == "main" or len(file.revision) == 40
            names += [file.local_name, *file.aliases]
    assert len(names) == len(set(names)), "one name, two files"
    assert len({base.vae for base in known.bases.values() if base.vae}) == 1
