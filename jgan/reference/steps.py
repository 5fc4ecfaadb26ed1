"""The steps of `jgan.steps` in PyTorch: the same updates in the same order, under the same names."""

from __future__ import annotations

import torch

from jgan.reference.layers import untracked
from jgan.reference.losses import (
    class_margin,
    feature_matching,
    gradient_penalty,
    hinge,
    l1,
    least_squares,
    r1_penalty,
    vanilla,
)


def update(optimizer, loss) -> None:
    """What `optimizer.step(loss)` is in Jittor: no gradient is computed but those of the optimizer's own parameters."""
    optimizer.zero_grad()
    loss.backward(inputs=[parameter for group in optimizer.param_groups for parameter in group["params"]])
    optimizer.step()


def gan_step(generator, discriminator, optimizer_g, optimizer_d, *, real, z_d, z_g, loss=vanilla, lambda_r1=0):
    """GAN and DCGAN (arXiv:1406.2661)."""
    with untracked(generator):
        fake = generator(z_d).detach()
    real = real.detach().requires_grad_(bool(lambda_r1))
    d_real = discriminator(real)
    d_loss = loss.d_loss(d_real, discriminator(fake))
    logged = {"d_loss": d_loss}
    if lambda_r1:
        logged["r1"] = r1_penalty(d_real, real)
        d_loss = d_loss + lambda_r1 / 2 * logged["r1"]
    update(optimizer_d, d_loss)

    with untracked(discriminator):
        g_loss = loss.g_loss(discriminator(generator(z_g)))
    update(optimizer_g, g_loss)
    return {"g_loss": g_loss, **logged}


def cgan_step(
    generator, discriminator, optimizer_g, optimizer_d, *,
    real, labels, z, fake_labels, loss=least_squares, lambda_class=0, lambda_r1=0,
):  # fmt: skip
    """The warm-up's conditional GAN (arXiv:1411.1784, arXiv:1611.04076)."""
    fake = generator(z, fake_labels)
    with untracked(discriminator):
        g_loss = loss.g_loss(discriminator(fake, fake_labels))
    update(optimizer_g, g_loss)

    real = real.detach().requires_grad_(bool(lambda_r1))
    d_real, of_classes = discriminator.judged(real, labels) if lambda_class else (discriminator(real, labels), None)
    d_loss = loss.d_loss(d_real, discriminator(fake.detach(), fake_labels)) / 2
    logged = {"d_loss": d_loss}
    if lambda_class:
        logged["class_loss"] = class_margin(of_classes, labels)
        d_loss = d_loss + lambda_class * logged["class_loss"]
    if lambda_r1:
        logged["r1"] = r1_penalty(d_real, real)
        d_loss = d_loss + lambda_r1 / 2 * logged["r1"]
    update(optimizer_d, d_loss)
    return {"g_loss": g_loss, **logged}


def wgan_step(generator, critic, optimizer_g, optimizer_c, *, reals, z_c, z_g, clip_value=0.01):
    """WGAN with clipped weights (arXiv:1701.07875)."""
    for real, z in zip(reals, z_c):
        with untracked(generator):
            fake = generator(z).detach()
        real_score, fake_score = critic(real).mean(), critic(fake).mean()
        update(optimizer_c, fake_score - real_score)
        with torch.no_grad():
            for weight in critic.parameters():
                weight.clamp_(-clip_value, clip_value)

    with untracked(critic):
        g_loss = -critic(generator(z_g)).mean()
    update(optimizer_g, g_loss)
    wasserstein = real_score - fake_score
    return {"g_loss": g_loss, "real_score": real_score, "fake_score": fake_score, "wasserstein": wasserstein}


def wgan_gp_step(generator, critic, optimizer_g, optimizer_c, *, reals, z_c, z_g, epsilon, lambda_gp=10):
    """WGAN-GP (arXiv:1704.00028)."""
    for real, z, eps in zip(reals, z_c, epsilon):
        with untracked(generator):
            fake = generator(z).detach()
        real_score, fake_score = critic(real).mean(), critic(fake).mean()
        penalty = gradient_penalty(critic, real, fake, eps)
        update(optimizer_c, fake_score - real_score + lambda_gp * penalty)

    g_loss = -critic(generator(z_g)).mean()
    update(optimizer_g, g_loss)
    return {
        "g_loss": g_loss,
        "real_score": real_score,
        "fake_score": fake_score,
        "penalty": penalty,
        "wasserstein": real_score - fake_score,
    }


