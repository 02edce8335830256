"""The REST door by real HTTP: real accounts, real catalogue, real verbs; only the weighing is scripted."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bridge.shelved import evidence
from tests.doors.asgi_server import Answer, call, serving
from weighbridge.adapters.blobs_fs import FolderBlobs
from weighbridge.adapters.catalog import Catalog
from weighbridge.adapters.crc32s import Crc32s
from weighbridge.adapters.engine_inline import InlineEngine
from weighbridge.adapters.hub_http import Contact
from weighbridge.adapters.progress import SilentReporter
from weighbridge.adapters.worker_life import WorkerLives
from weighbridge.bridge import Bridge
from weighbridge.bridge.audit import Audit
from weighbridge.bridge.figures import Clocks, Figures
from weighbridge.bridge.health import Health
from weighbridge.bridge.jobs import Jobs
from weighbridge.bridge.operator_evidence import OperatorEvidence
from weighbridge.bridge.packages import Packages
from weighbridge.bridge.packing import Packing
from weighbridge.bridge.papers import Papers
from weighbridge.bridge.people import People
from weighbridge.bridge.upkeep import Upkeep
from weighbridge.bridge.work import Work
from weighbridge.bridge.zips import Zips
from weighbridge.domain.access import LOCAL, AuditLine, Permission
from weighbridge.domain.json_values import canonical
from weighbridge.domain.manifest import FileEntry, Manifest, digests_of
from weighbridge.domain.package import Package, Refusal, Version
from weighbridge.domain.policy import Policy
from weighbridge.domain.ref import ModelRef
from weighbridge.domain.repo import ModelInfo
from weighbridge.domain.scan import ScanReport
from weighbridge.domain.score import Score, Signal, weigh
from weighbridge.domain.verdict import Verdict, judge
from weighbridge.domain.waiver import METRICS
from weighbridge.doors.rest import MAX_BODY_BYTES, rest_app
from weighbridge.errors import (
    Conflict,
    DigestMismatch,
    Disabled,
    Gated,
    HubDown,
    LicenseMismatch,
    NoSuchRepo,
    NoSuchRevision,
    NotAuthenticated,
    RateLimited,
    Rejected,
    StoreDown,
)
from weighbridge.flows.ingest_state import State, Tools
from weighbridge.scanners import RULES, scan_tree
from weighbridge.settings import Settings

WORD = "correct horse"
HEAD = "1" * 40


def signal(value: float | None, what: str) -> Signal:
    if value is None:
        return Signal.unknown(what, 1.0, "the source could not be read", "try again")
    return Signal.of(what, 1.0, value, f"it is {value}", how_to_improve=f"improve {what}")


def scores(**values: float | None) -> tuple[Score, ...]:
    return tuple(weigh(metric, "1", [signal(value, f"{metric}.a")]) for metric, value in values.items())


ERRORS: dict[str, Exception] = {
    "org/missing": NoSuchRepo("org/missing"),
    "org/no-revision": NoSuchRevision("org/no-revision", "dev"),
    "org/gated": Gated("org/gated"),
    "org/disabled": Disabled("'org/disabled' was disabled"),
    "org/down": HubDown("the Hub does not answer"),
    "org/busy": RateLimited("slower, please", retry_after_s=6.2),
    "org/liar": DigestMismatch("model.safetensors", wanted="sha256:aa", got="sha256:bb"),
    "org/license": LicenseMismatch("org/license", wanted="mit", got="gpl-3.0"),
    "org/conflict": Conflict("somebody was first"),
    "org/token": NotAuthenticated("the Hub does not accept the token"),
    "org/full": StoreDown("no space left on /var/lib/secret-place"),
    "org/bug": RuntimeError("an internal detail"),
}
WEIGHED: dict[str, tuple[Score, ...]] = {
    "org/weak": scores(license=1.0, ramp_up_time=0.4, bus_factor=0.3),
    "org/unsure": scores(license=1.0, performance_claims=None),
}
GOOD = scores(license=1.0, size_score=0.8, ramp_up_time=0.7, performance_claims=0.9)


class ScriptedHub:
    """A Hub on which every model is at ``HEAD``, or cannot be had: its name says why."""

    def info(self, ref: ModelRef) -> ModelInfo:
        name = ref.repo.full_name
        if name in ERRORS and not isinstance(ERRORS[name], RuntimeError):
            raise ERRORS[name]
        return ModelInfo(repo=ref.repo, commit=ref.revision if ref.is_pinned else HEAD, raw={})


class ScriptedFlow:
    """A flow of one step, for which a model's name says how its weighing ends."""

    def __init__(self, catalog: Catalog, blobs: FolderBlobs) -> None:
        self.catalog, self.blobs = catalog, blobs

    def weigh(self, _tools: Tools, state: State) -> State:
        name, commit = state.request.ref.repo.full_name, state.commit
        if name in ERRORS:
            raise ERRORS[name]
        version = state.request.version or Version("1.0.0")
        self.catalog.require_free(state.request.ref.repo, commit, version)
        verdict = judge(
            WEIGHED.get(name, GOOD),
            ScanReport(rules="1", files=()),
            state.policy,
            repo=name,
            commit=commit,
            as_of=state.at.date(),
        )
        state = replace(state, commit=commit, version=version)
        return self.accept(state, verdict) if verdict.outcome == "accepted" else self.refuse(state, verdict)

    def accept(self, state: State, verdict: Verdict) -> State:
        content = b'{"model_type": "bert"}'
        self.blobs.add(content)
        entry = FileEntry(path="config.json", size_bytes=len(content), digests=digests_of(content))
        package = Package(
            id=state.id,
            version=state.version or Version("1.0.0"),
            manifest=Manifest(repo=state.request.ref.repo, commit=state.commit, files=(entry,)),
            net_score=verdict.net_score,
            metrics={score.metric: score.low for score in verdict.scores},
            evidence_sha256=self.blobs.add(canonical(evidence().to_json())),
            verdict_sha256=self.blobs.add(canonical(verdict.to_json())),
            created_at=state.at,
            created_by=state.by,
            description=state.request.description,
        )
        self.catalog.add(package, verdict.waived, self.line(state, "accepted"))
        return state

    def refuse(self, state: State, verdict: Verdict) -> State:
        refusal = Refusal(
            id=state.id,
            ref=state.request.ref,
            commit=state.commit,
            outcome=verdict.outcome.value,
            sentence=verdict.sentence(),
            evidence_sha256=self.blobs.add(b"{}"),
            verdict_sha256=self.blobs.add(canonical(verdict.to_json())),
            created_at=state.at,
            created_by=state.by,
        )
        self.catalog.add_refusal(refusal, self.line(state, verdict.outcome.value))
        raise Rejected(verdict, refusal_id=refusal.id)

    def line(self, state: State, detail: str) -> AuditLine:
        target = f"{state.request.ref.repo}@{state.commit}"
        return AuditLine(at=state.at, by=state.by, verb="ingest", target=target, detail=detail)


