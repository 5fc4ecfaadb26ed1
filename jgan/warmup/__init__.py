"""The Jittor warm-up: a number drawn by a conditional GAN, and the archive to hand in."""

from pathlib import Path

PROGRAM = Path(__file__).with_name("CGAN.py")  # what the archive holds beside the image; it stands alone
