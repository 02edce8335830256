"""The official client of Hugging Face, bound to one Hub and one token: what changes repositories.

Reading goes through ``hub_http``, which counts every byte; writing goes through the client that the
Hub's makers keep in step with it (docs/adr/0016). It is imported when the first question is asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from weighbridge import __version__
from weighbridge.adapters.hub_client.failures import Asked, translated
from weighbridge.domain.endpoint import hub_address
from weighbridge.errors import HubDown, WeighbridgeError

if TYPE_CHECKING:
    from huggingface_hub import HfApi

    from weighbridge.domain.ref import RepoId

LONGEST_SILENCE_S = 600.0
"""Between two bytes of an answer; the client itself would wait for ever."""


class HubClient:
    """The Hub at ``endpoint``, asked with ``token`` or, where that is None, without any.

    No token, endpoint or cache of the machine is looked up: what was given is all that counts.
    Safe for many threads.
    """

    def __init__(self, endpoint: str, *, token: str | None, offline: bool = False) -> None:
        """Nothing is asked yet.

        Raises:
            Invalid: the endpoint is no address of a Hub.
        """
        self.endpoint, self._token, self._offline = hub_address(endpoint), token, offline

    @property
    def has_token(self) -> bool:
        """Whether the Hub is told who asks."""
        return self._token is not None

    @contextmanager
    def asking(
        self, what: str, *, repo: RepoId | None = None, revision: str | None = None
    ) -> Iterator[HfApi]:
        """The client, for one question; ``what`` names it in errors, as in "making the repository".

        Raises:
            NotFound, Denied, Conflict, BadInput: the Hub says no.
            BadListing: its answer cannot be read.
            RateLimited, HubDown: it did not answer.
        """
        if self._offline:
            raise HubDown(
                f"{self.endpoint} is not asked for {what}: HF_HUB_OFFLINE is set", hint="unset HF_HUB_OFFLINE"
            )
        asked = Asked(hub=self.endpoint, what=what, repo=repo, revision=revision)
        try:
            yield self._api
        except WeighbridgeError:
            raise
        except Exception as error:
            known = translated(error, asked, self._token)
            if known is None:
                raise
            # Not "from error": the client's own error holds the request with the token in its headers.
            raise known from None

    @cached_property
    def _api(self) -> HfApi:
        from huggingface_hub import HfApi, get_session

        session = get_session()
        if session.timeout.read is None:
            session.timeout = LONGEST_SILENCE_S
        return HfApi(
            endpoint=self.endpoint,
            token=self._token or False,
            library_name="weighbridge",
            library_version=__version__,
        )
