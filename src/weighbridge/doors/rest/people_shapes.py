"""The JSON of accounts, tokens and logging in."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, Field
from pydantic.config import JsonDict

from weighbridge.bridge.account_rules import PASSWORD_LENGTH
from weighbridge.domain.access import Permission, Token, User
from weighbridge.doors.rest.shapes import Text, Wanted

_LENGTH: JsonDict = {"minLength": PASSWORD_LENGTH.start, "maxLength": PASSWORD_LENGTH.stop - 1}
Password = Annotated[Text, Field(description="8 to 1024 characters", json_schema_extra=_LENGTH)]
_READER = (Permission.SEARCH, Permission.DOWNLOAD)
Permissions = Annotated[list[Permission], Field(max_length=len(Permission))]
_NAME: JsonDict = {"pattern": "^([a-z0-9]|[a-z0-9][a-z0-9._-]{0,62}[a-z0-9])$"}
AccountName = Annotated[
    Text, Field(description="1 to 64 lower-case letters, digits, '-', '_' and '.'", json_schema_extra=_NAME)
]
"""The pattern is for the description alone: the domain checks it, in better sentences."""
ACCOUNT = "^[a-z0-9][a-z0-9._:@+|-]{0,63}$"
"""How names look, those of the accounts of other issuers too."""
TOKEN_ID = "^[0-9A-Za-z_-]{1,64}$"


class Login(Wanted):
    """A name and its password."""

    username: Text
    password: Text


class SetUp(Wanted):
    """The one-time secret of the first start, and the first account."""

    secret: Text
    username: AccountName
    password: Annotated[Text, Field(json_schema_extra={"minLength": 8})]


class TokenOut(BaseModel):
    """A bearer token, for ``Authorization: Bearer`` or ``X-Authorization``."""

    token: str


class UserIn(Wanted):
    """A new account."""

    name: AccountName
    password: Password
    permissions: Annotated[
        Permissions, Field(default_factory=lambda: list(_READER), description="default: search and download")
    ]


def _only_true(value: object) -> object:
    if value is not True:  # a 1 would do for the framework
        raise ValueError("is true, or the account stays as it is")
    return value


class UserChange(Wanted):
    """What becomes of an account: it can be closed, and is not opened again."""

    disabled: Annotated[Literal[True], BeforeValidator(_only_true)]


class PasswordIn(Wanted):
    """A new password."""

    password: Password
    old_password: Annotated[
        Text | None, Field(description="the one until now; needed without admin, and must be right if sent")
    ] = None


class UserOut(BaseModel):
    """An account. Names with a ``:`` are of those whom another issuer vouches for."""

    name: str
    permissions: list[Permission]
    created_at: str
    disabled: bool

    @classmethod
    def of(cls, user: User) -> Self:
        """The noun, spelled."""
        return cls.model_validate(user.to_json())


class UserPage(BaseModel):
    """A page, by name; ``next`` is the ``after`` of the next one, null on the last."""

    users: list[UserOut]
    next: str | None


class TokenIn(Wanted):
    """A new token."""

    user: Annotated[
        str | None, Field(pattern=ACCOUNT, description="for whom it speaks; default: oneself")
    ] = None
    permissions: Annotated[
        Permissions | None, Field(description="default: all that its user may, and who asks for it")
    ] = None
    expires_days: Annotated[
        int | None, Field(strict=True, ge=1, le=36500, description="default: it counts until it is revoked")
    ] = None


class KeptToken(BaseModel):
    """A token without its secret. ``is_session``: it was given for a password and ends with that one."""

    id: str
    user: str
    permissions: list[Permission]
    created_at: str
    expires_at: str | None
    last_used_at: str | None
    revoked_at: str | None
    is_session: bool

    @classmethod
    def of(cls, token: Token) -> Self:
        """The noun, spelled."""
        return cls.model_validate(token.to_json())


class MadeToken(KeptToken):
    """A token with its secret, which is told this once."""

    token: str


class TokenPage(BaseModel):
    """A page, newest first; ``next`` is the ``after`` of the next one, null on the last."""

    tokens: list[KeptToken]
    next: str | None
