"""Which files of a data set hold its data, in which format, and which one is code that makes them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

FORMATS: Mapping[str, str] = {
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "json",
    ".ndjson": "json",
    ".json": "json",
    ".txt": "text",
    ".xml": "xml",
    ".tar": "webdataset",
    ".zip": "zip",
    ".h5": "hdf5",
    ".hdf5": "hdf5",
    ".npy": "numpy",
    ".npz": "numpy",
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp"), "images"),
    **dict.fromkeys((".wav", ".flac", ".mp3", ".ogg", ".opus"), "sound"),
    **dict.fromkeys((".mp4", ".mov", ".avi", ".mkv"), "films"),
}
"""Open formats of data by their endings: those that the Hub's viewer and ``datasets`` read without code."""
_PACKED = re.compile(r"\.(?:gz|bz2|xz|zst|zstd)$", re.IGNORECASE)
_NOT_DATA = re.compile(
    r"(?:^|/)(?:\.git[^/]*|(?:readme|licen[sc]e|copying|notice|citation|changelog|contributing)[^/]*"
    r"|requirements[^/]*\.txt|dataset_infos?\.json|dataset_dict\.json|state\.json|croissant\.json)$",
    re.IGNORECASE,
)


def data_format(path: str) -> str:
    """The format that a path's ending names; empty where it holds no data that can be read without code."""
    if _NOT_DATA.search(path):
        return ""
    name = _PACKED.sub("", path.rpartition("/")[2])
    dot = name.rfind(".")
    return FORMATS.get(name[dot:].lower(), "") if dot > 0 else ""


def data_files(paths: Iterable[str]) -> list[str]:
    """The files of data, by path."""
    return sorted(path for path in paths if data_format(path))


def loading_script(paths: Iterable[str]) -> str:
    """The Python file at the top that ``datasets`` would run to make the data; empty where there is none.

    A script is called like its repository, which may be renamed: any Python file at the top counts.
    """
    scripts = sorted(path for path in paths if "/" not in path and path.endswith(".py"))
    return scripts[0] if scripts else ""
