"""Something outside does not answer, or is not what was promised."""

from __future__ import annotations

from collections.abc import Mapping

from weighbridge.errors.root import WeighbridgeError


class Unreachable(WeighbridgeError):
    """Something outside did not answer; a retry may help."""

    code = "unreachable"


class HubDown(Unreachable):
    """The Hub could not be reached, or answered with a server error."""

    code = "hub-down"


class NoAnswer(HubDown):
    """The Hub could not be reached at all, or is not to be: what is known of it may be used instead."""


class RateLimited(Unreachable):
    """The Hub asked for a pause; ``retry_after_s`` is None where it did not say how long."""

    code = "rate-limited"

    def __init__(self, message: str, *, retry_after_s: float | None, hint: str = "") -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message, hint=hint or "wait, or give a token in HF_TOKEN: its limit is higher")


class IssuerDown(Unreachable):
    """An issuer of tokens has to be asked for its keys and does not answer; only its tokens wait."""

    code = "issuer-down"

    def __init__(self, label: str, why: str) -> None:
        self.label, self.why = label, why
        super().__init__(
            f"the issuer '{label}' cannot be asked for its keys", hint="try again; other tokens count as ever"
        )


class StoreDown(Unreachable):
    """The store could not be written or read (disk full, permissions, network)."""

    code = "store-down"


class IntegrityError(WeighbridgeError):
    """Bytes or listings that are not what was promised; never retried in silence."""

    code = "integrity"


class DigestMismatch(IntegrityError):
    """A file whose content does not have its digest."""

    code = "digest-mismatch"

    def __init__(self, path: str, *, wanted: str, got: str, hint: str = "") -> None:
        self.path, self.wanted, self.got = path, wanted, got
        super().__init__(f"'{path}' should be {wanted} but is {got}", hint=hint)


class SizeMismatch(IntegrityError):
    """A file that is shorter or longer than its listing says; sizes in bytes."""

    code = "size-mismatch"

    def __init__(self, path: str, *, wanted: int, got: int, hint: str = "") -> None:
        self.path, self.wanted, self.got = path, wanted, got
        more = "at least " if got > wanted else ""
        super().__init__(f"'{path}' should have {wanted} bytes but has {more}{got}", hint=hint)


class BadListing(IntegrityError):
    """An answer of a Hub that cannot be true or must not be followed (an unsafe path, no digest)."""

    code = "bad-listing"


class BadSignature(IntegrityError):
    """A signature that does not hold."""

    code = "bad-signature"


class BadBundle(IntegrityError):
    """A bundle that is damaged, or that says of itself what is not so; ``member`` is the place in it."""

    code = "bad-bundle"

    def __init__(self, bundle: str, member: str, why: str, *, hint: str = "") -> None:
        self.bundle, self.member, self.why = bundle, member, why
        super().__init__(
            f"'{bundle}': {member} {why}",
            hint=hint or "nothing of it counts; bring the bundle over again and compare its sha256",
        )


class FolderMismatch(IntegrityError):
    """Files that are not what was attested; ``paths`` says for each what is wrong."""

    code = "folder-mismatch"

    def __init__(self, folder: str, paths: Mapping[str, str]) -> None:
        self.folder, self.paths = folder, dict(paths)
        named = "; ".join(f"'{path}' {why}" for path, why in list(self.paths.items())[:20])
        more = f"; and {len(self.paths) - 20} more" if len(self.paths) > 20 else ""
        super().__init__(f"'{folder}' is not what was attested: {named}{more}")
