"""``ramp_up_time`` and ``dataset_quality`` of a data set that is weighed itself.

Beside them it is weighed by ``license`` and ``bus_factor``, which ask the same of everything.
"""

from __future__ import annotations

from weighbridge.domain.card import CARD_PATH, Card, card_of
from weighbridge.domain.data_files import data_files, data_format, loading_script
from weighbridge.domain.evidence import DataSet, Evidence, SourceState
from weighbridge.domain.json_values import Json, child, texts
from weighbridge.domain.policy import Policy
from weighbridge.domain.score import Proof, Score, Signal, weigh
from weighbridge.domain.sources import Source
from weighbridge.metrics._copies import copy_caps
from weighbridge.metrics._data_sets import PARTS, datasheet, graded_parts
from weighbridge.metrics._examples import best_example
from weighbridge.metrics._proofs import card_line, front_field, hub_field, listed
from weighbridge.metrics.ramp_up_time import ENOUGH_TRIGRAMS, access, explained

RAMP_UP, QUALITY = "ramp_up_time", "dataset_quality"
RAMP_UP_VERSION, QUALITY_VERSION = "1.0.0", "1.1.0"
DERIVABLE = 0.6
"""What a quick start is worth that the Hub derives by itself: one line of ``load_dataset``."""
_LATER = "Try again when the Hub can be reached."
_REMEDIES = {
    "licence": "State a freer licence in the card's front matter, for example `license: cc-by-4.0`.",
    "datasheet": "Fill in the data set card: description, structure, creation, considerations, citation.",
    "metadata": "State task_categories, language, size_categories and configs in the front matter.",
    "splits": "State the splits with their numbers of rows, or `configs` and `dataset_info`.",
    "no loading script": "Publish the data as Parquet, so that nobody must run a script to have them.",
    "citation": "Say how to cite it: a DOI, a paper, a BibTeX entry.",
    "in service": "The Hub disabled it; its publisher has to ask why.",
}


def ramp_up_time_of_data(evidence: Evidence, policy: Policy) -> Score:
    """How soon somebody who never saw the data has a row of them."""
    card = card_of(evidence)
    signals = (
        _loads_as_is(evidence),
        _quickstart(evidence, card),
        _explains(evidence, card),
        _says_fields(evidence, card),
        _no_script(evidence, 0.10),
        access(evidence),
    )
    return weigh(RAMP_UP, RAMP_UP_VERSION, signals)


def quality_of_data(evidence: Evidence, policy: Policy) -> Score:
    """The grade that a model would get for naming it (``_data_sets.graded``), part by part."""
    away = [name for name in ("texts", "info") if evidence.state(name) is SourceState.UNREACHABLE]
    if away:
        reason = "card or record could not be read"
        return weigh(
            QUALITY,
            QUALITY_VERSION,
            [Signal.unknown(_id(part), weight, reason, _LATER) for part, weight in PARTS.items()],
        )
    itself = DataSet(
        id=evidence.repo.full_name,
        declared_in="",
        source=Source(state=SourceState.READ),
        info={**evidence.info, "cardData": evidence.front_matter or child(evidence.info, "cardData")},
        card=evidence.content(CARD_PATH) or "",
        files=tuple(sorted(evidence.manifest.by_path)),
    )
    signals = [
        Signal.of(
            _id(part),
            PARTS[part],
            value,
            f"{part}: {reason}",
            _seen(evidence, part) if value else (),
            _REMEDIES[part],
        )
        for part, (value, reason) in graded_parts(itself, policy).items()
    ]
    return weigh(QUALITY, QUALITY_VERSION, signals, copy_caps(evidence))


def _id(part: str) -> str:
    return part.replace(" ", "_")


def _seen(evidence: Evidence, part: str) -> tuple[Proof, ...]:
    """Where a part of the grade was read."""
    card = card_of(evidence)
    keys = {"licence": ("license",), "metadata": ("task_categories", "language", "size_categories"),
            "splits": ("configs", "dataset_info")}.get(part, ())  # fmt: skip
    for key in keys:
        if line := card.front_line(key):
            return (front_field(evidence, line, key),)
    if part == "in service":
        return (hub_field("disabled", evidence.info.get("disabled", False)),)
    if part == "no loading script" and evidence.files:
        return (listed(evidence, evidence.files[0].path),)
    shown = card.shown_lines
    if shown and part in ("datasheet", "citation", "splits"):
        return (card_line(shown[0]),)
    return (hub_field("tags", ", ".join(texts(evidence.info, "tags")[:5]) or evidence.repo.full_name),)


