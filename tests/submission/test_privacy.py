from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jgan.submission.privacy import masked, private_numbers

PHONE, IDENTITY = "13800138000", "20010203040506"


@pytest.mark.parametrize(
    "around", ["{}", "number = '{}'", "tel.{}", "a\n\n{}\n", "result_{}.png", "号码{}。", "({})", "x{}y"]
)
@pytest.mark.parametrize("number", [PHONE, IDENTITY, "138-0013-8000", "138 0013 8000"])
def test_a_number_is_found_where_it_stands_and_masked(around, number):
    text = around.format(number)
    n_digits = 14 if number == IDENTITY else 11
    assert list(private_numbers(text)) == [(text.index(number), n_digits)]
    assert number[1:] not in masked(text) and masked(text) == around.format(number[0] + "*" * (len(number) - 1))


@pytest.mark.parametrize("number", [f"+86{PHONE}", f"86{PHONE}", f"0086 {PHONE}", "+86 138-0013-8000"])
def test_the_code_of_the_country_does_not_hide_it(number):
    assert [n_digits for _, n_digits in private_numbers(f"tel {number}.")] == [11]
    assert "138" not in masked(number) and "8000" not in masked(number)


@pytest.mark.parametrize(
    "text",
    [
        '{"g_loss": 0.69314718056, "lr": 1.2345678901e-05}',
        "0.12345678901234",
        "1234567890 and 123456789012 and 1650355235639 and 20220419164035639",
        "sha256 a1b2c3d4e5f6a1b2c3d4e5f6a1b2c12345678901abcdef0123456789abcdef0",
        "12345678901.25 seconds",
        "138-0013 8000",
    ],
)
def test_other_figures_are_none(text):
    assert list(private_numbers(text)) == []


@given(st.from_regex(r"\A[0-9]{1,20}\Z"))
def test_of_plain_numbers_those_of_11_and_14_digits_are_found(text):
    with_country = (text[:2] == "86" and len(text) in (13, 16)) or (text[:4] == "0086" and len(text) in (15, 18))
    assert bool(list(private_numbers(text))) == (len(text) in (11, 14) or with_country)
