"""``weighbridge gc``, ``backup`` and ``restore``: what keeps a registry running for years."""

from __future__ import annotations

from pathlib import Path

from weighbridge.bridge import now, open_bridge
from weighbridge.bridge.backups import back_up
from weighbridge.bridge.backups import restore as restored_from
from weighbridge.bridge.reporting import reporter_for
from weighbridge.domain.access import LOCAL
from weighbridge.doors.cli.render import AsJson, printable, show_json, show_note, size
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
    with open_bridge(load_settings()) as bridge:
        reporter = reporter_for(silent=json)
        done = bridge.collecting.run(LOCAL, reporter, grace_s=older_than * _DAY_S, dry_run=dry_run)
    if json:
        show_json(done.to_json())
        return
    verb = "would remove" if done.dry_run else "removed"
    print(f"{verb} {done.removed} contents ({size(done.removed_bytes)})")
    print(f"kept {done.kept} contents ({size(done.kept_bytes)})")
    if done.zip_bytes:
        print(f"{verb} the zips of packages that are not served ({size(done.zip_bytes)})")
    if done.unfinished_bytes:
        print(f"{verb} what was left unfinished ({size(done.unfinished_bytes)})")


def backup(file: Path, *, with_keys: bool = False, json: AsJson = False) -> int:
    """Write the catalogue, every content that it names, and the policy into one file.

    Servers and workers go on meanwhile. Exit code 7: the store has lost contents that the catalogue
    names; the back-up is whole but for these.

    Parameters
    ----------
    file
        What to write, readable by you alone; what stands there is replaced when the new one is whole.
    with_keys
        The keys that sign attestations and addresses, too: who has them can sign as this registry.
    """
    done = back_up(
        load_settings(), file, reporter_for(silent=json, doing="writing"), now, with_keys=with_keys
    )
    if json:
        show_json(done.to_json())
    else:
        keys = "with its keys" if done.with_keys else "without keys"
        print(printable(f"wrote {done.path}: {done.contents} contents ({size(done.contents_bytes)}), {keys}"))
        print(f"sha256:{done.sha256}")
    for sha256 in done.lacking:
        show_note("is named by the catalogue, and the store has lost it", about=f"sha256:{sha256}")
    return 7 if done.lacking else 0


def restore(file: Path, *, json: AsJson = False) -> None:
    """Make an empty registry what a back-up holds: all of it, or nothing.

    It may be restored into another kind of database than it was taken from.

    Parameters
    ----------
    file
        The back-up.
    """
    done = restored_from(load_settings(), file, reporter_for(silent=json, doing="reading"), now)
    if json:
        show_json(done.to_json())
        return
    keys = "with its keys" if done.with_keys else "without keys"
    print(f"restored the registry of {done.made_at}: {done.rows} rows, {done.contents} contents, {keys}")
    if done.policy is not None:
        print(printable(f"its policy stands in {done.policy}: WEIGHBRIDGE_POLICY names it"))
