"""Lay several runs side by side on one page: options that differ, curves, samples at the same steps, scores.

python scripts/report.py runs/dcgan runs/dcgan_hinge                      # writes report.html
python scripts/report.py runs/a runs/b runs/c --output c.html --contact_sheet c.png
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Optional

from jgan.cli.options import option, require_html_path, require_png_path
from jgan.cli.program import run_program
from jgan.errors import UserError
from jgan.training.page import write_report
from jgan.training.page.contact_sheet import save_contact_sheet
from jgan.training.run import Run


@dataclasses.dataclass
class Options:
    runs: tuple[str, ...] = option(help="the directories of two runs or more")
    output: str = option("report.html", "the page to write, which ends in .html")
    contact_sheet: Optional[str] = option(None, "a PNG to write, too: a row of samples for each run")
    columns: int = option(8, "samples in a row of the contact sheet, spread evenly over the training", least=1)


def main(opt: Options, given: dict) -> int:
    output = require_html_path(opt.output)
    if "columns" in given and opt.contact_sheet is None:
        raise UserError("--columns is about the contact sheet; give --contact_sheet, too, or leave it out")
    sheet = None if opt.contact_sheet is None else require_png_path(opt.contact_sheet, "--contact_sheet")
    runs = open_runs(opt.runs)
    write_report(output, runs)
    print(f"wrote {output}")
    if sheet is not None:
        save_contact_sheet(sheet, runs, columns=opt.columns)
        print(f"wrote {sheet}")
    return 0


def open_runs(folders: tuple[str, ...]) -> list[Run]:
    """The runs in these directories; UserError if one is none, if one is given twice, or if it is alone."""
    runs: dict[Path, Run] = {}
    for folder in folders:
        run, place = Run(folder), Path(folder).resolve()
        run.read_config()
        if place in runs:
            raise UserError(f"{folder} is the same run as {runs[place].folder}; give each run once")
        runs[place] = run
    if len(runs) < 2:
        raise UserError(f"give two runs or more to compare; {folders[0]} alone has its own page, index.html in it")
    return list(runs.values())


if __name__ == "__main__":
    run_program(Options, __doc__, main)
