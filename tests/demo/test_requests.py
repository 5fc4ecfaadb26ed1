from __future__ import annotations

import io

import pytest

bottle = pytest.importorskip("bottle")
from jgan.demo import requests  # noqa: E402


class Slow(io.BytesIO):
    """It has a byte at a time, while an hour passes."""

    def __init__(self, body, clock):
        super().__init__(body)
        self.clock = clock

    def read1(self, size=-1):
        self.clock.append(3600)
        return super().read1(1)


def received(n_bytes: int, body, content_type="image/png") -> bytes:
    bottle.request.bind({"CONTENT_LENGTH": str(n_bytes), "CONTENT_TYPE": content_type, "wsgi.input": body})
    return requests.read_body()


def test_a_body_is_read_to_its_length():
    assert received(6, io.BytesIO(b"upload and more")) == b"upload"
    assert received(0, io.BytesIO(b"more")) == b""


@pytest.mark.parametrize(
    ("n_bytes", "content_type", "status"),
    [
        (requests.MOST_UPLOAD_BYTES, "image/png", None),
        (requests.MOST_UPLOAD_BYTES + 1, "image/png", 413),
        (requests.MOST_FORM_BYTES, "Application/x-www-form-urlencoded; charset=UTF-8", None),
        (requests.MOST_FORM_BYTES + 1, "Application/x-www-form-urlencoded; charset=UTF-8", 413),
    ],
)
def test_what_is_too_large_is_read_and_refused(n_bytes, content_type, status):
    body = io.BytesIO(bytes(n_bytes) + b"next")
    if status is None:
        assert len(received(n_bytes, body, content_type)) == n_bytes
    else:
        with pytest.raises(bottle.HTTPError, match=f"{n_bytes:,} bytes are too many") as refused:
            received(n_bytes, body, content_type)
        assert refused.value.status_code == status
    assert body.read() == b"next"


def test_what_arrives_too_slowly_is_refused(monkeypatch):
    clock = []
    monkeypatch.setattr(requests.time, "monotonic", lambda: sum(clock))
    with pytest.raises(bottle.HTTPError) as refused:
        received(5, Slow(b"bytes", clock))
    assert refused.value.status_code == 408 and len(clock) == 1


def test_what_breaks_off_is_refused():
    with pytest.raises(bottle.HTTPError) as refused:
        received(9, io.BytesIO(b"half"))
    assert refused.value.status_code == 400
