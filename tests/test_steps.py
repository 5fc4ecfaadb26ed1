"""A step against the same step worked out in numpy, on networks small enough to differentiate by hand."""

from __future__ import annotations

import jittor as jt
import numpy as np
import pytest
from jittor import nn

from jgan.layers import trainable
from jgan.losses import Vanilla, hinge, least_squares, vanilla, wasserstein
from jgan.models import dcgan, wgan
from jgan.optimizers import rmsprop
from jgan.steps import cgan_step, cyclegan_step, gan_step, pix2pix_step, spade_step, wgan_gp_step, wgan_step
from jgan.weights.networks import network_arrays


class LinearGenerator(nn.Module):
    """G(z|y) = z A + y, as images of 1x1x2; y is 0 without labels."""

    def __init__(self, a):
        self.a = jt.array(np.float32(a))

    def execute(self, z, labels=0):
        return (jt.matmul(z, self.a) + jt.array(labels).float32().reshape((-1, 1))).reshape((-1, 1, 1, 2))


class LinearDiscriminator(nn.Module):
    """D(x|y) = x b + y; y is 0 without labels."""

    def __init__(self, b):
        self.b = jt.array(np.float32(b))

    def execute(self, images, labels=0):
        return jt.matmul(images.reshape((-1, 2)), self.b) + jt.array(labels).float32().reshape((-1, 1))


def var(array, *shape):
    return jt.array(np.float32(array)).reshape(shape or array.shape)


def linear_pair(seed):
    """Two linear networks, plain gradient descent at 0.1 for each, and the weights they begin with."""
    random = np.random.default_rng(seed)
    a, b = random.normal(0, 0.5, (3, 2)), random.normal(0, 0.5, (2, 1))
    generator, discriminator = LinearGenerator(a), LinearDiscriminator(b)
    optimizers = [nn.SGD(network.parameters(), lr=0.1) for network in (generator, discriminator)]
    return (generator, discriminator, *optimizers), a, b, random


