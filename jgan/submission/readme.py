"""The README of a hand-in, in Chinese, after the organisers' template: facts of the run, and commands that work."""

from __future__ import annotations

from jgan.submission.facts import Facts

DIGITS = "0123456789"  # drawn as an example: a number of nobody's
ENVIRONMENT = {  # what a session of a run calls it -> what the README does
    "platform": "系统",
    "processor": "处理器",
    "processes": "进程数",
    "threads": "线程数",
    "device": "计算设备",
    "python": "Python",
    "jittor": "jittor",
    "numpy": "numpy",
    "g++": "g++",
    "jgan": "jgan",
    "kernels": "jgan 的 CPU 算子（`JGAN_KERNELS`）",
}
LOSSES = {
    "lsgan": "最小二乘损失（Mao et al. 2017，arXiv:1611.04076）",
    "vanilla": "交叉熵损失（Goodfellow et al. 2014，arXiv:1406.2661）",
    "hinge": "hinge 损失（Lim & Ye 2017，arXiv:1705.02894）",
}
CREDITS = {  # of the networks, by their names in the weights' header
    "cgan.Generator": "- Mirza & Osindero 2014，Conditional Generative Adversarial Nets，arXiv:1411.1784\n",
    "projection.Generator": (
        "- Miyato & Koyama 2018，cGANs with Projection Discriminator，arXiv:1802.05637\n"
        "- Miyato et al. 2018，Spectral Normalization for Generative Adversarial Networks，arXiv:1802.05957\n"
    ),
}
SCORES = {
    "frechet_distance": "Fréchet 距离（评判网络的特征，越小越好）",
    "accuracy": "被评判网络认作所要数字的比例",
    "sliced_wasserstein": "切片 Wasserstein 距离（越小越好）",
}


def readme(facts: Facts, *, seed: int, candidates: int) -> str:
    """The page; seed and candidates: by which the number was drawn that is handed in."""
    draw = f"python render_digits.py {DIGITS} --weights weights/generator.safetensors --seed {seed}"
    if candidates > 1:
        draw += f" --candidates {candidates}"
    loss = LOSSES.get(facts.options.get("gan_mode"), facts.options.get("gan_mode"))
    layers = "、".join(f"{name} {value}" for name, value in facts.model_options.items() if value is not None)
    return f"""# 计图挑战赛热身赛：用条件 GAN 生成手写数字

![生成的样本，每列一个数字](images/samples.png)

## 简介

本项目是计图（Jittor）人工智能挑战赛热身赛的代码实现：在 MNIST 上训练条件 GAN，按类别生成手写数字，
再把一串数字画成一行，得到 `result.png`：8 位灰度，高 32 像素，每个数字宽 32 像素，数字之间没有边距。

- 生成器：`{facts.model}`（{layers}），共 {facts.n_parameters:,} 个参数；
- 损失函数：{loss}；
- 程序：`train_cgan.py` 训练，`render_digits.py` 画数字；`jgan/` 是两者所用的工具包，许可证见 [LICENSE](LICENSE)。

## 安装

### 运行环境

- Linux x86-64，g++ 和 Python 头文件（Debian、Ubuntu：`apt install g++ python3-dev python3-venv`）
- Python 3.9 到 3.12

训练这份权重时的环境：

{_table((title, facts.environment.get(name)) for name, title in ENVIRONMENT.items())}
### 安装依赖

建议在新的虚拟环境中安装：

```bash
pip install -r requirements.txt
```

第一次运行时 Jittor 要先编译自身和算子，需等待几分钟。

### 预训练模型

训练好的生成器随仓库提供，不必另行下载：`weights/generator.safetensors`（{facts.n_bytes / 1e6:.1f} MB，sha256
`{facts.sha256}`）。它只存数组，不含 pickle，加载时不会执行代码。
`weights/` 中的其他文件是评判网络，用来检查生成的数字能否被认出，不参与生成器的训练。

## 数据预处理

不需要手动下载或处理数据：MNIST 随依赖 `jittor-offline` 一起安装。程序读取其中 {facts.n_images} 张训练图片，
用双线性插值缩放到 32x32，再把像素值换算到 [-1, 1]。

## 训练

```bash
{facts.command}
```

以上是这次训练的全部选项，`--max_steps` 是它完成的步数。结果写入 `runs/cgan`，其中的 `{_weights_file(facts)}`
对应本仓库的权重；在 CPU 上，处理器、软件版本、进程数和线程数（`OMP_NUM_THREADS`）相同时，训练结果逐位一致。

{_table(_course(facts))}
![训练曲线](images/curves.png)

## 推理

```bash
{draw}
```

得到的 `result.png` 应与下图一致（不同的处理器上，个别像素可能相差 1 级灰度）：

![生成的数字 0 到 9](images/digits.png)

把 `{DIGITS}` 换成要画的号码即可。号码只在命令行中给出，`result.png` 画出的就是号码，两者都不要提交到仓库
（`.gitignore` 已排除 `images/` 以外的图片）。

## 致谢

- [Jittor](https://github.com/Jittor/jittor)（计图）深度学习框架，以及挑战赛热身赛的官方示例程序
- jgan：基于 Jittor 的 GAN 工具包
{CREDITS.get(facts.model, "")}- {loss}
- MNIST 手写数字数据集（LeCun et al. 1998）
"""


def _weights_file(facts: Facts) -> str:
    return "generator.safetensors" if facts.step == facts.steps else "best.safetensors"


def _course(facts: Facts):
    """The rows of the table about the training."""
    sessions = f"，分 {facts.n_sessions} 次运行" if facts.n_sessions > 1 else ""
    yield "训练步数", f"{facts.steps:,}，每步 {facts.options['batch_size']} 张图片{sessions}"
    yield "提交的权重", f"第 {facts.step:,} 步" + ("，得分最好的一步" if facts.step != facts.steps else "")
    if facts.options.get("ema_decay"):
        yield "权重平均", f"指数滑动平均，衰减率 {facts.options['ema_decay']}"
    if facts.images_per_s is not None:
        yield "速度", f"每秒 {facts.images_per_s:,.0f} 张图片（日志的中位数）"
        yield "计算时间", f"{_readable(facts.hours)}（日志所记各步之和，不含取样、打分和保存）"
    for name, value in facts.scores.items():
        yield f"{SCORES.get(name, name)}，第 {facts.scored_step:,} 步", f"{value:.4g}"


def _readable(hours: float) -> str:
    return f"{hours:.1f} 小时" if hours >= 1 else f"{60 * hours:.1f} 分钟"


def _table(rows) -> str:
    lines = [f"| {title} | {value} |\n" for title, value in rows if value is not None]
    return "".join(["| | |\n| --- | --- |\n", *lines])
