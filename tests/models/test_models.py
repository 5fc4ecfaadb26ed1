"""What all networks share: that their files rebuild them, and no other class."""

from __future__ import annotations

import inspect

import pytest

from jgan import models
from jgan.models import cgan, classifier, cyclegan, dcgan, gan, pix2pix, projection, spade, wgan

REBUILDABLE = [
    cgan.Generator,
    classifier.Classifier,
    cyclegan.Generators,
    dcgan.Generator,
    gan.Generator,
    pix2pix.Generator,
    projection.Generator,
    spade.Generator,
    wgan.Generator,
]


def test_the_networks_that_a_file_rebuilds():
    assert models.rebuildable_classes() == REBUILDABLE
    assert [models.network_class(each.model_name) for each in REBUILDABLE] == REBUILDABLE


@pytest.mark.parametrize(
    "name", ["dcgan.Discriminator", "dcgan.nn", "os.system", "gan", "", "gan.", "..x.Y", "pix2pix.jt"]
)
def test_nothing_else_is_made_by_its_name(name):
    assert models.network_class(name) is None


@pytest.mark.parametrize("constructor", REBUILDABLE)
def test_a_network_remembers_every_option_of_its_constructor(constructor):
    small = {"conv_dim": 2, "n_blocks": 1, "width": 3, "n_levels": 3}
    names = inspect.signature(constructor).parameters.keys() - {"self"}
    given = {name: value for name, value in small.items() if name in names}
    network = constructor(**given)
    assert network.model_options.keys() == names and given.items() <= network.model_options.items()
    assert constructor(**network.model_options).model_options == network.model_options
