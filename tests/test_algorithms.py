"""How algorithms are put together; what they compute is held to PyTorch in tests/reference/."""

from __future__ import annotations

import pytest

from jgan import algorithms, losses
from jgan.layers import BatchNorm

JITTOR = algorithms.framework("jittor")


@pytest.fixture
def used(monkeypatch):
    """The loss that a step was given."""
    given = []
    for step in ("gan_step", "cgan_step", "pix2pix_step", "spade_step"):
        monkeypatch.setattr(JITTOR.steps, step, lambda *networks, loss, **terms: given.append(loss))
    return given


@pytest.mark.parametrize(
    ("algorithm", "sizes"),
    [
        ("gan", {"width": 2}),
        ("cgan", {"width_d": 2}),
        ("projection", {"conv_dim": 2}),
        ("dcgan", {"conv_dim": 2}),
        ("pix2pix", {"conv_dim": 2}),
        ("spade", {"conv_dim": 2, "n_levels": 2}),
    ],
)
def test_the_loss_is_one_argument_and_each_algorithms_own(used, algorithm, sizes):
    build = getattr(algorithms, algorithm)
    build(JITTOR, **sizes).step()
    build(JITTOR, **sizes, gan_mode="hinge").step()
    build(JITTOR, **sizes, gan_mode="lsgan").step()
    default = {"cgan": losses.LeastSquares, "projection": losses.Hinge, "spade": losses.Hinge}.get(
        algorithm, losses.Vanilla
    )
    assert [type(loss) for loss in used] == [default, losses.Hinge, losses.LeastSquares]
    assert getattr(used[0], "real_target", 1) == (0.9 if algorithm in ("gan", "dcgan") else 1)


def test_only_a_loss_with_a_target_is_smoothed(used):
    algorithms.dcgan(JITTOR, conv_dim=2, real_target=0.7).step()
    assert used[0].real_target == 0.7
    with pytest.raises(ValueError, match="the loss hinge has no target for real images"):
        algorithms.dcgan(JITTOR, conv_dim=2, gan_mode="hinge", real_target=0.7)


@pytest.mark.parametrize(("arch", "lr"), [("upsampling", 0.0001), ("conv", 0.0002)])
def test_each_architecture_of_wgan_gp_has_its_learning_rate_and_no_batch_norm_in_its_critic(arch, lr):
    algorithm = algorithms.wgan_gp(JITTOR, arch=arch, conv_dim=2)
    assert {optimizer.lr for optimizer in algorithm.optimizers.values()} == {lr}
    critic = algorithm.networks["critic"]
    assert not any(isinstance(module, BatchNorm) for module in critic.modules())
    algorithm.set_lr(0.5)
    assert {optimizer.lr for optimizer in algorithm.optimizers.values()} == {0.5}


def test_the_learning_rates_of_spade_fall_together():
    algorithm = algorithms.spade(JITTOR, conv_dim=2, n_levels=2)
    rates = [optimizer.lr for optimizer in algorithm.optimizers.values()]
    assert rates == [0.0001, 0.0004]
    algorithm.set_lr(0.00005)
    assert [optimizer.lr for optimizer in algorithm.optimizers.values()] == pytest.approx([0.00005, 0.0002])


@pytest.mark.parametrize(("gan_mode", "weight"), [("vanilla", 0), ("wgangp", 10)])
def test_pix2pix_is_penalised_in_place_of_batch_norm(monkeypatch, gan_mode, weight):
    monkeypatch.setattr(JITTOR.steps, "pix2pix_step", lambda *networks, **terms: terms)
    algorithm = algorithms.pix2pix(JITTOR, conv_dim=2, gan_mode=gan_mode)
    assert algorithm.step()["lambda_gp"] == weight
    modules = algorithm.networks["discriminator"].modules()
    assert any(isinstance(module, BatchNorm) for module in modules) == (gan_mode == "vanilla")
