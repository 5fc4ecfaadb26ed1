"""Whom the demo answers, and how much of a request it reads."""

from __future__ import annotations

import time

from bottle import HTTPError, request

MOST_FORM_BYTES = 100_000
MOST_UPLOAD_BYTES = 20_000_000
SECONDS = 30.0  # that a request may take to arrive
FORM = "application/x-www-form-urlencoded"


def refuse_strangers(port: int) -> None:
    """HTTPError 403 for a page of another site, which may reach this server through the browser of whoever runs it.

    Host is another's where a name of theirs was made to lead here (DNS rebinding); Origin is where a page of theirs
    sends a request. Browsers send it with every POST.
    """
    host = request.get_header("Host", "")
    if host not in {f"{name}:{port}".removesuffix(":80") for name in ("127.0.0.1", "localhost")}:
        raise HTTPError(403, f"this is the demo on 127.0.0.1, port {port}; it answers to no other name")
    if request.method not in ("GET", "HEAD") and request.get_header("Origin") != f"http://{host}":
        raise HTTPError(403, "the demo computes for its own page alone")


def is_form() -> bool:
    """Whether the body holds options; else it is an upload."""
    return request.content_type.partition(";")[0] == FORM


def read_body() -> bytes:
    """The body of the request; HTTPError if it is too large, too slow, or breaks off.

    Of one that is too large nothing is kept, but it is read to its end, since browsers hear no answer before.
    """
    most = MOST_FORM_BYTES if is_form() else MOST_UPLOAD_BYTES
    try:
        n_bytes = request.content_length
    except ValueError:
        n_bytes = -1
    if n_bytes < 0:
        raise HTTPError(411, "how long is the request? It does not say")
    end, left, parts = time.monotonic() + SECONDS, n_bytes, []
    while left > 0:
        part = _read_some(min(left, 1 << 16))
        if time.monotonic() > end:
            raise HTTPError(408, f"this did not arrive within {SECONDS:.0f} seconds")
        if not part:
            raise HTTPError(400, "the request broke off")
        left -= len(part)
        if n_bytes <= most:
            parts.append(part)
    if n_bytes > most:
        raise HTTPError(413, f"{n_bytes:,} bytes are too many; the demo takes up to {most:,}")
    return b"".join(parts)


def _read_some(most: int) -> bytes:
    """What has arrived; b"" at the end, or after a while without a byte."""
    try:
        return request.environ["wsgi.input"].read1(most)
    except OSError:
        return b""
