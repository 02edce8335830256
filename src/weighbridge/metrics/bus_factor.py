"""``bus_factor``: whether the model survives its publisher.

Five signals: committers .30, publisher .25, implementation_independent .20, can_be_carried_on .10,
community .15. Nothing in it asks how new, how popular or whose the model is.
"""

from __future__ import annotations

import math
from collections import Counter

from weighbridge.domain.base_models import line_of
from weighbridge.domain.data_files import data_files, data_format, loading_script
from weighbridge.domain.evidence import Evidence, SourceState, weight_format
from weighbridge.domain.json_values import child, whole
from weighbridge.domain.policy import Policy
from weighbridge.domain.ref import RepoKind
from weighbridge.domain.repo import OwnerKind
from weighbridge.domain.score import Proof, Score, Signal, weigh
from weighbridge.metrics._copies import copy_caps
from weighbridge.metrics._files import custom_code, library_of
from weighbridge.metrics._people import folded, is_person
from weighbridge.metrics._proofs import first, hub_field, listed
from weighbridge.metrics.licence_terms import freedom

NAME, VERSION = "bus_factor", "1.1.0"
COMMITS_A_DAY = 3
"""More commits of one person on one day count no more: a habit of saving is no second person."""
_LATER = "Try again when the Hub can be reached."


def bus_factor(evidence: Evidence, policy: Policy) -> Score:
    """How well the model would do without those who publish it now."""
    signals = (
        _committers(evidence),
        _publisher(evidence),
        _implementation(evidence),
        _carried_on(evidence, policy),
        _community(evidence),
    )
    return weigh(NAME, VERSION, signals, copy_caps(evidence))


def committers(evidence: Evidence) -> Counter[str]:
    """How many commits each person made, at most three a day; bots are no persons."""
    counted: Counter[str] = Counter()
    days: Counter[tuple[str, str]] = Counter()
    for commit in evidence.commits:
        author = commit.authors[0] if commit.authors else ""
        if not is_person(author):
            continue
        day = (folded(author), commit.created_at[:10])
        days[day] += 1
        if days[day] <= COMMITS_A_DAY:
            counted[folded(author)] += 1
    return counted


def _committers(evidence: Evidence) -> Signal:
    id, weight = "committers", 0.30
    if evidence.state("commits") is SourceState.UNREACHABLE:
        return Signal.unknown(id, weight, "the commit history could not be read", _LATER)
    counted = committers(evidence)
    remedy = "Let others commit, or merge their pull requests: one person is a bus factor of one."
    if not counted:
        return Signal.of(id, weight, 0.0, "no commit names a person", (), remedy)
    total = counted.total()
    entropy = -sum(n / total * math.log(n / total) for _, n in sorted(counted.items()))
    effective = math.exp(entropy)
    value = 0.2 + 0.8 * min(1.0, max(0.0, (effective - 1) / 2))
    reason = f"committers: {len(counted)}; their {total} commits are spread as over {effective:.1f} people"
    return Signal.of(id, weight, value, reason, first(_commit_of_each(evidence, counted)), remedy)


def _commit_of_each(evidence: Evidence, counted: Counter[str]) -> list[Proof]:
    """One commit of each person, of those who made most first."""
    newest = sorted(evidence.commits, key=lambda commit: (commit.created_at, commit.id), reverse=True)
    by_person = {folded(c.authors[0]): c for c in reversed(newest) if c.authors}
    ranked = sorted(counted, key=lambda person: (-counted[person], person))
    return [
        Proof(source="hub", path="commits", locator=c.id[:12], excerpt=f"{c.authors[0]}: {c.title}")
        for c in (by_person[person] for person in ranked)
    ]


def _publisher(evidence: Evidence) -> Signal:
    id, weight = "publisher", 0.25
    remedy = "Publish under an organization with several members."
    state, owner = evidence.state("owner"), evidence.owner
    if state is SourceState.UNREACHABLE:
        return Signal.unknown(id, weight, "who publishes it could not be read", _LATER)
    if owner is None:
        name = evidence.repo.namespace or evidence.repo.name
        return Signal.of(id, weight, 0.0, f"the Hub knows nobody called '{name}'", (), remedy)
    spelled = owner.kind.value if owner.members is None else f"{owner.kind.value}, members: {owner.members}"
    spelled += ", verified" if owner.is_verified else ""
    proof = Proof(source="hub", path="owner", locator=owner.name, excerpt=spelled)
    if owner.kind is OwnerKind.USER:
        return Signal.of(id, weight, 0.2, f"'{owner.name}' is one person", (proof,), remedy)
    if owner.members is None:
        reason = f"'{owner.name}' is an organization; how many people it has is not said"
        return Signal.between(id, weight, 0.3, 1.0, reason, (proof,), remedy)
    reason = f"'{owner.name}' is an organization of {owner.members}"
    return Signal.of(id, weight, _of_members(owner.members, owner.is_verified), reason, (proof,), remedy)


