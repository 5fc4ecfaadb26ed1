"""Score a trained network on a data set: a generator beside real images, a translator on a folder of test images.

python scripts/evaluate.py --weights weights/cgan_mnist.safetensors --dataset mnist
python scripts/evaluate.py --weights runs/faces/best.safetensors --dataset folder --data_dir faces --json scores.json
python scripts/evaluate.py --weights weights/pix2pix_facades_128.safetensors --data_dir facades/test --direction b2a \\
    --img_size 128
python scripts/evaluate.py --weights runs/landscapes/best.safetensors --dir_a labels --dir_b imgs
python scripts/evaluate.py --weights weights/cyclegan_monet_128.safetensors --data_dir monet2photo --img_size 128
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import math
import os
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Callable, Optional

import numpy as np
from tqdm import tqdm

from jgan.cli import training, translation
from jgan.cli.judges import find_judge
from jgan.cli.options import device_option, image_size, option, require_weights
from jgan.cli.program import run_program
from jgan.data import mnist
from jgan.data.dataset import Images, fingerprint
from jgan.data.folder import load_folder
from jgan.data.paired import load_matched, load_pairs
from jgan.errors import UserError
from jgan.files import make_folder, making_folder, require_no_file_at, write_bytes
from jgan.images import from_pixels, save_png, strip
from jgan.jittor_setup.runtime import set_device
from jgan.metrics import PATCH
from jgan.weights.arrays import load_header

WHERE = "give the test images as --data_dir, or as --dir_a and --dir_b"
OF_GENERATORS = {"dataset", "judge", "n_samples"}
OF_TRANSLATORS = {"dir_a", "dir_b", "direction", "img_size"}


@dataclasses.dataclass
class Options:
    weights: Optional[str] = option(None, "a generator.safetensors or best.safetensors of a training, or of weights/")
    dataset: Optional[str] = option(None, "generators: the real images", choices=training.DATASETS)
    data_dir: Optional[str] = option(
        None,
        "folder of the images; for Pix2Pix of pairs, or its val/ or test/; with testA/ and testB/ for CycleGAN",
    )
    dir_a: Optional[str] = option(None, "translators: folder of the images A, in place of --data_dir")
    dir_b: Optional[str] = option(None, "translators: folder of the images B")
    direction: Optional[str] = option(
        None, "Pix2Pix: which is translated into which; else as in the training that made the weights",
        choices=("a2b", "b2a"),
    )  # fmt: skip
    judge: Optional[str] = option(None, "generators: a classifier.safetensors; else the shipped one of --dataset")
    img_size: Optional[str] = option(
        None, "translators: the images' size, one number or WIDTHxHEIGHT; else as in the training"
    )
    n_samples: int = option(10000, "generators: images to draw and to compare with, if there are so many", least=100)
    seed: int = option(0, "of noise, dropout and the choice of real images", least=0)
    json: Optional[str] = option(None, "a file to write the scores to")
    samples: Optional[str] = option(None, "a folder to write the images to that are scored, as PNG")
    device: str = device_option()


@dataclasses.dataclass
class Scored:
    """Scores by name, for each set of images; beside what was scored, and the images themselves by their names."""

    protocol: dict
    scores: dict[str, dict]
    images: dict[str, np.ndarray]


def check(opt: Options, given: dict) -> Callable[[], Scored]:
    """What scores the network: the rest of the work, once everything that it takes is there."""
    header = load_header(require_weights(opt.weights))
    model, options = header.get("model"), header.get("options", {})
    draws = options.keys() >= {"latent_dim", "img_size", "channels"}
    translates = "out_channels" in options or (model == "cyclegan.Generators" and "channels" in options)
    if not (draws or translates):
        raise UserError(
            f"{opt.weights} holds {model or 'the state of a run'}; generators and translators are scored, and "
            "train_classifier.py tests the classifiers that it trains"
        )
    for name in (OF_TRANSLATORS if draws else OF_GENERATORS) & given.keys():
        raise UserError(f"--{name} means nothing to {model} in {opt.weights}; leave it out")
    require_writable(opt)
    if draws:
        return functools.partial(score_generator, opt, *generator_data(opt))
    if model == "cyclegan.Generators":
        return functools.partial(score_cyclegan, opt, *unpaired_data(opt))
    return functools.partial(score_pix2pix, opt, *paired_data(opt))


def require_writable(opt: Options) -> None:
    """UserError where it can be seen that scores and samples cannot be written."""
    if opt.json is not None:
        if os.path.isdir(opt.json):
            raise UserError(f"{opt.json} is a folder; give a file as --json")
        if not Path(opt.json).absolute().parent.is_dir():
            raise UserError(f"the folder {Path(opt.json).absolute().parent} does not exist; make it first")
        make_folder(Path(opt.json).absolute().parent)
    if opt.samples is not None:
        if opt.json is not None and Path(opt.json).resolve() == Path(opt.samples).resolve():
            raise UserError("--json and --samples are the same; give a file and a folder")
        if os.path.isdir(opt.samples) and os.listdir(opt.samples):
            raise UserError(f"{opt.samples} is not empty; give a new folder as --samples")
        require_no_file_at(Path(opt.samples))


def generator_data(opt: Options) -> tuple[Images, Images, Path | None]:
    """Images to compare with, other real images to score beside the drawn, and the judge's weights, if there is one."""
    if opt.dataset is None:
        raise UserError(f"give the real images as --dataset: {', '.join(training.DATASETS)}")
    header = load_header(opt.weights)
    size, channels = header["options"]["img_size"], header["options"]["channels"]
    labelled = "n_classes" in header["options"]
    if opt.dataset == "folder":
        if opt.data_dir is None:
            raise UserError("give the folder of real images as --data_dir")
        sets = halves(load_folder(opt.data_dir, size=size, channels=channels, labelled=labelled))
    else:
        how = {"name": opt.dataset, "data_dir": opt.data_dir, "size": size, "channels": channels, "labelled": labelled}
        sets = [mnist.load_mnist(split, **how) for split in ("train", "test")]
    if labelled:
        classes = tuple(header.get("classes") or map(str, range(header["options"]["n_classes"])))
        if classes != sets[0].classes:
            raise UserError(
                f"{opt.weights} draws the classes {', '.join(classes)}, and those of the real images are "
                f"{', '.join(sets[0].classes)}; give the data set that it was trained on"
            )
    judge = find_judge(opt.judge, opt.dataset, channels=channels, classes=sets[0].classes)
    if judge is None and size < PATCH:
        raise UserError(f"images of {size} x {size} can only be scored by a judge; give one as --judge")
    return *sets, judge


