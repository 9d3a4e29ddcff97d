"""One process or many: `torchrun` starts them, each drives one GPU, and this is all that they say to each other.

Every process holds the whole network and takes its rows of every batch; DistributedDataParallel joins the gradients.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.distributed as dist
from torch import Tensor


@contextmanager
def joined(device: torch.device) -> Iterator[torch.device]:
    """Meet the other processes of `torchrun`, if it started this one, and give the device that this one drives."""
    if "LOCAL_RANK" not in os.environ:
        yield device
        return
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield device
    finally:
        dist.destroy_process_group()


def rank() -> int:
    """The number of this process; 0 is the one that writes."""
    return dist.get_rank() if dist.is_initialized() else 0


def world() -> int:
    """The number of processes."""
    return dist.get_world_size() if dist.is_initialized() else 1


def summed(values: Tensor) -> Tensor:
    """The sum of the values of all processes; each has to ask for it."""
    if world() > 1:
        dist.all_reduce(values)
    return values