def _tools(blobs: FolderBlobs) -> Tools:
    """Those that a scripted flow needs."""
    unused: Any = None
    return Tools(
        hub=ScriptedHub(),  # type: ignore[arg-type]  # nothing else of it is asked
        blobs=blobs,
        shelf=unused,
        ledger=unused,
        registry=unused,
        scan_tree=unused,
        scales=unused,
        readers=unused,
        reporter=SilentReporter(),
        connections=1,
    )


class Registry:
    """A registry with three users, called over HTTP."""

    def __init__(self, home: Path) -> None:
        self.catalog = Catalog.open(f"sqlite:///{home / 'catalog.sqlite3'}")
        blobs = FolderBlobs(home)
        self.people = People(self.catalog, Settings(home=home), lambda: datetime.now(UTC))
        self.lives, engine = WorkerLives(home), InlineEngine()
        tools = _tools(blobs)
        steps = (("weigh", ScriptedFlow(self.catalog, blobs).weigh),)
        work = Work(self.catalog, tools, steps, engine.worker, self.lives.is_dead, lambda: datetime.now(UTC))
        jobs = Jobs(self.catalog, engine, work, self.lives, lambda: datetime.now(UTC))
        jobs.begin(keep=False)
        packages = Packages(
            catalog=self.catalog,
            blobs=blobs,
            jobs=jobs,
            tools=tools,
            policy=Policy(),
            now=lambda: datetime.now(UTC),
        )
        papers = Papers(packages, home, "https://hub.test", self.catalog.is_ours)
        audit = Audit(self.catalog, lambda: datetime.now(UTC))
        zips = Zips(packages, papers, blobs, Crc32s(home), lambda repo: None, audit.sent)
        self.bridge = Bridge(
            packages=packages,
            papers=papers,
            people=self.people,
            audit=audit,
            hub=None,  # type: ignore[arg-type]  # another door's
            repos=None,  # type: ignore[arg-type]  # another door's
            xet=None,  # type: ignore[arg-type]  # another door's
            upkeep=Upkeep(
                catalog=self.catalog,
                blobs=blobs,
                scan_tree=scan_tree,
                rules=RULES,
                policy=Policy(),
                now=lambda: datetime.now(UTC),
            ),
            evidence=OperatorEvidence(self.catalog, lambda: datetime.now(UTC)),
            bundles=None,  # type: ignore[arg-type]  # of the command line
            jobs=jobs,
            health=(health := Health(home, self.catalog, blobs, contact := Contact(), jobs)),
            figures=Figures("admin", Clocks(), health, self.catalog, contact),
            collecting=None,  # type: ignore[arg-type]  # of upkeep
            zips=zips,
            packing=Packing(self.catalog, None, zips, jobs),
            close=self.catalog.close,
        )
        self.url = ""

    def open_accounts(self) -> None:
        everything = frozenset(Permission)
        self.people.add_user(LOCAL, "admin", everything, WORD)
        self.people.add_user(LOCAL, "una", everything - {Permission.ADMIN}, WORD)
        self.people.add_user(LOCAL, "rita", {Permission.SEARCH, Permission.DOWNLOAD}, WORD)
        self.tokens = {name: self.people.create_token(LOCAL, name)[1] for name in ("admin", "una", "rita")}

    def call(self, method: str, path: str, body: Any = None, by: str | None = None, **headers: str) -> Answer:
        if by is not None:
            headers["Authorization"] = f"Bearer {self.tokens[by]}"
        return call(self.url, method, path, body, headers)

    def ingest(self, model_id: str, by: str | None = "una", **more: Any) -> Answer:
        return self.call("POST", "/package/ingest-huggingface", {"model_id": model_id, **more}, by)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    made = Registry(tmp_path)
    made.open_accounts()
    with serving(rest_app(made.bridge)) as url:
        made.url = url
        yield made
    made.bridge.close()


