"""Words that stand where a team has still to write something."""

from __future__ import annotations

import re
from collections.abc import Iterator

_WORDS = r"\b(?:TODO|FIXME|TBD|XXX+|xxx+)\b|填写|待补充|待填|待完善|\b(?i:lorem)\b"
_TEMPLATE = (  # of the organisers' README
    r"|https?:abc\.def\.gh|\bXX ?方法|YY ?处理|ZZ ?的效果"
    r"|^[|｜] ?(?:(?:简单)?介绍|标题名称|展示方法|对参考的论文|第.届计图挑战赛开源模板)[^|｜]*$"
)
_HTML = (
    "a|b|blockquote|br|center|code|col|dd|del|details|div|dl|dt|em|figcaption|figure|font|h[1-6]|hr|i|img|ins|kbd|li|ol"
    "|p|picture|pre|q|s|small|source|span|strong|sub|summary|sup|table|tbody|td|tfoot|th|thead|tr|tt|u|ul|var|video"
)
# <your name>, and not HTML, an address, the target of a link, an arrow, a type as in list<int>, or <root>, which is the
# template's word for the folder
_ANGLES = (
    rf"|(?<![A-Za-z0-9_<-])(?<!\]\()<(?!/?(?:{_HTML})\b[^<>]*>|!|root>|[a-z+.-]+:|[^<>\s]+@|\s)"
    r"[^<>\n]{1,40}(?<![\s-])>"
)

IN_PROGRAMS = re.compile(_WORDS, re.ASCII)
IN_TEXTS = re.compile(_WORDS + _TEMPLATE, re.ASCII)
IN_COMMANDS = re.compile(_WORDS + _TEMPLATE + _ANGLES, re.ASCII)


def placeholders(line: str, pattern: re.Pattern) -> Iterator[str]:
    """A sentence for each placeholder of a pattern in a line."""
    for match in pattern.finditer(line):
        yield f"the placeholder {match[0].strip()} is left over; put in its place what belongs there"
