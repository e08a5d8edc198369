"""Configs of other tools, read by what they hold and not by their names."""

from __future__ import annotations

import codecs
import json
import shlex
from pathlib import Path

from kohya_wrap.config.importing import engine_toml, gui_json, lora_metadata, refusal, shell
from kohya_wrap.config.importing.source import Source
from kohya_wrap.errors import ConfigError
from kohya_wrap.host import safetensors_file, toml_file

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # as PowerShell saves its scripts
_LARGEST = 2_000_000  # characters; the largest real config is a few thousand


def read(path: Path) -> Source:
    """
    Raises:
        ConfigError: not there, not readable, none of the kinds, or no LoRA that we train.
        EngineError: a .safetensors file that is cut short.
    """
    if _is_safetensors(path):
        return lora_metadata.read(path, safetensors_file.read_header(path))
    text = _text(path)
    if text.lstrip().startswith(("{", "[")) and (data := _json(path, text)) is not None:
        if not isinstance(data, dict):
            raise refusal.no_config(path, "It is JSON, but no object with fields.")
        if "cells" in data and "nbformat" in data:
            raise refusal.notebook(path)
        return gui_json.read(path, data)
    try:
        source = toml_file.read(path)
    except ConfigError as error:
        if shell.looks_like_one(text):
            return shell.read(path, text)
        if path.suffix.lower() == ".toml":
            raise
        raise refusal.no_config(
            path, f"It is no JSON and no training script, and as TOML: {error.message}"
        ) from None
    if not source.data:
        raise refusal.no_config(path, "It holds nothing.")
    return engine_toml.read(source)


def _is_safetensors(path: Path) -> bool:
    """Eight bytes of length, then a JSON object."""
    try:
        with path.open("rb") as file:
            start = file.read(9)
    except OSError:
        return False
    return len(start) == 9 and start[8:] == b"{" and b"\0" in start[:8]


def _text(path: Path) -> str:
    try:
        size = path.stat().st_size
        if size > _LARGEST:
            raise refusal.no_config(path, f"It is {size / 1e6:.0f} MB; a config is a few kilobytes.")
        content = path.read_bytes()
        return content.decode("utf-16" if content.startswith(_UTF_16) else "utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise refusal.not_text(path, error.start) from None
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read: {error.strerror}.",
            why="It is missing, a folder, or not yours to read.",
            hint=f"ls -l {shlex.quote(str(path))}",
        ) from None


def _json(path: Path, text: str) -> object:
    """The JSON in it; None where it is TOML that starts with a section."""
    try:
        data: object = json.loads(text)
    except json.JSONDecodeError as error:
        if text.lstrip().startswith("["):
            return None
        raise refusal.no_config(
            path, f"It starts as JSON, but line {error.lineno} is not: {error.msg}."
        ) from None
    return data
