"""One function per algorithm: one update of every network, each under the equation it implements.

A step is given its networks, optimizers, real data and noise; it draws nothing itself, so the same numbers can be
put through any implementation. Optimizers are any with `step(loss)`. An update changes the one network that it is for:
another that it passes through keeps its running statistics, too. Every step returns its losses as named scalar Vars,
measured before the update they caused.

Throughout, images are float32 (N, C, H, W) in [-1, 1] and z is float32 (N, latent_dim).
"""

from __future__ import annotations

import jittor as jt

from jgan.layers import trainable, untracked
from jgan.losses import class_margin, feature_matching, gradient_penalty, hinge, l1, least_squares, r1_penalty, vanilla


def unchanged(images):
    """In place of an augmentation: the images as they are."""
    return images


def gan_step(
    generator, discriminator, optimizer_g, optimizer_d, *,
    real, z_d, z_g, loss=vanilla, lambda_r1=0, augment=unchanged,
):  # fmt: skip
    """GAN and DCGAN: the discriminator first, real and fake images as batches of their own, new noise for each update.

    z_d is the discriminator's noise, z_g the generator's. loss: one of `jgan.losses`; the equations are the default's.
    lambda_r1: weight of the R1 penalty. augment: what the discriminator sees of images (see `jgan.diff_augment`).
    Returns {"g_loss", "d_loss"}, and "r1" if there is a penalty. Goodfellow et al. 2014 (arXiv:1406.2661, algorithm 1).
    """
    # max_D  E[ log D(x) ] + E[ log(1 - D(G(z))) ]    (eq. 1; - lambda_r1 / 2 E[ ||grad D(x)||^2 ])
    with untracked(generator):
        fake = generator(z_d).detach()
    real = augment(real)
    d_real = discriminator(real)
    d_loss = loss.d_loss(d_real, discriminator(augment(fake)))
    logged = {"d_loss": d_loss}
    if lambda_r1:
        logged["r1"] = r1_penalty(d_real, real)
        d_loss = d_loss + lambda_r1 / 2 * logged["r1"]
    optimizer_d.step(d_loss)

    # max_G  E[ log D(G(z)) ]    (the flipped labels of section 3)
    with untracked(discriminator):
        g_loss = loss.g_loss(discriminator(augment(generator(z_g))))
    optimizer_g.step(g_loss)
    return {"g_loss": g_loss, **logged}


def cgan_step(
    generator, discriminator, optimizer_g, optimizer_d, *,
    real, labels, z, fake_labels, loss=least_squares, lambda_class=0, lambda_r1=0, augment=unchanged,
):  # fmt: skip
    """Conditional GAN, the generator first and the discriminator's loss halved, as the Jittor warm-up trains it.

    real has labels (N,), z has fake_labels (N,). loss: one of `jgan.losses`; the equations are the default's.
    lambda_class: weight of the margin between real images' classes, for a discriminator that has `judged`.
    lambda_r1, augment: as for `gan_step`.
    Returns {"g_loss", "d_loss"}, and beside them "class_loss" and "r1" if they have a weight.
    The margin after Kavalerov et al. 2021 (arXiv:1912.04216), conditioning after Mirza & Osindero 2014
    (arXiv:1411.1784, eq. 2), loss after Mao et al. 2017 (arXiv:1611.04076, eq. 9).
    """
    # min_G  E[ (D(G(z|y)|y) - 1)^2 ]    (the paper's, without its factor 1/2, as in the warm-up)
    fake = generator(z, fake_labels)
    with untracked(discriminator):
        g_loss = loss.g_loss(discriminator(augment(fake), fake_labels))
    optimizer_g.step(g_loss)

    # min_D  1/2 E[ (D(x|y) - 1)^2 ] + 1/2 E[ D(G(z|y)|y)^2 ]
    #        (+ lambda_class E[ max_k (l_k + [k != y]) - l_y ] for the logits l of the classes of x)
    #        (+ lambda_r1 / 2 E[ ||grad D(x|y)||^2 ])
    real = augment(real)
    d_real, of_classes = discriminator.judged(real, labels) if lambda_class else (discriminator(real, labels), None)
    d_loss = loss.d_loss(d_real, discriminator(augment(fake.detach()), fake_labels)) / 2
    logged = {"d_loss": d_loss}
    if lambda_class:
        logged["class_loss"] = class_margin(of_classes, labels)
        d_loss = d_loss + lambda_class * logged["class_loss"]
    if lambda_r1:
        logged["r1"] = r1_penalty(d_real, real)
        d_loss = d_loss + lambda_r1 / 2 * logged["r1"]
    optimizer_d.step(d_loss)
    return {"g_loss": g_loss, **logged}