def _loads_as_is(evidence: Evidence) -> Signal:
    id, weight = "loads_as_is", 0.20
    remedy = "Publish the data as Parquet, Arrow, CSV, JSON lines, WebDataset, or as plain files."
    found = data_files(evidence.manifest.by_path)
    formats = sorted({data_format(path) for path in found})
    if not found:
        return Signal.of(id, weight, 0.0, "there is no file of data in an open format", (), remedy)
    if lacking := _lacking(evidence):
        reason, told = f"configs names {lacking}, which is not there", listed(evidence, found[0])
        return Signal.of(id, weight, 0.4, reason, (told,), f"Publish {lacking}, or correct configs.")
    reason = f"{len(found)} files of data, as {', '.join(formats)}"
    return Signal.of(id, weight, 1.0, reason, (listed(evidence, found[0]),), remedy)


def _lacking(evidence: Evidence) -> str:
    """A file that ``configs`` names by its whole path and that is not there; empty: none."""
    paths = evidence.manifest.by_path
    named = _paths_in((evidence.front_matter or {}).get("configs"), 0)
    whole = (path for path in named if path and not set(path) & set("*?[{") and "://" not in path)
    plain = (path.removeprefix("./").strip("/") for path in whole)
    there = {folder for path in paths for folder in _folders(path)}
    return next((path for path in plain if path not in paths and path not in there), "")


def _folders(path: str) -> list[str]:
    parts = path.split("/")[:-1]
    return ["/".join(parts[: n + 1]) for n in range(len(parts))]


def _paths_in(said: Json, depth: int) -> list[str]:
    """What stands below ``data_files`` and ``path``, however it is nested."""
    if depth > 5:
        return []
    if isinstance(said, list | tuple):
        return [path for one in said for path in _paths_in(one, depth + 1)]
    if not isinstance(said, dict):
        return []
    found = []
    for key in ("data_files", "path"):
        value = said.get(key)
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, list | tuple):
            found += [one for one in value if isinstance(one, str)]
            found += _paths_in(value, depth + 1)
        elif value is not None:
            found += _paths_in(value, depth + 1)
    return found


def _quickstart(evidence: Evidence, card: Card) -> Signal:
    id, weight = "quickstart", 0.30
    if evidence.state("texts") is SourceState.UNREACHABLE:
        return Signal.unknown(id, weight, "the card could not be read", _LATER)
    remedy = f'Show in a Python block how to read them: load_dataset("{evidence.repo.full_name}").'
    best = best_example(card, evidence.repo)
    value = best.grade if best else 0.0
    reason = f"the best example {best.reason}" if best else "the card shows no example"
    proofs: tuple[Proof, ...] = (card_line(best.line),) if best else ()
    found = data_files(evidence.manifest.by_path)
    if value < DERIVABLE and found and not loading_script(evidence.manifest.by_path):
        value = DERIVABLE
        reason += "; the Hub derives one for files like these"
        proofs += (listed(evidence, found[0]),)
    return Signal.of(id, weight, value, reason, proofs, remedy)


def _explains(evidence: Evidence, card: Card) -> Signal:
    id, weight = "explains_use", 0.25
    if evidence.state("texts") is SourceState.UNREACHABLE:
        return Signal.unknown(id, weight, "the card could not be read", _LATER)
    count, proofs = explained([p for section in card.sections for p in section.paragraphs])
    return Signal.of(
        id,
        weight,
        count / ENOUGH_TRIGRAMS,
        f"the card holds {count} different word triples; {ENOUGH_TRIGRAMS} are enough",
        proofs,
        "Say what a row is, where the data come from, what they are for and what they are not for.",
    )


def _says_fields(evidence: Evidence, card: Card) -> Signal:
    """Whether it is told what stands in a row."""
    id, weight = "io_contract", 0.10
    if evidence.state("texts") is SourceState.UNREACHABLE:
        return Signal.unknown(id, weight, "the card could not be read", _LATER)
    front = evidence.front_matter or {}
    if front.get("dataset_info"):
        where = front_field(evidence, card.front_line("dataset_info"), "dataset_info")
        return Signal.of(id, weight, 1.0, "dataset_info names the fields", (where,))
    if told := datasheet(card).get("structure"):
        return Signal.of(id, weight, 1.0, "the card describes the fields", (card_line(told),))
    remedy = "Give `dataset_info` with the features, or a section on the structure of a row."
    if tasks := front.get("task_categories"):
        where = front_field(evidence, card.front_line("task_categories"), "task_categories")
        return Signal.of(id, weight, 0.4 if tasks else 0.0, "only the task is stated", (where,), remedy)
    return Signal.of(id, weight, 0.0, "what stands in a row is not told", (), remedy)


def _no_script(evidence: Evidence, weight: float) -> Signal:
    id, remedy = "no_custom_code", _REMEDIES["no loading script"]
    if not evidence.files:
        return Signal.of(id, weight, 0.0, "the revision holds no files", (), remedy)
    script = loading_script(evidence.manifest.by_path)
    proof = listed(evidence, script or evidence.files[0].path)
    if script:
        return Signal.of(id, weight, 0.2, f"loading runs {script}", (proof,), remedy)
    return Signal.of(id, weight, 1.0, "loading runs no code of the repository", (proof,))
