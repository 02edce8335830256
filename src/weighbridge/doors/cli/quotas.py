"""``weighbridge quota``: how much each namespace uses and may use, on the machine that holds the home."""

from __future__ import annotations

import sys

from weighbridge.bridge import now
from weighbridge.bridge.quotas import open_quotas
from weighbridge.domain.access import LOCAL
from weighbridge.domain.json_values import JsonObject
from weighbridge.domain.quota import Quota
from weighbridge.doors.cli.render import AsJson, show_json, show_table
from weighbridge.errors import BadInput
from weighbridge.settings import load_settings


def quota(
    namespace: str | None = None,
    bytes: int | None = None,
    /,
    *,
    default: bool = False,
    json: AsJson = False,
) -> None:
    """Show what every namespace uses, or say what one may use.

    Parameters
    ----------
    namespace
        A user or an organization. Default: all that use something are shown.
    bytes
        What its repositories may hold together; 0: no limit.
    default
        Take its own quota away: WEIGHBRIDGE_QUOTA_BYTES counts for it again.
    """
    if bytes is not None and default:
        raise BadInput("a quota is given or taken away, not both")
    with open_quotas(load_settings(), now) as quotas:
        if namespace is None:
            found = quotas.listed(LOCAL)
        elif bytes is None and not default:
            found = (quotas.of(namespace),)
        else:
            found = (quotas.set(LOCAL, namespace, None if default else bytes),)
            print(f"{found[0].namespace} may use {_limit(found[0])}", file=sys.stderr)
    if json:
        shown = [_document(each) for each in found]
        show_json(shown if namespace is None else shown[0])
    else:
        rows = [(each.namespace, f"{each.used_bytes:,}", _limit(each), _whose(each)) for each in found]
        show_table(("NAMESPACE", "USES (BYTES)", "MAY USE", ""), rows)


def _limit(quota: Quota) -> str:
    return f"{quota.allowed_bytes:,}" if quota.allowed_bytes else "no limit"


def _whose(quota: Quota) -> str:
    return "its own" if quota.own else "default"


def _document(quota: Quota) -> JsonObject:
    return {
        "namespace": quota.namespace,
        "used_bytes": quota.used_bytes,
        "allowed_bytes": quota.allowed_bytes,
        "own": quota.own,
    }
