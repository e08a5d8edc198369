"""Whose prices can be asked for, how, and what of the answer is taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from kohya_wrap import resources
from kohya_wrap.config import presets
from kohya_wrap.domain import cost
from kohya_wrap.host.instance import usable
from kohya_wrap.host.price_api import Question
from kohya_wrap.places import Places
from kohya_wrap.plan import prices, runpod, vast
from kohya_wrap.plan.asked import Answer, Card, Row


@dataclass(frozen=True)
class Source:
    """Attributes:
    providers: as the dated table names them.
    key, fields: where in its answer the list is, and what is looked at of a row.
    read: rows, and when they were said.
    passed: what is counted, in words.
    wants: what to say where it asks for a key, and what to type.
    """

    name: str
    providers: tuple[str, ...]
    question: Question
    key: str
    fields: tuple[str, ...]
    read: Callable[[Sequence[Row], str], Answer]
    passed: str
    kept_at: Path
    wants: tuple[str, str] = ("", "")


def of(places: Places, env: Mapping[str, str]) -> tuple[Source, Source]:
    folder = resources.presets()
    terms, table, key = vast.Terms.load(folder), prices.load(folder), usable(env.get("RUNPOD_API_KEY", ""))
    cards = [
        Card(
            one.name,
            one.nvml,
            tuple(terms.names.get(one.name, ())),
            one.memory_gb,
            cost.price_range(table.offers.get(one.name, ())),
        )
        for one in presets.load(folder).gpus.values()
    ]

    def address(name: str, ours: str) -> str:
        return (env.get(name) or ours).rstrip("/")

    held_to = ", ".join(f"{name} at least {value:g}" for name, value in terms.least.items())
    return (
        Source(
            "RunPod",
            tuple(map(runpod.provider, runpod.CLOUDS)),
            Question(address("KOHYA_WRAP_RUNPOD_URL", "https://api.runpod.io") + runpod.PATH, key=key),
            runpod.KEY,
            runpod.FIELDS,
            partial(runpod.read, cards=cards, beside=table.beside),
            "list prices are taken, of cards with a preset (whether one is free, it does not say)",
            places.prices / "runpod.json",
            (": it does not take RUNPOD_API_KEY", "export RUNPOD_API_KEY=...   with one that it knows")
            if key
            else (": it wants an API key", "export RUNPOD_API_KEY=..."),
        ),
        Source(
            "Vast.ai",
            (vast.PROVIDER,),
            Question(address("KOHYA_WRAP_VAST_URL", "https://console.vast.ai") + vast.PATH, terms.request()),
            vast.KEY,
            terms.fields,
            partial(vast.read, cards=cards, terms=terms),
            f"offers pass (one GPU; {held_to})",
            places.prices / "vast.json",
        ),
    )