def wgan_step(generator, critic, optimizer_g, optimizer_c, *, reals, z_c, z_g, clip_value=0.01):
    """WGAN: n_critic updates of the critic with its weights clipped to +-clip_value, then one of the generator.

    reals: (n_critic, N, C, H, W) and z_c: (n_critic, N, latent_dim) are the critic's, z_g is the generator's.
    Returns {"g_loss", "real_score", "fake_score", "wasserstein"}, the scores being the last critic update's.
    Arjovsky et al. 2017 (arXiv:1701.07875, algorithm 1).
    """
    for real, z in zip(reals, z_c):
        # max_c  E[ c(x) ] - E[ c(G(z)) ]    over weights in [-clip_value, clip_value]
        with untracked(generator):
            fake = generator(z).detach()
        real_score, fake_score = critic(real).mean(), critic(fake).mean()
        optimizer_c.step(fake_score - real_score)
        for weight in trainable(critic):
            weight.update(weight.clamp(-clip_value, clip_value))

    # max_G  E[ c(G(z)) ]
    with untracked(critic):
        g_loss = -critic(generator(z_g)).mean()
    optimizer_g.step(g_loss)
    wasserstein = real_score - fake_score
    return {"g_loss": g_loss, "real_score": real_score, "fake_score": fake_score, "wasserstein": wasserstein}


def wgan_gp_step(generator, critic, optimizer_g, optimizer_c, *, reals, z_c, z_g, epsilon, lambda_gp=10):
    """WGAN-GP: n_critic updates of the critic under a gradient penalty, then one of the generator.

    reals, z_c, z_g: as for `wgan_step`; epsilon: (n_critic, N), uniform in [0, 1].
    Returns {"g_loss", "real_score", "fake_score", "penalty", "wasserstein"}, all but the first the last critic
    update's; the penalty is without its factor lambda_gp. Gulrajani et al. 2017 (arXiv:1704.00028, algorithm 1).
    """
    for real, z, eps in zip(reals, z_c, epsilon):
        # min_c  E[ c(G(z)) ] - E[ c(x) ] + lambda E[ (||grad c(eps x + (1 - eps) G(z))|| - 1)^2 ]    (eq. 3)
        with untracked(generator):
            fake = generator(z).detach()
        real_score, fake_score = critic(real).mean(), critic(fake).mean()
        penalty = gradient_penalty(critic, real, fake, eps)
        optimizer_c.step(fake_score - real_score + lambda_gp * penalty)

    # max_G  E[ c(G(z)) ]
    g_loss = -critic(generator(z_g)).mean()
    optimizer_g.step(g_loss)
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
    """Pix2Pix: the discriminator on pairs (a, b) and (a, G(a)), its loss halved, then the generator by the same images.

    a: input, b: target. loss: the adversarial one, of `jgan.losses`; wasserstein wants lambda_gp 10 with
    epsilon (N,), uniform in [0, 1], and a discriminator without BatchNorm.
    Returns {"g_gan", "g_l1", "d_loss", "d_real", "d_fake"}, the last two being the discriminator's mean outputs, and
    "penalty" if there is one. Isola et al. 2017 (arXiv:1611.07004, eq. 1 to 4; halved: section 3.3).
    """
    # min_D  1/2 d_loss(D(a, b), D(a, G(a)))    (+ lambda_gp (||grad D|| - 1)^2 between the two pairs)
    fake = generator(a)
    real_pair, fake_pair = jt.concat([a, b], dim=1), jt.concat([a, fake.detach()], dim=1)
    d_real, d_fake = discriminator(real_pair), discriminator(fake_pair)
    d_loss = loss.d_loss(d_real, d_fake) / 2
    logged = {"d_loss": d_loss, "d_real": d_real.mean(), "d_fake": d_fake.mean()}
    if lambda_gp:
        logged["penalty"] = gradient_penalty(discriminator, real_pair, fake_pair, epsilon)
        d_loss = d_loss + lambda_gp * logged["penalty"]
    optimizer_d.step(d_loss)

    # min_G  g_loss(D(a, G(a))) + lambda_l1 |b - G(a)|
    with untracked(discriminator):
        g_gan = loss.g_loss(discriminator(jt.concat([a, fake], dim=1)))
    g_l1 = l1(fake, b)
    optimizer_g.step(g_gan + lambda_l1 * g_l1)
    return {"g_gan": g_gan, "g_l1": g_l1, **logged}


