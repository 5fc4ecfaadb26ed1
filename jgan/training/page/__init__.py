"""Pages to look at: one of a run, and one of several side by side, each a single file that needs no network."""

from __future__ import annotations

from pathlib import Path

from jgan.files import write_bytes
from jgan.training.page.comparison import compare
from jgan.training.page.document import page_html
from jgan.training.page.facts import run_facts
from jgan.training.page.samples import run_samples
from jgan.training.run import Run


def write_page(run: Run) -> None:
    """Write the page of a run, index.html, from what its directory holds; UserError if it cannot be written."""
    data = {**run_facts(run), **run_samples(run)}
    write_bytes(run.page, page_html("run", f"{data['name']} · {data['program']}", data).encode())


def write_report(path: str | Path, runs: list[Run]) -> None:
    """Write a page that compares runs; UserError if they have nothing in common, or if it cannot be written."""
    data = compare(runs)
    write_bytes(path, page_html("report", " · ".join(run["name"] for run in data["runs"]), data).encode())
