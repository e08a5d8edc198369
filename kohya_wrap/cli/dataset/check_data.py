"""A checked dataset as the data of its JSON envelope."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from kohya_wrap.dataset.check.result import CheckedImage, Concept
from kohya_wrap.workflow.check_dataset import DatasetCheck

_TERMS = 50  # of each concept, the most frequent


def as_data(found: DatasetCheck) -> dict[str, Any]:
    checked, config = found.checked, found.meant.config
    return {
        "config": str(found.config) if found.config else None,
        "folder": str(found.folder),
        "family": found.meant.family.name.value,
        "gpu": found.meant.machine.preset.name,
        "resolution": config.get("resolution"),
        "caption_extension": checked.inventory.caption_extension,
        "images": map(_image, checked.images),
        "captions": checked.inventory.captions,
        "buckets": [asdict(bucket) for bucket in checked.buckets],
        "batch": config.get("train_batch_size", 1),
        "datasets": [
            {"resolution": one.get("resolution"), "batch": one.get("train_batch_size", 1)}
            for one in found.configs
        ],
        "accumulation": config.get("gradient_accumulation_steps", 1),
        **asdict(checked.plan),
        "concepts": [_concept(concept) for concept in checked.concepts],
        "size_class": checked.size_class,
        "checklist": [{**asdict(tick), "state": tick.state.value} for tick in checked.checklist],
    }


def _image(image: CheckedImage) -> dict[str, Any]:
    facts, look, framing = image.image.facts, image.look, image.framing
    return {
        "path": str(image.image.path),
        "size": facts.size,
        "format": facts.format,
        "misread": sorted(misread.name.lower() for misread in facts.misread),
        "digest": facts.digest,
        "dataset": image.dataset,
        "repeats": image.repeats,
        "bucket": framing.bucket if framing else None,
        "scale": round(framing.scale, 4) if framing else None,
        "crop": framing.crop if framing else None,
        "lost": round(framing.lost, 4) if framing else None,
        "caption_file": str(image.image.caption.path) if image.image.caption.path else None,
        "caption": image.text,
        "tokens": image.tokens,
        "has_trigger": image.has_trigger,
        "brightness": round(look.mean, 3),
        "entropy": round(look.entropy, 2),
        "sharpness": round(look.sharpness, 3),
        "grey": look.grey,
        "dhash": f"{look.likeness.dhash:016x}",
        "hidden_colour": look.hidden,
        "alike": image.alike,
        "findings": [asdict(finding) for finding in image.findings],
    }


def _concept(concept: Concept) -> dict[str, Any]:
    terms = [
        {
            "term": term.text,
            "captions": term.captions,
            "share": round(term.share, 4),
            "given_trigger": None if term.given_trigger is None else round(term.given_trigger, 4),
        }
        for term in concept.terms[:_TERMS]
    ]
    return {
        "folder": concept.folder,
        "dataset": concept.dataset,
        "repeats": concept.repeats,
        "images": concept.images,
        "captions": concept.captions,
        "trigger": concept.trigger,
        "trigger_assumed": concept.assumed,
        "with_trigger": concept.with_trigger,
        "trigger_first": concept.first,
        "style": concept.style.value if concept.style else None,
        "terms": terms,
    }
