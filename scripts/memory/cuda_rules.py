"""CUDA's precision and attention on fake CPU tensors.

A fake CUDA device fails in backward where there is no driver. So the device is the CPU, and what differs there is put right:
under autocast CUDA computes norms, softmax and exp in fp32, and attention with the flash or the memory-efficient kernel.
Source: aten/src/ATen/autocast_mode.h (the lists), sdp_utils.cpp (which kernel).
"""

from __future__ import annotations

import warnings
from typing import Any

import torch
import torch.nn.functional as F
import torch.utils.checkpoint

aten = torch.ops.aten
_HALVES = (torch.float16, torch.bfloat16)
_installed: list[Any] = []


def install() -> None:
    """For the rest of this process."""
    if _installed:
        return
    library = torch.library.Library("aten", "IMPL", "AutocastCPU")
    _installed.append(library)
    without = torch._C.DispatchKeySet(torch._C.DispatchKey.AutocastCPU)

    def outside(call: Any, *args: Any) -> Any:
        with torch._C._ExcludeDispatchKeyGuard(without):
            return call(*args)

    def layer_norm(
        x: Any, shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5, on: bool = True
    ) -> Any:
        return outside(aten.layer_norm.default, _single(x), shape, _single(weight), _single(bias), eps, on)

    def group_norm(
        x: Any, groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5, on: bool = True
    ) -> Any:
        return outside(aten.group_norm.default, _single(x), groups, _single(weight), _single(bias), eps, on)

    def softmax(x: Any, dim: int, dtype: Any = None) -> Any:
        return outside(aten.softmax.int, x, dim, dtype or torch.float32)

    def exp(x: Any) -> Any:
        return outside(aten.exp.default, _single(x))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, call in (
            ("layer_norm", layer_norm),
            ("group_norm", group_norm),
            ("softmax.int", softmax),
            ("exp", exp),
        ):
            library.impl(name, call)
    F.scaled_dot_product_attention = attention
    plain = torch.utils.checkpoint.checkpoint

    def checkpoint(call: Any, *args: Any, **kwargs: Any) -> Any:
        return plain(call, *args, **(kwargs | {"preserve_rng_state": False}))  # fake tensors have none

    torch.utils.checkpoint.checkpoint = checkpoint


def attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: Any = None,
    enable_gqa: bool = False,
) -> Any:
    """The kernel that CUDA would take: flash for halves without a mask, else the memory-efficient one."""
    if torch.is_autocast_enabled("cpu"):
        half = torch.get_autocast_dtype("cpu")
        query, key, value, attn_mask = (_as(half, x) for x in (query, key, value, attn_mask))
    if attn_mask is None and query.dtype in _HALVES and query.shape[-1] <= 256:
        call = aten._scaled_dot_product_flash_attention
        return call(query, key, value, dropout_p, is_causal, False, scale=scale)[0]
    if attn_mask is not None:
        if attn_mask.dtype == torch.bool:
            attn_mask = torch.zeros_like(attn_mask, dtype=query.dtype)
        attn_mask = attn_mask.expand(*query.shape[:3], key.shape[2])
    backward = torch.is_grad_enabled() and any(x.requires_grad for x in (query, key, value))
    call = aten._scaled_dot_product_efficient_attention
    return call(query, key, value, attn_mask, backward, dropout_p, is_causal, scale=scale)[0]


def _single(x: Any) -> Any:
    return x.float() if isinstance(x, torch.Tensor) and x.dtype in _HALVES else x


def _as(half: torch.dtype, x: Any) -> Any:
    return x.to(half) if isinstance(x, torch.Tensor) and x.is_floating_point() else x
