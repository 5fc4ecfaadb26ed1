"""What Jittor would find of a GPU on this machine, said before it is imported: where something lacks, its import fails.

It is looked for as Jittor 1.3.11 does (its compiler.py and compile_extern.py): the driver; nvcc, with CUDA's libraries
beside it; and cuDNN, unless the variable conv_opt says that Jittor's own convolutions are to serve.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from jgan.jittor_setup.prerequisites import (
    DRIVER,
    RUNTIME,
    cuda_libraries,
    cuda_of_jittor,
    find_nvcc,
    jittor_cache,
    loads,
)

EXACT = {"NVIDIA_TF32_OVERRIDE": "0"}  # tells NVIDIA's libraries not to round what they multiply to 10 bits
NEWEST = {(11, 8): 90, (11, 1): 86, (11,): 80, (): 75}  # from a CUDA on, the architecture that Jittor compiles for
FIELDS = "name,memory.total,driver_version"
SYSTEM_HEADERS, SYSTEM_LIBRARIES = Path("/usr/include"), (Path("/usr/lib/x86_64-linux-gnu"), Path("/usr/lib"))
CUDNN = ("cudnn", "cudnn_ops_infer", "cudnn_ops_train", "cudnn_cnn_infer", "cudnn_cnn_train")
INSTALL = "install CUDA 12 and cuDNN 8, or have Jittor do so for itself by python -m jittor_utils.install_cuda"
WITHOUT = "set the variable conv_opt=1 to do without it, more slowly"


class Finding(NamedTuple):
    """A sentence about one thing; what to do is in it if the thing is not usable."""

    usable: bool
    sentence: str


class GPU(NamedTuple):
    """A GPU as nvidia-smi tells of it."""

    name: str
    memory: str  # in MiB
    driver: str
    architecture: int | None  # 90 for compute capability 9.0; None where nvidia-smi is too old to know it


def findings() -> list[Finding]:
    """All that is found, in the order in which Jittor needs it."""
    gpus, found = _gpus()
    found += _hidden()
    nvcc, of_nvcc = _nvcc()
    found += of_nvcc
    if nvcc is not None:
        version = parse_nvcc(output(nvcc, "--version") or "")
        found.append(_cuda(nvcc, version))
        found += [*_architectures(_visible(gpus), version), _cudnn(nvcc, version)] if version else []
    return found


def output(*command) -> str | None:
    """What a program prints; None if there is none, or if it fails."""
    try:
        done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return None if done.returncode else done.stdout


def parse_gpus(csv: str) -> list[GPU]:
    """The GPUs of what nvidia-smi --query-gpu prints for `FIELDS` and, where it knows that, compute_cap."""
    rows = [[field.strip() for field in line.split(",")] for line in csv.splitlines() if line.count(",") >= 2]
    return [GPU(name, memory, driver, _architecture(*capability)) for name, memory, driver, *capability in rows]


def _architecture(capability: str = "") -> int | None:
    match = re.fullmatch(r"(\d+)\.(\d)", capability)
    return int(match[1] + match[2]) if match else None


def parse_nvcc(text: str) -> tuple[int, ...]:
    """(12, 2, 140) of what nvcc --version prints; () if it prints no version."""
    found = re.findall(r"\d+\.\d+\.\d+", text) or re.findall(r"\d+\.\d+", text)
    return tuple(map(int, found[-1].split("."))) if found else ()


def parse_cudnn(text: str) -> tuple[int, ...]:
    """(8, 9, 7) of cuDNN's header; () if it holds no version."""
    names = ("MAJOR", "MINOR", "PATCHLEVEL")
    found = [re.search(rf"^#define\s+CUDNN_{name}\s+(\d+)", text, re.M) for name in names]
    return tuple(int(match[1]) for match in found) if all(found) else ()


def _lacking(sentence: str) -> Finding:
    return Finding(False, sentence)


def _gpus() -> tuple[list[GPU], list[Finding]]:
    if shutil.which("nvidia-smi") is None:
        install = "install the driver of an NVIDIA GPU, or start the container with its GPUs (docker run --gpus all)"
        return [], [_lacking(f"There is no nvidia-smi on the PATH: {install}.")]
    queries = (f"--query-gpu={fields}" for fields in (f"{FIELDS},compute_cap", FIELDS))
    printed = (output("nvidia-smi", query, "--format=csv,noheader,nounits") for query in queries)
    gpus = parse_gpus(next(filter(None, printed), ""))
    if not gpus:
        return [], [_lacking("nvidia-smi sees no GPU: run it alone, and see what it complains of.")]
    found = [
        Finding(True, f"GPU {i}: {gpu.name}{_called(gpu)}, {gpu.memory} MiB, driver {gpu.driver}.")
        for i, gpu in enumerate(gpus)
    ]
    if not loads(DRIVER):
        install = "install it; a container needs NVIDIA_DRIVER_CAPABILITIES=compute,utility when it is started"
        found.append(_lacking(f"The driver's library {DRIVER} cannot be loaded: {install}."))
    return gpus, found


