"""The policy file: what the gate asks for here, in YAML or JSON (which is YAML).

default_threshold: 0.5
thresholds: {license: 0.7}
targets_gib: {laptop: 16}            # instead of the four devices that are the default
target_weights: {laptop: 1.0}
permissiveness: {network-copyleft: 0.3}
strict: false
licence:
  commercial: required               # or unconditional
  allow: [Apache-2.0 OR MIT]         # SPDX expressions; all licences in force must be among them
  categories: [permissive]
  with_data: false                   # data sets do not count
models:
  - name: acme/*
    thresholds: {bus_factor: 0.2}
    waive: [dataset_quality]
    author: ann
    reason: our own models, which we maintain
    expires: 2027-01-31
  - name: acme/*
    kind: dataset                      # default: model
    thresholds: {bus_factor: 0.3}
    author: ann
    reason: our own data
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from weighbridge.adapters.spdx import permitted
from weighbridge.adapters.yaml_nodes import NULL, Reading, compose
from weighbridge.domain.licence import PERMISSIVENESS
from weighbridge.domain.licence_wish import COMMERCIAL, LicenceWish
from weighbridge.domain.policy import (
    METRICS,
    METRICS_OF_THE_GATE,
    NET_WEIGHTS,
    TARGET_WEIGHTS,
    TARGETS_GIB,
    Override,
    Policy,
)
from weighbridge.domain.ref import RepoKind
from weighbridge.domain.waiver import day_of
from weighbridge.errors import BadConfig, BadInput

MAX_BYTES = 1 << 20
_MOST_GIB = 1_000_000.0
_KEYS = (
    "default_threshold",
    "thresholds",
    "targets_gib",
    "target_weights",
    "net_weights",
    "permissiveness",
    "strict",
    "licence",
    "models",
)
_KINDS = (RepoKind.MODEL.value, RepoKind.DATASET.value)
_LICENCE_KEYS = ("commercial", "allow", "categories", "with_data")
_MODEL_KEYS = ("name", "kind", "thresholds", "waive", "author", "reason", "expires", "commit")


def read_policy(file: Path | None) -> Policy:
    """The policy in a file; the default one where none is named.

    Raises:
        BadConfig: it has mistakes; the error holds the place of each.
        BadInput: it cannot be read.
    """
    if file is None:
        return Policy()
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise BadInput(f"the policy '{file}' has more than {MAX_BYTES} bytes")
        return parse_policy(str(file), content.decode())
    except OSError as error:
        raise BadInput(
            f"the policy '{file}' cannot be read: {error.strerror}", hint="WEIGHBRIDGE_POLICY names it"
        ) from error
    except UnicodeDecodeError as error:
        raise BadInput(f"the policy '{file}' is not UTF-8 text") from error


def parse_policy(path: str, text: str) -> Policy:
    """What the text of a policy says; ``path`` is for the messages.

    Raises:
        BadConfig: it has mistakes; the error holds the place of each.
    """
    root, reading = compose(path, text), Reading()
    if root is None:
        return Policy()
    fields = reading.fields(root, _KEYS, "the policy")
    default = reading.number(fields.get("default_threshold"), "default_threshold")
    targets, weights = _targets(reading, fields)
    net_weights = _merged(reading, fields, "net_weights", NET_WEIGHTS, METRICS_OF_THE_GATE)
    if not any(net_weights.values()):
        reading.wrong(fields.get("net_weights"), "'net_weights' are all 0")
        net_weights = dict(NET_WEIGHTS)
    policy = Policy(
        default_threshold=0.5 if default is None else default,
        thresholds=reading.numbers(fields.get("thresholds"), "thresholds", METRICS),
        targets_gib=targets,
        target_weights=weights,
        net_weights=net_weights,
        permissiveness=_merged(reading, fields, "permissiveness", PERMISSIVENESS, tuple(PERMISSIVENESS)),
        strict=reading.yes(fields.get("strict"), "strict"),
        overrides=_overrides(reading, fields.get("models")),
        licence=_licence(reading, fields.get("licence")),
    )
    if reading.places:
        raise BadConfig(path, reading.places, hint=reading.hint)
    return policy


def _merged(
    reading: Reading, fields: dict[str, Node], name: str, default: Mapping[str, float], known: Sequence[str]
) -> dict[str, float]:
    return {**default, **reading.numbers(fields.get(name), name, known)}


def _licence(reading: Reading, node: Node | None) -> LicenceWish:
    if node is None:
        return LicenceWish()
    fields = reading.fields(node, _LICENCE_KEYS, "'licence'")
    wish = reading.built(
        node,
        lambda: LicenceWish(
            commercial=reading.one_of(fields.get("commercial"), "commercial", COMMERCIAL) or "",
            spdx=_allowed(reading, fields.get("allow")),
            categories=reading.texts(fields.get("categories"), "categories"),
            with_data="with_data" not in fields or reading.yes(fields["with_data"], "with_data"),
        ),
    )
    return wish or LicenceWish()


def _allowed(reading: Reading, node: Node | None) -> tuple[str, ...]:
    spelled = reading.texts(node, "allow")
    try:
        return permitted(spelled)
    except BadInput as error:
        reading.wrong(node, error.message)
        reading.hint = reading.hint or error.hint
        return ()


def _targets(reading: Reading, fields: dict[str, Node]) -> tuple[dict[str, float], dict[str, float]]:
    """Sizes of devices, and how much each counts; weights that are not said are equal ones."""
    sizes = reading.numbers(fields.get("targets_gib"), "targets_gib", most=_MOST_GIB)
    weights = reading.numbers(fields.get("target_weights"), "target_weights")
    if any(size <= 0 for size in sizes.values()):
        reading.wrong(fields["targets_gib"], "a device without memory fits nothing")
        return dict(TARGETS_GIB), dict(TARGET_WEIGHTS)
    if not sizes and not weights:
        return dict(TARGETS_GIB), dict(TARGET_WEIGHTS)
    sizes = sizes or dict(TARGETS_GIB)
    weights = weights or dict.fromkeys(sizes, 1.0)
    if not weights.keys() <= sizes.keys() or not any(weights.values()):
        reading.wrong(
            fields.get("target_weights"), f"'target_weights' must weigh some of {', '.join(sizes)} above 0"
        )
        return dict(TARGETS_GIB), dict(TARGET_WEIGHTS)
    return sizes, {name: weights.get(name, 0.0) for name in sizes}


def _overrides(reading: Reading, node: Node | None) -> tuple[Override, ...]:
    if node is None or node.tag == NULL:
        return ()
    if not isinstance(node, SequenceNode):
        reading.wrong(node, "'models' must be a list")
        return ()
    found = [_override(reading, item) for item in node.value]
    return tuple(override for override in found if override is not None)


def _override(reading: Reading, item: Node) -> Override | None:
    mistakes = len(reading.places)
    fields = reading.fields(item, _MODEL_KEYS, "an entry of 'models'")
    if not isinstance(item, MappingNode):
        return None
    said = {name: reading.text(fields.get(name), name) for name in ("name", "author", "reason", "commit")}
    for name in ("name", "author", "reason"):
        if name not in fields or fields[name].tag == NULL:
            reading.wrong(fields.get(name, item), f"an entry of 'models' needs '{name}'")
    kind = reading.one_of(fields.get("kind"), "kind", _KINDS) or RepoKind.MODEL.value
    thresholds = reading.numbers(fields.get("thresholds"), "thresholds", METRICS)
    waive = reading.texts(fields.get("waive"), "waive")
    expires = fields.get("expires")
    spelled = str(expires.value) if isinstance(expires, ScalarNode) and expires.tag != NULL else None
    day = reading.built(expires, lambda: day_of(spelled))
    if len(reading.places) > mistakes:
        return None
    return reading.built(
        item,
        lambda: Override(
            models=said["name"] or "",
            author=said["author"] or "",
            reason=said["reason"] or "",
            thresholds=thresholds,
            waive=waive,
            commit=said["commit"],
            expires=day,
            kind=RepoKind(kind),
        ),
    )
