"""Withdrawals, deletions, waivers and operator evidence by real HTTP."""

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


def test_an_admin_deletes_for_good_and_the_entry_stays(registry: Registry) -> None:
    id = registry.ingest("good/model").json["package_id"]
    path = f"/package/{id}?reason=leaks+names"
    is_problem(registry.call("DELETE", path), 401)
    is_problem(registry.call("DELETE", path, by="una"), 403)
    for bad in ("", "?reason=", "?reason=%20", f"?reason={'x' * 501}"):
        is_problem(registry.call("DELETE", f"/package/{id}{bad}", by="admin"), 422)
    is_problem(registry.call("DELETE", "/package/none?reason=x", by="admin"), 404)
    gone = registry.call("DELETE", path, by="admin")
    assert (gone.status, gone.json["state"], gone.json["state_reason"]) == (200, "deleted", "leaks names")
    again = registry.call("DELETE", f"/package/{id}?reason=other", by="admin")
    assert (again.status, again.json) == (200, gone.json)
    is_problem(registry.call("POST", f"/package/{id}/withdraw", {"reason": "x"}, by="admin"), 409)
    assert is_problem(registry.call("GET", f"/package/{id}/package.zip", by="una"), 403)["code"] == "disabled"
    is_problem(registry.call("GET", f"/package/{id}", by="rita"), 404)
    assert registry.call("GET", f"/package/{id}", by="una").json["state"] == "deleted"
    assert registry.call("GET", f"/package/{id}/verdict", by="una").json["outcome"] == "accepted"
    listed = registry.call("GET", "/packages?state=deleted", by="una").json["packages"]
    assert [each["package_id"] for each in listed] == [id]
    assert registry.call("GET", "/packages", by="rita").json["packages"] == []
    told = registry.call("GET", "/audit?verb=package.delete", by="admin").json["lines"]
    assert [(each["by"], each["target"]) for each in told] == [("admin", "good/model@1.0.0")]


def test_waivers_are_listed_with_what_they_admitted(registry: Registry) -> None:
    reason = {"reason": "looked at"}
    waivers = [{**reason, "metric": "license"}, {**reason, "metric": "bus_factor", "expires": "2999-12-31"}]
    id = registry.ingest("good/model", by="admin", waivers=waivers).json["package_id"]
    registry.ingest("good/other", by="admin", waivers=waivers[:1])
    is_problem(registry.call("GET", "/waivers", by="rita"), 403)
    page = registry.call("GET", "/waivers?repo=Good/Model&limit=2", by="una").json
    assert (page["policy"], page["next"]) == ([], page["waivers"][-1]["id"])
    newest = page["waivers"][0]
    assert newest == {
        "id": newest["id"], "package_id": id, "kind": "model", "repo": "good/model", "version": "1.0.0",
        "state": "active", "metric": "bus_factor", "reason": "looked at", "by": "admin", "commit": None,
        "expires": "2999-12-31", "in_force": True,
    }  # fmt: skip
    behind = registry.call("GET", f"/waivers?repo=good/model&after={page['next']}", by="una").json
    assert behind == {"waivers": [], "policy": [], "next": None}
    every = registry.call("GET", "/waivers", by="una").json["waivers"]
    assert [each["repo"] for each in every] == ["good/other", "good/model", "good/model"]
    assert registry.call("GET", "/waivers?repo=good/model&kind=dataset", by="una").json["waivers"] == []
    is_problem(registry.call("GET", "/waivers?after=none", by="una"), 422)


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
