"""A stated result: what was measured on what, how well it is backed, and why it may not count."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from weighbridge.domain.json_values import Json
from weighbridge.domain.score import Proof

ATTESTED, SOURCED, COMPLETE, TABLE, DELEGATED, PROSE, ADJECTIVE = 0.9, 0.8, 0.7, 0.6, 0.55, 0.35, 0.15
"""The rungs of evidence: how much a claim is worth by what stands behind it."""
RUNGS = (ATTESTED, SOURCED, COMPLETE, TABLE, DELEGATED, PROSE, ADJECTIVE, 0.0)

TEXT_LIMIT = 5_000
"""Longer paragraphs and table rows are read up to here, in characters."""

METRIC = re.compile(
    r"""(?<![\w@]) (?:
    accurac(?:y|ies) | acc | f1 (?:[- ](?:score|macro|micro))? | macro[- ]f1 | micro[- ]f1 | auroc
    | roc[- _]?auc | auc | (?:sacre)?bleu(?:-\d)? | chrf(?:\+\+)? | rouge(?:-?\w{1,4})? | meteor
    | exact[- _]match | em | precision | recall | mrr | ndcg(?:@\d+)? | (?:mean\ )?average\ precision
    | (?-i:m?AP) | miou | iou | pass@\d+ | top-?[15] | mcc
    | (?:cosine[-_ ])? (?:pearson|spearman)\w* (?:[-_ ]cosine)? | matthews\w* | kendall\w* | wer | cer
    | ter | (?:word|character)\ error\ rate | ppl | perplexity | bpb | bpc | fid | mae | mse | rmse
    | eer
    ) (?![\w@])""",
    re.IGNORECASE | re.VERBOSE,
)
"""Words that name a measure of quality."""
BENCHMARK = re.compile(
    r"""(?<![\w]) (?:
    (?:super)?glue | mnli | qqp | qnli | sst-?[25]? | cola | sts-?b | sts(?:1[2-6])? | mrpc | rte
    | wnli | squad | mmlu | hellaswag | arc(?:-[ce])? | winogrande | truthfulqa | gsm-?8k | humaneval
    | mbpp | bbh | boolq | piqa | siqa | openbookqa | commonsenseqa | triviaqa | natural\ questions
    | lambada | cbt(?:-\w\w)? | wikitext-?\d* | ptb | enwiki?8 | text8 | 1bw | imagenet | cifar-?\d*
    | coco | ade20k | librispeech | common\ ?voice | fleurs | voxpopuli | mteb | beir | ms\ ?marco
    | xnli | paws | tydi\w* | xquad | mlqa | flores | wmt\d* | iwslt\d* | cnn | xsum | samsum | gpqa
    | ifeval | aime\d* | math(?:-500)? | livecodebench | swe-bench | mt-bench | alpacaeval | gaia
    | race | copa | wsc | wic | multirc | agi\ ?eval | mmmu | docvqa | chartqa | textvqa | vqav2 | gqa
    | c-eval | cmmlu | hle | imdb | yelp | ag\ ?news | conll\S* | ontonotes | commonsense\ reasoning
    | world\ knowledge | reading\ comprehension | code
    ) (?![\w])""",
    re.IGNORECASE | re.VERBOSE,
)
"""Words that name what a measure is taken on: benchmarks and their families."""
SPLIT = re.compile(r"\b(?:test|dev|development|validation|val|eval(?:uation)?|held[- ]out)\b", re.IGNORECASE)
PROTOCOL = re.compile(
    r"(?:zero|one|few|\d+)[- ]?shot|fine-?tuned on|harness|protocol|script|greedy|beam|cross[- ]validation|"
    r"\bseeds?\b|averaged? over|folds?\b|\bpaper\b|https?://",
    re.IGNORECASE,
)
_OPEN_ENDED = re.compile(
    r"wer|cer|ter|.*error.?rate|ppl|perplexity|bpb|bpc|fid|mae|mse|rmse|loss|.*loss", re.IGNORECASE
)
_SIGNED = re.compile(r".*(?:pearson|spearman|matthews|kendall|mcc).*", re.IGNORECASE)
_NUMBER = re.compile(r"[\s~≈<>≥≤*(+]{0,8}(-?\d[\d.,]{0,30})[\s%*†‡)]{0,8}(?:$|[/±(\[]|\+/-)")
"""A cell that is a number, perhaps with a second one behind it; ``7B`` and ``5-shot`` are none."""
_THOUSANDS = re.compile(r"-?\d{1,3}(?:,\d{3})+(?:\.\d+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One stated result; ``rejected`` says why it is worth nothing, empty where it counts.

    ``has_source``: a token, or the address of its source (``has_address``), stands behind it.
    ``unattested`` is what it would be worth without its ``token``. An operator attached one that
    ``is_noted``.
    """

    rung: float
    metric: str
    proof: Proof
    dataset: str = ""
    config: str = ""
    split: str = ""
    value: float | None = None
    has_protocol: bool = False
    has_source: bool = False
    is_noted: bool = False
    has_address: bool = False
    token: str = ""
    unattested: float = 0.0
    rejected: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """What was measured: data set, configuration, metric. Saying it twice is saying it once."""
        return (folded(self.dataset), folded(self.config), folded(self.metric))

    def without_token(self) -> Claim:
        """The same where the token is that of another model."""
        return replace(self, rung=min(self.rung, self.unattested), has_source=self.has_address, token="")

    @property
    def setup(self) -> float:
        """The share of data set, split, metric and source or protocol that is stated."""
        stated = (self.dataset, self.split, self.metric, self.has_protocol or self.has_source)
        return sum(bool(part) for part in stated) / 4


