"""The table of other parties' certificates."""

# A row is both a record and an SQLModel, whose configurations mypy takes for contradictory; `Row` settles them.
# mypy: disable-error-code="misc"

from sqlalchemy import PrimaryKeyConstraint

from pdm_app.domain.trust import PeerCertificate
from pdm_app.storage.columns import MYSQL, Row


class PeerCertificateRow(PeerCertificate, Row, table=True):
    """One entry of the trust list."""

    __tablename__ = "peer_certificates"
    __table_args__ = (PrimaryKeyConstraint("fingerprint"), MYSQL)
