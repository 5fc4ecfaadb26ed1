"""How training gets faster by several processes: the times of a step, and what they predict for more of them.

python -m jgan.reference.scaling MODEL SECONDS BATCH_SIZE

That is one of the processes to be timed, alone or among those of mpirun; the first prints a line of JSON. `compare`
starts them. Times are in seconds.
"""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
import time

import numpy as np

from jgan import processes
from jgan.errors import UserError
from jgan.reference.worker import SIZES

MB = 1e6
REDUCED = (1e-6, 0.1, 1, 10)  # MB in one array, whose averaging is timed
PREDICTED = (4, 8, 64)
REPETITIONS = 20


def compare(models: list[str], counts: list[int], seconds: float) -> dict:
    """Times by model: "one" process of one thread, and by number N one process of N "threads" and N "processes" of one
    thread each, at the same "batch_size"; then one process at a "share" of 1/N of it, and the times of a step that are
    "predicted" from these for N processes, which is a check, and for more."""
    found = {}
    for model in models:
        multiple = math.lcm(*counts)
        batch_size = -(-SIZES[model]["batch_size"] // multiple) * multiple
        one = _timed(model, 1, 1, seconds, batch_size)
        found[model] = {"batch_size": batch_size, "one": one}
        for n in counts:
            if n > 1:
                threads = _timed(model, 1, n, seconds, batch_size)
                several = _timed(model, n, 1, seconds, batch_size)
                share = _timed(model, 1, 1, seconds, batch_size // n)
                predicted = {
                    more: predict(one["step"], share["step"], n, several, more)
                    for more in (n, *PREDICTED)
                    if more <= batch_size
                }
                found[model][n] = {"threads": threads, "processes": several, "share": share, "predicted": predicted}
    return found


def predict(one: float, share: float, n: int, costs: dict, more: int) -> float:
    """The time of a step by `more` processes (docs/processes.md).

    one: that of one process; share: that of one process at 1/n of the batch; costs: what a step averages, and how long
    that takes, as `measure` has them.
    """
    shared = min(max((one - share) / (1 - 1 / n), 0), one)  # of the step of one
    averaging = costs["reductions"] * costs["latency"] * math.log2(more)
    averaging += 2 * (more - 1) / more * costs["mb"] * costs["per_mb"]
    return shared / more + (one - shared) + averaging


def table(found: dict) -> str:
    """What `compare` found, as a table in Markdown; efficiency is the gain over one thread by their number."""
    lines = ["| model | batch | computed by | steps/s | efficiency | predicted by number |", "| --- " * 6 + "|"]
    for model, of_model in found.items():
        one = of_model["one"]["step"]

        def efficiency(step: float, n: int, one=one) -> str:
            return f"{one / step / n:.0%}"

        rows = [("1 thread", one, 1, "")]
        for n, times in of_model.items():
            if isinstance(n, int):
                rows.append((f"{n} threads", times["threads"]["step"], n, ""))
                more = (f"{m}: {efficiency(step, m)}" for m, step in times["predicted"].items())
                rows.append((f"{n} processes", times["processes"]["step"], n, ", ".join(more)))
        for how, step, n, predicted in rows:
            batch_size = of_model["batch_size"]
            lines.append(f"| {model} | {batch_size} | {how} | {1 / step:.2f} | {efficiency(step, n)} | {predicted} |")
    return "\n".join(lines)


def _timed(model: str, n_processes: int, n_threads: int, seconds: float, batch_size: int) -> dict:
    mpirun = ["mpirun", "--oversubscribe", "--bind-to", "none", "-np", str(n_processes)] if n_processes > 1 else []
    done = subprocess.run(
        [*mpirun, sys.executable, "-m", "jgan.reference.scaling", model, str(seconds), str(batch_size)],
        env={**os.environ, "OMP_NUM_THREADS": str(n_threads)}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    if done.returncode:
        raise UserError(f"{model} by {n_processes} processes ended with status {done.returncode}; see its words above")
    return json.loads(done.stdout.splitlines()[-1])


def measure(model: str, seconds: float, batch_size: int) -> dict:
    """ "step" is the median time of one; of several processes also what a step averages, and how long that takes."""
    import jittor as jt

    from jgan.reference.cases import CASES, Library
    from jgan.training.state import part_variables

    lib = Library("jittor")
    case = CASES[model](lib, **{**SIZES[model], "batch_size": batch_size})
    processes.spread([var for part in case.algorithm.parts.values() for var in part_variables(part)])
    inputs = case.tensors(lib, 0)
    jt.sync_all()

    def step() -> float:
        start = time.perf_counter()
        case.step(**inputs)
        jt.sync_all(True)
        return time.perf_counter() - start

    step()
    with _Counted() as averaged:
        longest = step()
    longest = float(processes.gather(np.array([longest], np.float32)).max())  # all are to do as many
    found = {"step": statistics.median(step() for _ in range(max(3, round(seconds / longest))))}
    if processes.size() > 1:
        times = [_reduction(size) for size in REDUCED]
        per_mb = (times[-1] - times[0]) / (2 * (1 - 1 / processes.size()) * REDUCED[-1])
        found.update(reductions=averaged.n, mb=averaged.mb, reduce=dict(zip(REDUCED, times)), per_mb=per_mb)
        found["latency"] = times[0] / math.log2(processes.size())
    return found


class _Counted:
    """Counts the reductions of a step, and one for the backward pass of each `processes.mean`, which Jittor adds."""

    def __enter__(self):
        import jittor as jt

        self.n, self.mb = 0, 0.0
        self._reduce, self._mean = getattr(jt.Var, "mpi_all_reduce", None), processes.mean

        def reduce(var, op):
            self._count(var)
            return self._reduce(var, op)

        def mean(var):
            self._count(var)
            return self._mean(var)

        jt.Var.mpi_all_reduce, processes.mean = reduce, mean
        return self

    def __exit__(self, *_):
        import jittor as jt

        jt.Var.mpi_all_reduce, processes.mean = self._reduce, self._mean

    def _count(self, var) -> None:
        self.n += 1
        self.mb += 4 * var.numel() / MB


def _reduction(mb: float) -> float:
    """The median time in which the processes average so many MB."""
    import jittor as jt

    array = jt.array(np.ones(max(1, round(mb * MB / 4)), np.float32))
    times = []
    for _ in range(REPETITIONS):
        jt.sync_all(True)
        start = time.perf_counter()
        array = array.mpi_all_reduce("mean")
        jt.sync_all(True)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


if __name__ == "__main__":
    model, seconds, batch_size = sys.argv[1:]
    result = measure(model, float(seconds), int(batch_size))
    if processes.is_first():
        print(json.dumps(result), flush=True)
