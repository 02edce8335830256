"""The file that names issuers whose tokens are believed, in YAML or JSON (which is YAML).

corp:
  issuer: https://login.example.com/realms/models
  audience: weighbridge
  name_claim: preferred_username     # default: sub
  groups_claim: groups               # default
  everyone: [search, download]       # default: nothing but what anonymous callers may
  groups: {ml-team: [upload], platform: [admin]}
  algorithms: [RS256]                # default: all that sign with a private key
  keys_url: https://...              # only where keys are not at the issuer's own host
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode

from weighbridge.adapters.yaml_nodes import Reading, compose
from weighbridge.domain.access import Permission
from weighbridge.domain.issuer import ALGORITHMS, Issuer
from weighbridge.errors import BadConfig, BadInput

MAX_BYTES = 1 << 16
_KEYS = (
    "issuer", "audience", "name_claim", "groups_claim", "everyone", "groups", "algorithms", "keys_url",
)  # fmt: skip


def read_issuers(file: Path | None) -> Sequence[Issuer]:
    """The issuers in a file; none where none is named.

    Raises:
        BadConfig: it has mistakes; the error holds the place of each.
        BadInput: it cannot be read.
    """
    if file is None:
        return ()
    try:
        content = file.read_bytes()
        if len(content) > MAX_BYTES:
            raise BadInput(f"'{file}' has more than {MAX_BYTES} bytes", hint="WEIGHBRIDGE_OIDC names it")
        return parse_issuers(str(file), content.decode())
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"'{file}' cannot be read: {error}", hint="WEIGHBRIDGE_OIDC names it") from error


def parse_issuers(path: str, text: str) -> Sequence[Issuer]:
    """What the text of such a file says; ``path`` is for the messages.

    Raises:
        BadConfig: it has mistakes; the error holds the place of each.
    """
    root, reading = compose(path, text), Reading()
    if root is None:
        return ()
    labels = [str(key.value) for key, _ in root.value] if isinstance(root, MappingNode) else []
    fields = reading.fields(root, labels, "the list of issuers")
    found = [_issuer(reading, label, node) for label, node in fields.items()]
    issuers = [issuer for issuer in found if issuer is not None]
    for number, issuer in enumerate(issuers):
        if any(other.url == issuer.url for other in issuers[:number]):
            reading.wrong(fields[issuer.label], f"'{issuer.url}' is named twice")
    if reading.places:
        raise BadConfig(path, reading.places, hint=reading.hint)
    return tuple(issuers)


def _issuer(reading: Reading, label: str, node: Node) -> Issuer | None:
    mistakes = len(reading.places)
    fields = reading.fields(node, _KEYS, f"the issuer '{label}'")
    groups = fields.get("groups")
    names = [str(key.value) for key, _ in groups.value] if isinstance(groups, MappingNode) else []
    known = reading.fields(groups, names, "'groups'") if groups is not None else {}
    allowed = {name: _permissions(reading, each, name) for name, each in known.items()}
    everyone = _permissions(reading, fields.get("everyone"), "everyone")
    algorithms = reading.texts(fields.get("algorithms"), "algorithms") or ALGORITHMS
    said = {name: _text(reading, fields.get(name), name) for name in _KEYS}
    if len(reading.places) > mistakes:
        return None
    return reading.built(
        node,
        lambda: Issuer(
            label=label,
            url=said["issuer"],
            audience=said["audience"],
            name_claim=said["name_claim"] or "sub",
            groups_claim=said["groups_claim"] or "groups",
            everyone=everyone,
            groups=allowed,
            algorithms=tuple(algorithms),
            keys_url=said["keys_url"],
        ),
    )


def _text(reading: Reading, node: Node | None, name: str) -> str:
    return (reading.text(node, name) or "") if isinstance(node, ScalarNode) else ""


def _permissions(reading: Reading, node: Node | None, name: str) -> frozenset[Permission]:
    words = reading.texts(node, name)
    try:
        return frozenset(Permission(word) for word in words)
    except ValueError:
        reading.wrong(node, f"'{name}' must be some of {', '.join(Permission)}")
        return frozenset()
