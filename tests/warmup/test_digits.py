from __future__ import annotations

import jittor as jt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jgan.errors import UserError
from jgan.images import from_pixels, to_pixels
from jgan.jittor_setup.runtime import seed_jittor
from jgan.models.cgan import Generator
from jgan.models.classifier import Classifier
from jgan.warmup.digits import draw_digits, parse_digits, percent


@given(st.text(st.sampled_from("0123456789"), min_size=1))
def test_any_string_of_digits_is_read_digit_by_digit(text):
    digits = parse_digits(text)
    assert digits.dtype == np.int32 and "".join(map(str, digits)) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the number is empty"),
        ("12a4", "character 3 of the number is 'a'"),
        ("１２３", r"character 1 of the number is '１' \(U\+FF11\)"),
        ("٠١٢", r"character 1 of the number is '٠' \(U\+0660\)"),
        ("138 0013 8000", r"character 4 of the number is ' ' \(U\+0020\)"),
        ("+8613800138000", r"character 1 of the number is '\+'"),
        ("138-0013", r"character 4 of the number is '-'"),
        ("12\n", r"character 3 of the number is '\\n'"),
        ("½", "character 1 of the number"),
        ("一二", "character 1 of the number"),
    ],
)
def test_anything_else_is_refused_by_its_character(text, message):
    with pytest.raises(UserError, match=message) as caught:
        parse_digits(text)
    assert len(text) < 4 or text not in str(caught.value)  # the number itself is somebody's own


@given(st.text().filter(lambda text: not (text.isascii() and text.isdigit())))
def test_no_other_text_gets_through(text):
    with pytest.raises(UserError):
        parse_digits(text)


@pytest.fixture(scope="module")
def generator():
    network = Generator()
    network.eval()
    return network


def test_a_place_depends_on_its_seed_alone(generator):
    drawn = draw_digits(generator, parse_digits("0070"), seed=3)
    assert drawn.shape == (4, 1, 32, 32) and drawn.dtype == np.uint8
    again = draw_digits(generator, parse_digits("0070"), seed=3)
    assert np.array_equal(drawn, again)
    longer = draw_digits(generator, parse_digits("00701"), seed=3).astype(int)
    assert np.abs(longer[:4] - drawn).max() <= 1  # a place depends on the seed and itself alone
    assert not np.array_equal(drawn[0], drawn[1])  # equal digits at two places have noise of their own
    assert not np.array_equal(drawn, draw_digits(generator, parse_digits("0070"), seed=4))


def test_the_label_is_the_digit_of_its_place():
    class Painter:
        """Fills the image of label k with the grey k / 10."""

        latent_dim, n_classes, img_shape = 2, 10, (1, 32, 32)

        def __call__(self, z, labels):
            assert list(z.shape) == [len(labels), 2]
            return np.ones((len(labels), 1, 32, 32)) * np.reshape(labels, (-1, 1, 1, 1)) / 10

    drawn = draw_digits(Painter(), parse_digits("0192"), seed=0)
    assert drawn[:, 0, 0, 0].tolist() == to_pixels(np.array([0, 0.1, 0.9, 0.2])).tolist()


def test_of_several_candidates_the_one_read_most_surely_is_kept(generator):
    seed_jittor(0, "judge")
    judge = Classifier(width=1)
    judge.eval()
    digits, n = parse_digits("70"), 6
    kept = draw_digits(generator, digits, seed=1, candidates=n, judge=judge)
    for place, digit in enumerate(digits):
        z = np.random.default_rng([1, place, *b"digit"]).standard_normal((n, 100), dtype=np.float32)
        drawn = to_pixels(generator(jt.array(z), [digit] * n))
        logits = judge(jt.array(from_pixels(drawn))).numpy().astype(np.float64)
        sure = np.exp(logits[:, digit]) / np.exp(logits).sum(axis=1)
        alone = draw_digits(generator, digits, seed=1)[place]
        for found, expected in ((kept[place], drawn[sure.argmax()]), (alone, drawn[0])):  # of batches of other sizes
            assert np.abs(found.astype(int) - expected).max() <= 1


@pytest.mark.parametrize(("share", "text"), [(0.99999, "99.9%"), (1.0, "100.0%"), (0.5, "50.0%"), (0.1239, "12.3%")])
def test_only_certainty_is_a_hundred_percent(share, text):
    assert percent(share) == text


@pytest.mark.parametrize("options", [{"img_size": 16}, {"channels": 3}, {"n_classes": 4}])
def test_a_generator_of_another_shape_is_refused(options):
    with pytest.raises(UserError, match="the submission wants ten digits"):
        draw_digits(Generator(**options), parse_digits("1"), seed=0)


def test_no_digits_are_not_drawn(generator):
    with pytest.raises(ValueError, match="no digits to draw"):
        draw_digits(generator, np.zeros(0, np.int32), seed=0)
