"""What annotations say, read at run time."""

import types
from collections.abc import Mapping
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, RootModel
from pydantic.fields import FieldInfo


def members_of(annotation: Any) -> tuple[Any, ...]:
    """Return the members of a union, or else the annotation alone."""
    if get_origin(annotation) in (Union, types.UnionType):
        return get_args(annotation)
    return (annotation,)


def plain_fields(annotation: Any) -> Mapping[str, FieldInfo] | None:
    """Return the fields of a model whose schema says no more than they do; making that takes milliseconds."""
    if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)) or issubclass(annotation, RootModel):
        return None
    own: Any = annotation.__get_pydantic_json_schema__
    usual: Any = BaseModel.__get_pydantic_json_schema__
    is_plain = own.__func__ is usual.__func__ and not annotation.model_config.get("json_schema_extra")
    fields = annotation.model_fields
    return fields if is_plain and not any(field.validation_alias for field in fields.values()) else None
