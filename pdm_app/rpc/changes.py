"""What a change names: the fields that were sent, and no others."""

from pdm_app.trpc import MISSING, Missing


def given(**fields: object | Missing) -> dict[str, object]:
    """Return the fields that were sent; one that was sent as null is among them, as None."""
    return {name: value for name, value in fields.items() if value is not MISSING}