def halves(data: Images) -> list[Images]:
    """The images at even and at odd places."""
    if len(data) < 4:
        raise UserError(f"{len(data)} images are too few to compare with")
    return [Images(data.pixels[i::2], None if data.labels is None else data.labels[i::2], data.classes) for i in (0, 1)]


def paired_data(opt: Options) -> list[Images]:
    """Inputs and targets."""
    in_training(opt, "direction")
    if opt.direction not in ("a2b", "b2a"):
        raise UserError(f"{opt.weights} is damaged: {opt.direction} is no direction")
    forth = -1 if opt.direction == "b2a" else 1
    options = load_header(opt.weights)["options"]
    how = {
        "size": size(opt),
        "channels": (options.get("in_channels") or 3, options["out_channels"])[::forth],
        "label_classes": (options.get("label_classes"), None)[::forth],
    }
    if translation.is_one_folder(opt, WHERE):
        opt.data_dir = translation.held_out(opt.data_dir) or opt.data_dir
        if os.path.isdir(os.path.join(opt.data_dir, "train")):
            raise UserError(f"{opt.data_dir} has train/ in it, but no val/ or test/; give the folder of the test pairs")
        return load_pairs(opt.data_dir, **how)[::forth]
    return load_matched(opt.dir_a, opt.dir_b, **how)[::forth]