def is_problem(answer: Answer, status: int, detail: str | None = None) -> dict[str, Any]:
    """The problem document, checked against what RFC 9457 asks for."""
    assert answer.status == status, answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json
    assert document["status"] == status
    assert document["type"] == f"urn:weighbridge:problem:{document['code']}"
    assert document["title"]
    assert isinstance(document["detail"], str)
    if detail is not None:
        assert document["detail"] == detail
    return document


class TestIngest:
    def test_the_documents_request_gets_the_documents_answer(self, registry: Registry) -> None:
        model = "distilbert-base-uncased-finetuned-sst-2-english"
        answer = registry.ingest(model, description="Sentiment analysis model")
        assert answer.status == 200, answer.body
        body = answer.json
        assert body.pop("package_id") in body["verdict"]
        assert body.pop("created_at").endswith("Z")
        assert body.pop("verdict").endswith("/verdict")
        assert body == {
            "name": model,
            "version": "1.0.0",
            "model_id": model,
            "kind": "model",
            "commit": HEAD,
            "s3_path": None,
            "net_score": body["metrics"]["net_score"],
            "licence": "",
            "size_bytes": 22,
            "message": "HuggingFace model ingested successfully",
            "fetched_bytes": 0,
            "saved_bytes": 22,
            "metrics": {
                "license": 1.0,
                "size_score": 0.8,
                "ramp_up_time": 0.7,
                "performance_claims": 0.9,
                "net_score": body["net_score"],
            },
            "description": "Sentiment analysis model",
            "state": "active",
            "state_reason": "",
            "created_by": "una",
            "not_judged": ["bus_factor", "dataset_and_code_score", "dataset_quality", "code_quality"],
            "waived": [],
        }
        assert 0.7 <= body["net_score"] <= 1.0

    def test_a_refusal_has_the_documents_sentence_and_the_reasons(self, registry: Registry) -> None:
        problem = is_problem(
            registry.ingest("org/weak"),
            400,
            "Model does not meet quality requirements. "
            "Failed metrics: Bus Factor (0.30 < 0.50), Ramp-Up Time (0.40 < 0.50)",
        )
        assert problem["code"] == "rejected"
        verdict = problem["verdict"]
        assert (verdict["outcome"], verdict["weakest"]) == ("refused", "bus_factor")
        assert [(f["metric"], f["score"], f["threshold"]) for f in verdict["failures"]] == [
            ("bus_factor", 0.3, 0.5),
            ("ramp_up_time", 0.4, 0.5),
        ]
        assert verdict["failures"][0]["how_to_improve"] == ["improve bus_factor.a"]
        assert verdict["failures"][0]["signals"][0]["reason"] == "it is 0.3"
        kept = registry.call("GET", problem["refusal"], by="una").json
        assert kept["sentence"] == problem["detail"]
        assert kept["verdict"]["scores"][0]["metric"] == "license"
        listed = registry.call("GET", "/refusals", by="una").json
        assert [refusal["refusal_id"] for refusal in listed["refusals"]] == [kept["refusal_id"]]
        for query, count in (("repo=ORG/Weak", 1), ("repo=org/other", 0), ("repo=org/weak&kind=dataset", 0)):
            assert len(registry.call("GET", f"/refusals?{query}", by="una").json["refusals"]) == count
        assert registry.call("GET", "/packages").json == {"packages": [], "next": None, "total": None}

    def test_what_cannot_be_told_is_neither_accepted_nor_refused(self, registry: Registry) -> None:
        problem = is_problem(registry.ingest("org/unsure"), 424)
        assert problem["detail"].startswith("indeterminate: performance_claims 0.00..1.00")
        assert problem["verdict"]["outcome"] == "indeterminate"

    @pytest.mark.parametrize(
        ("name", "status", "detail"),
        [
            ("org/missing", 404, "Model 'org/missing' not found on HuggingFace Hub"),
            ("org/no-revision", 404, "'org/no-revision' has no revision 'dev'"),
            ("org/gated", 403, "'org/gated' is gated and access was not granted"),
            ("org/disabled", 403, "'org/disabled' was disabled"),
            ("org/down", 503, "the Hub does not answer"),
            ("org/busy", 503, "slower, please"),
            ("org/liar", 502, "'model.safetensors' should be sha256:aa but is sha256:bb"),
            ("org/license", 400, "'org/license' has licence gpl-3.0, but mit is asked for"),
            ("org/conflict", 409, "somebody was first"),
            ("org/token", 502, "the Hub does not accept the token"),
        ],
    )
    def test_each_failure_is_its_own_status(
        self, registry: Registry, name: str, status: int, detail: str
    ) -> None:
        is_problem(registry.ingest(name), status, detail)

    def test_a_data_set_has_no_threshold_or_waiver_of_what_does_not_apply(self, registry: Registry) -> None:
        why = "metric 'size_score' does not apply to a dataset"
        is_problem(registry.ingest("org/good", kind="dataset", thresholds={"size_score": 0.4}), 422, why)
        waivers = [{"metric": "size_score", "reason": "no"}]
        is_problem(registry.ingest("org/good", kind="dataset", waivers=waivers), 422, why)
        is_problem(registry.ingest("org/good", kind="space"), 422)
        missing = registry.ingest("org/missing", kind="dataset")
        is_problem(missing, 404, "Dataset 'org/missing' not found on HuggingFace Hub")

    def test_a_pause_is_told_in_whole_seconds(self, registry: Registry) -> None:
        assert registry.ingest("org/busy").headers["retry-after"] == "7"
        assert registry.ingest("org/down").headers["retry-after"] == "30"

    @pytest.mark.parametrize("name", ["org/full", "org/bug"])
    def test_internals_go_to_the_log_and_not_to_the_caller(
        self, registry: Registry, name: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.ERROR):
            answer = registry.ingest(name)
        is_problem(answer, 500)
        for word in (b"secret-place", b"internal detail", b"RuntimeError", b"Traceback"):
            assert word not in answer.body
        assert str(ERRORS[name]) in caplog.text

    def test_a_duplicate_is_400_as_in_the_document(self, registry: Registry) -> None:
        assert registry.ingest("org/good", version="1.0.0").status == 200
        problem = is_problem(registry.ingest("org/good", version="1.0.0", revision="2" * 40), 400)
        assert problem["code"] == "package-exists"
        assert problem["detail"] == "this name and version are already in the registry as org/good@1.0.0"
        problem = is_problem(registry.ingest("org/good", version="2.0.0"), 400)
        assert problem["detail"].startswith("commit 111111111111 is already in the registry")
        assert registry.ingest("org/good", version="2.0.0", revision="2" * 40).status == 200

    @pytest.mark.parametrize(
        ("wish", "status", "code"),
        [
            ({"model_id": "a/b/c"}, 400, "bad-name"),
            ({"model_id": "../../etc/passwd"}, 400, "bad-name"),
            ({"model_id": ""}, 400, "bad-name"),
            ({"version": "1.0"}, 400, "bad-version"),
            ({"version": "v1.0.0"}, 400, "bad-version"),
            ({"version": ""}, 400, "bad-version"),
            ({"revision": "a..b"}, 422, "bad-input"),
            ({"kind": "space"}, 422, "bad-input"),
            ({"wait": "later"}, 422, "bad-input"),
            ({"surprise": 1}, 422, "bad-input"),
            ({"model_id": None}, 422, "bad-input"),
            ({"thresholds": {"beauty": 0.9}}, 422, "bad-input"),
            ({"thresholds": {"license": 1.5}}, 422, "bad-input"),
            ({"waivers": [{"metric": "beauty", "reason": "r"}]}, 422, "bad-input"),
            ({"waivers": [{"metric": "license", "reason": " "}]}, 422, "bad-input"),
            ({"waivers": [{"metric": "license"}]}, 422, "bad-input"),
            ({"waivers": [{"metric": "license", "reason": "r", "expires": "soon"}]}, 422, "bad-input"),
            ({"waivers": [{"metric": "safety", "reason": "r"}]}, 422, "bad-input"),
        ],
    )
    def test_bad_requests(self, registry: Registry, wish: dict[str, Any], status: int, code: str) -> None:
        answer = registry.call(
            "POST", "/package/ingest-huggingface", {"model_id": "org/good", **wish}, by="admin"
        )
        assert is_problem(answer, status)["code"] == code
        assert registry.catalog.packages() == ()

    @pytest.mark.parametrize(
        ("body", "headers", "detail"),
        [
            (b"{bad", {}, "body: this is no JSON ("),
            (b"", {}, "body: Field required"),
            (b"[1]", {}, "body: this is no JSON object"),
            (
                b'{"model_id": "a"}',
                {"Content-Type": "text/plain"},
                "without 'Content-Type: application/json'",
            ),
            (b'{"model_id": "a", "model": 1}', {}, "body.model: there is no such field"),
        ],
    )
    def test_a_body_that_cannot_be_read_is_told_as_what_it_is(
        self, registry: Registry, body: bytes, headers: dict[str, str], detail: str
    ) -> None:
        answer = registry.call("POST", "/package/ingest-huggingface", body, by="una", **headers)
        assert detail in is_problem(answer, 422)["detail"]

    @pytest.mark.parametrize(
        "path",
        [
            "/packages", "/versions?name=org/good", "/refusals", "/jobs", "/waivers", "/evidence", "/audit",
            "/users", "/tokens", "/policy", "/refusal/none",
        ],
    )  # fmt: skip
    def test_a_parameter_that_would_be_without_effect_is_refused(self, registry: Registry, path: str) -> None:
        asked = f"{path}{'&' if '?' in path else '?'}named=org%2Fgood"
        problem = is_problem(registry.call("GET", asked, by="admin"), 422)
        assert [fault["field"] for fault in problem["errors"]] == ["query.named"]
        assert registry.call("POST", "/package/ingest-huggingface?wait=false", {}, by="una").status == 422
        assert registry.call("GET", "/livez?named=1").status == 200

    def test_a_value_that_cannot_be_one_is_told_in_our_words(self, registry: Registry) -> None:
        problem = is_problem(registry.call("GET", "/packages?since=yesterday"), 422)
        assert problem["detail"] == "query.since: an instant is written as in 2026-11-21T08:00:00Z"

    def test_waivers_and_thresholds_count_and_are_recorded(self, registry: Registry) -> None:
        waivers = [{"metric": "bus_factor", "reason": "one maintainer, but us", "expires": "2999-12-31"}]
        wish = {"waivers": waivers, "thresholds": {"ramp_up_time": 0.35}}
        is_problem(registry.ingest("org/weak", by="una", **wish), 403)
        answer = registry.ingest("org/weak", by="admin", **wish)
        assert answer.status == 200, answer.body
        assert answer.json["waived"] == [
            {
                "metric": "bus_factor",
                "repo": "org/weak",
                "reason": "one maintainer, but us",
                "author": "admin",
                "commit": None,
                "expires": "2999-12-31",
            }
        ]
        verdict = registry.call("GET", answer.json["verdict"]).json
        assert verdict["outcome"] == "accepted"
        assert verdict["policy"]["thresholds"] == {"ramp_up_time": 0.35}
        raised = registry.ingest("org/good", thresholds={"ramp_up_time": 0.75})
        assert "Ramp-Up Time (0.70 < 0.75)" in is_problem(raised, 400)["detail"]

    def test_null_means_the_default(self, registry: Registry) -> None:
        answer = registry.ingest("org/good", version=None, description=None)
        assert answer.status == 200, answer.body
        assert answer.json["version"] == "1.0.0"


