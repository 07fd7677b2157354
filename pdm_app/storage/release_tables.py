"""The tables of firmware: releases, and the public keys that vouch for them."""

# A row is both a record and an SQLModel, whose configurations mypy takes for contradictory; `Row` settles them.
# mypy: disable-error-code="misc"

from sqlalchemy import UniqueConstraint

from pdm_app.domain.firmware_keys import SigningKey
from pdm_app.domain.releases import Release
from pdm_app.storage.columns import MYSQL, Row
from pdm_app.storage.tables import keyed


class ReleaseRow(Release, Row, table=True):
    __tablename__ = "releases"
    __table_args__ = (keyed("id"), UniqueConstraint("name", "version", name="uq_releases_version"), MYSQL)


class SigningKeyRow(SigningKey, Row, table=True):
    __tablename__ = "signing_keys"
    __table_args__ = (keyed("id"), MYSQL)
