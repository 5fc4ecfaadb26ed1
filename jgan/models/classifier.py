"""A convolutional classifier: the judge that reads drawn images, and whose features measure how real they look.

Blocks of a convolution, BatchNorm and ReLU as in VGG (Simonyan & Zisserman 2015, arXiv:1409.1556), every second of
stride 2, and in place of large last layers the mean over all places (Lin et al. 2014, arXiv:1312.4400, section 3.2).
"""

from __future__ import annotations

from jittor import nn

from jgan.layers import BatchNorm, Conv, Linear, ReLU, Sequential, require_shape
from jgan.models import rebuildable


@rebuildable
class Classifier(nn.Module):
    """Images -> one logit for each class.

    images: float32 (N, channels, img_size, img_size) in [-1, 1]; img_size is a multiple of 8.
    width: channels of the first convolution; the last has four times as many, which are the features.
    Returns float32 (N, n_classes). Raises ValueError for another img_size.
    """

    def __init__(self, *, n_classes: int = 10, img_size: int = 32, channels: int = 1, width: int = 32):
        if img_size % 8:
            raise ValueError(f"img_size must be a multiple of 8, not {img_size}")
        self.n_classes = n_classes
        self.img_shape = (channels, img_size, img_size)
        layers = []
        for n_in, n_out, kernel_size, stride in (
            (channels, width, 3, 1),
            (width, 2 * width, 4, 2),
            (2 * width, 2 * width, 3, 1),
            (2 * width, 4 * width, 4, 2),
            (4 * width, 4 * width, 3, 1),
            (4 * width, 4 * width, 4, 2),
        ):
            layers += [Conv(n_in, n_out, kernel_size, stride=stride, padding=1, bias=False), BatchNorm(n_out), ReLU()]
        self.convolutions = Sequential(*layers)
        self.linear = Linear(4 * width, n_classes)

    def features(self, images):
        """What the layer before the last sees in images: float32 (N, 4 width), from 0 on."""
        require_shape("images", images, (len(images), *self.img_shape))
        return self.convolutions(images).mean(dims=(2, 3))

    def execute(self, images):
        return self.linear(self.features(images))
