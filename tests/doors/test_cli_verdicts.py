"""A refusal is a good read: the weakest first, its evidence, and what would raise it."""

from __future__ import annotations

import pytest

from tests.domain.papers import verdict_of
from tests.doors.verdict_examples import BLOCKED, EXAMPLES, GOLDEN, REVIEW, admitted, drawn, finding, scanned
from tests.metrics.models import MODELS
from weighbridge.domain.explained import explained, failed_scores, lost, weakest_first
from weighbridge.domain.scan import Severity
from weighbridge.domain.verdict import Verdict
from weighbridge.doors.cli.verdicts import Shown, show_lines, verdict_lines


def text_of(verdict: Verdict, width: int = 100, *, everything: bool = False) -> str:
    return "\n".join(line.text for line in verdict_lines(verdict, width, everything=everything))


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_text_is_as_it_was_kept(name: str) -> None:
    # renew with: python -m tests.doors.verdict_examples --write
    assert drawn(name) == (GOLDEN / f"verdict-{name}.txt").read_text()


@pytest.mark.parametrize("name", MODELS)
def test_every_failure_is_told_with_its_signals_its_evidence_and_a_remedy(name: str) -> None:
    verdict = verdict_of(MODELS[name]())
    told = text_of(verdict, 120)
    flat = " ".join(told.split())
    places = []
    for failure, score in failed_scores(verdict):
        places.append(told.index(f"[{failure.metric}]"))
        for signal in score.signals:
            assert signal.id in told
            assert " ".join(signal.how_to_improve.split()) in flat
            for proof in signal.proofs[:2]:
                assert f"      {proof.source}: {proof.path}" in told
    assert places == sorted(places)
    shown = explained(verdict)["failures"]
    assert [f["metric"] for f in shown] == [f.metric for f in verdict.failures]  # type: ignore[index,union-attr,call-overload]


def test_the_heaviest_shortfall_of_a_metric_comes_first() -> None:
    for _, score in failed_scores(verdict_of(MODELS["junk"]())):
        losses = [lost(signal) for signal in weakest_first(score.signals)]
        assert losses == sorted(losses, reverse=True)


@pytest.mark.parametrize("width", [40, 72, 100, 120])
def test_lines_are_as_wide_as_the_terminal_unless_a_word_is_longer(width: int) -> None:
    verdict = scanned(verdict_of(MODELS["junk"]()), BLOCKED)
    for line in verdict_lines(verdict, width, everything=True):
        words = line.text.split()
        assert len(line.text) <= max(width, 6 + max(map(len, words), default=0)) or line.text.count("  ") > 1


def test_a_file_says_whether_it_can_be_waived() -> None:
    refused = verdict_of(MODELS["bert"]())
    only_review, with_block = scanned(refused, REVIEW), scanned(refused, REVIEW, BLOCKED)
    assert "can be waived for this commit" in text_of(only_review)
    assert "--waive safety --reason" in text_of(only_review)
    assert "cannot be waived: this commit stays out" in text_of(with_block)
    assert "--waive" not in text_of(with_block)
    assert [f["waivable"] for f in explained(with_block)["unsafe_files"]] == [False, True]  # type: ignore[index,union-attr,call-overload]
    assert text_of(with_block).index("pytorch_model.bin") < text_of(with_block).index("run.py")


def test_with_everything_what_passed_has_its_reasons_too() -> None:
    verdict = admitted()
    brief, full = text_of(verdict), text_of(verdict, everything=True)
    assert "permissiveness" not in brief
    assert "permissiveness" in full


def test_what_strangers_wrote_cannot_steer_the_terminal() -> None:
    nasty = finding(Severity.BLOCK, "a\x1b[2Jb.bin", "pickle.global", "imports \x1b]0;mine\x07 and \u202e")
    told = text_of(scanned(verdict_of(MODELS["bert"]()), nasty))
    assert not {"\x1b", "\x07", "\u202e"} & set(told)
    assert "a\\x1b[2Jb.bin" in told


def test_no_colours_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    show_lines([Shown("red", "bold red"), Shown("plain")])
    assert capsys.readouterr().out == "red\nplain\n"
