"""The warm-up's hand-in: the repository that the organisers ask teams to publish, and what is wrong with such a one.

Nothing of it is copied into the repository: what trains and draws there does without it.
"""
