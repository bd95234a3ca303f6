"""The share of a process in each batch, where several train one run, and batch norms over all of its rows.

Each process has all rows of a batch, draws all that is random in them, and feeds its network with its share. The
predictions of all are gathered before the loss, which is then that of one process: its means, masks and weights of
classes are over the whole batch.
"""

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx
from torch.distributed.nn.functional import all_reduce
from torch.nn.modules.batchnorm import _BatchNorm

from pare.config.errors import PareError


class Share:
    """The rows of a batch that this process feeds to its network: all, unless there are several processes.

    Args:
        process: number of this process, from 0.
        processes: number of processes.
    """

    def __init__(self, process: int = 0, processes: int = 1) -> None:
        self.process, self.processes = process, processes

    @property
    def is_whole(self) -> bool:
        """Whether this process is alone."""
        return self.processes == 1

    def check(self, batch_size: int) -> None:
        """Refuse a batch that cannot be divided.

        Args:
            batch_size: rows of a batch.

        Raises:
            PareError: naming what such devices are better used for.
        """
        if batch_size % self.processes:
            raise PareError(
                f"a batch of {batch_size} {'row' if batch_size == 1 else 'rows'} cannot be divided among "
                f"{self.processes} processes; start as many as divide it, or use each device for a run of its own: "
                "`kedro matrix run --gpus-per-run 1`"
            )

    def own(self, values: Tensor, views: int = 1, axis: int = 0) -> Tensor:
        """What belongs to the own rows; where there are none, as a batch has fewer rows than processes, to the first.

        Args:
            values: ``(…, views × rows, …)`` of the whole batch.
            views: rows of tokens for each row.
            axis: the axis of the rows.
        """
        if self.is_whole:
            return values
        by_view = values.unflatten(axis, (views, -1))
        bounds = self._bounds(by_view.shape[axis + 1])
        first, end = bounds[self.process], bounds[self.process + 1]
        if first == end:
            first, end = 0, 1
        return by_view.narrow(axis + 1, first, end - first).flatten(axis, axis + 1)

    def whole(self, values: Tensor, rows: int, views: int = 1) -> Tensor:
        """The values of all processes, ``(views × rows, …)``, in single precision; gradients reach the own ones.

        Gradients are those of the loss of the whole batch, times the number of processes, whose mean is taken later.

        Args:
            values: those of the own rows, ``(views × own rows, …)``.
            rows: rows of the batch.
            views: rows of tokens for each row.
        """
        if self.is_whole:
            return values
        by_row = values.float().unflatten(0, (views, -1)).transpose(0, 1)
        gathered: Tensor = _Gathered.apply(by_row, self._bounds(rows), self.process)
        return gathered.transpose(0, 1).flatten(0, 1)

    def _bounds(self, rows: int) -> list[int]:
        return [rows * process // self.processes for process in range(self.processes + 1)]


class _Gathered(torch.autograd.Function):
    """Rows of all processes, in order. All compute the same loss of them, so none needs the others' gradients."""

    @staticmethod
    def forward(ctx: FunctionCtx, own: Tensor, bounds: list[int], process: int) -> Tensor:
        counts = [end - first for first, end in pairwise(bounds)]
        most = max(*counts, 1)
        ctx.settings = (own.shape, bounds, process)  # type: ignore[attr-defined]
        sent = own.new_zeros(most, *own.shape[1:])
        sent[: len(own)] = own
        parts = [torch.empty_like(sent) for _ in counts]
        torch.distributed.all_gather(parts, sent)
        return torch.cat([part[:count] for part, count in zip(parts, counts, strict=True)])

    @staticmethod
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor, None, None]:
        shape, bounds, process = ctx.settings  # type: ignore[attr-defined]
        first, end = bounds[process], bounds[process + 1]
        own = grad.new_zeros(shape)
        own[: end - first] = grad[first:end] * (len(bounds) - 1)
        return own, None, None


class SharedBatchNorm(_BatchNorm):
    """A batch norm over the rows of all processes, on any device; torch's `SyncBatchNorm` is for accelerators only."""

    def _check_input_dim(self, input: Tensor) -> None:
        """Any number of axes."""

    def forward(self, x: Tensor) -> Tensor:
        """``(rows, channels, …)``, normalised."""
        if not self.training:
            return super().forward(x)
        axes, shape = [0, *range(2, x.dim())], (1, -1, *[1] * (x.dim() - 2))
        values = x.float()
        count = all_reduce(values.new_tensor(float(x.numel() // x.shape[1])))
        mean = all_reduce(values.sum(axes)) / count
        left = values - mean.view(shape)
        variance = all_reduce(left.square().sum(axes)) / count
        if self.track_running_stats:
            self._follow(mean.detach(), variance.detach() * count / (count - 1).clamp_min(1))
        scale = (variance + self.eps).rsqrt()
        scale, offset = (scale * self.weight, self.bias.view(shape)) if self.affine else (scale, 0.0)
        return (left * scale.view(shape) + offset).to(x.dtype)

    def _follow(self, mean: Tensor, variance: Tensor) -> None:
        assert self.running_mean is not None and self.running_var is not None and self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        momentum = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, momentum)
        self.running_var.lerp_(variance, momentum)


def share_batch_norms(network: nn.Module) -> None:
    """Let all batch norms of a network see the rows of all processes; names and values of weights stay."""
    norms: list[Any] = [module for module in network.modules() if isinstance(module, _BatchNorm)]
    for norm in norms:
        norm.__class__ = SharedBatchNorm
