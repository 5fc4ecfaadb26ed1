"""Training by processes that mpirun starts: it is the training of one, and one that fails ends all."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import ENVIRONMENT, ROOT, run_python
from PIL import Image
from programs import require_same_file, run, write_images
from several import one_step, penalized_batch_norm

from jgan.models import gan
from jgan.reference.cases import FIXTURES
from jgan.training.log import read_log
from jgan.weights.arrays import load

pytestmark = [
    pytest.mark.cpu("each process would need a GPU of its own"),
    pytest.mark.skipif(
        not (shutil.which("mpirun") and shutil.which("mpicc")),
        reason="OpenMPI (openmpi-bin, libopenmpi-dev) is not here",
    ),
]
MPIRUN = ["mpirun", "--oversubscribe", "--bind-to", "none", "-np"]
OPENMPI = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_mpi_yield_when_idle": "1",  # or those that wait would keep a busy machine's cores from the others
}  # fmt: skip
STEPS = ["--seed", "5", "--max_steps", "4"]
MANY_STEPS = ["--n_epochs", "50", "--max_steps", "50"]
ON_PICTURES = ["--dataset", "folder", "--data_dir", "pictures", "--channels", "3", "--batch_size", "4", *STEPS]
ON_CLASSES = ["--dataset", "folder", "--data_dir", "animals", "--channels", "3", "--batch_size", "4", *STEPS]
TRANSLATION = ["--img_size", "32", "--conv_dim", "4", "--batch_size", "2", *STEPS]
PROGRAMS = {
    "gan": ["train_gan", "--img_size", "12", *ON_PICTURES],
    "dcgan": [
        "train_dcgan", "--img_size", "16", "--conv_dim", "4", *ON_PICTURES, "--ema_decay", "0.9",
        "--augment", "color,translation,cutout", "--lambda_r1", "1",
    ],
    "cgan": ["train_cgan", "--img_size", "16", "--conv_dim", "4", *ON_CLASSES],
    "cgan_mlp": ["train_cgan", "--arch", "mlp", "--img_size", "16", *ON_CLASSES],
    "wgan": ["train_wgan", "--img_size", "12", "--conv_dim", "4", "--n_critic", "2", *ON_PICTURES],
    "wgan_gp": ["train_wgan_gp", "--img_size", "12", "--conv_dim", "4", "--n_critic", "2", *ON_PICTURES],
    "pix2pix": ["train_pix2pix", "--data_dir", "pairs", *TRANSLATION],
    "spade": ["train_pix2pix", "--arch", "spade", "--label_classes", "3", "--data_dir", "label_maps", *TRANSLATION],
    "cyclegan": [
        "train_cyclegan", "--data_dir", "unpaired", "--n_blocks", "1", "--pool_size", "2", *TRANSLATION,
        "--augment", "translation",
    ],
    "classifier": ["train_classifier", "--img_size", "16", "--conv_dim", "2", *ON_CLASSES],
}  # fmt: skip
GAN = PROGRAMS["gan"]
ENDLESS = [*GAN[1:-2], "--n_epochs", "9999999"]


def start(folder: Path, *command, n: int = 2) -> subprocess.Popen:
    """Start n processes of python with these arguments."""
    return subprocess.Popen(
        [*MPIRUN, str(n), sys.executable, *map(str, command)],
        cwd=folder, env={**ENVIRONMENT, **OPENMPI},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def end(process: subprocess.Popen) -> tuple[int, str]:
    """The status and the words of mpirun and its processes once they have ended; none may stay behind."""
    ranks = children(process)
    try:
        _, err = process.communicate(timeout=1800)  # where nothing is compiled yet
    finally:
        process.kill()
    deadline = time.monotonic() + 5
    while any(map(is_alive, ranks)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(map(is_alive, ranks))
    return process.returncode, err


def children(process: subprocess.Popen) -> list[int]:
    """The processes that mpirun has started."""
    return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def train(folder: Path, name: str, *arguments) -> None:
    """Train by two processes to the end."""
    status, err = end(start(folder, ROOT / "scripts" / f"{name}.py", *arguments))
    assert status == 0, err


def started(folder: Path, run_folder: str, *arguments) -> subprocess.Popen:
    """A training of the first GAN without end by two processes, which has logged steps."""
    options = [*ENDLESS, "--save_interval", 8, "--output", run_folder]
    process = start(folder, ROOT / "scripts" / "train_gan.py", *options, *arguments)
    log = folder / run_folder / "log.jsonl"
    deadline = time.monotonic() + 600
    while not (log.exists() and log.read_text()) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    return process


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of data sets: pictures, animals (of two classes), pairs, label maps with images, and unpaired."""
    folder = tmp_path_factory.mktemp("several")
    write_images(folder / "pictures", 12)
    for i, name in enumerate(("animals/cat", "animals/ant", "unpaired/trainA", "unpaired/trainB")):
        write_images(folder / name, 12, seed=i)
    random = np.random.default_rng(0)
    for name in ("pairs", "label_maps/A", "label_maps/B"):
        (folder / name).mkdir(parents=True)
    for i, pixels in enumerate(random.integers(0, 256, (4, 32, 64, 3), np.uint8)):
        Image.fromarray(pixels).save(folder / "pairs" / f"{i}.png")
        Image.fromarray(random.integers(0, 3, (32, 32), np.uint8)).save(folder / "label_maps" / "A" / f"{i}.png")
        Image.fromarray(pixels[:, :32]).save(folder / "label_maps" / "B" / f"{i}.png")
    return folder


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    """What each of four processes holds after a step of each golden case."""
    folder = tmp_path_factory.mktemp("cases")
    status, err = end(start(folder, ROOT / "tests" / "several.py", "cases", ".", n=4))
    assert status == 0, err
    return lambda name: [dict(np.load(folder / f"{name}.{rank}.npz")) for rank in range(4)]


