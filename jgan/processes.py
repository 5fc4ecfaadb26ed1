"""Several processes as one training, by Jittor's MPI: which one this is, its share of a batch, what all compute.

`mpirun -np N python scripts/train_NAME.py` starts N of them. Each draws what a single one would and takes its share;
every function here is called by all in the same order, or the training hangs. In a single process, and within `alone`,
each is the identity. Importing this module does not import Jittor.
"""

from __future__ import annotations

import os
from contextlib import contextmanager

import numpy as np

from jgan.errors import UserError


def size() -> int:
    """How many processes train together; 1 within `alone`."""
    return 1 if _alone else int(os.environ.get("OMPI_COMM_WORLD_SIZE", 1))


def rank() -> int:
    """Which of them this is, from 0."""
    return int(os.environ.get("OMPI_COMM_WORLD_RANK", 0))


def is_first() -> bool:
    """Whether this is the one that writes, draws, scores and speaks."""
    return rank() == 0


_alone = False


@contextmanager
def alone():
    """Within this context the process computes by itself, while the others are elsewhere.

    Nothing that all compute at once may be left to be computed.
    """
    global _alone
    before, _alone = _alone, True
    try:
        yield
    finally:
        _alone = before


def require_shares(batch_size: int) -> None:
    """UserError unless a batch, that of all processes, can be shared."""
    if batch_size % size():
        possible = [str(n) for n in range(1, min(batch_size, 64) + 1) if batch_size % n == 0]
        raise UserError(
            f"{size()} processes share a batch equally, and one of {batch_size} is not a multiple of {size()}; "
            f"it can be shared by {', '.join(possible)}"
        )


def share(of_all, axis: int = 0):
    """This process's part of an array or a Var for the whole batch: as much as every other's along the axis."""
    if size() == 1:
        return of_all
    length = of_all.shape[axis] // size()
    part = of_all[(*[slice(None)] * axis, slice(rank() * length, (rank() + 1) * length))]
    return np.ascontiguousarray(part) if isinstance(part, np.ndarray) else part


def mean(var):
    """The mean of a float32 Var over the processes, differentiable any number of times.

    Its gradient is that of what all processes compute from it, as if they were one.
    """
    return var.mpi_all_reduce("mean") if size() > 1 else var


def gather(array: np.ndarray) -> np.ndarray:
    """The float32 arrays of one shape that the processes give, in their order: (size(), *shape)."""
    everyone = np.zeros((size(), *array.shape), np.float32)
    if size() == 1:
        everyone[0] = array
        return everyone
    import jittor as jt

    everyone[rank()] = array
    return jt.array(everyone).mpi_all_reduce("add").numpy()


def whole(of_share: np.ndarray) -> np.ndarray:
    """The whole batch of which every process gives its share."""
    return of_share if size() == 1 else gather(of_share).reshape((-1, *of_share.shape[1:]))


def spread(variables: list) -> None:
    """Give Vars the values that they have in the first process."""
    if size() == 1:
        return
    import jittor as jt

    for var in variables:
        var.update(var.mpi_broadcast(0))
    jt.sync_all()


def differing(checksum: int) -> list[int]:
    """The processes whose checksum, of 32 bits, is not that of the first."""
    halves = gather(np.array([checksum >> 16, checksum & 0xFFFF], np.float32))  # float32 holds 24 bits
    return [place for place, of_one in enumerate(halves) if (of_one != halves[0]).any()]


def wait_for_all() -> None:
    """Return when every process has come here."""
    gather(np.zeros(1, np.float32))


def cores() -> int:
    """The processor cores that one process may use, of those that it shares with the others on its machine."""
    own = len(os.sched_getaffinity(0))
    return own if size() == 1 else min(own, _share_of_cores())


def _share_of_cores() -> int:
    """As many as mpirun itself may use, by the processes on this machine; it may have bound each to less."""
    return max(1, len(os.sched_getaffinity(os.getppid())) // int(os.environ.get("OMPI_COMM_WORLD_LOCAL_SIZE", 1)))


def described(threads: str) -> str:
    """How many processes of so many threads compute, as a part of a sentence; "" for one process."""
    if size() == 1:
        return ""
    bound = ", as mpirun binds them to cores (--bind-to none does not)" if cores() < _share_of_cores() else ""
    return f" by {size()} processes of {threads} thread{'s' * (threads != '1')} each{bound}"
