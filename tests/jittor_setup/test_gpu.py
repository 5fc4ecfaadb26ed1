"""What is said of a GPU, by programs and files that feign one."""

from __future__ import annotations

import pytest

from jgan.jittor_setup import gpu

H100 = "NVIDIA H100 80GB HBM3, 81559, 550.54.15"
NVCC = """nvcc: NVIDIA (R) Cuda compiler driver
Copyright (c) 2005-2023 NVIDIA Corporation
Built on Tue_Aug_15_22:02:13_PDT_2023
Cuda compilation tools, release {release}, V{version}
Build cuda_{release}.r{release}/compiler.33191640_0
"""
CUDNN = "#ifndef CUDNN_VERSION_H_\n#define CUDNN_MAJOR {}\n#define CUDNN_MINOR {}\n#define CUDNN_PATCHLEVEL {}\n"


def test_gpus_are_read_with_their_architecture_or_without():
    expected = ("NVIDIA H100 80GB HBM3", "81559", "550.54.15")
    assert gpu.parse_gpus(f"{H100}, 9.0\n{H100}, 12.0\n") == [gpu.GPU(*expected, 90), gpu.GPU(*expected, 120)]
    assert gpu.parse_gpus(f"{H100}\n") == gpu.parse_gpus(f"{H100}, [N/A]\n") == [gpu.GPU(*expected, None)]
    assert gpu.parse_gpus("No devices were found\n") == []


def test_versions_are_read():
    assert gpu.parse_nvcc(NVCC.format(release="12.2", version="12.2.140")) == (12, 2, 140)
    assert gpu.parse_nvcc("command not found") == ()
    assert gpu.parse_cudnn(CUDNN.format(8, 9, 7)) == (8, 9, 7)
    assert gpu.parse_cudnn('#include "cudnn_version.h"') == ()


class Machine:
    """A folder with bin/nvidia-smi, bin/nvcc, and CUDA's and cuDNN's files; each can be changed, or taken away."""

    def __init__(self, folder, monkeypatch):
        self.folder = folder
        for name in ("bin", "include", "lib64"):
            (folder / name).mkdir()
        monkeypatch.setenv("PATH", str(folder / "bin"))
        monkeypatch.setenv("JITTOR_HOME", str(folder))
        for name in ("nvcc_path", "conv_opt", "CUDA_VISIBLE_DEVICES"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setattr(gpu, "loads", lambda library: library == gpu.DRIVER or library.is_file())
        monkeypatch.setattr(gpu, "SYSTEM_HEADERS", folder / "none")
        monkeypatch.setattr(gpu, "SYSTEM_LIBRARIES", ())
        self.program("nvidia-smi", f"{H100}, 9.0")
        self.nvcc("12.2.140")
        self.cudnn(8, 9, 7)
        (folder / "lib64" / "libcudart.so").touch()
        for name in gpu.CUDNN:
            (folder / "lib64" / f"lib{name}.so").touch()

    def program(self, name, prints, *, status=0):
        path = self.folder / "bin" / name
        path.write_text(f"#!/bin/sh\necho '{prints}'\nexit {status}\n")
        path.chmod(0o755)

    def nvcc(self, version):
        self.program("nvcc", NVCC.format(release=version.rpartition(".")[0], version=version))

    def cudnn(self, *version):
        (self.folder / "include" / "cudnn.h").touch()
        (self.folder / "include" / "cudnn_version.h").write_text(CUDNN.format(*version))

    def without(self, *names):
        for name in names:
            (self.folder / name).unlink()


@pytest.fixture
def machine(tmp_path, monkeypatch):
    return Machine(tmp_path, monkeypatch)


def faults() -> list[str]:
    return [finding.sentence for finding in gpu.findings() if not finding.usable]


def test_a_machine_with_all_that_is_needed(machine):
    folder = machine.folder
    assert gpu.findings() == [
        (True, "GPU 0: NVIDIA H100 80GB HBM3 (sm_90), 81559 MiB, driver 550.54.15."),
        (True, f"nvcc 12.2.140 is {folder}/bin/nvcc."),
        (True, f"cuDNN 8.9.7 is in {folder}/include."),
    ]


def test_an_old_nvidia_smi_does_not_know_the_architecture(machine):
    path = machine.folder / "bin" / "nvidia-smi"
    path.write_text(f'#!/bin/sh\ncase "$1" in *compute_cap*) exit 2;; esac\necho "{H100}"\n')
    assert gpu.findings()[0] == (True, "GPU 0: NVIDIA H100 80GB HBM3, 81559 MiB, driver 550.54.15.")
    assert faults() == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda m: m.without("bin/nvidia-smi"), "There is no nvidia-smi on the PATH: install the driver"),
        (lambda m: m.program("nvidia-smi", "NVIDIA-SMI has failed", status=9), "nvidia-smi sees no GPU: run it alone"),
        (lambda m: m.nvcc("13.0.88"), "with CUDA 13 Jittor 1.3.11 does not compile: install CUDA 12 and cuDNN 8"),
        (lambda m: m.program("nvcc", "?"), "/bin/nvcc --version prints no version"),
        (lambda m: m.without("lib64/libcudart.so"), "libcudart.so cannot be loaded from"),
        (lambda m: m.without("include/cudnn.h"), "There is no cudnn.h in"),
        (lambda m: m.cudnn(9, 1, 0), "knows 8 alone: put that in its place, or set the variable conv_opt=1"),
        (lambda m: m.without("lib64/libcudnn_cnn_train.so"), "libcudnn_cnn_train.so is not in"),
        (
            lambda m: m.program("nvidia-smi", "NVIDIA B200, 183359, 570.1, 10.0"),
            "compiles for sm_90 at most, not for NVIDIA B200 (sm_100): take an older GPU",
        ),
    ],
)  # fmt: skip
def test_one_thing_that_is_missing_is_one_sentence(machine, change, sentence):
    change(machine)
    (fault,) = faults()
    assert sentence in fault


