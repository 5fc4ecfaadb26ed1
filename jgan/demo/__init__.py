"""A page on this machine that draws, walks through latent spaces and translates with trained weights.

The process that serves it never imports Jittor. That is left to another (`jgan.demo.child`), because Jittor holds
Python's lock as long as it computes or compiles, and nobody could be told how long they wait, nor Ctrl-C end it.
"""