@pytest.mark.parametrize("name", FIXTURES)
def test_a_step_of_four_processes_is_that_of_one(cases, name):
    """Errors are shares of the largest value, of gradients the network's. Measured: 1.6e-6 at most."""
    first, *others = cases(name)
    assert {key for other in others for key, array in first.items() if not np.array_equal(array, other[key])} == set()
    expected = one_step(name)
    assert first.keys() == expected.keys()
    for key, array in expected.items():
        group = key.rpartition("/")[0] if key.startswith("gradients/") else key
        largest = max(np.abs(other).max() for at, other in expected.items() if at.startswith(group))
        if not key.startswith("after/") or "running_" in key:  # Adam makes whole steps even of rounding
            assert np.abs(first[key] - array).max() < 1e-5 * largest, key


@pytest.mark.parametrize("kernels", ["0", "1"])
def test_a_batch_norm_and_its_derivatives_are_those_of_the_whole_batch(cases, monkeypatch, kernels):
    monkeypatch.setenv("JGAN_KERNELS", kernels)
    first, *others = cases(f"penalized{kernels}")
    for key, array in penalized_batch_norm().items():
        for other in others:
            np.testing.assert_array_equal(first[key], other[key])
        assert np.abs(first[key] - array).max() < 1e-5 * np.abs(array).max(), key


@pytest.fixture(scope="module")
def trained(folder):
    """The runs of all programs by two processes, as NAME.2 in the folder, and their longer ones, as NAME.many."""
    commands = [
        [*command, *more, "--output", f"{name}.{kind}"]
        for name, command in PROGRAMS.items()
        for more, kind in (([], "2"), (MANY_STEPS, "many"))
    ]
    status, err = end(start(folder, ROOT / "tests" / "several.py", "programs", json.dumps(commands)))
    assert status == 0, err


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_training_by_two_processes_is_that_of_one(folder, trained, name):
    """Measured: losses 1.3e-5, weights 2e-5 at most, as shares of the largest loss and of a network's norm.

    The pools' images, drawn by weights that differ so much, are the same by less than half a grey level. Moments are
    gradients at such weights, which CycleGAN's instance normalisation makes steep (0.8% of them): see the single step.
    """
    program, *options = PROGRAMS[name]
    run(folder, program, *options, "--output", f"{name}.1")
    one, two = (folder / f"{name}.{n}" for n in (1, 2))
    losses, others = (read_log(each / "log.jsonl")[-1] for each in (one, two))
    assert losses.keys() == others.keys()
    names = losses.keys() - {"step", "images_per_s"}
    largest = max(abs(losses[key]) for key in names)
    assert max(abs(losses[key] - others[key]) for key in names) < 1e-4 * largest
    (arrays, header), (moved, other_header) = (load(each / "state.safetensors") for each in (one, two))
    assert header == other_header and arrays.keys() == moved.keys()
    for part in {key.partition("/")[0] for key in arrays}:
        whole, parts = (
            np.concatenate([of[key].ravel() for key in arrays if key.startswith(f"{part}/")]) for of in (arrays, moved)
        )
        if part.startswith("pool"):
            assert np.abs(parts - whole).max() < 0.5 / 127.5, part
        elif not part.startswith("optimizer"):
            assert np.linalg.norm(parts - whole) < 1e-4 * np.linalg.norm(whole), part
    assert (two / "samples" / "0000004.png").exists() and (two / "index.html").exists()
    (session,) = json.loads((two / "config.json").read_text())["sessions"]
    assert session["processes"] == "2"


@pytest.mark.parametrize("name", PROGRAMS)
def test_after_fifty_steps_both_processes_hold_the_same_weights(folder, trained, name):
    """Which the save itself has compared, or there would be none; that it sees a difference is tested below."""
    header = load(folder / f"{name}.many" / "state.safetensors")[1]
    assert header["step"] == 50


