"""Model files with something changed in them, by chance."""

from __future__ import annotations

import random
import re
import zipfile
from io import BytesIO

import numpy as np

from sweepstake.domain.spec import Limits

LIMITS = Limits(trial_timeout=120, trial_memory=2_000_000_000)
EXTREMES = (-1, 0, 1, 7, 1 << 20, (1 << 31) - 1, 1 << 31, (1 << 62) + 1, -(1 << 40))


def unpacked(content):
    """The files of a skops archive, by their names."""
    with zipfile.ZipFile(BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(files):
    """A skops archive of these files."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def saved(array):
    """An array as a file of NumPy's."""
    buffer = BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def changed_array(content, chance):
    """An array's file with a figure, its shape or its type changed."""
    array = np.load(BytesIO(content))
    kind = chance.choice(["figure", "figure", "figure", "shape", "type"])
    if kind == "shape":
        return (
            saved(chance.choice([array[:-1], np.repeat(array, 2), array.reshape(-1)]))
            if (array.ndim)
            else saved(np.array([array, array]))
        )
    if kind == "type":
        plain = array if array.dtype.names is None else array[array.dtype.names[0]]
        return saved(plain.astype(chance.choice(["i1", "<i4", "<i8", "<f4", "<f8", "U3"])))
    return saved(with_extreme(array, chance))


def with_extreme(array, chance):
    """The same with an extreme in one place."""
    flat = np.array(array).reshape(-1)
    if not flat.size:
        return flat
    place = chance.randrange(len(flat))
    target = flat if flat.dtype.names is None else flat[chance.choice(flat.dtype.names)]
    kind = target.dtype.kind
    if kind in "iu":
        target[place] = np.array(chance.choice(EXTREMES)).astype(target.dtype)
    elif kind == "f":
        target[place] = chance.choice([np.nan, np.inf, -1e300, 0.0])
    elif kind == "b":
        target[place] = not target[place]
    return flat.reshape(np.shape(array))


def changed(content, seed):
    """A model file with one thing changed: an array, or a figure in its schema."""
    chance = random.Random(seed)
    files = unpacked(content)
    arrays = sorted(name for name in files if name.endswith(".npy"))
    if arrays and chance.random() < 0.8:
        name = chance.choice(arrays)
        files[name] = changed_array(files[name], chance)
    else:
        schema = files["schema.json"].decode()
        figures = list(re.finditer(r'"content": "(-?\d+)"', schema))
        found = chance.choice(figures)
        schema = schema[: found.start(1)] + str(chance.choice(EXTREMES)) + schema[found.end(1) :]
        files["schema.json"] = schema.encode()
    return packed(files)
