"""--device: a program computes where it is told to, or says that it cannot."""

from __future__ import annotations

import pytest
from conftest import ROOT
from PIL import Image

WEIGHTS = ROOT / "weights"
COMMANDS = {
    "train_gan": ["--output", "run"],
    "sample": ["--weights", WEIGHTS / "gan_mnist.safetensors"],
    "interpolate": ["--weights", WEIGHTS / "gan_mnist.safetensors"],
    "render_digits": ["0123456789"],
    "evaluate": ["--weights", WEIGHTS / "gan_mnist.safetensors", "--dataset", "mnist"],
    "translate": ["map.png", "--weights", WEIGHTS / "pix2pix_facades_128.safetensors"],
    "benchmark": ["--models", "gan"],
}


@pytest.mark.cpu("there is a GPU")
@pytest.mark.parametrize("name", COMMANDS)
def test_cuda_is_refused_where_there_is_none(refused, tmp_path, name):
    Image.new("RGB", (16, 16)).save(tmp_path / "map.png")
    sentence = refused(name, *COMMANDS[name], "--device", "cuda")
    assert "the device cuda was asked for" in sentence and "scripts/check_gpu.py" in sentence
    assert [path.name for path in tmp_path.rglob("*")] == ["map.png"]
