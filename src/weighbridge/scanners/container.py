"""Looks for pickles in every place that a loader may unpickle from: archives, packings, arrays.

Runs in the sandbox only. Archives are read member by member, each member by its first bytes; the
storages of a torch checkpoint are not read further, so a gigabyte takes a fraction of a second.
"""

from __future__ import annotations

import io
import os
import tarfile
from dataclasses import dataclass
from typing import BinaryIO

from weighbridge.domain.paths import path_faults
from weighbridge.scanners.content import PICKLE_ENDINGS
from weighbridge.scanners.hdf5 import scan_hdf5
from weighbridge.scanners.layouts import DATA, Layout, is_of_its_name, judge_member, tar_layout, zip_layout
from weighbridge.scanners.notes import LIMIT, UNSUPPORTED, LimitExceeded, Malformed, Notes, shown
from weighbridge.scanners.npy import scan_npy
from weighbridge.scanners.pickle_names import judge_script_global
from weighbridge.scanners.pickle_stream import is_pickle, scan_pickles
from weighbridge.scanners.sniff import EXECUTABLES, HEAD_BYTES, PACKINGS, kind_of, may_be_pickle
from weighbridge.scanners.streams import section, unpacked
from weighbridge.scanners.zip_directory import METHODS, Member, read_members

_PICKLE_ENDINGS = (
    *sorted(PICKLE_ENDINGS - {".npy", ".npz"}),
    ".pkl.gz",
    ".pkl.bz2",
    ".pkl.xz",
    ".debug_pkl",
)
"""Names whose readers unpickle: a file called so must be a whole pickle or one of its packings."""
_MAX_DEPTH = 3
_MAX_TAR_MEMBERS = 100_000
_MAX_UNPACKED_HDF5 = 48 << 20
_TORCH_PLAIN = ("version", "byteorder", ".format_version", ".storage_alignment", ".data/serialization_id")


def scan_container(
    source: BinaryIO, size: int, name: str, notes: Notes, where: str = "", depth: int = 0
) -> None:
    """Note everything that a loader would unpickle from ``source``, whose whole content is ``size`` bytes."""
    source.seek(0)
    head = source.read(HEAD_BYTES)
    source.seek(0)
    kind = kind_of(head)
    try:
        if kind == "zip":
            _scan_zip(source, size, name, notes, where, depth)
        elif kind in PACKINGS:
            _scan_packed(source, size, kind, name, notes, where, depth)
        elif kind == "tar":
            _scan_tar(source, notes, where, depth)
        elif kind == "npy":
            scan_npy(source, notes, where)
        else:
            _scan_plain(source, kind, head, name, notes, where)
    except Malformed as error:
        at = where if error.at is None else f"{where}@{error.at}" if where else error.at
        notes.block(f"{kind}.malformed", f"malformed {kind}: {shown(str(error))}", at)
    except LimitExceeded as error:
        notes.over(error, where)
    except (MemoryError, RecursionError):
        notes.review(LIMIT, "needs more memory than a scan may take", where)


def _scan_plain(source: BinaryIO, kind: str, head: bytes, name: str, notes: Notes, where: str) -> None:
    if kind == "pickle" or name.lower().endswith(_PICKLE_ENDINGS):
        scan_pickles(source, notes, where)
        return
    taken = may_be_pickle(head) and is_pickle(scan_pickles(source, notes, where, probe=True))
    if kind == "binary" and not taken:
        notes.review(UNSUPPORTED, "no scanner for this binary format yet", where)


# -- packings: one compressed stream ----------------------------------------------------------


def _scan_packed(
    source: BinaryIO, size: int, packing: str, name: str, notes: Notes, where: str, depth: int
) -> None:
    inner = unpacked(packing, source, 0, size)
    head = inner.read(HEAD_BYTES)
    inner.seek(0)
    kind = kind_of(head)
    if depth >= _MAX_DEPTH or kind in PACKINGS or kind in ("zip", "7z", "rar", "zstd"):
        notes.block("archive.nested", f"a {kind} inside {packing}", where)
    elif kind == "tar":
        _scan_tar(inner, notes, where, depth)
    elif kind == "npy":
        scan_npy(inner, notes, where)
    elif kind in EXECUTABLES:
        notes.block("content.executable", f"an executable ({kind}) inside {packing}", where)
    else:
        _scan_plain(inner, kind, head, name, notes, where)
        if kind == "text" and not name.lower().endswith(_PICKLE_ENDINGS):
            notes.review("archive.generic", f"a text packed with {packing}", where)


