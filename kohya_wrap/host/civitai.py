"""Civitai: a model version's file, its address and its hash."""

from __future__ import annotations

import os

from kohya_wrap.errors import EngineError
from kohya_wrap.host import hub


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
    answer = hub.get_json(f"{address}/api/v1/model-versions/{version}", headers, where, locked)
    models = [f for f in answer.get("files", ()) if f.get("type") in ("Model", "Pruned Model")]
    files = [f for f in models if f.get("downloadUrl")]
    if not files:
        raise EngineError(
            f"Civitai names no model file for version {version}.",
            why="It is a page of another kind, or its file was removed.",
            hint="Open the model's page; the number wanted is the one after modelVersionId= in its address.",
        )
    file = min(files, key=lambda f: (not f["name"].endswith(".safetensors"), not f.get("primary", False)))
    return hub.Remote(
        url=file["downloadUrl"],
        filename=os.path.basename(file["name"].replace("\\", "/")),  # noqa: PTH119 - a name from outside, not a path
        size=round(file.get("sizeKB", 0) * 1024),
        sha256=file.get("hashes", {}).get("SHA256", "").lower(),
        where=where,
        locked=locked,
        headers=headers if file["downloadUrl"].startswith(address) else {},
    )
