"""What every platform that trains, serves, keeps or tracks models offers; what one does not do, it says."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from os import PathLike
from pathlib import Path
from typing import ClassVar


class PlatformConnector(ABC):
    """A platform; ``supports_...`` says what it does. Everything else raises NotImplementedError."""

    name: ClassVar[str] = ""
    display_name: ClassVar[str] = ""
    description: ClassVar[str] = ""
    version: ClassVar[str] = "1.0.0"
    supports_training: ClassVar[bool] = False
    supports_inference: ClassVar[bool] = False
    supports_registry: ClassVar[bool] = False
    supports_tracking: ClassVar[bool] = False

    @abstractmethod
    async def connect(self, credentials: Mapping[str, str]) -> bool:
        """Connect; True, or an error.

        Raises:
            ValueError: the credentials cannot be some.
            ConnectionError: the platform does not answer, or does not take them.
        """

    @abstractmethod
    async def disconnect(self) -> bool:
        """Forget the credentials and give back connections and threads; always True."""

    @abstractmethod
    async def verify_connection(self) -> bool:
        """Whether the platform still answers and takes the credentials."""

    async def upload_artifact(self, path: str | PathLike[str], metadata: Mapping[str, object]) -> str:
        """Publish a folder and give its address."""
        raise self._unsupported("uploads")

    async def fetch_artifact(self, job_id: str) -> Path:
        """What a job made."""
        raise self._unsupported("training jobs")

    async def submit_job(self, config: object) -> str:
        """Begin to train; gives the job's id."""
        raise self._unsupported("training jobs")

    async def get_job_status(self, job_id: str) -> object:
        """Where a job stands."""
        raise self._unsupported("training jobs")

    async def cancel_job(self, job_id: str) -> bool:
        """Stop a job."""
        raise self._unsupported("training jobs")

    def stream_logs(self, job_id: str) -> AsyncIterator[str]:
        """The lines that a job writes, as they come."""
        raise self._unsupported("training jobs")

    async def list_resources(self) -> list[object]:
        """The machines that can be had."""
        raise self._unsupported("compute resources")

    async def get_pricing(self, resource_id: str) -> object:
        """What a machine costs."""
        raise self._unsupported("compute resources")

    async def provision_compute(self, resource_id: str) -> object:
        """Take a machine."""
        raise self._unsupported("compute resources")

    async def deploy_endpoint(self, model_id: str) -> object:
        """Serve a model."""
        raise self._unsupported("inference endpoints")

    async def track_experiment(self, name: str) -> object:
        """Note the figures of a run."""
        raise self._unsupported("experiment tracking")

    def _unsupported(self, what: str) -> NotImplementedError:
        return NotImplementedError(f"{self.display_name or self.name} does not support {what}")
