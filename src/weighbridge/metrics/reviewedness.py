"""``reviewedness``: how much of the history somebody else looked at. Reported, not gated.

The share of commits, without the first one and without bots, that came in by a merged pull request which
its author cannot have merged: somebody who never commits otherwise and does not own the repository, or a
commit that names a second person. The Hub says neither who merged nor how many lines were changed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from weighbridge.domain.evidence import Evidence, SourceState
from weighbridge.domain.policy import Policy
from weighbridge.domain.repo import Commit, DiscussionHead
from weighbridge.domain.score import Proof, Score, Signal, weigh
from weighbridge.metrics._people import folded, is_person
from weighbridge.metrics._proofs import first

NAME, VERSION = "reviewedness", "1.0.0"
_BY_PULL = re.compile(r"\(#(\d{1,9})\)\s*$")
"""How the Hub ends the title of a commit that a pull request became."""


def reviewedness(evidence: Evidence, policy: Policy) -> Score | None:
    """How much was reviewed; None where there is no history to speak of."""
    signal = _merged_by_others(evidence)
    return weigh(NAME, VERSION, [signal]) if signal else None


def _merged_by_others(evidence: Evidence) -> Signal | None:
    id = "merged_by_others"
    if SourceState.UNREACHABLE in (evidence.state("commits"), evidence.state("discussions")):
        later = "Try again when the Hub can be reached."
        return Signal.unknown(id, 1.0, "history or discussions could not be read", later)
    newest = sorted(evidence.commits, key=lambda commit: (commit.created_at, commit.id), reverse=True)
    made = [c for c in newest[:-1] if c.authors and is_person(c.authors[0])]
    if not made:
        return None
    pulls = {d.number: d for d in evidence.discussions if d.is_pull and d.status == "merged"}
    writers = {folded(c.authors[0]) for c in made if _pull_of(c, pulls) is None}
    writers.add(folded(evidence.repo.namespace or ""))
    reviewed = [c for c in made if (pull := _pull_of(c, pulls)) and _by_another(c, pull, writers)]
    proofs = [Proof(source="hub", path="commits", locator=c.id[:12], excerpt=c.title) for c in reviewed]
    reason = f"{len(reviewed)} of {len(made)} later commits came by a pull request that somebody else merged"
    remedy = "Bring changes in by pull requests that somebody else merges."
    return Signal.of(id, 1.0, len(reviewed) / len(made), reason, first(proofs), remedy)


def _pull_of(commit: Commit, pulls: Mapping[int, DiscussionHead]) -> DiscussionHead | None:
    """The merged pull request that a commit's title names, where it is there."""
    named = _BY_PULL.search(commit.title)
    return pulls.get(int(named[1])) if named else None


def _by_another(commit: Commit, pull: DiscussionHead, writers: set[str]) -> bool:
    """Whether its author cannot have been alone; a bot's proposal is nobody's work, and its word none."""
    author = folded(pull.author)
    others = {folded(name) for name in commit.authors if is_person(name)} - {author}
    return is_person(pull.author) and (author not in writers or bool(others))