def spade_step(generator, discriminator, optimizer_g, optimizer_d, *, a, b, z=None, loss=hinge, lambda_feat=10):
    """SPADE: the generator first, then the discriminator on pairs (a, b) and (a, G(a)), the mean of its scales.

    a: one-hot label maps (N, label_classes, H, W); b: images of them. z: (N, latent_dim) for a generator that begins
    with noise. loss: one of `jgan.losses`; the equations are the default's. The authors' perceptual loss, by a network
    of others that is to be downloaded, is left out.
    Returns {"g_gan", "g_feat", "d_loss", "d_real", "d_fake"}, the last two being the discriminator's mean outputs. Park
    et al. 2019 (arXiv:1903.07291, section 3.1 and appendix A), after Wang et al. 2018 (arXiv:1711.11585, eq. 2 to 5).
    """
    # min_G  -E[ D_k(a, G(a)) ] + lambda_feat sum_i |D_k^i(a, b) - D_k^i(a, G(a))|    the mean over the scales k
    d_real = discriminator(jt.concat([a, b], dim=1))
    fake = generator(a) if z is None else generator(a, z)
    with untracked(discriminator):
        d_fake = discriminator(jt.concat([a, fake], dim=1))
    g_gan = sum(loss.g_loss(layers[-1]) for layers in d_fake) / len(d_fake)
    g_feat = feature_matching(d_real, d_fake)
    optimizer_g.step(g_gan + lambda_feat * g_feat)

    # min_D  E[ max(0, 1 - D_k(a, b)) ] + E[ max(0, 1 + D_k(a, G(a))) ]    likewise
    d_fake = discriminator(jt.concat([a, fake.detach()], dim=1))
    logits = [(real[-1], fake[-1]) for real, fake in zip(d_real, d_fake)]
    d_loss = sum(loss.d_loss(*pair) for pair in logits) / len(logits)
    optimizer_d.step(d_loss)
    means = [sum(each.mean() for each in of_scales) / len(logits) for of_scales in zip(*logits)]
    return {"g_gan": g_gan, "g_feat": g_feat, "d_loss": d_loss, "d_real": means[0], "d_fake": means[1]}


def cyclegan_step(
    a2b, b2a, discriminator_a, discriminator_b, optimizer_g, optimizer_d, *,
    a, b, exchange_a, exchange_b, loss=least_squares, lambda_cycle=10, lambda_identity=0.5,
    augment_a=unchanged, augment_b=unchanged,
):  # fmt: skip
    """CycleGAN: both generators by one optimizer, then both discriminators, their losses halved.

    a, b: unpaired images of the two domains. exchange_a, exchange_b: functions from detached fake images to those that
    the discriminator sees, some of them older (see `jgan.pool.ImagePool`). loss: of `jgan.losses`, the equations are
    the default's. lambda_identity is relative to lambda_cycle; of 0, no identity is computed. augment_a, augment_b: as
    `gan_step`'s augment. Returns {"g_a2b", "g_b2a", "cycle_a", "cycle_b", "identity_a", "identity_b", "d_a", "d_b",
    "d_a_real", "d_a_fake", "d_b_real", "d_b_fake"}, the last four being mean outputs. Zhu et al. 2017
    (arXiv:1703.10593, eq. 1 to 3, section 4, and 5.2 for the identity).
    """
    # min_G,F  (D_B(G(a)) - 1)^2 + (D_A(F(b)) - 1)^2 + lambda (|F(G(a)) - a| + |G(F(b)) - b|)
    #          + lambda_identity lambda (|F(a) - a| + |G(b) - b|)
    fake_b, fake_a = a2b(a), b2a(b)
    with untracked(discriminator_a), untracked(discriminator_b):
        g_a2b = loss.g_loss(discriminator_b(augment_b(fake_b)))
        g_b2a = loss.g_loss(discriminator_a(augment_a(fake_a)))
    cycle_a, cycle_b = l1(b2a(fake_b), a), l1(a2b(fake_a), b)
    identity = {"identity_a": l1(b2a(a), a), "identity_b": l1(a2b(b), b)} if lambda_identity else {}
    optimizer_g.step(g_a2b + g_b2a + lambda_cycle * (cycle_a + cycle_b + lambda_identity * sum(identity.values())))

    # min_D  1/2 [ (D(x) - 1)^2 + D(fake)^2 ]    for each domain, the fake from the pool
    old_a, old_b = exchange_a(fake_a.detach()), exchange_b(fake_b.detach())
    a_real, a_fake = (discriminator_a(augment_a(images)) for images in (a, old_a))
    b_real, b_fake = (discriminator_b(augment_b(images)) for images in (b, old_b))
    d_a = loss.d_loss(a_real, a_fake) / 2
    d_b = loss.d_loss(b_real, b_fake) / 2
    optimizer_d.step(d_a + d_b)
    return {
        "g_a2b": g_a2b, "g_b2a": g_b2a, "cycle_a": cycle_a, "cycle_b": cycle_b,
        **identity, "d_a": d_a, "d_b": d_b,
        "d_a_real": a_real.mean(), "d_a_fake": a_fake.mean(), "d_b_real": b_real.mean(), "d_b_fake": b_fake.mean(),
    }  # fmt: skip