class TestCallers:
    def test_the_documents_log_in(self, registry: Registry) -> None:
        answer = registry.call("POST", "/authenticate", {"username": "una", "password": WORD})
        token = answer.json["token"]
        assert answer.json == {"token": token}
        body = {"model_id": "org/good"}
        for number, headers in enumerate(
            (
                {"Authorization": f"Bearer {token}"},
                {"Authorization": f"bearer {token}"},
                {"X-Authorization": token},
                {"X-Authorization": f"Bearer {token}"},
                {"Authorization": "Basic cHJveHk6cHJveHk=", "X-Authorization": token},
            )
        ):
            wish = {**body, "model_id": f"org/good{number}"}
            assert registry.call("POST", "/package/ingest-huggingface", wish, **headers).status == 200

    def test_a_wrong_password_is_401(self, registry: Registry) -> None:
        answer = registry.call("POST", "/authenticate", {"username": "una", "password": "wrong password"})
        is_problem(answer, 401, "wrong user name or password")
        assert answer.headers["www-authenticate"].startswith("Bearer")

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"Authorization": "Bearer hf_wbr_wrong"},
            {"Authorization": "Bearer"},
            {"Authorization": "Basic YTpi"},
            {"Authorization": "nonsense"},
            {"X-Authorization": ""},
            {"X-Authorization": "wrong"},
        ],
    )
    def test_without_a_good_token_nothing_is_taken_in(
        self, registry: Registry, headers: dict[str, str]
    ) -> None:
        answer = registry.call("POST", "/package/ingest-huggingface", {"model_id": "org/good"}, **headers)
        is_problem(answer, 401)
        assert "www-authenticate" in answer.headers
        assert registry.catalog.packages() == ()

    def test_a_reader_may_not_take_in(self, registry: Registry) -> None:
        is_problem(registry.ingest("org/good", by="rita"), 403)

    def test_a_bad_token_is_not_anonymous_even_for_reading(self, registry: Registry) -> None:
        is_problem(registry.call("GET", "/packages", Authorization="Bearer hf_wbr_wrong"), 401)
        assert registry.call("GET", "/packages").status == 200

    def test_a_password_is_never_repeated(self, registry: Registry) -> None:
        for body in ({"username": "una", "password": ["sesame"]}, {"user": "una", "password": "sesame"}):
            answer = registry.call("POST", "/authenticate", body)
            is_problem(answer, 422)
            assert b"sesame" not in answer.body

    def test_strings_that_no_database_takes(self, registry: Registry) -> None:
        bad = b'{"username": "\\ud800", "password": "\\ud800 and more"}'
        assert is_problem(registry.call("POST", "/authenticate", bad), 422)
        assert registry.call("POST", "/authenticate", {"username": "a\0b", "password": WORD}).status == 401


