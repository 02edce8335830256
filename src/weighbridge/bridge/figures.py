"""The verb of those who draw curves: counts what is answered and done, and gathers what is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from threading import Lock

from weighbridge.adapters.catalog import Catalog
from weighbridge.adapters.hub_http import Contact
from weighbridge.bridge.access import require
from weighbridge.bridge.health import Health
from weighbridge.domain.access import Permission, Principal
from weighbridge.domain.figures import Durations, Family, exposition
from weighbridge.domain.health import Condition
from weighbridge.errors import NotFound, StoreDown


class Clocks:
    """What this process has answered and done since it began; safe for many threads."""

    def __init__(self) -> None:
        self._guard = Lock()
        self._answers: dict[tuple[str, str, int], Durations] = {}
        self._bytes: Counter[str] = Counter()
        self._steps: dict[str, Durations] = {}

    def answered(self, method: str, route: str, status: int, seconds: float, sent_bytes: int) -> None:
        """A request was answered; ``route`` is one of few."""
        key = (method, route, status)
        with self._guard:
            found = self._answers.get(key)
            if found is None:
                found = self._answers[key] = Durations()
            found.add(seconds)
            self._bytes[route] += sent_bytes

    def worked(self, step: str, seconds: float) -> None:
        """A step of a job was done, or failed."""
        with self._guard:
            self._steps.setdefault(step, Durations()).add(seconds)

    def families(self) -> Iterable[Family]:
        """What was counted."""
        with self._guard:
            yield Family(
                name="weighbridge_request_seconds",
                kind="histogram",
                about="Answers, and how long they took until the last byte was handed over.",
                samples=[
                    ((("method", method), ("route", route), ("status", str(status))), durations)
                    for (method, route, status), durations in sorted(self._answers.items())
                ],
            )
            yield _counted(
                "weighbridge_sent_bytes_total", "Bytes of bodies that were sent.", "route", self._bytes
            )
            yield Family(
                name="weighbridge_step_seconds",
                kind="histogram",
                about="Steps of jobs that this process did; 'job' is a whole try.",
                samples=[((("step", step),), found) for step, found in sorted(self._steps.items())],
            )


class Figures:
    """``shown`` is ``on``: to everybody; ``admin``: to admins; ``off``: there is no such page."""

    def __init__(
        self, shown: str, clocks: Clocks, health: Health, catalog: Catalog, contact: Contact
    ) -> None:
        self._shown, self._health, self._catalog, self._contact = shown, health, catalog, contact
        self.clocks = clocks

    def page(self, principal: Principal) -> str:
        """All figures, as Prometheus reads them. What cannot be counted now is left out.

        Raises:
            NotFound: they are not shown here.
            NotAuthenticated, NotPermitted: they are shown to admins.
        """
        if self._shown == "off":
            raise NotFound("this registry shows no figures", hint="WEIGHBRIDGE_METRICS=on or admin")
        if self._shown == "admin":
            require(principal, Permission.ADMIN)
        return exposition((*self.clocks.families(), *self._parts(), *self._kept()))

    def _parts(self) -> Iterable[Family]:
        parts = self._health.look()
        up = {one.name: one.condition is not Condition.DOWN for one in parts}
        yield _gauge("weighbridge_up", "1 where a part of the registry is not down.", "part", up)
        free = [one.figures["free_bytes"] for one in parts if "free_bytes" in one.figures]
        yield Family(
            name="weighbridge_store_free_bytes",
            kind="gauge",
            about="Room that is left on the volume of the home.",
            samples=[((), float(found or 0)) for found in free],
        )
        workers = [one.figures["workers"] for one in parts if "workers" in one.figures]
        yield Family(
            name="weighbridge_workers",
            kind="gauge",
            about="Processes that work on jobs.",
            samples=[((), float(found or 0)) for found in workers],
        )

    def _kept(self) -> Iterable[Family]:
        about = "Questions to the Hub that got no good answer, by this process."
        yield _counted("weighbridge_upstream_failures_total", about, "code", self._contact.failures())
        try:
            jobs, verdicts = self._catalog.count_jobs(), self._catalog.count_verdicts()
        except StoreDown:
            return  # weighbridge_up says so
        yield _gauge("weighbridge_jobs", "Jobs, by state.", "state", jobs)
        yield _gauge("weighbridge_verdicts", "Verdicts that are kept, by outcome.", "outcome", verdicts)


def _gauge(name: str, about: str, label: str, found: Mapping[str, int]) -> Family:
    samples = [(((label, key),), float(value)) for key, value in sorted(found.items())]
    return Family(name=name, kind="gauge", about=about, samples=samples)


def _counted(name: str, about: str, label: str, found: Mapping[str, int]) -> Family:
    samples = [(((label, key),), float(value)) for key, value in sorted(found.items())]
    return Family(name=name, kind="counter", about=about, samples=samples)