def unpaired_data(opt: Options) -> list[Images]:
    """Images of A and of B."""
    if opt.direction is not None:
        raise UserError("CycleGAN is scored in both directions; leave --direction out")
    folders = [opt.dir_a, opt.dir_b]
    if translation.is_one_folder(opt, WHERE):
        folders = [os.path.join(opt.data_dir, name) for name in ("testA", "testB")]
        if not all(map(os.path.isdir, folders)):
            raise UserError(f"{opt.data_dir} does not hold testA/ and testB/; give two folders as --dir_a and --dir_b")
    channels = load_header(opt.weights)["options"]["channels"]
    height, width = size(opt)
    if height != width:
        raise UserError(f"--img_size {opt.img_size}: CycleGAN's images are squares; give one number")
    return [load_folder(folder, size=height, channels=channels) for folder in folders]


def in_training(opt: Options, name: str) -> None:
    """Have an option that was not given as it was in the training that made the weights.

    UserError if they do not say, as those of older versions and converted ones.
    """
    if getattr(opt, name) is None:
        header = load_header(opt.weights)
        if name not in header:
            raise UserError(f"{opt.weights} does not say which --{name} it was trained with; give it, too")
        setattr(opt, name, str(header[name]))


def size(opt: Options) -> tuple[int, int]:
    """Height and width of a translator's images."""
    in_training(opt, "img_size")
    found = image_size(opt.img_size, "--img_size")
    if min(found) < 16:
        raise UserError(f"--img_size {opt.img_size} is too small; at least 16 is needed")
    return found


def score_generator(opt: Options, data: Images, others: Images, judge_path: Path | None) -> Scored:
    from jgan.inference import evaluation
    from jgan.inference.generators import load_generator
    from jgan.inference.judges import load_judge

    generator = load_generator(opt.weights)
    judge = None if judge_path is None else load_judge(judge_path)
    n = min(opt.n_samples, len(data), len(others))
    real, other = (evaluation.chosen(each, judge, n=n, seed=opt.seed) for each in (data, others))
    drawn = evaluation.drawn(
        generator, judge, n_classes=len(data.classes), n=n, seed=opt.seed, bar=progress("drawing")
    )  # fmt: skip
    sets = {"drawn": drawn, "other real images": other}
    scores = {}
    for name, images in sets.items():
        scores[name] = {}
        if judge is not None:
            evaluation.require_enough(images, data.classes, f"images ({name})")
            scores[name].update(evaluation.judged(real, images, data.classes, seed=opt.seed))
        scores[name].update(evaluation.sliced_wasserstein(real.pixels, images.pixels, seed=opt.seed))
    protocol = {
        "drawn": n,
        "beside": f"{n} of {len(data)} real images",
        "other real images": f"{n} of {len(others)}",
        "judge": "none" if judge is None else described(judge_path),
        "sliced Wasserstein": f"of {evaluation.n_sliced(real.pixels, drawn.pixels)} images",
        "data": f"{opt.dataset}, {fingerprint(data, others)['data']}",
    }
    names = [f"{i:05d}" for i in range(n)]
    if drawn.labels is not None:
        names = [f"{name}_label{label}" for name, label in zip(names, drawn.labels)]
    return Scored(protocol, scores, dict(zip(names, drawn.pixels)))


def score_pix2pix(opt: Options, inputs: Images, targets: Images) -> Scored:
    from jgan.inference import evaluation
    from jgan.inference.translators import load_translator

    generator = load_translator(opt.weights)
    translated = evaluation.translated(generator, inputs.pixels, seed=opt.seed, bar=progress("translating"))
    scores = {
        "translated": {
            **evaluation.nearness(targets.pixels, translated),
            **evaluation.sliced_wasserstein(targets.pixels, translated, seed=opt.seed),
        }
    }
    statistics = "of each image, with dropout" if "in_channels" in generator.model_options else "of each image"
    protocol = {"pairs": len(translated), "size": opt.img_size, "statistics": statistics}
    protocol["sliced Wasserstein"] = f"of {evaluation.n_sliced(targets.pixels, translated)} images"
    protocol |= {"direction": opt.direction, "data": fingerprint(inputs, targets)["data"]}
    protocol["folder"] = opt.data_dir or f"{opt.dir_a} and {opt.dir_b}"
    return Scored(protocol, scores, {f"{i:05d}": image for i, image in enumerate(translated)})


