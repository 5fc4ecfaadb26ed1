from __future__ import annotations

import numpy as np
import pytest

from jgan.demo.models import offered, weights_files
from jgan.errors import UserError
from jgan.models import cgan, classifier, cyclegan, dcgan, pix2pix
from jgan.weights.arrays import save
from jgan.weights.networks import save_network


def test_all_that_is_shipped_is_offered_but_the_judges():
    models = {model.name: model for model in offered(weights_files())}
    assert {"cgan_mnist", "dcgan_faces_64", "pix2pix_facades_128"} < models.keys()
    assert not any(name.startswith("classifier") for name in models)
    assert models["cgan_fashion_mnist"].classes[0] == "T-shirt/top"
    translators = {name for name, model in models.items() if not model.draws}
    assert translators == {"pix2pix_facades_128", "spade_facades_128", "cyclegan_monet_128"}


def test_generators_of_ones_own_are_found_in_folders_and_called_by_them(tmp_path, capsys):
    for name in ("runs/a", "runs/b/c"):
        (tmp_path / name).mkdir(parents=True)
    small = {"img_size": 16, "conv_dim": 1}
    save_network(tmp_path / "runs/a/generator.safetensors", dcgan.Generator(**small))
    save_network(tmp_path / "runs/b/c/best.safetensors", cgan.Generator(n_classes=2, width=1))
    save_network(tmp_path / "runs/b/named.safetensors", cgan.Generator(n_classes=2, width=1), classes=("cat", "dog"))
    save_network(tmp_path / "runs/judge.safetensors", classifier.Classifier(width=1))
    save_network(tmp_path / "runs/u.safetensors", pix2pix.Generator(conv_dim=1, n_levels=2))
    save_network(tmp_path / "runs/maps.safetensors", pix2pix.Generator(conv_dim=1, n_levels=2, label_classes=3))
    save_network(tmp_path / "runs/ab.safetensors", cyclegan.Generators(conv_dim=1, n_blocks=1))
    save(tmp_path / "runs/a/state.safetensors", {"step": np.zeros(1, np.float32)}, {"step": 1})
    (tmp_path / "runs/rubbish.safetensors").write_bytes(b"rubbish")
    models = {model.name: model[1:] for model in offered(weights_files(str(tmp_path / "runs")))}
    assert {name: facts for name, facts in models.items() if name.startswith("runs/")} == {
        "runs/a/generator": (True, (), False, ""),
        "runs/b/c/best": (True, ("0", "1"), False, ""),
        "runs/b/named": (True, ("cat", "dog"), False, ""),
        "runs/u": (False, (), False, ""),
        "runs/maps": (False, (), False, "It takes label maps of 3 classes: grey images without loss, so no JPEG."),
        "runs/ab": (False, (), True, ""),
    }
    assert "left out: " in capsys.readouterr().err
    (alone,) = weights_files(str(tmp_path / "runs/u.safetensors")).keys() - weights_files().keys()
    assert alone == "runs/u"


def test_files_of_which_none_draws_are_a_mistake(tmp_path):
    save_network(tmp_path / "judge.safetensors", classifier.Classifier(width=1))
    with pytest.raises(UserError, match=r"no generator that draws or translates is in .*/judge; a training writes one"):
        offered(weights_files(str(tmp_path / "judge.safetensors")))


def test_a_folder_without_weights_is_a_mistake(tmp_path):
    with pytest.raises(UserError, match=r"there are no weights in .*: no file ends in \.safetensors"):
        weights_files(str(tmp_path))
    with pytest.raises(UserError, match=r"there is no .*gone; give a file of weights, the folder of a run, or one of"):
        weights_files(str(tmp_path / "gone"))
