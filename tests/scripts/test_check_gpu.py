"""check_gpu.py without a GPU: its sentence, and its table on the CPU."""

from __future__ import annotations

import pytest
from programs import run

from jgan.reference import cases, golden


@pytest.fixture
def one_case(monkeypatch):
    monkeypatch.setattr(cases, "FIXTURES", {"gan": cases.FIXTURES["gan"]})


@pytest.mark.cpu("there is a GPU")
def test_without_a_gpu_it_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    done = run(tmp_path, "check_gpu", status=2)
    assert done.out.startswith("There is no nvidia-smi on the PATH: install the driver")
    assert done.err == "error: there is no GPU that Jittor can use; what is missing is said above\n"


def test_a_case_is_compared_with_its_golden_file(tmp_path, one_case, device):
    lines = run(tmp_path, "check_gpu", "--device", device).out.splitlines()
    head, bounds, (name, *errors, ok), last = map(str.split, lines[-4:])
    assert head == ["on", device, *golden.BOUNDS] and name == "gan" and ok == "ok"
    assert all(0 < float(error) < float(bound) for error, bound in zip(errors, bounds[1:]))
    assert last[:4] == ["1", "of", "1", "cases"]


@pytest.mark.parametrize("error", [1e-2, float("nan")])
def test_a_case_that_differs_is_named_and_the_status_is_1(tmp_path, monkeypatch, one_case, device, error):
    outputs = golden.outputs
    monkeypatch.setattr(golden, "outputs", lambda name: {"outputs": {**outputs(name)["outputs"], "one": error}})
    lines = run(tmp_path, "check_gpu", "--device", device, status=1).out.splitlines()
    assert lines[-2].startswith("gan ") and lines[-2].endswith("DIFFERS")
    assert lines[-1] == f"0 of 1 cases are within the bounds on {device}"
