"""By what a model is known again: weights, tokens, the words of its card, its name."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.domain.evidence import Evidence, Likeness, Resemblance, Text
from weighbridge.domain.likeness import (
    bands,
    edits,
    folded_name,
    packed,
    pieces,
    pieces_near,
    signature,
    similarity,
    unpacked,
)
from weighbridge.domain.manifest import FileEntry, Manifest, digests_of
from weighbridge.domain.ref import RepoId
from weighbridge.domain.resemblance import (
    Fingerprint,
    Mark,
    Match,
    fingerprints_of,
    resemblances,
    tokens_of,
    wanted,
)

WEIGHTS = b"w" * 1000
NAMES = st.text("abcdefgm-_.01il5rnvw", min_size=1, max_size=30)


def model(
    name: str, *, card: str = "", weights: bytes = WEIGHTS, info: dict[str, object] | None = None
) -> Evidence:
    entry = FileEntry(path="model.safetensors", size_bytes=len(weights), digests=digests_of(weights))
    manifest = Manifest(repo=RepoId.parse(name), commit="c" * 40, files=(entry,))
    texts = {"README.md": Text(content=card, sha256="0" * 64)} if card else {}
    return Evidence(manifest=manifest, sources={}, texts=texts, info=info or {})  # type: ignore[arg-type] # JSON


def prose(seed: int, count: int = 400) -> str:
    """Made words in a made order, so that no two seeds share more than chance."""
    drawn = random.Random(seed)  # texts, not secrets
    return " ".join("".join(drawn.choices("abcdefgh", k=5)) for _ in range(count))


def found(copy: Evidence, *others: Evidence) -> tuple[Resemblance, ...]:
    """What the copy has in common with the others, looked up as an index would."""
    asked = {(each.mark, each.value) for each in wanted(copy)}
    matches = []
    for other in others:
        prints, name = fingerprints_of(other), other.repo.full_name
        hits = {each.mark for each in prints if (each.mark, each.value) in asked}
        for each in prints:
            shared = (each.mark, each.value) in asked
            if (shared and each.mark in (Mark.WEIGHTS, Mark.TOKEN)) or (
                each.mark is Mark.CARD and Mark.BAND in hits
            ):
                matches.append(Match(repo=name, fingerprint=each))
        if Mark.NAME in hits:
            matches.append(Match(repo=name, fingerprint=Fingerprint(mark=Mark.NAME, value="")))
    return resemblances(copy, matches, known={})


class TestWeights:
    def test_the_same_bytes_under_another_name_are_found(self) -> None:
        (only,) = found(model("thief/renamed"), model("honest/original"))
        assert only == Resemblance(
            likeness=Likeness.SAME_WEIGHTS, repo="honest/original", subject="model.safetensors"
        )

    def test_one_byte_more_is_another_file(self) -> None:
        assert found(model("thief/renamed", weights=WEIGHTS + b"x"), model("honest/original")) == ()

    def test_files_of_next_to_nothing_prove_nothing(self) -> None:
        tiny = b"{}" * 20
        assert found(model("a/first", weights=tiny), model("b/second", weights=tiny)) == ()

    def test_a_well_known_file_is_known_without_its_repository(self) -> None:
        copy = model("thief/renamed")
        known = {copy.files[0].sha256 or "": "famous/model"}
        assert [r.repo for r in resemblances(copy, (), known)] == ["famous/model"]

    def test_a_well_known_file_is_its_own_whoever_copied_it_first(self) -> None:
        original = model("Famous/Model")
        known = {original.files[0].sha256 or "": "famous/model"}
        match = Match(repo="thief/renamed", fingerprint=fingerprints_of(model("thief/renamed"))[0])
        assert resemblances(original, (match,), known) == ()


class TestTokens:
    def test_a_token_is_found_wherever_it_stands_and_is_not_kept(self) -> None:
        first = model("a/first", weights=b"1" * 300, info={"evalResults": [{"verifyToken": "sesame"}]})
        index = [{"results": [{"metrics": [{"verifyToken": "sesame"}]}]}]
        second = model("b/second", weights=b"2" * 300, info={"cardData": {"model-index": index}})
        (only,) = found(second, first)
        assert (only.likeness, only.repo) == (Likeness.SAME_TOKEN, "a/first")
        assert only.subject == tokens_of(first)[0][:16]
        assert "sesame" not in str(fingerprints_of(first))

    def test_a_nest_of_arrays_is_no_trouble(self) -> None:
        deep: object = {"verifyToken": "far down"}
        for _ in range(5000):
            deep = [deep]
        assert tokens_of(model("a/deep", info={"evalResults": deep})) == ()


class TestCards:
    def test_a_verbatim_card_is_found(self) -> None:
        card = f"# Model\n\n{prose(1)}\n"
        (only,) = found(
            model("thief/other", card=card, weights=b"2" * 300), model("honest/original", card=card)
        )
        assert (only.likeness, only.degree) == (Likeness.SAME_CARD, 1.0)

    def test_a_card_with_a_changed_word_here_and_there_is_found(self) -> None:
        words = prose(1).split()
        changed = " ".join("changed" if n % 60 == 0 else word for n, word in enumerate(words))
        (only,) = found(
            model("thief/other", card=changed, weights=b"2" * 300),
            model("honest/original", card=" ".join(words)),
        )
        assert only.likeness is Likeness.SAME_CARD
        assert 0.8 < only.degree < 1

    def test_another_card_is_another_card(self) -> None:
        assert found(model("a/one", card=prose(1), weights=b"1" * 300), model("b/two", card=prose(2))) == ()

    def test_two_cards_that_say_nothing_are_not_alike(self) -> None:
        card = "# Model\n\n[More Information Needed]\n"
        assert found(model("a/one", card=card, weights=b"1" * 300), model("b/two", card=card)) == ()

    @given(st.integers(0, 10), st.integers(0, 390))
    def test_the_estimate_is_near_the_true_similarity(self, seed: int, kept: int) -> None:
        words = prose(seed).split()
        other = [*words[:kept], *prose(seed + 100, 400 - kept).split()]
        a, b = (set(zip(w, w[1:], w[2:], strict=False)) for w in (words, other))
        true = len(a & b) / len(a | b)
        estimate = similarity(signature([" ".join(words)]), signature([" ".join(other)]))
        assert abs(true - estimate) < 0.2

    def test_a_signature_survives_being_written_down(self) -> None:
        signed = signature([prose(3)])
        assert unpacked(packed(signed)) == signed
        assert unpacked("nonsense") == () == unpacked("")
        assert len(bands(signed)) == 20 == len(set(bands(signed)))
        assert bands(()) == ()


class TestNames:
    @pytest.mark.parametrize(
        ("copy", "original"),
        [
            ("openal/whisper-tiny", "openai/whisper-tiny"),
            ("google_bert/bert-base-uncased", "google-bert/bert-base-uncased"),
            ("goog1e-bert/bert-base-uncased", "google-bert/bert-base-uncased"),
            ("meta-llarna/Llama-2-7b-hf", "meta-llama/Llama-2-7b-hf"),
            ("mistralia/Mistral-7B-v0.1", "mistralai/Mistral-7B-v0.1"),
        ],
    )
    def test_a_name_to_be_mistaken_for_another_one(self, copy: str, original: str) -> None:
        (only,) = found(model(copy, weights=b"1" * 300), model(original))
        assert (only.likeness, only.repo, only.subject) == (Likeness.LIKE_NAME, original, copy)

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("openai/whisper-tiny", "openai/whisper-tiny1"),  # one publisher
            ("someone/bert-base-uncased", "google-bert/bert-base-uncased"),
            ("ann/small", "bob/small"),
        ],
    )
    def test_names_that_nobody_mistakes(self, one: str, other: str) -> None:
        assert found(model(one, weights=b"1" * 300), model(other)) == ()

    @given(NAMES, NAMES)
    def test_the_distance_is_that_of_the_text_book(self, one: str, other: str) -> None:
        assert edits(one, other) == min(3, _distance(one, other))

    @given(st.text("abcd", min_size=3, max_size=20), st.data())
    def test_two_edits_always_leave_a_piece_that_is_found(self, name: str, data: st.DataObject) -> None:
        changed = name
        for _ in range(2):
            at = data.draw(st.integers(0, len(changed) - 1))
            with_ = data.draw(st.sampled_from(["", "x", changed[at] + "x"]))
            changed = changed[:at] + with_ + changed[at + 1 :]
        if len(changed) >= 3:
            assert set(pieces(name)) & set(pieces_near(changed))

    def test_case_and_punctuation_are_folded(self) -> None:
        assert folded_name("Org/My-Model_v1.0") == folded_name("org/mymodelvlo")


def _distance(one: str, other: str) -> int:
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        row = _next_row(row, a, other, i)
    return row[-1]


def _next_row(row: list[int], a: str, other: str, i: int) -> list[int]:
    new = [i]
    for j, b in enumerate(other, 1):
        new.append(min(row[j] + 1, new[-1] + 1, row[j - 1] + (a != b)))
    return new
