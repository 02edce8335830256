"""``weighbridge withdraw`` and ``weighbridge rescan``: what was admitted, looked after."""

from __future__ import annotations

import sys

from weighbridge.bridge import open_bridge
from weighbridge.domain.access import LOCAL
from weighbridge.domain.rescan import Fate, Rescanned
from weighbridge.doors.cli.render import AsJson, printable, show_json
from weighbridge.settings import load_settings


def withdraw(name: str, *, reason: str, json: AsJson = False) -> None:
    """Take a package out of service at once: clients are refused and shown the reason.

    Parameters
    ----------
    name
        The package, as org/name@version, or datasets/org/name@version.
    reason
        Why, and what to use instead; everybody who asks for it reads this.
    """
    with open_bridge(load_settings()) as bridge:
        found = bridge.upkeep.named(LOCAL, name)
        package = bridge.upkeep.withdraw(LOCAL, found.id, reason)
    if json:
        show_json(package.to_json())
    else:
        print(f"withdrawn {package.spelled}: {printable(package.state_reason)}")


def rescan(name: str | None = None, *, all: bool = False, json: AsJson = False) -> int:
    """Scan again what older rules let in, and withdraw what the present rules would not.

    It may be stopped at any time: the next run goes on where it was. Exit code 3 means that
    something was withdrawn or could not be told.

    Parameters
    ----------
    name
        Only this package, as org/name or org/name@version (datasets/org/name of a data set). Default:
        all that are served.
    all
        What the present rules have looked at already, too.
    """
    with open_bridge(load_settings()) as bridge:
        done = bridge.upkeep.rescan(LOCAL, name, everything=all, told=_tell_nothing if json else _tell)
    if json:
        show_json(done.to_json())
    else:
        counts = ", ".join(f"{done.count(fate)} {fate.value}" for fate in Fate)
        print(f"rules {done.rules}: {counts}")
    return 3 if done.count(Fate.WITHDRAWN) or done.count(Fate.UNSURE) else 0


def _tell(one: Rescanned) -> None:
    """One line, at once; what is current is only counted."""
    if one.fate is Fate.CURRENT:
        return
    change = f" ({one.before} -> {one.after})" if one.after else ""
    why = f": {printable(one.reason)}" if one.reason else ""
    print(f"{one.fate.value:<10}{one.name}@{one.version}{change}{why}", file=sys.stdout, flush=True)


def _tell_nothing(_one: Rescanned) -> None:
    """The document says it all."""
