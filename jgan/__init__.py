"""jgan: a GAN toolkit for Jittor competitions.

Importing the package is cheap. It readies the process for Jittor, so that whichever module imports Jittor first, it
is set up rightly (see `jgan.jittor_setup.importing`).
"""

from jgan.jittor_setup.importing import prepare

__version__ = "0.1.0"

prepare()
