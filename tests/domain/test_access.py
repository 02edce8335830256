"""Laws of who may do what: roles, groups, and the rule that a database follows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from weighbridge.domain.access import (
    Permission,
    Principal,
    Role,
    Verb,
    governs,
    may,
    owns_namespace,
    role_for,
    sight_of,
)
from weighbridge.domain.hosted import Gate, Repository
from weighbridge.domain.ref import RepoId

NAMES, GROUPS = ("ann", "bob", "acme", "guild"), ("g1", "g2")
ROLES = st.sampled_from(list(Role))
PRINCIPALS = st.builds(
    lambda name, permissions, roles, groups, anonymous, lent: Principal(
        name="anonymous" if anonymous else name,
        permissions=frozenset(permissions),
        lent=frozenset(lent & permissions - {Permission.ADMIN}),
        roles=frozenset() if anonymous else frozenset(roles.items()),
        groups=frozenset() if anonymous else frozenset(groups.items()),
        is_anonymous=anonymous,
    ),
    st.sampled_from(NAMES[:2]),
    st.sets(st.sampled_from(list(Permission))),
    st.dictionaries(st.sampled_from(NAMES[2:]), ROLES),
    st.dictionaries(st.sampled_from(GROUPS), ROLES),
    st.booleans(),
    st.sets(st.sampled_from(list(Permission))),
)
REPOSITORIES = st.builds(
    lambda namespace, private, gate, by, group: Repository(
        key="k",
        id=RepoId.parse(f"{namespace}/m"),
        private=private,
        gate=gate,
        created_at=datetime(2026, 11, 21, tzinfo=UTC),
        created_by=by,
        group=group if namespace.lower() in NAMES[2:] else "",
    ),
    st.sampled_from((*NAMES, "ACME", "Ann")),
    st.booleans(),
    st.sampled_from(list(Gate)),
    st.sampled_from(NAMES[:2]),
    st.sampled_from(("", *GROUPS)),
)


@given(PRINCIPALS, REPOSITORIES)
def test_the_rule_of_the_database_is_the_rule(principal: Principal, repository: Repository) -> None:
    assert sight_of(principal).reaches(repository) == (role_for(principal, repository) is not None)
    if repository.private and not sight_of(principal).reaches(repository):
        assert not any(may(principal, verb, repository, author=principal.name, let_in=True) for verb in Verb)


@given(PRINCIPALS, REPOSITORIES)
def test_who_may_more_may_less(principal: Principal, repository: Repository) -> None:
    def allowed(verb: Verb) -> bool:
        return may(principal, verb, repository)

    assert allowed(Verb.OWN) == allowed(Verb.WRITE)
    if allowed(Verb.DOWNLOAD) or allowed(Verb.SEE_UNJUDGED) or allowed(Verb.DISCUSS):
        assert allowed(Verb.SEE)
    if allowed(Verb.PROPOSE):
        assert allowed(Verb.DISCUSS)
    if principal.is_anonymous and Permission.ADMIN not in principal.permissions:
        assert not any(map(allowed, (Verb.WRITE, Verb.DISCUSS, Verb.PROPOSE, Verb.REVISE)))
    if not principal.permissions:
        assert not any(map(allowed, Verb))


@given(PRINCIPALS, REPOSITORIES)
def test_what_is_lent_opens_nothing_that_is_not_for_all(principal: Principal, repository: Repository) -> None:
    by_itself = replace(principal, permissions=principal.own, lent=frozenset())
    for verb in (Verb.WRITE, Verb.OWN):
        assert may(principal, verb, repository) == may(by_itself, verb, repository)
    if repository.private or repository.gate is not Gate.OPEN:
        for let_in in (False, True):
            given = may(by_itself, Verb.DOWNLOAD, repository, let_in=let_in)
            assert may(principal, Verb.DOWNLOAD, repository, let_in=let_in) == given
    if not principal.own:
        stranger = replace(principal, roles=frozenset(), groups=frozenset(), name="zed")
        for verb in Verb:
            assert may(principal, verb, repository) == may(stranger, verb, repository)


@given(PRINCIPALS, REPOSITORIES)
def test_roles_in_an_organization_say_nothing_of_its_groups_but_for_its_admins(
    principal: Principal, repository: Repository
) -> None:
    if not repository.group or Permission.ADMIN in principal.permissions or not principal.own:
        return
    namespace = repository.id.namespace.lower()
    if dict(principal.roles).get(namespace) is Role.ADMIN:
        assert role_for(principal, repository) is Role.ADMIN
        assert governs(principal, namespace, repository.group)
        return
    mine = dict(principal.groups).get(repository.group)
    assert role_for(principal, repository) == mine
    makes = mine in (Role.ADMIN, Role.WRITE, Role.CONTRIBUTOR)
    assert owns_namespace(principal, namespace, repository.group) == makes
    assert governs(principal, namespace, repository.group) == (mine is Role.ADMIN)
    if mine is None:
        assert not may(principal, Verb.WRITE, repository)


@given(PRINCIPALS, REPOSITORIES)
def test_a_contributor_writes_what_it_made(principal: Principal, repository: Repository) -> None:
    if role_for(principal, repository) is Role.CONTRIBUTOR and Permission.ADMIN not in principal.permissions:
        mine = repository.created_by == principal.name and Permission.UPLOAD in principal.own
        assert may(principal, Verb.WRITE, repository) == mine
