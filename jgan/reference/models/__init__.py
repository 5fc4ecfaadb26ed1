"""Networks, one file per paper, as in `jgan.models`, whose docstrings give shapes and ranges."""