def pix2pix_step(
    generator, discriminator, optimizer_g, optimizer_d, *, a, b, loss=vanilla, lambda_l1=100, lambda_gp=0, epsilon=None
):
    """Pix2Pix (arXiv:1611.07004)."""
    fake = generator(a)
    real_pair, fake_pair = torch.cat([a, b], dim=1), torch.cat([a, fake.detach()], dim=1)
    d_real, d_fake = discriminator(real_pair), discriminator(fake_pair)
    d_loss = loss.d_loss(d_real, d_fake) / 2
    logged = {"d_loss": d_loss, "d_real": d_real.mean(), "d_fake": d_fake.mean()}
    if lambda_gp:
        logged["penalty"] = gradient_penalty(discriminator, real_pair, fake_pair, epsilon)
        d_loss = d_loss + lambda_gp * logged["penalty"]
    update(optimizer_d, d_loss)

    with untracked(discriminator):
        g_gan = loss.g_loss(discriminator(torch.cat([a, fake], dim=1)))
    g_l1 = l1(fake, b)
    update(optimizer_g, g_gan + lambda_l1 * g_l1)
    return {"g_gan": g_gan, "g_l1": g_l1, **logged}


def spade_step(generator, discriminator, optimizer_g, optimizer_d, *, a, b, z=None, loss=hinge, lambda_feat=10):
    """SPADE (arXiv:1903.07291)."""
    d_real = discriminator(torch.cat([a, b], dim=1))
    fake = generator(a, z)
    with untracked(discriminator):
        d_fake = discriminator(torch.cat([a, fake], dim=1))
    g_gan = sum(loss.g_loss(layers[-1]) for layers in d_fake) / len(d_fake)
    g_feat = feature_matching(d_real, d_fake)
    update(optimizer_g, g_gan + lambda_feat * g_feat)

    d_fake = discriminator(torch.cat([a, fake.detach()], dim=1))
    logits = [(real[-1], fake[-1]) for real, fake in zip(d_real, d_fake)]
    d_loss = sum(loss.d_loss(*pair) for pair in logits) / len(logits)
    update(optimizer_d, d_loss)
    means = [sum(each.mean() for each in of_scales) / len(logits) for of_scales in zip(*logits)]
    return {"g_gan": g_gan, "g_feat": g_feat, "d_loss": d_loss, "d_real": means[0], "d_fake": means[1]}


def cyclegan_step(
    a2b, b2a, discriminator_a, discriminator_b, optimizer_g, optimizer_d, *,
    a, b, exchange_a, exchange_b, loss=least_squares, lambda_cycle=10, lambda_identity=0.5,
):  # fmt: skip
    """CycleGAN (arXiv:1703.10593)."""
    fake_b, fake_a = a2b(a), b2a(b)
    with untracked(discriminator_a), untracked(discriminator_b):
        g_a2b = loss.g_loss(discriminator_b(fake_b))
        g_b2a = loss.g_loss(discriminator_a(fake_a))
    cycle_a, cycle_b = l1(b2a(fake_b), a), l1(a2b(fake_a), b)
    identity = {"identity_a": l1(b2a(a), a), "identity_b": l1(a2b(b), b)} if lambda_identity else {}
    update(optimizer_g, g_a2b + g_b2a + lambda_cycle * (cycle_a + cycle_b + lambda_identity * sum(identity.values())))

    a_real, a_fake = discriminator_a(a), discriminator_a(exchange_a(fake_a.detach()))
    b_real, b_fake = discriminator_b(b), discriminator_b(exchange_b(fake_b.detach()))
    d_a = loss.d_loss(a_real, a_fake) / 2
    d_b = loss.d_loss(b_real, b_fake) / 2
    update(optimizer_d, d_a + d_b)
    return {
        "g_a2b": g_a2b, "g_b2a": g_b2a, "cycle_a": cycle_a, "cycle_b": cycle_b,
        **identity, "d_a": d_a, "d_b": d_b,
        "d_a_real": a_real.mean(), "d_a_fake": a_fake.mean(), "d_b_real": b_real.mean(), "d_b_fake": b_fake.mean(),
    }  # fmt: skip