class TestSetUp:
    def test_the_first_account(self, tmp_path: Path) -> None:
        made = Registry(tmp_path)
        made.people.first_start()
        secret = (tmp_path / "setup-secret").read_text().strip()
        with serving(rest_app(made.bridge)) as url:
            made.url = url
            wish = {"secret": secret, "username": "ada", "password": WORD}
            is_problem(made.call("POST", "/setup", {**wish, "secret": "wrong"}), 401)
            is_problem(made.call("POST", "/setup", {**wish, "password": "short"}), 422)
            is_problem(made.call("POST", "/setup", {**wish, "username": "Ada L"}), 400)
            token = made.call("POST", "/setup", wish).json["token"]
            made.tokens = {"ada": token}
            assert made.ingest("org/good", by="ada").status == 200
            is_problem(made.call("POST", "/setup", wish), 401)
        made.bridge.close()


class TestListing:
    def test_pages(self, registry: Registry) -> None:
        for number in range(5):
            registry.ingest("org/good", version=f"1.{number}.0", revision=str(number) * 40)
        seen: list[str] = []
        after = ""
        while True:
            page = registry.call("GET", f"/packages?limit=2{after}").json
            seen += [package["version"] for package in page["packages"]]
            if page["next"] is None:
                break
            after = f"&after={page['next']}"
        assert seen == ["1.4.0", "1.3.0", "1.2.0", "1.1.0", "1.0.0"]
        is_problem(registry.call("GET", "/packages?after=nothing"), 422)
        for bad in ("limit=0", "limit=501", "limit=x", "kind=car", "state=gone"):
            is_problem(registry.call("GET", f"/packages?{bad}"), 422)

    def test_one_package_with_its_files_verdict_and_evidence(self, registry: Registry) -> None:
        id = registry.ingest("org/good").json["package_id"]
        package = registry.call("GET", f"/package/{id}", by="rita").json
        assert [(file["path"], file["size"]) for file in package["files"]] == [("config.json", 22)]
        assert package["files"][0]["sha256"] == digests_of(b'{"model_type": "bert"}')[1].value
        verdict = registry.call("GET", f"/package/{id}/verdict", by="rita").json
        assert [score["metric"] for score in verdict["scores"]] == list(GOOD_METRICS)
        assert registry.call("GET", f"/package/{id}/evidence", by="rita").json["evidence_format"] == 3
        for path in ("/package/nothing", "/package/nothing/verdict", "/package/nothing/evidence"):
            is_problem(registry.call("GET", path), 404, "package 'nothing' not found")

    def test_a_reader_sees_what_is_served_and_nothing_else(self, registry: Registry) -> None:
        id = registry.ingest("org/good").json["package_id"]
        line = AuditLine(at=datetime.now(UTC), by="admin", verb="withdraw", target=id)
        registry.catalog.withdraw(id, "a worm was found", line)
        for by in (None, "rita"):
            assert registry.call("GET", "/packages", by=by).json["packages"] == []
            assert registry.call("GET", "/packages?state=withdrawn", by=by).json["packages"] == []
            is_problem(registry.call("GET", f"/package/{id}", by=by), 404)
            is_problem(registry.call("GET", f"/package/{id}/verdict", by=by), 404)
        found = registry.call("GET", "/packages?state=withdrawn", by="una").json["packages"]
        assert [(package["state"], package["state_reason"]) for package in found] == [
            ("withdrawn", "a worm was found")
        ]

    def test_filters(self, registry: Registry) -> None:
        registry.ingest("org/good")
        registry.ingest("org/fine")

        def found(query: str) -> list[tuple[str, str]]:
            page = registry.call("GET", f"/packages?{query}").json
            return [(package["kind"], package["name"]) for package in page["packages"]]

        assert found("kind=dataset") == []
        assert found("name=Org/Good&kind=model") == [("model", "org/good")]
        assert len(found("state=active")) == 2

    def test_search_order_and_total(self, registry: Registry) -> None:
        registry.ingest("org/good", description="Sentiment of films")
        registry.ingest("org/fine")

        def asked(query: str) -> tuple[list[str], int | None]:
            page = registry.call("GET", f"/packages?{query}").json
            return [package["name"] for package in page["packages"]], page["total"]

        assert asked("q=FILMS+org/") == (["org/good"], None)
        assert asked("sort=name&total=true&limit=1") == (["org/fine"], 2)
        assert asked("sort=name&order=desc") == (["org/good", "org/fine"], None)
        scores = registry.call("GET", "/packages").json["packages"][0]["metrics"]
        metric, reached = next((name, value) for name, value in scores.items() if name in METRICS)
        assert len(asked(f"min_{metric}={reached}&min_net_score=0.1&since=2020-01-01T00:00:00Z")[0]) == 2
        assert asked(f"min_{metric}=1&q=nothing") == ([], None)
        for bad in (
            *("min_nonsense=1", "min_license=2", "sort=colour", "licenses=mit", "q=a+b+c+d+e+f+g+h+i"),
            *("since=2020-01-01", "since=0001-01-01T00:00:00%2B23:00"),
        ):
            is_problem(registry.call("GET", f"/packages?{bad}"), 422)

    def test_the_versions_of_a_name(self, registry: Registry) -> None:
        for number, version in enumerate(("1.0.0", "1.2.0", "2.0.0-rc.1")):
            registry.ingest("org/good", version=version, revision=str(number) * 40)
        found = registry.call("GET", "/versions?name=Org/Good").json
        assert [one["version"] for one in found["versions"]] == ["2.0.0-rc.1", "1.2.0", "1.0.0"]
        assert (found["name"], found["latest"], found["next"]) == ("org/good", "1.2.0", "2.1.0")
        is_problem(registry.call("GET", "/versions?name=org/none"), 404)
        is_problem(registry.call("GET", "/versions?name=a/b/c"), 422)
        is_problem(registry.call("GET", "/versions?name=org/good&revision=main", by="rita"), 403)

    def test_the_audit_is_for_administrators(self, registry: Registry) -> None:
        registry.ingest("org/good")
        is_problem(registry.ingest("org/weak"), 400)
        is_problem(registry.call("GET", "/audit"), 401)
        is_problem(registry.call("GET", "/audit", by="una"), 403)
        page = registry.call("GET", "/audit?limit=2", by="admin").json
        assert [(line["by"], line["verb"], line["detail"]) for line in page["lines"]] == [
            ("una", "ingest", "refused"),
            ("una", "ingest", "accepted"),
        ]
        more = registry.call("GET", f"/audit?after={page['next']}", by="admin").json
        assert {line["verb"] for line in more["lines"]} == {"user.add", "token.create"}
        assert more["next"] is None

    def test_refusals_are_not_for_readers(self, registry: Registry) -> None:
        refused = registry.ingest("org/weak").json["refusal"]
        for path in ("/refusals", refused):
            is_problem(registry.call("GET", path), 401)
            is_problem(registry.call("GET", path, by="rita"), 403)
        is_problem(registry.call("GET", "/refusal/nothing", by="una"), 404)


