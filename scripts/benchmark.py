"""Time Jittor against PyTorch: the same networks, weights, inputs and threads, in turn, each in a process of its own.

Four sides take turns: jittor, this package as it is; stock, without its own kernels (JGAN_KERNELS=0); pytorch, as most
programs are written; and tuned, PyTorch with all that was found to make it faster (see jgan/reference/worker.py).

python scripts/benchmark.py                        # all models, 15 rounds
python scripts/benchmark.py --quick                # 3 short rounds of jittor and pytorch alone
python scripts/benchmark.py --models dcgan,pix2pix --threads 1
python scripts/benchmark.py --device cuda          # on a GPU; the memory in the table is the GPU's
python scripts/benchmark.py --processes 1,2        # Jittor alone: one process, its threads, and several processes

It prints a table and writes benchmark.json and benchmark.png. Without PyTorch (requirements-benchmark.txt) it times
Jittor alone. Run it on a machine that does nothing else.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import io
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Optional

import numpy as np

from jgan.cli.options import numbers, option
from jgan.cli.program import run_program
from jgan.errors import UserError
from jgan.files import make_folder, write_bytes
from jgan.jittor_setup.prerequisites import cuda_is_usable
from jgan.jittor_setup.runtime import NO_CUDA
from jgan.reference import scaling
from jgan.reference.worker import QUICK_N_CRITIC, SIDES, SIZES, inference_batches, sizes

WORKER = ("-m", "jgan.reference.worker")
FIRST_STEPS = 2
FEW_ROUNDS = 3  # for a step with data, which is never compared
CONFIDENCE = 0.95
TOLERANCE = 1e-2  # relative, between their losses: PyTorch with and without oneDNN differs by up to 2e-3 (DCGAN)


@dataclasses.dataclass
class Options:
    models: str = option("all", f"all, or some joined by commas: {', '.join(SIZES)}", subset_of=("all", *SIZES))
    device: str = option("cpu", "where to compute", choices=("cpu", "cuda"))
    threads: int = option(len(os.sched_getaffinity(0)), "threads of either framework", least=1)
    rounds: int = option(15, "how often the sides take turns", least=1)
    seconds: float = option(1.0, "about how long the slowest computes in a round; a step at least", above=0)
    quick: bool = option(
        False, f"3 rounds of a second, jittor and pytorch alone, no data, {QUICK_N_CRITIC} updates of a critic"
    )
    processes: Optional[str] = option(None, "time training by so many processes, 1,2 say, in place of all else")
    output: str = option(".", "the folder for benchmark.json and benchmark.png")


class Side:
    """The process of a side for a model."""

    def __init__(self, name: str, model: str, opt: Options):
        self.name = name
        self.process = subprocess.Popen(
            [sys.executable, *WORKER, name, model, str(opt.threads), opt.device, *(["quick"] if opt.quick else [])],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, **SIDES[name], "OMP_NUM_THREADS": str(opt.threads)}, start_new_session=True,
        )  # fmt: skip

    def ask(self, request: str, **options) -> dict:
        """The answer to a request; UserError if the process ended instead."""
        try:
            self.process.stdin.write(json.dumps({"do": request, **options}) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # it ended, as the empty line says
        line = self.process.stdout.readline()
        if not line:
            raise UserError(f"the process of {self.name} ended with status {self.process.wait()}; see its words above")
        return json.loads(line)

    def close(self) -> None:
        """End the process, whatever it is doing."""
        self.process.kill()
        self.process.wait()


def main(opt: Options, given: dict) -> int:
    models = opt.models.split(",")
    if "all" in models:
        models = list(SIZES)
    if opt.processes is not None:
        return compare_processes(opt, models, given)
    for name in ("rounds", "seconds"):
        if opt.quick and name in given:
            raise UserError(f"--quick has its own --{name}; leave one of them out")
    if opt.device == "cuda" and not cuda_is_usable():
        raise UserError(NO_CUDA)
    rounds, seconds = (3, 1.0) if opt.quick else (opt.rounds, opt.seconds)
    names = ["jittor", "pytorch"] if opt.quick else list(SIDES)
    if opt.device == "cuda":
        names = [name for name in names if name != "stock"]  # the same as jittor, whose kernels are for the CPU
    if importlib.util.find_spec("torch") is None:
        names = [name for name in names if name in ("jittor", "stock")]
        print("PyTorch is not installed, so Jittor is timed alone: pip install -r requirements-benchmark.txt")
    output = Path(opt.output)
    make_folder(output)

    how = {"threads": opt.threads, "device": opt.device, "rounds": rounds, "seconds": seconds}
    results = {}
    print(HEAD)
    for model in models:
        sides = [Side(name, model, opt) for name in names]
        try:
            results[model] = measure(sides, model, rounds, seconds, quick=opt.quick)
        finally:
            for side in sides:
                side.close()
        print(row(model, results[model]), flush=True)
        write_bytes(output / "benchmark.json", json.dumps({"how": how, "models": results}, indent=2).encode())
    draw(output / "benchmark.png", results)
    print(f"wrote {output / 'benchmark.json'} and {output / 'benchmark.png'}")
    return 0


def compare_processes(opt: Options, models: list[str], given: dict) -> int:
    """Time training by several processes, print the table, and write processes.json."""
    counts = numbers(opt.processes, "--processes")
    for name in ("device", "threads", "rounds", "quick"):
        if name in given:
            raise UserError(f"--{name} has no part in --processes; leave it out")
    if 0 in counts:
        raise UserError("--processes: at least one process computes")
    if shutil.which("mpirun") is None:
        raise UserError("--processes needs mpirun (Debian and Ubuntu: apt install openmpi-bin libopenmpi-dev)")
    output = Path(opt.output)
    make_folder(output)
    found = scaling.compare(models, counts, opt.seconds)
    print(scaling.table(found))
    write_bytes(output / "processes.json", json.dumps(found, indent=2).encode())
    print(f"wrote {output / 'processes.json'}")
    return 0


def measure(sides: list[Side], model: str, rounds: int, seconds: float, *, quick: bool) -> dict:
    """Everything about one model, by side: times in seconds, a median for each round.

    "ratio" holds Jittor's time as a share of the side's, round by round, by what was timed, and "interval" the
    confidence interval of its median; "difference" is that of the losses of the first steps from Jittor's.
    """
    found = {side.name: {} for side in sides}
    for side in sides:
        found[side.name].update(side.ask("ready"))
    begun = [side.ask("begin", n=FIRST_STEPS) for side in sides]
    for side, answer in zip(sides, begun):
        found[side.name]["first_step"] = answer["seconds"][0]
        found[side.name]["difference"] = difference(begun[0]["losses"], answer["losses"])
    slowest = max(answer["seconds"][-1] for answer in begun)
    requests = {"step": ("steps", {}), "step_with_data": ("steps_with_data", {})}
    if quick:
        del requests["step_with_data"]
    requests.update((inference(n), ("inference", {"batch_size": n})) for n in inference_batches(model))
    for name, (request, options) in requests.items():
        for side in sides:
            found[side.name][name] = []
        if request == "inference":
            slowest = max(side.ask(request, n=1, **options)["seconds"][0] for side in sides)
        for _ in range(min(rounds, FEW_ROUNDS) if name == "step_with_data" else rounds):
            for side in sides:
                answer = side.ask(request, n=max(1, round(seconds / slowest)), **options)
                found[side.name][name].append(statistics.median(answer["seconds"]))
                found[side.name].update({"losses": answer["losses"]} if "losses" in answer else {})
    size = sizes(model, quick)
    for side in sides:
        each = found[side.name]
        each["images_per_second"] = size["batch_size"] * size.get("n_critic", 1) / statistics.median(each["step"])
        each.update(side.ask("memory"))
        each["ratio"] = {name: [j / s for j, s in zip(found["jittor"][name], each[name])] for name in requests}
        each["interval"] = {name: median_interval(ratios) for name, ratios in each["ratio"].items()}
    return found


def inference(n: int) -> str:
    """The name of what is measured where a generator makes n images at once."""
    return f"inference of {n}"


def median_interval(values: list[float]) -> tuple[float, float] | None:
    """The `CONFIDENCE` interval of the median, between two of the values; None for fewer than six.

    By the sign test: each value lies below the median with probability 1/2, whatever they are distributed like, so k of
    n do by a binomial distribution (Conover 1999, Practical Nonparametric Statistics, section 3.2).
    """
    n, ordered = len(values), sorted(values)
    tails = [2 * sum(math.comb(n, i) for i in range(k + 1)) / 2**n for k in range(n)]
    outside = [k for k in range(n // 2) if tails[k] <= 1 - CONFIDENCE]
    return (ordered[outside[-1]], ordered[-1 - outside[-1]]) if outside else None


def difference(a: list[dict], b: list[dict]) -> float:
    """The largest between the losses of two, as a share of the largest loss of the step; NaN if one is."""
    return float(
        np.max(
            [np.max([abs(x[name] - y[name]) for name in x]) / np.max(np.abs(list(y.values()))) for x, y in zip(a, b)]
        )
    )


HEAD = f"""{"model":10} {"side":8} {"first step":>10} {"step":>9} {"spread":>6} {"images/s":>8} {"with data":>9} \
{"memory":>7}  {"inference":^31}   jittor's time / the side's: median [95% interval of the median]"""


def row(model: str, found: dict) -> str:
    """The lines of the table about one model."""
    lines = []
    for side, each in found.items():
        step = statistics.median(each["step"])
        spread = (max(each["step"]) - min(each["step"])) / step
        inferences = [name for name in each if name.startswith("inference")]
        drawing = ", ".join(f"{name.split()[-1]} in {milliseconds(each, name).strip()}" for name in inferences)
        lines.append(
            f"{model:10} {side:8} {each['first_step']:8.1f} s {1000 * step:6.1f} ms {spread:6.0%} "
            f"{each['images_per_second']:8.1f} {milliseconds(each, 'step_with_data')} "
            f"{each.get('device_peak_mb', each['peak_mb']):4.0f} MB  {drawing:31}"
        )
        if side != "jittor":
            agree = "agree" if each["difference"] < TOLERANCE else "DIFFER"
            ratios = ", ".join(f"{name} {ratio(each, name)}" for name in ("step", *inferences))
            lines[-1] += f"   {ratios}, losses {agree} ({each['difference']:.0e})"
    return "\n".join(lines)


def ratio(each: dict, name: str) -> str:
    """Jittor's time as a share of a side's, as the table says it."""
    interval = each["interval"][name]
    between = f" [{interval[0]:.2f} to {interval[1]:.2f}]" if interval else ""
    return f"{statistics.median(each['ratio'][name]):.2f}{between}"


def milliseconds(each: dict, name: str) -> str:
    """The median of some times for the table; blank where there are none."""
    return f"{1000 * statistics.median(each[name]):6.1f} ms" if name in each else " " * 9


def draw(path: Path, results: dict) -> None:
    """A chart of the step times, median and range, as shares of those of PyTorch as usual (without it, of the last)."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), layout="constrained")
    axes = figure.add_subplot()
    places = np.arange(len(results))
    sides = list(next(iter(results.values())))
    width = 0.84 / len(sides)
    rounds = {side: np.array([found[side]["step"] for found in results.values()]) for side in sides}
    whole = "pytorch" if "pytorch" in sides else sides[-1]
    unit = np.median(rounds[whole], axis=1)
    for i, side in enumerate(sides):
        median = np.median(rounds[side], axis=1)
        spread = np.abs([rounds[side].min(axis=1) - median, rounds[side].max(axis=1) - median])
        bars = axes.bar(
            places + (i - (len(sides) - 1) / 2) * width, median / unit, 0.95 * width,
            yerr=spread / unit, error_kw={"elinewidth": 0.7, "ecolor": "0.3"}, label=side,
        )  # fmt: skip
        for bar, step in zip(bars, median):
            place = (bar.get_x() + bar.get_width() / 2, 0)
            text = f" {1000 * step:.{0 if step > 0.1 else 1}f} ms"
            axes.annotate(text, place, rotation=90, ha="center", va="bottom", color="white", fontsize=7)
    axes.set_xticks(places, list(results))
    axes.set_ylabel(f"time of a step, {whole} = 1")
    figure.legend(loc="outside upper center", ncols=len(sides), frameon=False)
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=120)
    write_bytes(path, file.getvalue())


if __name__ == "__main__":
    run_program(Options, __doc__, main)
