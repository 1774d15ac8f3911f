# SPDX-License-Identifier: GPL-2.0-only
"""Where things are: the tree, its build directory and the cache outside it."""

import os
import pathlib

VM = pathlib.Path(__file__).resolve().parent.parent
TREE = VM.parent.parent
BUILD = TREE / "build"


class HarnessError(Exception):
    """Something that the run needs cannot be had; the text names it."""


def cache():
    """The cache directory, which outlives the tree and is shared by all runs."""
    explicit = os.environ.get("VFIO_LATCH_CACHE")
    if explicit:
        return pathlib.Path(explicit)
    base = os.environ.get("XDG_CACHE_HOME")
    base = pathlib.Path(base) if base else pathlib.Path.home() / ".cache"
    return base / "vfio-latch"


def relative(path):
    """PATH as a reader of the tree would type it."""
    try:
        return pathlib.Path(path).relative_to(TREE)
    except ValueError:
        return path