def _called(gpu: GPU) -> str:
    return "" if gpu.architecture is None else f" (sm_{gpu.architecture})"


def _hidden() -> list[Finding]:
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None or re.match(r"\s*(\d|GPU-|MIG-)", visible):
        return []
    return [_lacking(f"The variable CUDA_VISIBLE_DEVICES is {visible!r}, which hides every GPU: unset it.")]


def _visible(gpus: list[GPU]) -> list[GPU]:
    """Those that CUDA_VISIBLE_DEVICES names by their numbers; all where it does not."""
    places = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    if not all(place.strip().isdecimal() for place in places):
        return gpus
    return [gpus[int(place)] for place in places if int(place) < len(gpus)]


def _nvcc() -> tuple[Path | None, list[Finding]]:
    given = os.environ.get("nvcc_path")
    if given == "":
        return None, [_lacking("The variable nvcc_path is empty, by which Jittor uses no GPU: unset it.")]
    folder = jittor_cache() / "jtcuda"
    if cuda_of_jittor() and not given:
        nvcc, sentence = max(folder.glob("*/bin/nvcc"), default=None), f"Jittor's own CUDA in {folder} has no nvcc"
    else:
        nvcc, sentence = find_nvcc(), "There is no nvcc"
    return nvcc, [] if nvcc else [_lacking(f"{sentence}: {INSTALL}.")]


def _cuda(nvcc: Path, version: tuple[int, ...]) -> Finding:
    if not version:
        return _lacking(f"{nvcc} --version prints no version: {INSTALL}.")
    said, libraries = f"nvcc {dotted(version)} is {nvcc}", cuda_libraries(nvcc)
    if version >= (13,):
        return _lacking(f"{said}, and with CUDA 13 Jittor 1.3.11 does not compile: {INSTALL}.")
    if not loads(libraries / RUNTIME):
        return _lacking(f"{said}, and {RUNTIME} cannot be loaded from {libraries}: {INSTALL}.")
    return Finding(True, f"{said}.")


def _architectures(gpus: list[GPU], version: tuple[int, ...]) -> list[Finding]:
    """Which GPUs are too new: code for an architecture runs on those with the same tens alone."""
    newest = next(architecture for least, architecture in NEWEST.items() if version >= least)
    advice = "take an older GPU" if newest == max(NEWEST.values()) else INSTALL
    return [
        _lacking(f"With this nvcc Jittor compiles for sm_{newest} at most, not for {gpu.name}{_called(gpu)}: {advice}.")
        for gpu in gpus
        if gpu.architecture is not None and gpu.architecture // 10 > newest // 10
    ]


def _cudnn(nvcc: Path, version: tuple[int, ...]) -> Finding:
    if os.environ.get("conv_opt", "0") != "0":
        return Finding(True, "cuDNN is not used, as conv_opt is set: Jittor's own convolutions serve, more slowly.")
    home, libraries = Path(os.path.realpath(nvcc)).parent.parent, cuda_libraries(nvcc)
    targets = home / "targets" / "x86_64-linux"
    folder = _first_with("cudnn.h", home / "include", targets / "include", SYSTEM_HEADERS)
    if folder is None:
        return _lacking(
            f"There is no cudnn.h in {home / 'include'}: install cuDNN 8 there (pip's is not seen); or {WITHOUT}."
        )
    header = "cudnn_version.h" if (folder / "cudnn_version.h").is_file() else "cudnn.h"
    cudnn = parse_cudnn((folder / header).read_text(errors="replace"))
    said = f"cuDNN {dotted(cudnn)} is in {folder}"
    if version < (11,):
        return Finding(True, f"{said}.")
    if cudnn[:1] != (8,):
        return _lacking(f"{said}, and Jittor 1.3.11 knows 8 alone: put that in its place, or {WITHOUT}.")
    places = (home / "bin", libraries, targets / "lib", *SYSTEM_LIBRARIES)
    endings = ("so.8", "so") if version < (12,) else ("so",)
    missing = [name for name in CUDNN if not any(_first_with(f"lib{name}.{each}", *places) for each in endings)]
    if missing:
        return _lacking(f"{said}, and lib{missing[0]}.so is not in {libraries}: install all of it, or {WITHOUT}.")
    return Finding(True, f"{said}.")


def _first_with(name: str, *folders: Path) -> Path | None:
    return next((folder for folder in folders if (folder / name).is_file()), None)


def dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version)) or "of an unknown version"
