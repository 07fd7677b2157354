"""What annotations say, read at run time."""

import types
from typing import Any, Union, get_args, get_origin


def members_of(annotation: Any) -> tuple[Any, ...]:
    """Return the members of a union, or else the annotation alone."""
    if get_origin(annotation) in (Union, types.UnionType):
        return get_args(annotation)
    return (annotation,)
