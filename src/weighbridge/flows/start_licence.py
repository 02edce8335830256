"""The step of a start that asks for licences: the model's own, and those of all it was made from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from weighbridge.domain.base_models import declared_base_models
from weighbridge.domain.evidence import Evidence, Parent, Source, SourceState, Text
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import JsonObject, text
from weighbridge.domain.licence_wish import outside
from weighbridge.domain.manifest import Manifest
from weighbridge.domain.model_files import papers
from weighbridge.domain.ref import ModelRef, RepoId
from weighbridge.domain.terms import Terms, Whose, spelled
from weighbridge.errors import BadInput, Denied, IntegrityError, LicenseNotAllowed, NotFound, Unreachable
from weighbridge.flows.folder_texts import text_in
from weighbridge.flows.start_parts import have, part_of
from weighbridge.flows.start_state import Part, Start, StartTools

LINE_LIMIT = 16
"""How many base models are asked for, and theirs in turn; a longer line is cut, and then fails."""
_ADAPTER = "adapter_config.json"


def licence(start: Start, tools: StartTools) -> Start:
    """Compare the licences in force with the list of those that may be.

    Every base model counts, and its own base models: cards are asked for and kept beside the models.

    Raises:
        LicenseNotAllowed: one is not on the list, or is not known.
    """
    allowed = start.wish.allowed_licenses
    draft = _evidence(start.main, start, tools)
    if not allowed:
        terms = tools.terms(replace(draft, parents=_held_base(start, tools)))
        said = ", ".join(held_licences(terms)) or "no licence"
        return replace(start, licenses=held_licences(terms)).said(
            f"not asked for (ALLOWED_LICENSES is empty); stated: {said}"
        )
    terms = tools.terms(replace(draft, parents=_line(draft, start, tools)))
    if faults := outside(allowed, terms):
        raise LicenseNotAllowed(start.main.ref.repo.full_name, faults)
    bases = len(terms.of(Whose.BASE))
    of = f", with {bases} of base models" if bases else ""
    return replace(start, licenses=held_licences(terms)).said(
        f"{', '.join(held_licences(terms))} may be used{of}"
    )


def held_licences(terms: Terms) -> tuple[str, ...]:
    """The different licences in force, without those of data sets, the least free first."""
    held = {spelled(h.licence) for h in terms.holdings if h.whose is not Whose.DATA}
    return tuple(one for row in terms.effective if (one := spelled(row)) in held)


def _evidence(part: Part, start: Start, tools: StartTools) -> Evidence:
    """What the folder says of licence and origin; BASE_MODEL stands for what the adapter says."""
    folder = tools.layout.path(part.folder)
    names = [*papers(part.used), *(name for name in (_ADAPTER,) if name in part.wanted)]
    known = part.used.by_path
    texts = {name: Text(content=text_in(folder / name), sha256=known[name].sha256 or "") for name in names}
    if part is start.model and start.base is not None and _ADAPTER in texts:
        named = json.dumps({"base_model_name_or_path": start.base.ref.repo.full_name})
        texts[_ADAPTER] = replace(texts[_ADAPTER], content=named)
    card = texts.get("README.md")
    front, error = tools.front_matter(card.content) if card else (None, "")
    read = Source(state=SourceState.READ)
    stated = part.entry.license or (text(start.facts or {}, "license") if part is start.model else None)
    return Evidence(
        manifest=part.used,
        sources={"info": read, "parents": read},
        info={"tags": [f"license:{stated}"] if stated else []},
        texts=texts,
        front_matter=front,
        front_matter_error=error,
    )


def _held_base(start: Start, tools: StartTools) -> tuple[Parent, ...]:
    if start.base is None:
        return ()
    base = _evidence(start.base, start, tools)
    return (_parent(start.base.ref.repo.full_name, "BASE_MODEL", base),)


def _line(draft: Evidence, start: Start, tools: StartTools) -> tuple[Parent, ...]:
    """Every base model, and theirs, the nearest first; one that cannot be had is among them."""
    waiting = [*_declared(draft).items()]
    found: dict[str, Parent] = {}
    while waiting:
        id, declared_in = waiting.pop(0)
        if id in found:
            continue
        if len(found) >= LINE_LIMIT:
            why = f"a line of more than {LINE_LIMIT} base models"
            found[id] = _absent(id, declared_in, SourceState.ABSENT, why)
            break
        evidence = _card_of(id, start, tools)
        if isinstance(evidence, Source):
            found[id] = _absent(id, declared_in, evidence.state, evidence.reason)
            continue
        found[id] = _parent(id, declared_in, evidence)
        waiting += _declared(evidence).items()
    return tuple(found.values())


def _declared(evidence: Evidence) -> Mapping[str, str]:
    return {id: where for id, (_, where) in declared_base_models(evidence).items()}


def _card_of(id: str, start: Start, tools: StartTools) -> Evidence | Source:
    """What a base model's card says, or why it cannot be had."""
    base = start.base
    if base is not None and id.lower() == base.ref.repo.full_name.lower():
        return _evidence(base, start, tools)
    try:
        part, _ = part_of(ModelRef(repo=RepoId.parse(id)), _card, tools)
        have(part, tools)
        return _evidence(part, start, tools)
    except (Invalid, NotFound, BadInput) as error:
        return Source(state=SourceState.ABSENT, reason=str(error))
    except (Unreachable, Denied, IntegrityError) as error:
        return Source(state=SourceState.UNREACHABLE, reason=error.message)


def _card(manifest: Manifest) -> tuple[str, ...]:
    found = papers(manifest)
    if not found:
        raise Invalid("repository", manifest.repo.full_name, "has neither a card nor a licence text")
    return found


def _parent(id: str, declared_in: str, evidence: Evidence) -> Parent:
    info: JsonObject = {"cardData": evidence.front_matter or {}, **evidence.info}
    read = Source(state=SourceState.READ)
    return Parent(id=id, relation="", declared_in=declared_in, source=read, info=info)


def _absent(id: str, declared_in: str, state: SourceState, why: str) -> Parent:
    source = Source(state=state, reason=why)
    return Parent(id=id, relation="", declared_in=declared_in, source=source)
