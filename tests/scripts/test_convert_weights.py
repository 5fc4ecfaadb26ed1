"""convert_weights.py; what needs PyTorch is left out where there is none."""

from __future__ import annotations

import importlib.util

import jittor as jt
import numpy as np
import pytest
from conftest import ROOT, run_python
from programs import run

from jgan.layers import evaluating
from jgan.models import cgan, dcgan
from jgan.weights.arrays import load
from jgan.weights.networks import load_network, save_network

FIXTURES = ROOT / "tests" / "fixtures"
SIZES = "latent_dim=5,n_classes=3,img_size=6,width=2"

with_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")


def test_a_generator_of_pytorch_draws_the_same_images(tmp_path):
    """Measured: 1.2e-7 at most."""
    options = ["--model", "cgan.Generator", "--sizes", SIZES]
    done = run(tmp_path, "convert_weights", FIXTURES / "state_dict.pth", "g.safetensors", *options)
    assert done.out == "wrote g.safetensors\n"
    expected, _ = load(FIXTURES / "state_dict.safetensors")
    generator = load_network(tmp_path / "g.safetensors", cgan.Generator)
    images = generator(jt.array(expected["z"]), expected["labels"]).numpy()
    np.testing.assert_allclose(images, expected["images"], atol=1e-6)


def test_a_pickle_of_jittor(tmp_path):
    network = dcgan.Generator(img_size=16, conv_dim=2, channels=1)
    network.save(str(tmp_path / "g.pkl"))
    sizes = "img_size=16,conv_dim=2,channels=1"
    run(tmp_path, "convert_weights", "g.pkl", "g.safetensors", "--model", "dcgan.Generator", "--sizes", sizes)
    read = load_network(tmp_path / "g.safetensors", dcgan.Generator)
    with evaluating(network):
        z = jt.randn((2, 100))
        assert np.array_equal(network(z).numpy(), read(z).numpy())


@with_torch
def test_pytorch_draws_the_same_images_and_the_way_back_is_exact(script, tmp_path):
    network = dcgan.Generator(img_size=16, conv_dim=2)
    save_network(tmp_path / "g.safetensors", network)
    assert script("convert_weights", "g.safetensors", "g.pth").returncode == 0  # PyTorch in a process of its own
    options = ["--model", "dcgan.Generator", "--sizes", "img_size=16,conv_dim=2"]
    run(tmp_path, "convert_weights", "g.pth", "back.safetensors", *options)
    (there, _), (back, _) = (load(tmp_path / name) for name in ("g.safetensors", "back.safetensors"))
    assert there.keys() == back.keys() and all(np.array_equal(there[name], back[name]) for name in there)

    z = np.random.default_rng(0).normal(size=(3, 100)).astype(np.float32)
    np.save(tmp_path / "z.npy", z)
    program = """
import numpy, torch
from jgan.reference.models.dcgan import Generator
generator = Generator(img_size=16, conv_dim=2).eval()
generator.load_state_dict(torch.load("g.pth"))
numpy.save("images.npy", generator(torch.from_numpy(numpy.load("z.npy"))).detach().numpy())
"""
    done = run_python("-c", program, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    with evaluating(network):
        np.testing.assert_allclose(network(jt.array(z)).numpy(), np.load(tmp_path / "images.npy"), atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["a.txt", "b.pth"], "a.txt to b.pth: only .safetensors to .pth, and .pth or .pkl to .safetensors, are known"),
        (["gone.pth", "b.safetensors", "--model", "cgan.Generator"], "there is no file gone.pth"),
        (["gone.safetensors", "b.pth"], "there is no file gone.safetensors"),
        (["{pth}", "gone/b.safetensors", "--model", "cgan.Generator"], "the folder gone does not exist"),
        (["{pth}", "b.safetensors"], "say which network the file holds, as --model cgan.Generator"),
        (
            ["{pth}", "b.safetensors", "--model", "vae.Encoder"],
            "--model vae.Encoder is none of cgan.Generator, classifier.Classifier, cyclegan.Generators",
        ),
        (
            ["{pth}", "b.safetensors", "--model", "cgan.Generator", "--sizes", "img_size=-28"],
            "-28 is no whole number from 1 to 65536",
        ),
        (
            ["{pth}", "b.safetensors", "--model", "cgan.Generator", "--sizes", "width=true"],
            "true is no whole number",
        ),
        (
            ["{pth}", "b.safetensors", "--model", "cgan.Generator", "--sizes", "width"],
            "'width' is not of the form name=value",
        ),
        (
            ["{pth}", "b.safetensors", "--model", "cgan.Generator", "--sizes", "depth=2"],
            "unexpected keyword argument 'depth'",
        ),
        (
            ["{pth}", "b.safetensors", "--model", "cgan.Generator", "--sizes", SIZES.replace("width=2", "width=3")],
            "model.0.weight is float32[2, 8], not float32[3, 8]",
        ),
        (
            ["{pth}", "b.safetensors", "--model", "cgan.Generator"],
            "more; if its sizes are not the defaults, give them as --sizes",
        ),
    ],
)
def test_a_mistake_is_a_sentence_with_status_2(refused, tmp_path, arguments, sentence):
    arguments = [argument.format(pth=FIXTURES / "state_dict.pth") for argument in arguments]
    assert sentence in refused("convert_weights", *arguments)
    assert not (tmp_path / "b.safetensors").exists()