def require_equal(networks, a, b, losses, expected):
    np.testing.assert_allclose(networks[0].a.numpy(), a, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(networks[1].b.numpy(), b, rtol=1e-4, atol=1e-6)
    assert losses.keys() == expected.keys()
    for name, value in expected.items():
        assert losses[name].item() == pytest.approx(value, rel=1e-4, abs=1e-6), name


def doubled(images):
    """An augmentation: the discriminator sees everything twice as large."""
    return 2 * images


RECIPES = pytest.mark.parametrize(  # what a step takes, and how much larger the discriminator sees its images by it
    ("options", "k"),
    [({}, 1), ({"lambda_r1": 3}, 1), ({"lambda_r1": 3, "augment": doubled}, 2)],
)


@RECIPES
def test_cgan_step_is_one_update_of_each_network(options, k):
    networks, a, b, random = linear_pair(0)
    real, z = random.normal(0, 1, (5, 2)), random.normal(0, 1, (5, 3))
    labels, fake_labels = random.integers(0, 3, 5), random.integers(0, 3, 5)
    given = {"real": var(real, 5, 1, 1, 2), "labels": labels, "z": var(z), "fake_labels": fake_labels}
    losses = cgan_step(*networks, **given, **options)

    y, fake_y = labels[:, None], fake_labels[:, None]
    fake = z @ a + fake_y
    score = k * fake @ b + fake_y
    g_loss = np.mean((score - 1) ** 2)
    new_a = a - 0.1 * z.T @ (2 / 5 * (score - 1) @ (k * b).T)
    # The discriminator sees the images that the generator drew before its update.
    real_score = k * real @ b + y
    d_loss = (np.mean((real_score - 1) ** 2) + np.mean(score**2)) / 2
    lambda_r1 = options.get("lambda_r1", 0)
    new_b = b - 0.1 * (k * (real.T @ (real_score - 1) + fake.T @ score) / 5 + lambda_r1 * b)
    r1 = {"r1": np.sum(b**2)} if lambda_r1 else {}  # the gradient of every score is b
    require_equal(networks, new_a, new_b, losses, {"g_loss": g_loss, "d_loss": d_loss, **r1})


class ClassifyingDiscriminator(LinearDiscriminator):
    """x c beside it, the logits of the classes."""

    def __init__(self, b, c):
        super().__init__(b)
        self.c = jt.array(np.float32(c))

    def judged(self, images, labels):
        return self(images, labels), jt.matmul(images.reshape((-1, 2)), self.c)


def test_cgan_step_teaches_the_discriminator_the_classes():
    """The discriminator learns the classes of real images by their margin."""
    (generator, *_), a, b, random = linear_pair(0)
    c, weight = random.normal(0, 0.5, (2, 3)), 0.7
    networks = generator, ClassifyingDiscriminator(b, c)
    optimizers = [nn.SGD(network.parameters(), lr=0.1) for network in networks]
    real, z = random.normal(0, 1, (5, 2)), random.normal(0, 1, (5, 3))
    labels, fake_labels = random.integers(0, 3, 5), random.integers(0, 3, 5)
    given = {"real": var(real, 5, 1, 1, 2), "labels": labels, "z": var(z), "fake_labels": fake_labels}
    losses = cgan_step(*networks, *optimizers, **given, lambda_class=weight)

    # max_k (l_k + [k != y]) - l_y for l = x c, on average, and its derivative by l
    logits = real @ c
    raised = logits + 1 - np.eye(3)[labels]
    margin = (raised.max(1) - logits[range(5), labels]).mean()
    by_logits = (np.eye(3)[raised.argmax(1)] - np.eye(3)[labels]) / 5

    y, fake_y = labels[:, None], fake_labels[:, None]
    fake = z @ a + fake_y
    score, real_score = fake @ b + fake_y, real @ b + y
    new_a = a - 0.1 * z.T @ (2 / 5 * (score - 1) @ b.T)
    new_b = b - 0.1 * (real.T @ (real_score - 1) + fake.T @ score) / 5
    g_loss = np.mean((score - 1) ** 2)
    d_loss = (np.mean((real_score - 1) ** 2) + np.mean(score**2)) / 2
    expected = {"g_loss": g_loss, "d_loss": d_loss, "class_loss": margin}
    require_equal(networks, new_a, new_b, losses, expected)
    np.testing.assert_allclose(networks[1].c.numpy(), c - 0.1 * weight * real.T @ by_logits, rtol=1e-4, atol=1e-6)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@RECIPES
def test_gan_step_is_one_update_of_each_network(options, k):
    networks, a, b, random = linear_pair(1)
    real, z_d, z_g = random.normal(0, 1, (5, 2)), random.normal(0, 1, (5, 3)), random.normal(0, 1, (5, 3))
    given = {"real": var(real, 5, 1, 1, 2), "z_d": var(z_d), "z_g": var(z_g)}
    losses = gan_step(*networks, **given, loss=Vanilla(real_target=0.8), **options)

    fake = z_d @ a
    d_real, d_fake = sigmoid(k * real @ b), sigmoid(k * fake @ b)
    d_loss = -np.mean(0.8 * np.log(d_real) + 0.2 * np.log(1 - d_real)) - np.mean(np.log(1 - d_fake))
    lambda_r1 = options.get("lambda_r1", 0)
    new_b = b - 0.1 * (k * (real.T @ (d_real - 0.8) + fake.T @ d_fake) / 5 + lambda_r1 * b)
    d_fooled = sigmoid(k * z_g @ a @ new_b)  # by the discriminator after its update
    g_loss = -np.mean(np.log(d_fooled))
    new_a = a - 0.1 * z_g.T @ ((d_fooled - 1) / 5 @ (k * new_b).T)
    r1 = {"r1": np.sum(b**2)} if lambda_r1 else {}
    require_equal(networks, new_a, new_b, losses, {"g_loss": g_loss, "d_loss": d_loss, **r1})


@pytest.mark.parametrize("n_critic", [1, 3])
def test_wgan_step_is_n_critic_clipped_updates_and_one_of_the_generator(n_critic):
    networks, a, b, random = linear_pair(2)
    reals, z_c, z_g = (random.normal(0.2, 1, shape) for shape in ((n_critic, 5, 2), (n_critic, 5, 3), (5, 3)))
    b[:] = [[0.5], [-0.14]]  # one to be clipped, and one that is near
    networks[1].b.assign(np.float32(b))
    losses = wgan_step(*networks, reals=var(reals, n_critic, 5, 1, 1, 2), z_c=var(z_c), z_g=var(z_g), clip_value=0.15)

    for real, z in zip(reals, z_c):
        real_score, fake_score = np.mean(real @ b), np.mean(z @ a @ b)
        b = np.clip(b + 0.1 * (real.mean(0) - (z @ a).mean(0))[:, None], -0.15, 0.15)
    g_loss = -np.mean(z_g @ a @ b)
    new_a = a + 0.1 * z_g.mean(0)[:, None] @ b.T
    scores = {"real_score": real_score, "fake_score": fake_score, "wasserstein": real_score - fake_score}
    require_equal(networks, new_a, b, losses, {"g_loss": g_loss, **scores})


@pytest.mark.parametrize("n_critic", [1, 3])
def test_wgan_gp_step_is_n_critic_penalized_updates_and_one_of_the_generator(n_critic):
    networks, a, b, random = linear_pair(3)
    reals, z_c, z_g = (random.normal(0.2, 1, shape) for shape in ((n_critic, 5, 2), (n_critic, 5, 3), (5, 3)))
    epsilon = random.random((n_critic, 5))
    losses = wgan_gp_step(
        *networks,
        reals=var(reals, n_critic, 5, 1, 1, 2), z_c=var(z_c), z_g=var(z_g), epsilon=var(epsilon), lambda_gp=4,
    )  # fmt: skip

    for real, z in zip(reals, z_c):
        real_score, fake_score, length = np.mean(real @ b), np.mean(z @ a @ b), np.linalg.norm(b)
        penalty = (length - 1) ** 2
        gradient = ((z @ a).mean(0) - real.mean(0))[:, None] + 4 * 2 * (length - 1) * b / length
        b = b - 0.1 * gradient
    g_loss = -np.mean(z_g @ a @ b)
    new_a = a + 0.1 * z_g.mean(0)[:, None] @ b.T
    scores = {"real_score": real_score, "fake_score": fake_score, "wasserstein": real_score - fake_score}
    require_equal(networks, new_a, b, losses, {"g_loss": g_loss, "penalty": penalty, **scores})


class Watched:
    """An optimizer that keeps what two networks held right after each of its updates."""

    def __init__(self, optimizer, *networks):
        self.optimizer, self.networks, self.seen = optimizer, networks, []

    def step(self, loss):
        self.optimizer.step(loss)
        self.seen.append([network_arrays(network) for network in self.networks])


def equal(arrays, others):
    return {name for name in arrays if np.array_equal(arrays[name], others[name])}


@pytest.mark.parametrize("algorithm", ["gan", "wgan", "wgan_gp"])
def test_an_update_leaves_the_other_network_alone_running_statistics_included(algorithm):
    jt.set_seed(5)
    if algorithm == "gan":
        generator = dcgan.Generator(img_size=16, channels=1, conv_dim=4, latent_dim=8)
        critic = dcgan.Discriminator(img_size=16, channels=1, conv_dim=4)
    else:
        generator = wgan.Generator(img_size=16, conv_dim=4, latent_dim=8)
        critic = wgan.Critic(img_size=16, conv_dim=4, batch_norm=algorithm == "wgan")
    optimizer_g = Watched(rmsprop(generator, lr=1e-3), generator, critic)
    optimizer_c = Watched(rmsprop(critic, lr=1e-3), generator, critic)
    random = np.random.default_rng(0)
    reals, z_c, z_g = (
        random.uniform(-1, 1, (2, 4, 1, 16, 16)),
        random.normal(0, 1, (2, 4, 8)),
        random.normal(0, 1, (4, 8)),
    )
    before = network_arrays(generator), network_arrays(critic)
    networks = generator, critic, optimizer_g, optimizer_c
    if algorithm == "gan":
        gan_step(*networks, real=var(reals[0]), z_d=var(z_c[0]), z_g=var(z_g))
    elif algorithm == "wgan":
        wgan_step(*networks, reals=var(reals), z_c=var(z_c), z_g=var(z_g), clip_value=100)  # clips nothing
    else:
        wgan_gp_step(*networks, reals=var(reals), z_c=var(z_c), z_g=var(z_g), epsilon=var(random.random((2, 4))))

    assert len(optimizer_c.seen) == (1 if algorithm == "gan" else 2) and len(optimizer_g.seen) == 1
    generator_then, critic_then = optimizer_c.seen[-1]
    assert equal(generator_then, before[0]) == before[0].keys()
    assert not equal(critic_then, before[1])
    generator_now, critic_now = network_arrays(generator), network_arrays(critic)
    assert equal(critic_now, critic_then) == critic_then.keys()
    assert not equal(generator_now, before[0])


def test_clipping_spares_the_running_statistics():
    jt.set_seed(5)
    generator, critic = wgan.Generator(img_size=8, conv_dim=4, latent_dim=8), wgan.Critic(img_size=8, conv_dim=4)
    random = np.random.default_rng(0)
    wgan_step(
        generator, critic, rmsprop(generator, lr=5e-5), rmsprop(critic, lr=5e-5),
        reals=var(random.uniform(-1, 1, (1, 8, 1, 8, 8))), z_c=var(random.normal(0, 1, (1, 8, 8))),
        z_g=var(random.normal(0, 1, (8, 8))), clip_value=0.01,
    )  # fmt: skip
    assert max(np.abs(weight.numpy()).max() for weight in trainable(critic)) == pytest.approx(0.01)
    running = [array for name, array in network_arrays(critic).items() if "running_var" in name]
    assert len(running) == 2 and all((array > 0.5).all() for array in running)


class Translator(nn.Module):
    """Images of 1x1x2 -> images of 1x1x2 by a matrix."""

    def __init__(self, matrix):
        self.a = jt.array(np.float32(matrix))

    def execute(self, images):
        return jt.matmul(images.reshape((-1, 2)), self.a).reshape((-1, 1, 1, 2))


class PairDiscriminator(nn.Module):
    """One score for all the values of an image."""

    def __init__(self, b):
        self.b = jt.array(np.float32(b))

    def execute(self, images):
        return jt.matmul(images.reshape((images.shape[0], -1)), self.b)


def slope(function, at, h=1e-6):
    """The gradient of a function of an array by central differences (float64)."""
    gradient = np.zeros_like(at)
    for index in np.ndindex(at.shape):
        step = np.zeros_like(at)
        step[index] = h
        gradient[index] = (function(at + step) - function(at - step)) / (2 * h)
    return gradient


def cross_entropy(logits, target):
    return np.mean(np.logaddexp(0, logits) - target * logits)


def squares(output, target):
    return np.mean((output - target) ** 2)


def score_mean(scores, target):
    return -np.mean(scores) if target else np.mean(scores)


def margin(scores, target):
    return np.mean(np.maximum(0, 1 - scores if target else 1 + scores))


@pytest.mark.parametrize(
    ("loss", "in_numpy", "of_generator", "lambda_gp"),
    [
        (vanilla, cross_entropy, cross_entropy, 0),
        (least_squares, squares, squares, 0),
        (hinge, margin, score_mean, 0),
        (wasserstein, score_mean, score_mean, 7),
    ],
)
def test_pix2pix_step_is_one_update_of_each_network(loss, in_numpy, of_generator, lambda_gp):
    random = np.random.default_rng(4)
    matrix, weights = random.normal(0, 0.5, (2, 2)), random.normal(0, 0.5, (4, 1))
    a, b = random.normal(0, 1, (2, 5, 2))
    generator, discriminator = Translator(matrix), PairDiscriminator(weights)
    losses = pix2pix_step(
        generator, discriminator, nn.SGD(generator.parameters(), lr=0.1), nn.SGD(discriminator.parameters(), lr=0.1),
        a=var(a, 5, 1, 1, 2), b=var(b, 5, 1, 1, 2), loss=loss, lambda_l1=3, lambda_gp=lambda_gp, epsilon=jt.zeros((5,)),
    )  # fmt: skip

    fake = a @ matrix

    def penalty(w):
        return (np.linalg.norm(w) - 1) ** 2

    def d_loss(w):
        return (in_numpy(np.c_[a, b] @ w, 1) + in_numpy(np.c_[a, fake] @ w, 0)) / 2

    new_weights = weights - 0.1 * slope(lambda w: d_loss(w) + lambda_gp * penalty(w), weights)

    def g_gan(m):
        return of_generator(np.c_[a, a @ m] @ new_weights, 1)

    def g_l1(m):
        return np.abs(a @ m - b).mean()

    np.testing.assert_allclose(discriminator.b.numpy(), new_weights, rtol=1e-4, atol=1e-6)
    new_matrix = matrix - 0.1 * slope(lambda m: g_gan(m) + 3 * g_l1(m), matrix)
    np.testing.assert_allclose(generator.a.numpy(), new_matrix, rtol=1e-4, atol=1e-6)
    expected = {"g_gan": g_gan(matrix), "g_l1": g_l1(matrix), "d_loss": d_loss(weights)}
    expected.update(d_real=np.mean(np.c_[a, b] @ weights), d_fake=np.mean(np.c_[a, fake] @ weights))
    if lambda_gp:
        expected["penalty"] = penalty(weights)
    assert {name: value.item() for name, value in losses.items()} == pytest.approx(expected, rel=1e-4, abs=1e-6)


class TwoScales(nn.Module):
    """Two scales of a feature and a logit for each image: its values by a matrix, and that by a number."""

    def __init__(self, b):
        self.b = jt.array(np.float32(b))

    def execute(self, images):
        features = jt.matmul(images.reshape((images.shape[0], -1)), self.b[:4])
        return [[features[:, i : i + 1], features[:, i : i + 1] * self.b[4, i]] for i in range(2)]


def test_spade_step_is_one_update_of_each_network():
    """By the hinge loss and feature matching, both the mean over two scales."""
    random = np.random.default_rng(4)
    matrix, weights = random.normal(0, 0.5, (2, 2)), random.normal(0, 0.5, (5, 2))
    a, b = random.normal(0, 1, (2, 5, 2))
    generator, discriminator = Translator(matrix), TwoScales(weights)
    losses = spade_step(
        generator, discriminator, nn.SGD(generator.parameters(), lr=0.1), nn.SGD(discriminator.parameters(), lr=0.1),
        a=var(a, 5, 1, 1, 2), b=var(b, 5, 1, 1, 2), lambda_feat=3,
    )  # fmt: skip

    def features(images, w):
        return np.c_[a, images] @ w[:4]

    def logits(images, w):
        return features(images, w) * w[4]

    def g_gan(m):
        return -logits(a @ m, weights).mean(0).mean()

    def g_feat(m):
        return np.abs(features(a @ m, weights) - features(b, weights)).mean(0).mean()

    def d_loss(w):
        return np.mean([margin(logits(b, w)[:, i], 1) + margin(logits(a @ matrix, w)[:, i], 0) for i in range(2)])

    new_matrix = matrix - 0.1 * slope(lambda m: g_gan(m) + 3 * g_feat(m), matrix)
    np.testing.assert_allclose(generator.a.numpy(), new_matrix, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(discriminator.b.numpy(), weights - 0.1 * slope(d_loss, weights), rtol=1e-4, atol=1e-6)
    expected = {"g_gan": g_gan(matrix), "g_feat": g_feat(matrix), "d_loss": d_loss(weights)}
    expected.update(d_real=logits(b, weights).mean(), d_fake=logits(a @ matrix, weights).mean())
    assert {name: value.item() for name, value in losses.items()} == pytest.approx(expected, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize(
    ("options", "times_a", "times_b"),
    [
        ({"lambda_identity": 0.3}, 1, 1),
        ({"lambda_identity": 0}, 1, 1),
        ({"augment_a": doubled}, 2, 1),
        ({"augment_b": doubled}, 1, 2),
    ],
)
def test_cyclegan_step_is_one_update_of_all_networks(options, times_a, times_b):
    """times_a, times_b: how much larger each discriminator sees its images by the options."""
    random = np.random.default_rng(5)
    forth, back = random.normal(0, 0.7, (2, 2, 2))
    w_a, w_b = random.normal(0, 0.7, (2, 2, 1))
    a, b, older_a, older_b = random.normal(0, 1, (4, 5, 2))
    a2b, b2a, d_a, d_b = Translator(forth), Translator(back), PairDiscriminator(w_a), PairDiscriminator(w_b)
    seen = {}

    def exchange(name, older):
        def exchanged(images):
            seen[name] = images.numpy().reshape((5, 2))
            return var(older, 5, 1, 1, 2)

        return exchanged

    losses = cyclegan_step(
        a2b, b2a, d_a, d_b,
        nn.SGD([a2b.a, b2a.a], lr=0.1), nn.SGD([d_a.b, d_b.b], lr=0.1),
        a=var(a, 5, 1, 1, 2), b=var(b, 5, 1, 1, 2),
        exchange_a=exchange("a", older_a), exchange_b=exchange("b", older_b), lambda_cycle=4,
        **options,
    )  # fmt: skip

    lambda_identity = options.get("lambda_identity", 0.5)

    def terms(forth, back):
        identity = {"identity_a": np.abs(a @ back - a).mean(), "identity_b": np.abs(b @ forth - b).mean()}
        return {
            "g_a2b": squares(times_b * a @ forth @ w_b, 1), "g_b2a": squares(times_a * b @ back @ w_a, 1),
            "cycle_a": np.abs(a @ forth @ back - a).mean(), "cycle_b": np.abs(b @ back @ forth - b).mean(),
            **(identity if lambda_identity else {}),
        }  # fmt: skip

    def g_loss(forth, back):
        weights = {"g": 1, "cycle": 4, "identity": 4 * lambda_identity}
        return sum(weights[name.partition("_")[0]] * value for name, value in terms(forth, back).items())

    def d_loss(real, older, w):
        return (squares(real @ w, 1) + squares(older @ w, 0)) / 2

    np.testing.assert_allclose(
        a2b.a.numpy(), forth - 0.1 * slope(lambda m: g_loss(m, back), forth), rtol=1e-4, atol=1e-6
    )
    np.testing.assert_allclose(
        b2a.a.numpy(), back - 0.1 * slope(lambda m: g_loss(forth, m), back), rtol=1e-4, atol=1e-6
    )
    np.testing.assert_allclose(
        d_a.b.numpy(), w_a - 0.1 * slope(lambda w: d_loss(times_a * a, times_a * older_a, w), w_a), rtol=1e-4, atol=1e-6
    )
    np.testing.assert_allclose(
        d_b.b.numpy(), w_b - 0.1 * slope(lambda w: d_loss(times_b * b, times_b * older_b, w), w_b), rtol=1e-4, atol=1e-6
    )
    # The pools were offered what the generators drew before their update.
    np.testing.assert_allclose(seen["a"], b @ back, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(seen["b"], a @ forth, rtol=1e-4, atol=1e-6)
    expected = {
        **terms(forth, back),
        "d_a": d_loss(times_a * a, times_a * older_a, w_a), "d_b": d_loss(times_b * b, times_b * older_b, w_b),
        "d_a_real": times_a * np.mean(a @ w_a), "d_a_fake": times_a * np.mean(older_a @ w_a),
        "d_b_real": times_b * np.mean(b @ w_b), "d_b_fake": times_b * np.mean(older_b @ w_b),
    }  # fmt: skip
    assert {name: value.item() for name, value in losses.items()} == pytest.approx(expected, rel=1e-4, abs=1e-6)
