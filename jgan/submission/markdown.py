"""What is wrong with a page of Markdown: placeholders, missing sections, links and commands that lead nowhere."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import unquote

from jgan.submission.files import Finding
from jgan.submission.placeholders import IN_COMMANDS, IN_TEXTS, placeholders

SECTIONS = {  # of the organisers' template, and how their headings are told from others that hold the same words
    "简介": "简介",
    "安装": "安装(?!依赖)",
    "运行环境": "运行环境",
    "安装依赖": "安装依赖",
    "预训练模型": "预训练模型",
    "数据预处理": "数据预处理",
    "训练": "(?<!预)训练",
    "推理": "推理",
    "致谢": "致谢",
}
_SHELLS = ("", "bash", "sh", "shell", "console", "zsh")
_FENCE = re.compile(r"\s*(```+|~~~+)\s*([\w-]*)")
_HEADING = re.compile(r"\s{0,3}(#{1,6})\s+(.+)")
_CODE = re.compile(r"(`+)(.+?)\1")
_COMMAND = re.compile(r"\s*(?:[$>]\s+)?((?:[A-Z_]+=\S+\s+)*(?:[Pp]ython[\d.]*|bash|sh|pip\d?|mpirun)\s.+)", re.ASCII)
_SCRIPT = re.compile(r"(?<![^\s'\"=])[^\s'\"=`;|&()<>$*{}]+\.(?:py|sh)(?![^\s'\"`;|&)])")
_REQUIREMENTS = re.compile(r"\bpip\d?\s+install\s.*?(?:-r|--requirement)[\s=]+([^\s;&|]+)")
_FOLDER = re.compile(r"(?:^|[;&]\s*)cd\s+([^\s;&|]+)")
_LINK = re.compile(
    r"\]\(\s*(?:<([^<>]*)>|((?:[^()\s]|\([^()\s]*\))+))(?:\s+[\"'(].*?[\"')])?\s*\)"
    r"|<(?:img|a|source|video)\b[^>]*?\s(?:src|href)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>]+))"
    r"|^\s{0,3}\[[^\]]+\]:\s*<?([^\s>]+)"
)


class Line(NamedTuple):
    """A line of a page, without the marks of blocks of code."""

    number: int
    text: str
    language: str | None  # of the block of code that it stands in; None outside


def page_findings(name: str, text: str, files: set[str]) -> Iterator[Finding]:
    """Placeholders in a page of a repository, and links that lead to none of its files."""
    for number, line, language in _lines(text):
        pattern = IN_COMMANDS if language is None or language in _SHELLS else IN_TEXTS
        for sentence in placeholders(line, pattern):
            yield Finding(name, number, sentence)
        for link in _links(line) if language is None else ():
            path = unquote(re.split("[#?]", link)[0])
            start = "" if path.startswith("/") else posixpath.dirname(name)
            if path and not _is_there(posixpath.join(start, path.lstrip("/")), files):
                yield Finding(name, number, f"the link to {link} leads to nothing that is published here")


def readme_findings(name: str, text: str, files: set[str]) -> Iterator[Finding]:
    """Sections of the template that a README lacks, and programs in its commands that are none of the files."""
    lines = list(_lines(text))
    headings = [match for line in lines if line.language is None and (match := _HEADING.match(line.text))]
    if not any(match[1] == "#" for match in headings) and "<h1" not in text:
        yield Finding(name, None, "it has no title, a first line such as # 计图挑战赛热身赛")
    for section, pattern in SECTIONS.items():
        if not any(re.search(pattern, match[2]) for match in headings):
            yield Finding(name, None, f"it has no section {section}, which the organisers' template has")
    commands = [(line.number, command) for line in lines for command in _commands(line)]
    folders = ["", *(folder for _, command in commands for folder in _FOLDER.findall(command))]
    for number, command in commands:
        for script in (*_SCRIPT.findall(command), *_REQUIREMENTS.findall(command)):
            if "://" not in script and not any(_is_there(posixpath.join(each, script), files) for each in folders):
                yield Finding(name, number, f"the command names {script}, which is not published here")


def _lines(text: str) -> Iterator[Line]:
    fence = language = None
    for number, line in enumerate(text.splitlines(), start=1):
        match = _FENCE.match(line)
        if match and fence is None:
            fence, language = match[1], match[2].lower()
        elif match and match[1].startswith(fence) and not match[2]:
            fence = language = None
        else:
            yield Line(number, line, language)


def _links(line: str) -> list[str]:
    """The targets of links and images that are no addresses and no headings of the same page."""
    found = [next(filter(None, match.groups())) for match in _LINK.finditer(_CODE.sub("", line))]
    return [link for link in found if not re.match(r"[A-Za-z][\w+.-]+:|//|#", link)]


def _commands(line: Line) -> list[str]:
    """What is to be typed: the lines of blocks of commands, and lines or words in code style that begin like one."""
    if line.language is not None:
        return [re.sub(r"(^|\s)#.*", "", line.text)] if line.language in _SHELLS else []
    found = [code for _, code in _CODE.findall(line.text)] or [line.text]
    return [match[1] for match in map(_COMMAND.fullmatch, found) if match]


def _is_there(path: str, files: set[str]) -> bool:
    """Whether a path within a repository is one of its files, or a folder of some."""
    path = posixpath.normpath(path)
    return path in files or path == "." or any(name.startswith(f"{path}/") for name in files)