def test_a_run_goes_on_by_the_command_it_prints_or_by_one_process(folder):
    """With as many processes it is the same run to the bit, with another number but for rounding."""
    process = started(folder, "stopped")
    process.send_signal(signal.SIGUSR1)  # mpirun hands it on
    status, err = end(process)
    assert status == 128 + signal.SIGUSR1, err
    stopped = load(folder / "stopped" / "state.safetensors")[1]["step"]
    assert f"stopped after step {stopped} of " in err
    command = err.rpartition("resume with\n")[2].splitlines()[0].split()
    assert command == [*MPIRUN, "2", "python", str(ROOT / "scripts" / "train_gan.py"), "--resume", "stopped"]

    shutil.copytree(folder / "stopped", folder / "alone")
    done = stopped + 3
    train(folder, "train_gan", *command[-2:], "--max_steps", done)
    train(folder, "train_gan", *ENDLESS, "--max_steps", done, "--output", "in one go")
    require_same_file(folder / "stopped" / "state.safetensors", folder / "in one go" / "state.safetensors")

    run(folder, "train_gan", "--resume", "alone", "--max_steps", done)
    losses, others = (read_log(folder / name / "log.jsonl")[-1] for name in ("alone", "in one go"))
    assert losses["d_loss"] == pytest.approx(others["d_loss"], rel=1e-4)


def test_the_first_ctrl_c_or_sigterm_says_how_to_go_on(folder):
    process = started(folder, "terminated")
    process.terminate()
    _, err = end(process)
    assert err.count("stopping after this step") == 1
    assert f"  {' '.join(MPIRUN)} 2 python {ROOT}/scripts/train_gan.py --resume terminated\n" in err
    assert load(folder / "terminated" / "state.safetensors")[1]["step"] >= 8


@pytest.mark.parametrize("rank", [0, 1])
def test_a_killed_process_ends_the_other(folder, rank):
    process = started(folder, f"killed {rank}")
    os.kill(children(process)[rank], signal.SIGKILL)
    status, err = end(process)
    assert status == 128 + signal.SIGKILL, err
    assert load(folder / f"killed {rank}" / "state.safetensors")[1]["step"] % 8 == 0


@pytest.mark.parametrize(
    ("raised", "status", "sentence"),
    [("UserError('no room here')", 2, "process 1 of 2: error: no room here"), ("ValueError('broken')", 1, "broken")],
)
def test_a_process_that_fails_alone_ends_the_other(folder, raised, status, sentence):
    code = f"""
        import runpy, sys
        from jgan import processes, steps
        from jgan.errors import UserError

        def step(*_, **__):
            if processes.rank() == 1:
                raise {raised}
            return taken(*_, **__)

        taken, steps.gan_step = steps.gan_step, step
        sys.argv = {["train_gan.py", *GAN[1:], "--output", "failed"]}
        runpy.run_path("{ROOT}/scripts/train_gan.py", run_name="__main__")
    """
    lines = [line[8:] for line in code.splitlines()]
    found, err = end(start(folder, "-c", "\n".join(lines)))
    assert found == status and err.count(sentence) == 1, err
    assert not (folder / "failed" / "state.safetensors").exists()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--lr", "1e30"], "became nan at step 1"),
        (["--batch_size", "3"], "2 processes share a batch equally, and one of 3 is not a multiple of 2"),
        (["--lr", "-1"], "argument --lr: -1.0 must be above 0"),
    ],
)
def test_an_error_of_all_is_said_once(folder, options, sentence):
    status, err = end(start(folder, ROOT / "scripts" / "train_gan.py", *GAN[1:], *options, "--output", "wrong"))
    assert status == 2 and err.count(sentence) == 1 and "Traceback" not in err, err


def test_processes_that_differ_stop_with_a_sentence(folder):
    code = f"""
        import runpy, sys
        from jgan import processes, steps

        def step(generator, *others, **given):
            if processes.rank() == 1:
                given["z_g"] = given["z_g"] + 1
                weight = generator.state_dict()["model.0.bias"]
                weight.update(weight + 1e-6)
            return taken(generator, *others, **given)

        taken, steps.gan_step = steps.gan_step, step
        sys.argv = {["train_gan.py", *GAN[1:], "--output", "differing"]}
        runpy.run_path("{ROOT}/scripts/train_gan.py", run_name="__main__")
    """
    status, err = end(start(folder, "-c", "\n".join(line[8:] for line in code.splitlines())))
    assert status == 2 and err.count("after step 4 the processes 1 hold other weights than the first") == 1, err
    assert not (folder / "differing" / "state.safetensors").exists()


def test_the_benchmark_compares_processes_with_threads(folder):
    options = ["--processes", "2", "--models", "gan", "--seconds", "0.05"]
    done = run_python(ROOT / "scripts" / "benchmark.py", *options, cwd=folder, **OPENMPI)
    assert done.returncode == 0, done.stderr
    rows = [line.split(" | ")[2] for line in done.stdout.splitlines() if line.startswith("| gan ")]
    assert rows == ["1 thread", "2 threads", "2 processes"]
    several = json.loads((folder / "processes.json").read_text())["gan"]["2"]["processes"]
    weights = [*gan.Generator().parameters(), *gan.Discriminator().parameters()]
    assert several["reductions"] == len(weights)
    assert several["mb"] == pytest.approx(4e-6 * sum(weight.numel() for weight in weights))
    assert min(several["step"], several["latency"]) > 0


def test_other_programs_are_one_process(folder):
    status, err = end(start(folder, ROOT / "scripts" / "sample.py", "--weights", "x.safetensors"))
    assert status == 2 and err.count("this program is one process; start it without mpirun") == 1, err
