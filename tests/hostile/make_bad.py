"""Makes the HDF5 files of ``tests/hostile/bad`` with h5py: what only the library can lay out.

    python tests/hostile/make_bad.py FOLDER

Run once where h5py is; the files are kept in the project. None of them leads to a file that exists.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import h5py
import numpy as np

LAMBDA = {
    "class_name": "Sequential",
    "config": {"layers": [{"class_name": "Lambda", "config": {"function": ["4wE=", None, None]}}]},
}


def main() -> None:
    """Make them all."""
    to = Path(sys.argv[1])
    to.mkdir(parents=True, exist_ok=True)
    with h5py.File(to / "external-link.h5", "w") as file:
        file["weights"] = h5py.ExternalLink("/etc/passwd.h5", "/x")
    with h5py.File(to / "external-link-among-many.h5", "w", libver="latest") as file:
        for number in range(40):
            file[f"layer{number}"] = number
        file["layer_x"] = h5py.ExternalLink("other.h5", "/x")
    with h5py.File(to / "external-data.h5", "w") as file:
        file.create_dataset("w", (4,), dtype="i1", external=[("../secret.bin", 0, 4)])
    with h5py.File(to / "virtual.h5", "w", libver="latest") as file:
        layout = h5py.VirtualLayout((4,), dtype="i4")
        layout[:] = h5py.VirtualSource("other.h5", "w", shape=(4,))
        file.create_virtual_dataset("w", layout)
    with h5py.File(to / "lambda-in-attribute.h5", "w") as file:
        file.attrs["model_config"] = json.dumps(LAMBDA)
    with h5py.File(to / "lambda-fixed-text.h5", "w") as file:
        file.attrs.create("model_config", np.bytes_(json.dumps(LAMBDA).encode()))
    with h5py.File(to / "lambda-among-many.h5", "w", libver="latest", track_order=True) as file:
        for number in range(40):
            file.attrs[f"a{number}"] = number
        file.attrs["model_config"] = json.dumps(LAMBDA)
    with h5py.File(to / "plugin-filter.h5", "w") as file:
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk((4,))
        plist.set_filter(32015, h5py.h5z.FLAG_OPTIONAL, ())
        space = h5py.h5s.create_simple((4,))
        h5py.h5d.create(file.id, b"w", h5py.h5t.NATIVE_INT32, space, plist)
    with h5py.File(to / "integers-as-configuration.h5", "w") as file:
        file.attrs["model_config"] = np.arange(3)
    with h5py.File(to / "pickle-in-an-attribute.h5", "w") as file:
        file.create_group("df").attrs["pandas_type"] = np.bytes_(b"cposix\ngetpid\n(tR.")
    with h5py.File(to / "long-pickle-in-an-attribute.h5", "w") as file:
        file.attrs["pandas_type"] = "cposix\ngetpid\n(tR."
    with h5py.File(to / "rows-of-pickles.h5", "w") as file:
        file.create_dataset("v", (2,), dtype=h5py.vlen_dtype(np.uint8)).attrs["PSEUDOATOM"] = np.bytes_(
            b"object"
        )


if __name__ == "__main__":
    main()
