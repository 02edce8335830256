"""Estimators out of pickles, by joblib: the one format here that can carry code.

Three things stand before it. The scanners looked at these very bytes; whoever orders the loading
took responsibility for what they said; and while the pickle is read it can name nothing but what
the order allows, whatever the scanners understood of it. After that it is a program of
scikit-learn's classes that runs in this process: safetensors need none of this.
"""

from __future__ import annotations

import bz2
import hashlib
import io
import lzma
import warnings
import zlib
from typing import TYPE_CHECKING, Any

from weighbridge.domain.loading import Loaded, LoadOrder
from weighbridge.domain.scan import Severity
from weighbridge.errors import CannotLoad, DigestMismatch, MissingExtra, StoreDown

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_BYTES = 2 << 30
"""Of the file, and of what it unpacks to: all of it is in memory."""
_READS_OTHER_FILES = frozenset({"NDArrayWrapper", "ZNDArrayWrapper"})


class JoblibLoader:
    """Loads one ``.pkl`` or ``.joblib``, packed (zlib, gzip, bz2, xz, lzma) or not."""

    def load(self, order: LoadOrder) -> Loaded:
        """The object of the pickle. Raises MissingExtra, CannotLoad, DigestMismatch, StoreDown."""
        try:
            import joblib.numpy_pickle
            import sklearn.exceptions
        except ImportError as error:
            raise MissingExtra("sklearn", error.name or "joblib") from error
        content = _scanned(order)
        with warnings.catch_warnings():
            # An estimator of another version may answer otherwise without saying so.
            warnings.simplefilter("error", sklearn.exceptions.InconsistentVersionWarning)
            try:
                model = _reader(joblib.numpy_pickle, order.may_name)(_unpacked(content)).load()
            except CannotLoad as error:
                raise CannotLoad(f"'{order.file}' {error.message}", hint=error.hint) from error
            except Exception as error:  # a pickle can fail in any way that its classes can
                told = f"{type(error).__name__}: {error}"
                raise CannotLoad(f"'{order.file}' cannot be unpickled: {told}"[:500]) from error
        return Loaded(kind="joblib", model=model)


def _scanned(order: LoadOrder) -> bytes:
    """The bytes that the scanners let pass, read once."""
    scan = next((file for file in order.scanned.files if file.path == order.file), None)
    if scan is None or scan.verdict is Severity.BLOCK:
        raise CannotLoad(f"'{order.file}' was not let pass by the scanners")
    try:
        with order.snapshot.path(order.file).open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise StoreDown(f"cannot read '{order.file}': {error.strerror or error}") from error
    if len(content) > MAX_BYTES:
        raise CannotLoad(f"'{order.file}' is larger than {MAX_BYTES} bytes")
    if (got := hashlib.sha256(content).hexdigest()) != scan.sha256:
        raise DigestMismatch(order.file, wanted=f"sha256:{scan.sha256}", got=f"sha256:{got}")
    return content


def _unpacked(content: bytes) -> io.BytesIO:
    if content[:3] == b"BZh":
        unpack: Any = bz2.BZ2Decompressor().decompress
    elif content[:6] == b"\xfd7zXZ\x00" or content[:3] == b"\x5d\x00\x00":
        unpack = lzma.LZMADecompressor().decompress
    elif content[:2] == b"\x1f\x8b" or content[:1] == b"\x78":
        unpack = zlib.decompressobj(wbits=47).decompress  # zlib and gzip
    else:
        return io.BytesIO(content)
    plain = unpack(content, MAX_BYTES + 1)
    if len(plain) > MAX_BYTES:
        raise CannotLoad(f"unpacks to more than {MAX_BYTES} bytes")
    return io.BytesIO(plain)


def _reader(joblib: Any, may_name: Callable[[str, str], bool]) -> Callable[[io.BytesIO], Any]:
    class Reader(joblib.NumpyUnpickler):  # type: ignore[misc]  # joblib has no types
        """Joblib's, which names only what it may."""

        def find_class(self, module: str, name: str) -> Any:
            """The class or function of a pickle's global."""
            if name in _READS_OTHER_FILES or not may_name(module, name):
                raise CannotLoad(f"names {module}.{name}, which is not allowed here")
            return super().find_class(module, name)

    return lambda file: Reader("", file, True)
