"""Withdrawals and operator evidence by real HTTP."""

from __future__ import annotations

from tests.doors.test_rest import Registry, is_problem, registry

__all__ = ["registry"]
ENTRY = {"dataset": {"id": "org/data", "task_id": "test"}, "value": 0.91}


def test_an_admin_withdraws_and_everybody_reads_why(registry: Registry) -> None:
    id = registry.ingest("good/model").json["package_id"]
    path = f"/package/{id}/withdraw"
    is_problem(registry.call("POST", path, {"reason": "no"}), 401)
    is_problem(registry.call("POST", path, {"reason": "no"}, by="una"), 403)
    is_problem(registry.call("POST", path, {"reason": " "}, by="admin"), 422)
    answer = registry.call("POST", path, {"reason": "a worm was found"}, by="admin")
    assert (answer.status, answer.json["state"], answer.json["state_reason"]) == (
        200,
        "withdrawn",
        "a worm was found",
    )
    is_problem(registry.call("POST", path, {"reason": "again"}, by="admin"), 409)
    is_problem(registry.call("POST", "/package/none/withdraw", {"reason": "x"}, by="admin"), 404)


def test_evidence_is_attached_by_an_admin_and_listed(registry: Registry) -> None:
    wanted = {"repo": "good/model", "entries": [ENTRY]}
    is_problem(registry.call("POST", "/evidence", wanted, by="una"), 403)
    answer = registry.call("POST", "/evidence", wanted, by="admin")
    assert answer.status == 201
    assert (answer.json["repo"], answer.json["by"], answer.json["entries"]) == (
        "good/model",
        "admin",
        [ENTRY],
    )
    listed = registry.call("GET", "/evidence?repo=Good/Model", by="una").json
    assert [each["id"] for each in listed["evidence"]] == [answer.json["id"]]
    assert registry.call("GET", "/evidence?repo=good/other", by="una").json == {"evidence": [], "next": None}
    is_problem(registry.call("GET", "/evidence", by="rita"), 403)
    assert registry.call("GET", "/audit", by="admin").json["lines"][0]["verb"] == "evidence"
    place = f"/evidence/{answer.json['id']}"
    is_problem(registry.call("DELETE", place, by="una"), 403)
    gone = registry.call("DELETE", place, by="admin")
    assert (gone.status, gone.body) == (204, b"")
    is_problem(registry.call("DELETE", place, by="admin"), 404)
    assert registry.call("GET", "/evidence", by="una").json["evidence"] == []
    told = registry.call("GET", "/audit", by="admin").json["lines"][0]
    assert (told["verb"], told["target"]) == ("evidence.remove", "good/model")


def test_what_is_not_complete_is_refused_by_name(registry: Registry) -> None:
    wanted = {"repo": "good/model", "entries": [{**ENTRY, "value": None}]}
    assert (
        "entry 1: value" in is_problem(registry.call("POST", "/evidence", wanted, by="admin"), 422)["detail"]
    )
