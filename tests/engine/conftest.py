"""The clock and the stored plant of the services, for the parts of the engine that read it."""

from tests.services.conftest import clock, sqlite_work, work

__all__ = ["clock", "sqlite_work", "work"]