def score_cyclegan(opt: Options, a: Images, b: Images) -> Scored:
    from jgan.inference import evaluation
    from jgan.inference.translators import load_translator

    scores, images = {}, {}
    for direction, source, target in (("a2b", a, b), ("b2a", b, a)):
        generator = load_translator(opt.weights, direction=direction)
        translated = evaluation.translated(generator, source.pixels, seed=opt.seed, bar=progress(direction))
        scores[direction] = evaluation.sliced_wasserstein(target.pixels, translated, seed=opt.seed)
        scores[f"{direction}, untranslated"] = evaluation.sliced_wasserstein(
            target.pixels, source.pixels, seed=opt.seed
        )
        images.update({f"{direction}_{i:05d}": image for i, image in enumerate(translated)})
    protocol = {
        "images of A": len(a), "images of B": len(b), "size": opt.img_size,
        "sliced Wasserstein": f"of {evaluation.n_sliced(a.pixels, b.pixels)} images", "data": fingerprint(a, b)["data"],
    }  # fmt: skip
    return Scored(protocol, scores, images)


def progress(title: str):
    return functools.partial(tqdm, desc=title, leave=False, mininterval=1, disable=not sys.stderr.isatty())


def described(path: str | Path) -> str:
    """A file and the beginning of its checksum, by which figures of one judge are told from another's."""
    return f"{path} (sha256 {hashlib.sha256(Path(path).read_bytes()).hexdigest()[:12]})"


def table(scores: dict[str, dict]) -> str:
    """The numbers in aligned columns, a column for each set of images; those of classes and sizes below them."""
    rows = {}
    for column, found in scores.items():
        for name, value in found.items():
            nested = value if isinstance(value, dict) else {None: value}
            for part, number in nested.items():
                if isinstance(number, float):
                    title = name.replace("_", " ") if part is None else f"  {part}"
                    rows.setdefault((name, part), {"": title})[column] = f"{number:.4f}"
    columns = ["", *scores]
    cells = [dict(zip(columns, columns)), *rows.values()]
    widths = {column: max(len(row.get(column, "")) for row in cells) for column in columns}
    return "\n".join(
        "  ".join(
            row.get(column, "").ljust(width) if column == "" else row.get(column, "").rjust(width)
            for column, width in widths.items()
        )
        for row in cells
    )


def finite(content):
    """The same with null for the numbers that JSON has not: infinite ones, and those of no images."""
    if isinstance(content, dict):
        return {name: finite(value) for name, value in content.items()}
    return None if isinstance(content, float) and not math.isfinite(content) else content


def write(opt: Options, score: Callable[[], Scored]) -> int:
    set_device(opt.device)
    with nullcontext() if opt.samples is None else making_folder(opt.samples) as folder:
        found = score()
        if folder is not None:
            for name, image in progress("writing")(found.images.items()):
                save_png(folder / f"{name}.png", strip(from_pixels(image[None])))
    print(described(opt.weights))
    for name, value in {**found.protocol, "seed": opt.seed}.items():
        print(f"{name}: {value}")
    print(f"\n{table(found.scores)}")
    if opt.json is not None:
        content = {"weights": described(opt.weights), "protocol": {**found.protocol, "seed": opt.seed}}
        text = json.dumps(finite({**content, "scores": found.scores}), indent=2, allow_nan=False)
        write_bytes(opt.json, f"{text}\n".encode())
        print(f"\nwrote {opt.json}")
    if opt.samples is not None:
        print(f"wrote {len(found.images)} images into {opt.samples}")
    return 0


if __name__ == "__main__":
    run_program(Options, __doc__, check, write)
