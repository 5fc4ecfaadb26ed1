from __future__ import annotations

import pytest

from jgan.submission.markdown import SECTIONS, page_findings, readme_findings

FILES = {"README.md", "train.py", "scripts/test.sh", "images/a (1).png", "docs/more.md", "requirements.txt"}


def found(text, *, readme=False, name="README.md"):
    check = readme_findings if readme else page_findings
    return [(finding.line, finding.sentence) for finding in check(name, text, FILES)]


def shell(command):
    return f"文字\n\n```bash\n{command}\n```\n"


@pytest.mark.parametrize(
    "text",
    [
        "TODO",
        "XXX",
        "team-xxx",
        "TODO：写入手机号",
        "这里填写队名",
        "待补充",
        "Lorem ipsum",
        "<你的队名>",
        "放入<your_path>下",
        "<...>",
        "`<number>`",
        "https:abc.def.gh",
        "采用了 XX 方法对 YY 处理",
        "| 介绍模型训练的方法",
        "｜ 介绍模型推理、测试、或者评估的方法",
        "| 第二届计图挑战赛开源模板",
        "```bash\npython train.py <number>\n```",
    ],
)
def test_a_placeholder_is_found(text):
    sentences = found(text)
    assert {line for line, _ in sentences} == {2 if "```" in text else 1}
    assert all(sentence.startswith("the placeholder ") for _, sentence in sentences)


@pytest.mark.parametrize(
    "text",
    [
        "<img src='https://a.b/c.png' width=150/> <br> <p align=center></p> <!-- a note --> <h1>标题</h1>",
        "<https://a.b> <me@a.b> `<root>/weights/`",
        "[a](<train.py>)",
        "x < 3 and y > 2, a <- b -> c",
        "```cpp\nstd::vector<int> v; #include <map>\n```",
        "vector<int>",
        "```bash\npython train.py < in.txt > out.txt\n```",
        "| 方法 | 介绍 |",
        "AXXXB mastodon",
    ],
)
def test_what_only_looks_like_one_is_left_alone(text):
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("![图](images/gone.png)", "images/gone.png"),
        ("[见](docs/gone.md#heading)", "docs/gone.md#heading"),
        ("[见](../train.py)", "../train.py"),
        ('<img src="D:\\img\\a.png" alt="a" />', "D:\\img\\a.png"),
        ('<img width=3 src="images/b c.png">', "images/b c.png"),
        ("[here]: gone.txt", "gone.txt"),
        ('![图](gone.png "标题")', "gone.png"),
        ("![图](images/a.png) `[x](y)`", "images/a.png"),
        ("[![a](images/no.png)](train.py)", "images/no.png"),
    ],
)
def test_a_link_to_nothing_is_found(text, link):
    assert found(f"\n{text}") == [(2, f"the link to {link} leads to nothing that is published here")]


@pytest.mark.parametrize(
    "text",
    [
        "![图](images/a%20(1).png)",
        "![图](<images/a (1).png>)",
        "[见](train.py) [见](./docs/more.md) [见](docs) [见](docs/) [见](/docs/more.md?raw=true)",
        "[网](https://a.b/c.png) [信](mailto:me@a.b) [节](#heading) [顶](.)",
        "```python\na[i](x)\n```",
        "`a[i](x)`",
        '<a href="docs/more.md">more</a>',
        "[here]: train.py",
    ],
)
def test_a_link_that_leads_somewhere_is_none(text):
    assert found(text) == []


def test_links_start_from_their_page():
    assert found("[a](../train.py) [b](more.md)", name="docs/more.md") == []
    assert len(found("[a](train.py)", name="docs/more.md")) == 1


@pytest.mark.parametrize(
    ("command", "missing"),
    [
        ("python gone.py --lr 0.1", "gone.py"),
        ("$ CUDA_VISIBLE_DEVICES=0 python gone.py", "gone.py"),
        ("mpirun -np 2 python scripts/train.py", "scripts/train.py"),
        ("bash train.sh && echo", "train.sh"),
        ("./scripts/gone.sh", "./scripts/gone.sh"),
        ("pip install -r requirements/base.txt", "requirements/base.txt"),
        ("python train.py --config=configs/a.py", "configs/a.py"),
        ("python /root/train.py", "/root/train.py"),
    ],
)
def test_a_command_of_a_program_that_is_missing_is_found(command, missing):
    expected = f"the command names {missing}, which is not published here"
    assert (4, expected) in found(shell(command), readme=True)
    if command[0] in "pb":
        assert (1, expected) in found(f"运行 `{command}`", readme=True)
        assert (2, expected) in found(f"\n    {command}", readme=True)


@pytest.mark.parametrize(
    "command",
    [
        "python train.py --lr 0.1  # not gone.py",
        "cd scripts && bash test.sh",
        "python3 ./train.py; bash scripts/test.sh",
        "wget https://a.b/c.sh",
        "python -m pip install -r requirements.txt",
        "python $DIR/x.py",
        "pip install jittor",
    ],
)
def test_a_command_that_can_be_typed_is_none(command):
    sentences = [sentence for _, sentence in found(shell(command), readme=True)]
    assert not any("command" in sentence for sentence in sentences)


def test_python_is_no_command():
    assert not any("command" in s for _, s in found("```python\nopen('gone.py')\n```\nSee `gone.py`.", readme=True))


@pytest.mark.parametrize("left_out", [None, *SECTIONS])
def test_every_section_of_the_template_is_asked_for(left_out):
    text = "# 标题\n" + "".join(f"## {name}\n" for name in SECTIONS if name != left_out)
    sentences = [sentence for _, sentence in found(text, readme=True)]
    assert sentences == (
        [] if left_out is None else [f"it has no section {left_out}, which the organisers' template has"]
    )


def test_headings_may_say_more_and_a_title_is_asked_for():
    headings = [
        "1. 简介",
        "安装与依赖",
        "运行环境",
        "安装依赖",
        "预训练模型",
        "数据预处理",
        "训练（包含推理）",
        "致谢 ##",
    ]
    text = "".join(f"## {heading}\n" for heading in headings)
    assert [sentence.split(",")[0] for _, sentence in found(text, readme=True)] == ["it has no title"]
    assert found('<h1 align="center">标题</h1>\n' + text, readme=True) == []
    assert found("# 标题\n```\n# 简介\n```\n", readme=True)[0][1].startswith("it has no section 简介")