# -- ZIP: torch since 1.6, .npz, and any other ------------------------------------------------


def _scan_zip(source: BinaryIO, size: int, name: str, notes: Notes, where: str, depth: int) -> None:
    members = [m for m in read_members(source, size, notes) if not m.name.endswith("/")]
    names = {member.name for member in members}
    layout = zip_layout(name, names)
    for member in members:
        _scan_member(source, member, notes, where, layout, depth)
    if layout.is_script:
        notes.review("code.torchscript", "a TorchScript program, which runs when it is loaded", where)
    elif layout.kind == "torch export":
        notes.review("code.torch_export", "an exported program, which a loader compiles and runs", where)
    elif name.lower().endswith(".keras") and layout.kind != "keras":
        notes.block("keras.malformed", "is called .keras but has no Keras configuration", where)
    elif not layout.kind:
        notes.review(
            "archive.generic", f"an archive of {len(members)} files, which no model loader reads", where
        )


def _scan_member(
    source: BinaryIO, member: Member, notes: Notes, where: str, layout: Layout, depth: int
) -> None:
    label = f"{where}!{member.name}" if where else member.name
    packing = METHODS.get(member.method)
    if packing is None:
        notes.block(UNSUPPORTED, f"{shown(member.name)} is packed by method {member.method}", label)
        return
    try:
        if packing:
            inner = unpacked(packing, source, member.start, member.stop)
        else:
            inner = section(source, member.start, member.stop)
            if member.packed_bytes != member.size_bytes:
                notes.block("archive.disagree", f"{shown(member.name)} is stored with two sizes", label)
        found = _Inner(inner, member.size_bytes, member.name, label, layout, is_packed=bool(packing))
        _scan_inner(found, notes, depth)
    except Malformed as error:
        notes.block("archive.malformed", f"{shown(member.name)}: {shown(str(error))}", label)
    except LimitExceeded as error:
        notes.over(error, label, f"{shown(member.name)}: ")


@dataclass(frozen=True, slots=True)
class _Inner:
    """One member of an archive: its unpacked bytes, their number, its name and its place for a message."""

    source: BinaryIO
    size: int
    name: str
    label: str
    layout: Layout
    is_packed: bool = False


def _scan_inner(inner: _Inner, notes: Notes, depth: int) -> None:
    source, name, label = inner.source, inner.name, inner.label
    is_storage = not inner.is_packed and inner.layout.is_storage(name)
    head = source.read(64 if is_storage else HEAD_BYTES)
    kind = kind_of(head)
    source.seek(0)
    judge_member(name, source, inner.size, notes, label)
    if inner.layout.kind == DATA and not is_of_its_name(name, kind):
        notes.block("content.mismatch", f"{shown(name)} holds {kind}", label, kind)
    if kind in EXECUTABLES and not (is_storage and kind == "script"):
        notes.block("content.executable", f"{shown(name)} is an executable ({kind})", label)
    elif is_storage:
        # Numbers may begin like a pickle by chance; torch reads them as numbers all the same.
        if kind == "pickle":
            scan_pickles(source, notes, label, probe=True)
        elif kind in ("zip", "7z"):
            notes.block("archive.nested", f"{shown(name)} is an archive in an archive", label)
    elif kind in ("zip", "tar", "7z", "rar", "zstd") or kind in PACKINGS:
        _scan_nested(inner, kind, notes, depth)
    elif kind == "npy" or name.endswith(".npy"):
        scan_npy(source, notes, label)
    elif kind == "hdf5":
        _scan_hdf5(inner, notes)
    elif kind != "empty" or name.lower().endswith(_PICKLE_ENDINGS):
        _scan_small(inner, kind, head, notes)


