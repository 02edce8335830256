"""SPDX licence expressions (SPDX 3.0.1, annex B), as a policy spells what it allows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from license_expression import (  # type: ignore[import-untyped]  # it ships no types
    ExpressionError,
    LicenseExpression,
    Licensing,
    ParseError,
    build_spdx_licensing,
    get_license_index,
)

from weighbridge.domain.licence_table import ROWS
from weighbridge.errors import BadInput

MAX_CHARACTERS = 1000


def permitted(expressions: Sequence[str]) -> tuple[str, ...]:
    """The single licences that a list of expressions permits, in order, each once.

    ``Apache-2.0 OR MIT`` permits both; ``GPL-2.0-only WITH Classpath-exception-2.0`` is one licence.

    Raises:
        BadInput: an expression cannot be read, names no licence that is known, or has an ``AND``:
            what must hold together is no list of what is allowed.
    """
    found = [one for spelled in expressions for one in _alternatives(spelled)]
    return tuple(dict.fromkeys(found))


def _alternatives(spelled: str) -> tuple[str, ...]:
    if len(spelled) > MAX_CHARACTERS or not spelled.strip():
        raise BadInput(f"{spelled[:40]!r} is no licence expression", hint="as in: Apache-2.0 OR MIT")
    try:
        parsed = _licensing().parse(spelled, validate=True, strict=True)
    except (ExpressionError, ParseError) as error:
        raise BadInput(
            f"{spelled!r} is no SPDX licence expression: {str(error).strip()}",
            hint="identifiers are at spdx.org/licenses, as in: Apache-2.0 OR MIT",
        ) from error
    return tuple(_leaves(parsed, spelled))


def _leaves(parsed: LicenseExpression, spelled: str) -> list[str]:
    operator = type(parsed).__name__
    if operator == "AND":
        raise BadInput(
            f"{spelled!r} has an AND: a list of allowed licences is one of alternatives",
            hint="name each licence by itself; all that are in force must be on the list",
        )
    if operator == "OR":
        return [leaf for part in parsed.args for leaf in _leaves(part, spelled)]
    return [str(parsed.render())]


@cache
def _licensing() -> Licensing:
    ours = sorted({row[2] for row in ROWS if row[2].startswith("LicenseRef-")} | {"OpenMDW-1.0"})
    index = get_license_index()
    known = {entry.get("spdx_license_key") for entry in index}
    more = [
        {
            "license_key": f"weighbridge-{spdx.lower()}",
            "spdx_license_key": spdx,
            "other_spdx_license_keys": [],
            "is_exception": False,
            "is_deprecated": False,
        }
        for spdx in ours
        if spdx not in known
    ]
    return build_spdx_licensing([*index, *more])
