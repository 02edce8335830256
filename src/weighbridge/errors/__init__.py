"""Every error that Weighbridge raises.

    WeighbridgeError
      BadInput        BadName, BadVersion, BadConfig, IncompleteUpload,   the caller is wrong
                      MissingExtra, CannotLoad
      NotFound        NoSuchRepo, NoSuchRevision, NoSuchFile, NoSuchPackage, Renamed
      Denied          NotAuthenticated, NotPermitted, Gated, Disabled,    who are you
                      OverQuota, TooManyTries
      Conflict        PackageExists, LockStale                            somebody was first
      Unreachable     HubDown (NoAnswer), RateLimited, StoreDown                   a retry may help
      IntegrityError  DigestMismatch, SizeMismatch, BadListing,           somebody lies
                      BadBundle, BadSignature, FolderMismatch
      Rejected        LicenseMismatch, LicenseNotAllowed, Unsafe,         our policy says no
                      UnsafeFiles
      StartFailed                                                         a step of the start-up checklist

Each carries data, a message made from the data, and a ``hint`` where the next step is known.
``domain.invalid.Invalid`` is the domain's own: a border that knows whose fault it was turns it
into one of these; a door that meets it bare treats it as BadInput.
"""

from weighbridge.errors.callers import (
    BadConfig,
    BadInput,
    BadName,
    BadVersion,
    CannotLoad,
    Conflict,
    Denied,
    Disabled,
    Gated,
    IncompleteUpload,
    LockStale,
    MissingExtra,
    NoSuchFile,
    NoSuchOwner,
    NoSuchPackage,
    NoSuchRepo,
    NoSuchRevision,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    OverQuota,
    PackageExists,
    Place,
    RefExists,
    Renamed,
    RepoExists,
    StaleParent,
    TooManyTries,
)
from weighbridge.errors.refusals import (
    LicenseMismatch,
    LicenseNotAllowed,
    Rejected,
    StartFailed,
    Unsafe,
    UnsafeFiles,
)
from weighbridge.errors.root import WeighbridgeError
from weighbridge.errors.world import (
    BadBundle,
    BadListing,
    BadSignature,
    DigestMismatch,
    FolderMismatch,
    HubDown,
    IntegrityError,
    IssuerDown,
    NoAnswer,
    RateLimited,
    SizeMismatch,
    StoreDown,
    Unreachable,
)

__all__ = [
    "BadBundle",
    "BadConfig",
    "BadInput",
    "BadListing",
    "BadName",
    "BadSignature",
    "BadVersion",
    "CannotLoad",
    "Conflict",
    "Denied",
    "DigestMismatch",
    "Disabled",
    "FolderMismatch",
    "Gated",
    "HubDown",
    "IncompleteUpload",
    "IntegrityError",
    "IssuerDown",
    "LicenseMismatch",
    "LicenseNotAllowed",
    "LockStale",
    "MissingExtra",
    "NoAnswer",
    "NoSuchFile",
    "NoSuchOwner",
    "NoSuchPackage",
    "NoSuchRepo",
    "NoSuchRevision",
    "NotAuthenticated",
    "NotFound",
    "NotPermitted",
    "OverQuota",
    "PackageExists",
    "Place",
    "RateLimited",
    "RefExists",
    "Rejected",
    "Renamed",
    "RepoExists",
    "SizeMismatch",
    "StaleParent",
    "StartFailed",
    "StoreDown",
    "TooManyTries",
    "Unreachable",
    "Unsafe",
    "UnsafeFiles",
    "WeighbridgeError",
]