def test_an_old_cuda_does_not_know_new_gpus_and_finds_cudnn_by_its_number(machine):
    machine.nvcc("11.2.152")
    library = machine.folder / "lib64" / "libcudnn.so"
    library.rename(f"{library}.8")
    (fault,) = faults()
    assert "compiles for sm_86 at most, not for NVIDIA H100 80GB HBM3 (sm_90): install CUDA 12" in fault


def test_variables_that_keep_jittor_from_the_gpu_are_named(machine, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setenv("nvcc_path", "")
    hidden, empty = faults()
    assert "CUDA_VISIBLE_DEVICES is ''" in hidden and "nvcc_path is empty" in empty
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1,0")
    monkeypatch.setenv("nvcc_path", str(machine.folder / "bin" / "nvcc"))
    assert faults() == []


def test_conv_opt_does_without_cudnn(machine, monkeypatch):
    machine.cudnn(9, 1, 0)
    monkeypatch.setenv("conv_opt", "1")
    assert faults() == [] and "cuDNN is not used" in gpu.findings()[-1].sentence


def test_jittors_own_cuda_goes_before_that_of_the_path_and_the_variable_before_both(machine, monkeypatch):
    own = machine.folder / ".cache" / "jittor" / "jtcuda" / "cuda12.2_cudnn8_linux"
    own.mkdir(parents=True)
    assert "Jittor's own CUDA in" in faults()[0]
    for name in ("bin", "include", "lib64"):
        (machine.folder / name).rename(own / name)
    (machine.folder / "bin").mkdir()
    (own / "bin" / "nvidia-smi").rename(machine.folder / "bin" / "nvidia-smi")
    assert faults() == [] and str(own) in gpu.findings()[1].sentence
    monkeypatch.setenv("nvcc_path", str(machine.folder / "bin" / "nvcc"))
    assert faults() == [f"There is no nvcc: {gpu.INSTALL}."]


def test_a_driver_whose_library_is_not_there(machine, monkeypatch):
    monkeypatch.setattr(gpu, "loads", lambda library: library != gpu.DRIVER)
    (fault,) = faults()
    assert fault.startswith("The driver's library libcuda.so.1 cannot be loaded")