GOOD_METRICS = tuple(score.metric for score in GOOD)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)
NEARLY = st.fixed_dictionaries(
    {"model_id": st.sampled_from(["org/good", "org/weak", "a/b/c", "\u0000", "é" * 50]) | ANY_JSON},
    optional={
        "version": st.sampled_from(["1.0.0", "01.0.0", "1.0.0-é"]) | ANY_JSON,
        "revision": st.sampled_from(["main", "0" * 40, "a b", "refs/pr/1", ".."]) | ANY_JSON,
        "description": ANY_JSON,
        "kind": st.sampled_from(["model", "dataset"]) | ANY_JSON,
        "thresholds": st.dictionaries(st.sampled_from(["license", "x"]), st.floats(), max_size=2) | ANY_JSON,
        "waivers": st.lists(
            st.fixed_dictionaries(
                {"metric": st.sampled_from(["license", "safety"]) | ANY_JSON, "reason": ANY_JSON}
            ),
            max_size=2,
        )
        | ANY_JSON,
        "wait": ANY_JSON,
    },
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    made = Registry(tmp_path_factory.mktemp("shared"))
    made.open_accounts()
    with serving(rest_app(made.bridge)) as url:
        made.url = url
        yield made
    made.bridge.close()


class TestAnything:
    @settings(max_examples=150, deadline=None)
    @given(body=NEARLY | ANY_JSON, by=st.sampled_from(["una", "admin"]))
    def test_no_body_is_a_surprise(self, shared: Registry, body: object, by: str) -> None:
        answer = shared.call("POST", "/package/ingest-huggingface", body, by=by)
        if answer.status != 200:
            assert answer.status in (400, 403, 422)
            is_problem(answer, answer.status)

    @settings(max_examples=60, deadline=None)
    @given(
        query=st.dictionaries(
            st.sampled_from(["kind", "name", "state", "limit", "after"]), st.text(max_size=70)
        )
    )
    def test_no_query_is_a_surprise(self, shared: Registry, query: dict[str, str]) -> None:
        answer = shared.call("GET", f"/packages?{urlencode(query, errors='surrogatepass')}")
        assert answer.status in (200, 422), answer.body

    @settings(max_examples=60, deadline=None)
    @given(username=st.text(max_size=30), password=st.text(max_size=30))
    def test_no_name_is_a_surprise(self, shared: Registry, username: str, password: str) -> None:
        answer = shared.call("POST", "/authenticate", {"username": username, "password": password})
        assert answer.status in (401, 422, 429)


class TestServer:
    def test_health(self, registry: Registry) -> None:
        said = registry.call("GET", "/health").json
        assert said["status"] == "ok"
        assert {name: part["status"] for name, part in said["components"].items()} == dict.fromkeys(
            ("catalogue", "jobs", "store", "upstream"), "ok"
        )
        assert said["components"]["jobs"]["figures"] == {
            "begun": True, "workers": 1, "queued": 0, "running": 0, "parked": 0
        }  # fmt: skip
        assert said["components"]["store"]["figures"]["free_bytes"] > 0
        assert registry.call("GET", "/livez").json == {"status": "ok", "version": said["version"]}

    def test_unknown_addresses_and_methods(self, registry: Registry) -> None:
        is_problem(registry.call("GET", "/nothing"), 404)
        is_problem(registry.call("GET", "/packages/"), 404)
        answer = registry.call("DELETE", "/packages")
        is_problem(answer, 405)
        assert answer.headers["allow"] == "GET"

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"model_id": NaN}'])
    def test_what_is_no_json_object(self, registry: Registry, body: bytes) -> None:
        answer = registry.call("POST", "/package/ingest-huggingface", body, by="una")
        is_problem(answer, 422)

    def test_a_body_that_is_too_large_is_not_read_into_memory(self, registry: Registry) -> None:
        body = b'{"username": "' + b"a" * MAX_BODY_BYTES + b'"}'
        is_problem(registry.call("POST", "/authenticate", body), 413)

    def test_the_front_door_leads_to_the_documentation(self, registry: Registry) -> None:
        answer = registry.call("GET", "/")
        assert (answer.status, answer.headers["location"]) == (307, "docs")

    def test_the_documentation_needs_no_other_machine(self, registry: Registry) -> None:
        page = registry.call("GET", "/docs")
        assert page.status == 200
        assert b"http://" not in page.body
        assert b"https://" not in page.body
        assert b"docs/swagger-ui-bundle.js" in page.body
        for path in ("/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css", "/docs/favicon.png"):
            assert registry.call("GET", path).status == 200

    def test_the_description(self, registry: Registry) -> None:
        schema = registry.call("GET", "/openapi.json").json
        assert sorted(schema["paths"]) == [
            "/attestation-key",
            "/audit",
            "/authenticate",
            "/evidence",
            "/evidence/{id}",
            "/health",
            "/job/{id}",
            "/job/{id}/cancel",
            "/job/{id}/events",
            "/job/{id}/retry",
            "/jobs",
            "/livez",
            "/metrics",
            "/package/ingest-huggingface",
            "/package/ingest-huggingface-batch",
            "/package/{id}",
            "/package/{id}/attestation",
            "/package/{id}/bom",
            "/package/{id}/case",
            "/package/{id}/evidence",
            "/package/{id}/licence",
            "/package/{id}/package.zip",
            "/package/{id}/verdict",
            "/package/{id}/withdraw",
            "/packages",
            "/policy",
            "/refusal/{id}",
            "/refusal/{id}/case",
            "/refusals",
            "/setup",
            "/standing/{kind}/{commit}/{namespace}/{name}",
            "/token/{id}",
            "/tokens",
            "/user/{name}",
            "/user/{name}/password",
            "/users",
            "/versions",
            "/waivers",
        ]
        documented = (Path(__file__).parents[2] / "docs" / "rest.md").read_text()
        for path, operations in schema["paths"].items():
            for method in operations:
                assert f"`{method.upper()} {path}`" in documented
        ingest = schema["paths"]["/package/ingest-huggingface"]["post"]
        for field in schema["components"]["schemas"]["IngestIn"]["properties"]:
            assert f"| `{field}` |" in documented
        assert {"400", "401", "403", "404", "405", "409", "422", "424", "502", "503"} < set(
            ingest["responses"]
        )
        for status, answer in ingest["responses"].items():
            media = "application/json" if int(status) < 400 else "application/problem+json"
            assert list(answer["content"]) == [media]
        assert ingest["security"] == [{"token": []}, {"X-Authorization": []}]
        assert schema["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
        assert "security" not in schema["paths"]["/authenticate"]["post"]

    def test_many_at_once_get_the_same_package_or_are_told_that_it_is_there(self, registry: Registry) -> None:
        def take(number: int) -> tuple[int, str]:
            answer = registry.ingest("org/good", version=f"1.{number % 4}.0", revision=f"{number % 4}" * 40)
            return answer.status, answer.json.get("package_id") or answer.json["code"]

        with ThreadPoolExecutor(12) as pool:
            answers = set(pool.map(take, range(12)))
        assert answers - {(400, "package-exists")} == {
            (200, package["package_id"]) for package in registry.call("GET", "/packages").json["packages"]
        }
        assert len(json.loads(registry.call("GET", "/packages").body)["packages"]) == 4