def _of_members(members: int, is_verified: bool) -> float:
    if members >= 5:
        return 1.0 if is_verified else 0.8
    return 0.6 if members >= 2 else 0.3


def _implementation(evidence: Evidence) -> Signal:
    id, weight = "implementation_independent", 0.20
    if evidence.repo.kind is RepoKind.DATASET:
        return _read_by_anybody(id, weight, evidence)
    remedy = "Use an architecture of a known library, and publish a second weight format."
    formats = sorted({f for path in evidence.manifest.by_path if (f := weight_format(path))})
    if not formats:
        return Signal.of(id, weight, 0.0, "there are no weights", (), remedy)
    if evidence.state("texts") is SourceState.UNREACHABLE:
        return Signal.unknown(id, weight, "the configuration could not be read", _LATER)
    custom, library = custom_code(evidence), library_of(evidence)
    code = 0.1 if custom else 1.0 if library else 0.5
    reason = (
        f"loading needs code of the repository ({custom})"
        if custom
        else (f"{library} loads it" if library else "no known library is named for it")
    )
    value = 0.7 * code + 0.3 * min(1.0, len(formats) / 2)
    seen = custom or next(p for p in sorted(evidence.manifest.by_path) if weight_format(p))
    away = evidence.state("info") is SourceState.UNREACHABLE and not custom and not library
    reason += f"; weights as {', '.join(formats)}"
    if away:
        return Signal.between(id, weight, value, value + 0.35, reason, (listed(evidence, seen),), _LATER)
    return Signal.of(id, weight, value, reason, (listed(evidence, seen),), remedy)


def _read_by_anybody(id: str, weight: float, evidence: Evidence) -> Signal:
    """Of data: an open format has many readers, a script has one interpreter and one author."""
    paths = evidence.manifest.by_path
    found, script = data_files(paths), loading_script(paths)
    if script:
        reason = f"the data are made by {script}"
        return Signal.of(id, weight, 0.1, reason, (listed(evidence, script),), "Publish the data as Parquet.")
    if not found:
        reason = "there is no file of data in an open format"
        return Signal.of(id, weight, 0.0, reason, (), "Publish the data in an open format.")
    formats = sorted({data_format(path) for path in found})
    reason = f"any reader of {', '.join(formats)} reads the data"
    return Signal.of(id, weight, 1.0, reason, (listed(evidence, found[0]),))


def _carried_on(evidence: Evidence, policy: Policy) -> Signal:
    id, weight = "can_be_carried_on", 0.10
    remedy = "A licence that permits to change and to publish again lets others carry the model on."
    if evidence.state("texts") is SourceState.UNREACHABLE:
        return Signal.unknown(id, weight, "the licence could not be read", _LATER)
    free, proofs = freedom(evidence, policy)
    value = 1.0 if free >= 0.7 else 0.7 if free >= 0.5 else 0.0
    gated = bool(evidence.info.get("gated"))
    reason = f"the licence in force is {free:.2f} free" + (", and access is gated" if gated else "")
    low = high = value * (0.8 if gated else 1.0)
    if evidence.state("info") is SourceState.UNREACHABLE:
        low, high = (value * 0.8, value) if proofs else (0.0, 1.0)
        reason += "; whether access is gated could not be read"
    away = [p.id for p in line_of(evidence) if p.source.state is SourceState.UNREACHABLE]
    if away:
        low, reason = 0.0, f"{reason}; the licence of {', '.join(sorted(away))} could not be read"
    return Signal.between(id, weight, low, high, reason, proofs if high else (), _LATER if away else remedy)


def _community(evidence: Evidence) -> Signal:
    id, weight = "community", 0.15
    remedy = "Merge pull requests of others; models that are made from this one count too."
    merged = [d for d in evidence.discussions if d.is_pull and d.status == "merged" and is_person(d.author)]
    authors = {folded(d.author) for d in merged}
    counts = child(evidence.info, "childrenModelCount")
    known = [n for kind in counts if (n := whole(counts, kind)) is not None]
    children = max(0, sum(known) if counts else whole(evidence.info, "childrenModelCount") or 0)
    low = 0.5 * min(1.0, len(authors) / 3) + 0.5 * min(1.0, math.log10(1 + children) / 2)
    high = low
    if evidence.state("discussions") is SourceState.UNREACHABLE:
        high += 0.5
    if SourceState.UNREACHABLE in (evidence.state("details"), evidence.state("info")) and not children:
        high += 0.5
    proofs = [
        Proof(source="hub", path="discussions", locator=f"#{d.number}", excerpt=f"{d.author}: {d.title}")
        for d in sorted(merged, key=lambda d: -d.number)[:2]
    ]
    if children:
        proofs.append(hub_field("childrenModelCount", evidence.info.get("childrenModelCount")))
    reason = f"people with merged pull requests: {len(authors)}; models made from it: {children}"
    return Signal.between(id, weight, low, high, reason, tuple(proofs) if low else (), remedy)
