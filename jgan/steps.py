"""One function per algorithm: one update of every network, each under the equation it implements.

A step is given its networks, optimizers, real data and noise; it draws nothing itself, so the same numbers can be
put through any implementation. Optimizers are any with `step(loss)`. Every step returns its losses as named scalar
Vars, measured before the update they caused.
"""

from __future__ import annotations

from jgan.losses import least_squares


def cgan_step(generator, discriminator, optimizer_g, optimizer_d, *, real, labels, z, fake_labels):
    """Conditional GAN with the least-squares loss, the generator first, as the Jittor warm-up trains it.

    real: float32 (N, C, H, W) in [-1, 1] with labels (N,); z: (N, latent_dim) noise with fake_labels (N,).
    Returns {"g_loss", "d_loss"}. Conditioning after Mirza & Osindero 2014 (arXiv:1411.1784, eq. 2), loss after
    Mao et al. 2017 (arXiv:1611.04076, eq. 9).
    """
    # min_G  E[ (D(G(z|y)|y) - 1)^2 ]    (the paper's, without its factor 1/2, as in the warm-up)
    fake = generator(z, fake_labels)
    g_loss = least_squares(discriminator(fake, fake_labels), 1)
    optimizer_g.step(g_loss)

    # min_D  1/2 E[ (D(x|y) - 1)^2 ] + 1/2 E[ D(G(z|y)|y)^2 ]
    d_real = least_squares(discriminator(real, labels), 1)
    d_fake = least_squares(discriminator(fake.detach(), fake_labels), 0)
    d_loss = (d_real + d_fake) / 2
    optimizer_d.step(d_loss)
    return {"g_loss": g_loss, "d_loss": d_loss}
