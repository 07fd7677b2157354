"""The fields and files of a procedure that takes a form."""

from collections.abc import Mapping
from typing import Any, get_args, get_origin

import orjson
from pydantic import TypeAdapter, ValidationError

from pdm_app.trpc.annotations import members_of
from pdm_app.trpc.errors import Issue, issues_error, issues_of
from pdm_app.trpc.rest_input import TextFields
from pdm_app.trpc.uploads import Form, UploadedFile


def is_file(annotation: Any) -> bool:
    """Whether a parameter is a file, perhaps one that may be missing, or a list of files."""
    return any(member is UploadedFile or _is_list(member) for member in members_of(annotation))


class FormFields:
    """Turns a form into arguments.

    Args:
        texts: Validates the fields that are no files.
        files: Of each file parameter whether it must be there, and whether it is a list.
    """

    def __init__(self, texts: TypeAdapter[Any], files: Mapping[str, tuple[bool, bool]]) -> None:
        self._texts = texts
        self._files = files
        self._fields = TextFields(texts)

    def arguments(self, form: Form) -> dict[str, Any]:
        """Return the arguments of the function.

        Raises:
            TrpcError: BAD_REQUEST with an issue per field.
        """
        issues: list[Issue] = []
        encoded = self._fields.encode(form.texts, issues)
        found: dict[str, Any] = {}
        members = ",".join(f"{orjson.dumps(name).decode()}:{text}" for name, text in encoded.items())
        try:
            found = self._texts.validator.validate_json(f"{{{members}}}")
        except ValidationError as error:
            issues += issues_of(error)
        for name, (is_required, is_list) in self._files.items():
            files = form.files.get(name, [])
            if is_required and not files:
                issues.append(Issue(loc=[name], msg="A file is required", type="missing"))
            elif len(files) > 1 and not is_list:
                issues.append(Issue(loc=[name], msg="Only one file is taken", type="multiple_values"))
            elif files:
                found[name] = files if is_list else files[0]
        issues += [
            Issue(loc=[name], msg="No file is taken by this name", type="extra_forbidden")
            for name in form.files
            if name not in self._files
        ]
        if issues:
            raise issues_error(issues)
        return found


def takes_many(annotation: Any) -> bool:
    """Whether a parameter takes a list of files."""
    return any(_is_list(member) for member in members_of(annotation))


def _is_list(annotation: Any) -> bool:
    return get_origin(annotation) in (list, tuple) and UploadedFile in get_args(annotation)
