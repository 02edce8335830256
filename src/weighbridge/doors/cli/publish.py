"""``weighbridge publish``: a folder goes to a Hub, with a model card, after the gate has looked at it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

from cyclopts import Parameter

from weighbridge.domain.made_model import Said
from weighbridge.domain.publish_request import MAIN, PublishRequest, said_metrics
from weighbridge.domain.ref import RepoId
from weighbridge.doors.cli.render import AsJson, printable, show_json, show_note, show_table, size
from weighbridge.errors import BadInput
from weighbridge.settings import load_settings

if TYPE_CHECKING:
    from weighbridge.domain.json_values import JsonObject
    from weighbridge.domain.publish_request import Published

_TRAINING_LIMIT_BYTES = 1 << 20
_Many: TypeAlias = Annotated[tuple[str, ...], Parameter(negative="")]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Words:
    """What the card says and no file does.

    Parameters
    ----------
    base_model
        The model that it was made from; default: what the files say.
    dataset
        A data set that it was trained on.
    adapter_type
        As in LoRA or QLoRA; default: what the files say.
    training_config
        A JSON file with the settings of the training.
    license
        The Hub's identifier; default: that of the base model.
    license_name
        Its name, where --license is other.
    license_link
        Where its text is.
    metric
        A result, as in accuracy=0.85; default: what the files of the last evaluation say.
    evaluated_on
        The data set that the results were measured on.
    language
        A language of the model, as in en.
    task
        The Hub's pipeline tag; default: what the configuration says.
    description
        What it is, in plain words.
    card_tag
        A further tag of the card.
    """

    base_model: _Many = ()
    dataset: _Many = ()
    adapter_type: str = ""
    training_config: Path | None = None
    license: str = ""
    license_name: str = ""
    license_link: str = ""
    metric: _Many = ()
    evaluated_on: str = ""
    language: _Many = ()
    task: str = ""
    description: str = ""
    card_tag: _Many = ()

    def said(self) -> Said:
        """The same as the maker's word."""
        return Said(
            base_models=self.base_model,
            datasets=self.dataset,
            description=self.description,
            adapter_type=self.adapter_type,
            training=_training(self.training_config),
            metrics=said_metrics(self.metric),
            evaluated_on=self.evaluated_on,
            license=self.license,
            license_name=self.license_name,
            license_link=self.license_link,
            languages=self.language,
            task=self.task,
            card_tags=self.card_tag,
        )


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Way:
    """Where and how it goes.

    Parameters
    ----------
    private
        Make the repository private; one that is there must be private already.
    include
        A path or pattern of files that would stay behind; can be given again.
    tag
        A git tag for the commit, as in v1.0.
    revision
        The branch; it is made from main if it is not there.
    message
        The message of the commit.
    create_pr
        Open a pull request instead of changing main.
    replace_card
        Write README.md anew, whatever it holds.
    gate
        Refuse what the registry's gate would certainly refuse, too.
    dry_run
        Show the card and the files, and send nothing.
    """

    private: bool = False
    include: _Many = ()
    tag: str = ""
    revision: str = MAIN
    message: str = ""
    create_pr: bool = False
    replace_card: bool = False
    gate: bool = False
    dry_run: bool = False


def publish(
    folder: Path,
    *,
    repo: str,
    way: Way | None = None,
    words: Words | None = None,
    endpoint: str = "",
    json: AsJson = False,
) -> None:
    """Publish a folder on the Hub in one commit, with a model card and checksums.

    The card is made from what the folder's files say and from these options; a README.md that is
    there is kept, and gets the metadata that it lacks. Scanners look at every file before it leaves;
    what they block is not published (exit code 3).

    Parameters
    ----------
    folder
        The folder of the model or adapter.
    repo
        Where it goes, as org/name; it is made if it is not there.
    endpoint
        The Hub's address. Default: the upstream of the settings.
    """
    from weighbridge.bridge.publishing import publish as published
    from weighbridge.bridge.reporting import reporter_for

    way = way or Way()
    request = PublishRequest(
        folder=folder, repo=RepoId.parse(repo), said=(words or Words()).said(), **vars(way)
    )
    done = published(
        request, load_settings(), reporter_for(silent=json, doing="publishing"), endpoint=endpoint
    )
    if json:
        show_json(done.to_json())
    else:
        _show(done, dry_run=way.dry_run)


def _training(file: Path | None) -> JsonObject:
    """The object in a JSON file; an empty one without a file."""
    import json

    if file is None:
        return {}
    try:
        with file.open("rb") as opened:
            content = opened.read(_TRAINING_LIMIT_BYTES + 1)
        found = json.loads(content) if len(content) <= _TRAINING_LIMIT_BYTES else None
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput(f"--training-config: '{file}' cannot be read: {error}") from error
    if not isinstance(found, dict):
        raise BadInput(
            f"--training-config: '{file}' is not a JSON object of at most {_TRAINING_LIMIT_BYTES} bytes"
        )
    return found


def _show(done: Published, *, dry_run: bool) -> None:
    if dry_run:
        print(printable(done.card))
    elif done.added is not None:
        names = ", ".join(done.added) or "nothing"
        show_note(f"README.md is kept; added to its metadata: {names}")
    rows = [(_line(file.path), size(file.size_bytes), done.news[file.path].value) for file in done.files]
    show_table(("file", "size", "state"), rows)
    for one in done.left_out:
        count = f" ({one.count} files)" if one.count > 1 else ""
        show_note(f"left out: {_line(one.path)}{count} {one.why}")
    for warning in done.warnings:
        show_note(_line(warning), about="warning")
    print(f"the gate of a registry would say: {printable(done.verdict.sentence())}")
    if dry_run:
        there = "there already" if done.changed else "there already, and nothing would change"
        print(
            f"dry run, nothing was sent: {done.url} ({'new' if done.is_new else there}),"
            f" {size(done.total_bytes)}"
        )
    elif not done.changed:
        print(f"nothing changed: {done.url} is at commit {done.commit}")
    elif done.pull_request:
        print(f"opened {done.pull_request} (commit {done.commit})")
    else:
        print(f"published {done.url} at commit {done.commit}")


def _line(text: str) -> str:
    """The text in one line, whatever a file is called."""
    return text.replace("\n", "\\n").replace("\t", "\\t")