def folded(name: str) -> str:
    """A name without case, spaces and punctuation."""
    return "".join(character for character in name.casefold() if character.isalnum())


def number_of(value: Json) -> float | None:
    """The finite number that a field or a table's cell states: ``91.3``, ``0,91``, ``84.6/83.4``."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, (int, float)):
        try:
            found = float(value)
        except OverflowError:
            return None
        return found if math.isfinite(found) else None
    if not isinstance(value, str):
        return None
    match = _NUMBER.match(value)
    if not match:
        return None
    digits = match[1].rstrip(".,")
    spelled = digits.replace(",", "") if _THOUSANDS.fullmatch(digits) else digits.replace(",", ".")
    try:
        return float(spelled)
    except ValueError:
        return None


def checked(claim: Claim) -> Claim:
    """The claim, rejected where it cannot be true or says nothing of unseen data."""
    if claim.split.casefold().startswith("train"):
        return replace(claim, rejected="measured on the training split")
    if claim.value is None:
        return replace(claim, rejected="not a number")
    low, high = bounds(claim.metric)
    if not low <= claim.value <= high:
        return replace(claim, rejected=f"{claim.value:g} is outside {low:g} to {high:g}")
    return claim


def bounds(metric: str) -> tuple[float, float]:
    """Between what a metric can lie, as a fraction or in per cent.

    An error rate may exceed 100 (more insertions than words), a metric without a known name may
    be anything.
    """
    name = metric.strip()
    if _OPEN_ENDED.fullmatch(name):
        return (0.0, math.inf) if "loss" not in name.lower() else (-math.inf, math.inf)
    if _SIGNED.fullmatch(name):
        return (-100.0, 100.0)
    return (0.0, 100.0) if METRIC.search(name.replace("_", " ")) else (-math.inf, math.inf)


def lower_rung(rung: float) -> float:
    """The next rung below."""
    return next((other for other in RUNGS if other < rung), 0.0)


def sift(claims: Iterable[Claim]) -> tuple[tuple[Claim, ...], tuple[Claim, ...]]:
    """(accepted, rejected): each measured thing counts once, by its best backed statement."""
    rejected: list[Claim] = []
    best: dict[tuple[str, str, str], Claim] = {}
    ordered = sorted(map(checked, claims), key=_rank)
    for claim in ordered:
        if claim.rejected:
            rejected.append(claim)
        elif claim.key in best:
            rejected.append(replace(claim, rejected="stated more than once"))
        else:
            best[claim.key] = claim
    return tuple(best.values()), tuple(rejected)


def false_claims(rejected: Sequence[Claim]) -> int:
    """How many different things were claimed in a way that cannot count; repetition is no lie."""
    return len({claim.key for claim in rejected if claim.rejected != "stated more than once"})


def _rank(claim: Claim) -> tuple[float, float, str, str, str]:
    return (-claim.rung, -claim.setup, claim.proof.path, claim.proof.locator, claim.proof.excerpt)
