"""Bytes alive and FLOPs done while the engine's modules run on tensors without content."""

from __future__ import annotations

import weakref
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from scripts.memory.allocator import ROUND

aten = torch.ops.aten


class Counter(TorchDispatchMode):
    """Counts each storage once, from its making to its end; FLOPs by torch's own formulas.

    Attributes:
        alive, most: bytes now and at most, in-operation temporaries of CUDA's kernels included (`temporaries`).
        flops: of matrix products, convolutions and attention; one multiply-add is two.
        kernels: operations that launch one.
        trace: for `allocator`.
    """

    def __init__(self, temporaries: bool = True) -> None:
        super().__init__()
        self.alive = self.most = self.flops = self.kernels = 0
        self.trace: list[tuple[int, int]] = []
        self._temporaries = temporaries
        self._storages: dict[int, tuple[int, int]] = {}
        self._numbers = 0

    def watch(self, tensor: torch.Tensor) -> None:
        """Count this tensor's storage until it ends."""
        storage = tensor.untyped_storage()
        key, size = storage._cdata, -(-storage.nbytes() // ROUND) * ROUND
        if key in self._storages or not size:
            return
        self._numbers += 1
        self._storages[key] = (self._numbers, size)
        self.alive += size
        self.trace.append((self._numbers, size))
        weakref.finalize(storage, self._ended, key, self._numbers)

    def _ended(self, key: int, number: int) -> None:
        if self._storages.get(key, (0, 0))[0] == number:
            _, size = self._storages.pop(key)
            self.alive -= size
            self.trace.append((number, -size))

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        operation = func._overloadpacket
        if operation in flop_registry:
            self.flops += flop_registry[operation](*args, **kwargs, out_val=out)
        self.kernels += not func.is_view and operation not in _NO_KERNEL
        for leaf in tree_leaves(out):
            if isinstance(leaf, torch.Tensor):
                self.watch(leaf)
        extra = _temporary(operation, args, out) if self._temporaries else 0
        if extra:
            self._numbers += 1
            self.trace += [(self._numbers, extra), (self._numbers, -extra)]
        self.most = max(self.most, self.alive + extra)
        return out


_NO_KERNEL = {
    aten.empty,
    aten.empty_like,
    aten.empty_strided,
    aten.new_empty,
    aten.new_empty_strided,
    aten.detach,
}
_NO_KERNEL |= {aten.alias, aten.lift_fresh}


def _temporary(operation: Any, args: Any, out: Any) -> int:
    """Bytes that CUDA's kernel of this operation allocates for itself.

    Flash attention's backward accumulates dq in fp32 (rows rounded to 128, heads to 32 or 64), and keeps a sum per row; the
    memory-efficient one the same without rounding: read in their sources. A convolution larger than 1x1 stages input, output
    and weight in another order: a guess, from cuDNN's tensor-core kernels (NHWC); not measured on a GPU.
    """
    if operation is aten._scaled_dot_product_flash_attention_backward:
        batch, heads, rows, wide = args[1].shape
        step = 32 if wide <= 128 else 64
        return batch * heads * (-(-rows // 128) * 128) * 4 * (-(-wide // step) * step + 1)
    if operation is aten._scaled_dot_product_efficient_attention_backward:
        batch, heads, rows, wide = args[1].shape
        return batch * heads * rows * 4 * (wide + 1)
    if operation is aten.convolution and args[1].shape[-1] > 1:
        return _bytes(args[0]) + _bytes(args[1]) + _bytes(out)
    if operation is aten.convolution_backward and args[2].shape[-1] > 1:
        return _bytes(args[0]) + _bytes(args[1]) + _bytes(args[2])
    return 0


def _bytes(tensor: torch.Tensor) -> int:
    return tensor.numel() * tensor.element_size()
