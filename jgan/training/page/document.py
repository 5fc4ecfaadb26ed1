"""A page in one file: the template, the style, the scripts and the data put together."""

from __future__ import annotations

import html
import json
import re
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent


def page_html(kind: str, title: str, data: dict) -> str:
    """The HTML of a page of one kind, "run" or "report": its sections are in KIND.html, and KIND.js fills them.

    data: what JSON can hold, without NaN and infinity; ValueError otherwise.
    """
    parts = {
        "title": html.escape(title),
        "style": _read("uplot/uPlot.min.css") + _read("page.css"),
        "theme": _read("theme.js"),
        "body": _read(f"{kind}.html"),
        "data": embedded_json(data),
        "license": _read("uplot/LICENSE"),
        "uplot": _read("uplot/uPlot.iife.min.js"),
        "script": "".join(map(_read, ("elements.js", "player.js", "curves.js", f"{kind}.js"))),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda slot: parts[slot[1]], _read("page.html"))


def embedded_json(data) -> str:
    """JSON that may stand in a script element, whatever its strings hold: no character in it begins markup."""
    text = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.translate({ord(character): f"\\u{ord(character):04x}" for character in "<>&"})


@cache
def _read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")
