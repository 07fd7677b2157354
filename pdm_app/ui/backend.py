"""The handle through which Reflex handlers reach the services of the running product."""

from dataclasses import dataclass

from pdm_app.services.catalogue import Services

_running: "list[Backend]" = []


@dataclass(frozen=True, slots=True)
class Backend:
    """What handlers may use; set once when the product runs."""

    services: Services
    demo: bool
    version: str


def plug_in(backend: Backend) -> None:
    """Give the handlers their services; called by runtime when everything stands."""
    _running[:] = [backend]


def unplug() -> None:
    """Take the services away; handlers then answer that the product is starting or stopping."""
    _running.clear()


def running() -> Backend | None:
    """Return the backend, or None while the product starts or stops."""
    return _running[0] if _running else None


def services() -> Services | None:
    """Return the services, or None while the product starts or stops."""
    return _running[0].services if _running else None