def _scan_nested(inner: _Inner, kind: str, notes: Notes, depth: int) -> None:
    if not inner.layout.may_nest(inner.name) or kind != "zip" or depth:
        notes.block("archive.nested", f"{shown(inner.name)} is an archive in an archive", inner.label)
    if depth < _MAX_DEPTH and kind in ("zip", "tar"):
        scan_container(inner.source, inner.size, inner.name, notes, inner.label, depth + 1)


def _scan_hdf5(inner: _Inner, notes: Notes) -> None:
    source = inner.source
    if inner.is_packed:
        if inner.size > _MAX_UNPACKED_HDF5:
            raise LimitExceeded(f"{inner.size} packed bytes of HDF5 are more than a scan unpacks")
        source = io.BytesIO(source.read(_MAX_UNPACKED_HDF5 + 1))
    try:
        scan_hdf5(source, inner.size, inner.name, notes)
    except Malformed as error:
        notes.block("hdf5.malformed", f"{shown(inner.name)}: {shown(str(error))}", inner.label)


def _scan_small(inner: _Inner, kind: str, head: bytes, notes: Notes) -> None:
    name, root = inner.name, inner.layout.root
    if name.endswith(".py") and not (root and name.startswith(f"{root}code/")):
        notes.review("code.python", f"{shown(name)} is Python source", inner.label)
    if kind == "binary" and root and name.removeprefix(root) in _TORCH_PLAIN:
        kind = "text"
    if inner.layout.is_script and kind == "pickle":
        scan_pickles(inner.source, notes, inner.label, judge=judge_script_global)
    else:
        _scan_plain(inner.source, kind, head, name, notes, inner.label)


# -- tar: torch before 0.2, and any other -----------------------------------------------------


def _scan_tar(source: BinaryIO, notes: Notes, where: str, depth: int) -> None:
    listed: list[tarfile.TarInfo] = []
    try:
        with tarfile.open(fileobj=source, mode="r:") as archive:
            for info in archive:
                listed.append(info)
                if len(listed) > _MAX_TAR_MEMBERS:
                    raise LimitExceeded(f"the archive lists more than {_MAX_TAR_MEMBERS} members")
            end = archive.offset
    except (tarfile.TarError, ValueError, OverflowError) as error:
        raise Malformed(str(error) or "not a tar archive") from error
    layout = tar_layout([info.name for info in listed if not info.isdir()])
    for info in listed:
        _scan_tar_member(source, info, notes, where, layout, depth)
    _require_zeros(source, end)
    if not layout.kind:
        notes.review("archive.generic", f"an archive of {len(listed)} files", where)


def _scan_tar_member(
    source: BinaryIO, info: tarfile.TarInfo, notes: Notes, where: str, layout: Layout, depth: int
) -> None:
    name = info.name
    label = f"{where}!{name}" if where else name
    for fault in path_faults(name.removesuffix("/").removeprefix("./") or "."):
        if name not in (".", "./"):
            notes.block("archive.path", f"the member name {shown(name)} {fault.why}", label, fault.rule)
    if info.isdir():
        return
    if not info.isreg() or info.issparse():
        notes.block("archive.link", f"{shown(name)} is a link, a device or sparse", label)
        return
    inner = section(source, info.offset_data, info.offset_data + info.size)
    _scan_inner(_Inner(inner, info.size, name, label, layout), notes, depth)


def _require_zeros(source: BinaryIO, start: int) -> None:
    source.seek(start)
    while piece := source.read(1 << 20):
        if piece.strip(b"\0"):
            raise Malformed("bytes follow the end of the tar archive", start)


def scan_file_inside(path: str, file: str, notes: Notes) -> None:
    """Open ``file`` and note what is in it."""
    with open(file, "rb") as source:  # noqa: PTH123
        scan_container(source, os.fstat(source.fileno()).st_size, path, notes)


def scan_hidden(path: str, file: str, notes: Notes) -> None:
    """Note the pickles in a file that is called something else, and nothing where there are none."""
    with open(file, "rb") as source:  # noqa: PTH123
        scan_pickles(source, notes, probe=True)
