"""The networks, losses and steps of this package once more, in PyTorch 2.13.0 and by its own layers.

Structure and parameter names are the same, so that weights fit either way. The fixtures of the parity tests and the
benchmark are made with it; nothing else imports it.
"""
