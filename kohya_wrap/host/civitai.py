"""Civitai: a model version's file, its address and its hash."""

from __future__ import annotations

import os

from pydantic import BaseModel, Field, ValidationError

from kohya_wrap.errors import EngineError
from kohya_wrap.host import hub


class _File(BaseModel):
    """As the API spells it; what it says besides is not of interest."""

    name: str
    type: str = ""
    primary: bool = False
    sizeKB: float = Field(default=0, ge=0)
    downloadUrl: str | None = None
    hashes: dict[str, str | None] = {}


class _Version(BaseModel):
    files: tuple[_File, ...] = ()


def locate(version: int) -> hub.Remote:
    """Ask the API (KOHYA_WRAP_CIVITAI_URL, CIVITAI_TOKEN) for the version's model file, rather .safetensors.

    Raises:
        NotGiven: no such version, or the account may not have it.
        EngineError: no answer, or one without a model file.
    """
    address = os.environ.get("KOHYA_WRAP_CIVITAI_URL", "https://civitai.com").rstrip("/")
    token = os.environ.get("CIVITAI_TOKEN", "")
    headers = {"authorization": f"Bearer {token}"} if token else {}
    where = f"version {version} on Civitai"
    locked = "Log in there, make an API key in your account's settings, and set CIVITAI_TOKEN to it."
    answer = _read(
        hub.get_json(f"{address}/api/v1/model-versions/{version}", headers, where, locked), version
    )
    models = [f for f in answer.files if f.type in ("Model", "Pruned Model")]
    files = [(f, f.downloadUrl) for f in models if f.downloadUrl]
    if not files:
        raise EngineError(
            f"Civitai names no model file for version {version}.",
            why="It is a page of another kind, or its file was removed.",
            hint="Open the model's page; the number wanted is the one after modelVersionId= in its address.",
        )
    file, url = min(files, key=lambda f: (not f[0].name.endswith(".safetensors"), not f[0].primary))
    return hub.Remote(
        url=url,
        filename=os.path.basename(file.name.replace("\\", "/")),  # noqa: PTH119 - a name from outside, not a path
        size=round(file.sizeKB * 1024),
        sha256=(file.hashes.get("SHA256") or "").lower(),
        where=where,
        locked=locked,
        headers=headers if url.startswith(address) else {},
    )


def _read(answer: object, version: int) -> _Version:
    try:
        return _Version.model_validate(answer)
    except ValidationError as error:
        first = error.errors()[0]
        raise EngineError(
            f"Civitai's answer for version {version} is none that is understood.",
            why=f"{'.'.join(map(str, first['loc']))}: {first['msg']}.",
            hint="Download the file by hand and name it with --base FILE.",
        ) from None
