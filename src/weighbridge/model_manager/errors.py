"""What can go wrong with models, by who can do something about it.

    ModelManagerError            all of them; paths of what worked, failures of what did not
      MissingModelError          no such model in the list, no such folder
      BadChecksumError           bytes that are not what was promised
      DownloadError              the model could not be had
      ConfigurationError         the list, a spec or a variable is wrong

``__cause__`` is the typed error behind it (``weighbridge.errors``): ``Gated``, ``RateLimited``,
``NoSuchRepo`` and ``HubDown`` are four different causes of a DownloadError. The hint is the cause's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from weighbridge.domain.invalid import Invalid
from weighbridge.errors import BadInput, IntegrityError, NotFound, WeighbridgeError


class ModelManagerError(WeighbridgeError):
    """The base of all.

    Attributes:
        paths: the folders of the models that are ready all the same, by id.
        failures: what went wrong with each of the others, by id; empty where only one was asked for.
    """

    code = "model-manager"

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        cause: BaseException | None = None,
        paths: Mapping[str, str] | None = None,
        failures: Mapping[str, ModelManagerError] | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.paths, self.failures = dict(paths or {}), dict(failures or {})
        self.__cause__ = cause


class MissingModelError(ModelManagerError, NotFound):
    """The list has no such model, or there is no such folder."""

    code = "missing-model"


class BadChecksumError(ModelManagerError, IntegrityError):
    """Files are not what was promised; the message names every one of them."""

    code = "bad-checksum"


class DownloadError(ModelManagerError):
    """A model could not be had; ``__cause__`` says why."""

    code = "download-failed"


class ConfigurationError(ModelManagerError, BadInput):
    """A list, a spec or a variable that cannot be used; the message holds every place."""

    code = "configuration"


def as_ours(error: WeighbridgeError | Invalid, about: str = "") -> ModelManagerError:
    """The documented error for a typed one."""
    if isinstance(error, ModelManagerError):
        return error
    kind: type[ModelManagerError] = DownloadError
    if isinstance(error, BadInput | Invalid):
        kind = ConfigurationError
    elif isinstance(error, IntegrityError):
        kind = BadChecksumError
    return kind(f"{about}: {error}" if about else str(error), hint=error.hint, cause=error)


def bad_checksum(about: str, faults: Sequence[WeighbridgeError | Invalid]) -> BadChecksumError:
    """One error that names every wrong file."""
    told = "\n".join(f"{about}: {fault}" for fault in faults)
    return BadChecksumError(told, hint=faults[0].hint, cause=faults[0])


def several(paths: Mapping[str, str], failures: Mapping[str, ModelManagerError]) -> ModelManagerError:
    """One error for many models: of the class that all failures share, else of the base."""
    kinds = {type(failure) for failure in failures.values()}
    kind = kinds.pop() if len(kinds) == 1 else ModelManagerError
    told = "\n".join(str(failure) for failure in failures.values())
    first = next(iter(failures.values()))
    return kind(told, hint=first.hint, cause=first.__cause__, paths=paths, failures=failures)


@contextmanager
def translated() -> Iterator[None]:
    """Typed errors of the lower floors leave as the documented ones: a mistake in what was asked."""
    try:
        yield
    except ModelManagerError:
        raise
    except NotFound as error:
        raise ConfigurationError(str(error), hint=error.hint, cause=error) from error
    except (WeighbridgeError, Invalid) as error:
        raise as_ours(error) from error
