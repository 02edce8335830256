"""``reviewedness``: how much of the history somebody else looked at. Reported, not gated.

The share of commits, without the first one and without bots, that came in by a merged pull request
whose author is not the only committer. The Hub says neither who merged nor how much was changed.
"""

from __future__ import annotations

import re

from weighbridge.domain.evidence import Evidence, SourceState
from weighbridge.domain.policy import Policy
from weighbridge.domain.score import Proof, Score, Signal, weigh
from weighbridge.metrics._people import folded, is_person
from weighbridge.metrics._proofs import first

NAME, VERSION = "reviewedness", "1.0.0"
_BY_PULL = re.compile(r"\(#(\d{1,9})\)\s*$")


def reviewedness(evidence: Evidence, policy: Policy) -> Score | None:
    """How much was reviewed; None where there is no history to speak of."""
    id = "merged_by_others"
    remedy = "Bring changes in by pull requests that somebody else merges."
    if SourceState.UNREACHABLE in (evidence.state("commits"), evidence.state("discussions")):
        return weigh(NAME, VERSION, [Signal.unknown(id, 1.0, "history or discussions could not be read")])
    made = [c for c in evidence.commits[:-1] if c.authors and is_person(c.authors[0])]
    if not made:
        return None
    people = {folded(c.authors[0]) for c in evidence.commits if c.authors and is_person(c.authors[0])}
    merged = {
        d.number: d
        for d in evidence.discussions
        if d.is_pull and d.status == "merged" and is_person(d.author)
    }
    reviewed = [
        commit
        for commit in made
        if (by := _BY_PULL.search(commit.title))
        and (pull := merged.get(int(by[1])))
        and people - {folded(pull.author)}
    ]
    proofs = [Proof(source="hub", path="commits", locator=c.id[:12], excerpt=c.title) for c in reviewed]
    reason = (
        f"{len(reviewed)} of {len(made)} later commits came by a pull request that somebody else could review"
    )
    return weigh(
        NAME, VERSION, [Signal.of(id, 1.0, len(reviewed) / len(made), reason, first(proofs), remedy)]
    )
