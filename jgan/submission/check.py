"""What should be put right in a hand-in before it is published."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from jgan.errors import UserError
from jgan.submission.files import LARGEST, Finding, file_findings, published_files
from jgan.submission.markdown import page_findings, readme_findings
from jgan.submission.placeholders import IN_PROGRAMS, placeholders
from jgan.warmup.archive import archive_faults

REPOSITORY, ARCHIVE = "repository", "result.zip"  # in a folder that make_submission.py made


def check(folder: str | Path) -> tuple[list[Finding], int]:
    """The findings in a repository, or in the one in a folder of make_submission.py, and the number of files looked at.

    Looked at is what would be published: the files that git tracks, or all of a folder that is no git repository.
    Raises UserError if there is no such folder, or if it cannot be read.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder} to check")
    made_here = (folder / REPOSITORY).is_dir() and not (folder / ".git").exists() and not _readme(folder)
    repository = folder / REPOSITORY if made_here else folder
    names = published_files(repository)
    found = list(_repository_findings(repository, names))
    if made_here and (folder / ARCHIVE).exists():
        found += [Finding(ARCHIVE, None, fault) for fault in archive_faults(folder / ARCHIVE)]
    return found, len(names)


def _repository_findings(folder: Path, names: list[str]) -> Iterator[Finding]:
    readme, files = _readme(folder), set(names)
    if readme is None or readme not in files:
        yield Finding("README.md", None, "there is none among the files to publish")
    for name in names:
        yield from file_findings(folder, name)
        if Path(name).name == ARCHIVE:
            for fault in archive_faults(folder / name):
                yield Finding(name, None, fault)
        suffix = Path(name).suffix.lower()
        if suffix not in (".md", ".py", ".sh") or (folder / name).stat().st_size > LARGEST:
            continue
        text = (folder / name).read_text(encoding="utf-8", errors="replace")
        if suffix == ".md":
            yield from page_findings(name, text, files)
            if name == readme:
                yield from readme_findings(name, text, files)
        else:
            for number, line in enumerate(text.splitlines(), start=1):
                for sentence in placeholders(line, IN_PROGRAMS):
                    yield Finding(name, number, sentence)


def _readme(folder: Path) -> str | None:
    """The name of the README in a folder; GitHub takes any case."""
    return next((path.name for path in sorted(folder.iterdir()) if path.name.lower() == "readme.md"), None)
