"""One function per algorithm: one update of every network, each under the equation it implements.

A step is given its networks, optimizers, real data and noise; it draws nothing itself, so the same numbers can be
put through any implementation. Optimizers are any with `step(loss)`. An update changes the one network that it is for:
another that it passes through keeps its running statistics, too. Every step returns its losses as named scalar Vars,
measured before the update they caused.

Throughout, images are float32 (N, C, H, W) in [-1, 1] and z is float32 (N, latent_dim).
"""

from __future__ import annotations

from jgan.layers import trainable, untracked
from jgan.losses import gradient_penalty, least_squares, vanilla


def gan_step(generator, discriminator, optimizer_g, optimizer_d, *, real, z_d, z_g, real_target=0.9):
    """GAN and DCGAN: the discriminator first, real and fake images as batches of their own, new noise for each update.

    z_d is the discriminator's noise, z_g the generator's; real_target below 1 smooths the label of real images.
    Returns {"g_loss", "d_loss"}. Goodfellow et al. 2014 (arXiv:1406.2661, algorithm 1).
    """
    # max_D  E[ log D(x) ] + E[ log(1 - D(G(z))) ]    (eq. 1)
    with untracked(generator):
        fake = generator(z_d).detach()
    d_loss = vanilla(discriminator(real), real_target) + vanilla(discriminator(fake), 0)
    optimizer_d.step(d_loss)

    # max_G  E[ log D(G(z)) ]    (the flipped labels of section 3)
    with untracked(discriminator):
        g_loss = vanilla(discriminator(generator(z_g)), 1)
    optimizer_g.step(g_loss)
    return {"g_loss": g_loss, "d_loss": d_loss}


def cgan_step(generator, discriminator, optimizer_g, optimizer_d, *, real, labels, z, fake_labels):
    """Conditional GAN with the least-squares loss, the generator first, as the Jittor warm-up trains it.

    real has labels (N,), z has fake_labels (N,).
    Returns {"g_loss", "d_loss"}. Conditioning after Mirza & Osindero 2014 (arXiv:1411.1784, eq. 2), loss after
    Mao et al. 2017 (arXiv:1611.04076, eq. 9).
    """
    # min_G  E[ (D(G(z|y)|y) - 1)^2 ]    (the paper's, without its factor 1/2, as in the warm-up)
    fake = generator(z, fake_labels)
    with untracked(discriminator):
        g_loss = least_squares(discriminator(fake, fake_labels), 1)
    optimizer_g.step(g_loss)

    # min_D  1/2 E[ (D(x|y) - 1)^2 ] + 1/2 E[ D(G(z|y)|y)^2 ]
    d_real = least_squares(discriminator(real, labels), 1)
    d_fake = least_squares(discriminator(fake.detach(), fake_labels), 0)
    d_loss = (d_real + d_fake) / 2
    optimizer_d.step(d_loss)
    return {"g_loss": g_loss, "d_loss": d_loss}


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
