"""The zip of a package in a bucket: where it is, and how it is known."""

from __future__ import annotations

from dataclasses import dataclass

from weighbridge.domain.package import Package


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptZip:
    """An object that was written whole; ``store`` is the bucket with its prefix, ``etag`` names the bytes."""

    package_id: str
    store: str
    key: str
    etag: str
    size_bytes: int

    @property
    def address(self) -> str:
        """``s3://bucket/prefix/org/name/1.0.0/package.zip``."""
        return f"{self.store}/{self.key}"


def zip_key(package: Package) -> str:
    """Where below the prefix a package's zip goes; data sets and models may have one name."""
    return f"{package.manifest.repo.spelled}/{package.version}/package.zip"
