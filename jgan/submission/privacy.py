"""Numbers that may be somebody's own: a phone number of 11 digits, or an identity of 14."""

from __future__ import annotations

import re
from collections.abc import Iterator

# Not the decimals of a fraction, nor a part of a longer number. Phone numbers may be written 3-4-4, after +86.
_NUMBER = re.compile(r"(?<!\d)(?<!\d\.)(?:(?:\+|00)?86[- ]?)?(\d{11}|\d{14}|1\d\d([- ])\d{4}\2\d{4})(?!\d|\.\d)")
_CHECKSUM = re.compile(r"[0-9a-fA-F]{32,}")


def private_numbers(text: str) -> Iterator[tuple[int, int]]:
    """(place in the text, number of digits) of each number of 11 or 14 digits that is no part of a checksum."""
    checksums = [match.span() for match in _CHECKSUM.finditer(text) if not match[0].isdigit()]
    for match in _NUMBER.finditer(text):
        if not any(start <= match.start() < end for start, end in checksums):
            yield match.start(), sum(character.isdigit() for character in match[1])


def masked(text: str) -> str:
    """The text with all but the first digit of such numbers hidden."""
    return _NUMBER.sub(lambda match: match[0][0] + "*" * (len(match[0]) - 1), text)
