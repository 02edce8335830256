"""``weighbridge gc``: what keeps a registry running for years."""

from __future__ import annotations

from weighbridge.bridge import open_bridge
from weighbridge.bridge.reporting import reporter_for
from weighbridge.domain.access import LOCAL
from weighbridge.doors.cli.render import AsJson, show_json, size
from weighbridge.settings import load_settings

_DAY_S = 24 * 3600.0


def gc(*, dry_run: bool = False, older_than: float = 7.0, json: AsJson = False) -> None:
    """Remove stored contents that no package, refusal, commit, job or lock names any more.

    Servers and workers go on meanwhile; 'weighbridge sync' with this home waits.

    Parameters
    ----------
    dry_run
        Only say what would go.
    older_than
        Days since a content was last used; at least an hour (0.05).
    """
    bridge = open_bridge(load_settings())
    try:
        reporter = reporter_for(silent=json)
        done = bridge.collecting.run(LOCAL, reporter, grace_s=older_than * _DAY_S, dry_run=dry_run)
    finally:
        bridge.close()
    if json:
        show_json(done.to_json())
        return
    verb = "would remove" if done.dry_run else "removed"
    print(f"{verb} {done.removed} contents ({size(done.removed_bytes)})")
    print(f"kept {done.kept} contents ({size(done.kept_bytes)})")
    if done.unfinished_bytes:
        print(f"{verb} what was left unfinished ({size(done.unfinished_bytes)})")
