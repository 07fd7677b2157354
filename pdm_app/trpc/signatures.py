"""Read a procedure's annotations once and compile what its calls need: an input decoder and an output encoder.

Input is validated in pydantic's JSON mode, also inside batches and WebSocket frames, so that a strict model, a date or
base64 bytes mean the same whichever way the call came. Output is checked while it is encoded, not in a second pass.
"""

import inspect
import json
import types
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Collection, Mapping
from dataclasses import is_dataclass
from typing import (
    Annotated,
    Any,
    Final,
    Literal,
    NotRequired,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

import orjson
from pydantic import BaseModel, ConfigDict, Field, PydanticUserError, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError, to_jsonable_python
from typing_extensions import TypedDict

from pdm_app.trpc.annotations import members_of, plain_fields
from pdm_app.trpc.errors import Issue, TrpcError, invalid_input, issues_error
from pdm_app.trpc.forms import FormFields, is_file, takes_many
from pdm_app.trpc.uploads import Form
from pdm_app.trpc.values import MISSING, ByteStream, Encoded, LooseJson, Missing, Tracked

LAST_EVENT_ID: Final = "lastEventId"  # The wire name is the protocol's; the Python parameter is ``last_event_id``.
_CONFIG = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")
_ITERATORS = (AsyncIterator, AsyncIterable, AsyncGenerator)

InputForm = Literal["none", "whole", "fields", "form", "stream"]
Function = Callable[..., Any]


class SignatureError(TypeError):
    """A function that cannot be a procedure, and what to change."""


class OutputError(TrpcError):
    """What a procedure returned does not match its return annotation; a fault of the server, not of the caller."""

    def __init__(self, cause: str) -> None:
        super().__init__("INTERNAL_SERVER_ERROR", "Output validation failed")
        self.cause = cause


class InputType:
    """How a procedure takes its input.

    Attributes:
        form: ``none``; ``whole``: the JSON value is one parameter; ``fields``: the JSON object's keys are the
            keyword-only parameters; ``form``: those of a form are, some of them files; ``stream``: the parameter
            reads the request body.
        parameter: The name of the one parameter of ``whole`` and ``stream``.
        adapter: Validates the JSON, except for ``none`` and ``stream``.
        keywords: Names of the parameters of ``fields`` and ``form`` that are fields under the same name.
        is_optional: A call without input is valid.
    """

    __slots__ = (
        "_absent",
        "_form_fields",
        "_function",
        "_validate_json",
        "_validate_python",
        "adapter",
        "form",
        "is_optional",
        "keywords",
        "parameter",
        "takes_last_event_id",
    )

    def __init__(self, function: Function) -> None:
        self._function = function
        self.parameter = ""
        self.keywords: frozenset[str] = frozenset()
        self.adapter: TypeAdapter[Any] | None = None
        self.form: InputForm = "none"
        self.is_optional = True
        self.takes_last_event_id = False
        self._absent: Callable[[], Any] = dict
        self._form_fields: FormFields | None = None
        self._validate_json: Callable[[bytes], Any] = _accept
        self._validate_python: Callable[[Any], Any] = _accept
        self._read_parameters()

    def invoke(self, ctx: Any, raw: bytes | Missing) -> Any:
        """Decode ``raw`` JSON and call the function: returns its coroutine or iterator.

        Raises:
            TrpcError: BAD_REQUEST with issues.
        """
        if self.form == "none":
            return self._function(ctx)
        value = self._absent() if raw is MISSING else self._decode(raw)
        return self._function(ctx, **value) if self.form == "fields" else self._function(ctx, value)

    def invoke_python(self, ctx: Any, value: Any) -> Any:
        """Call the function with an input that is a Python value already (in-process callers)."""
        if self.form == "none":
            if value is not MISSING:
                raise issues_error([Issue(loc=[], msg="This procedure takes no input", type="extra_forbidden")])
            return self._function(ctx)
        if self.form == "stream":
            return self._function(ctx, value)
        try:
            bound = self._absent() if value is MISSING else self._validate_python(value)
        except ValidationError as error:
            raise invalid_input(error) from None
        return self._function(ctx, **bound) if self.form in ("fields", "form") else self._function(ctx, bound)

    def invoke_stream(self, ctx: Any, stream: ByteStream) -> Any:
        """Call a function of the form ``stream``."""
        return self._function(ctx, stream)

    def invoke_form(self, ctx: Any, form: Form) -> Any:
        """Call a function of the form ``form``.

        Raises:
            TrpcError: BAD_REQUEST with issues.
        """
        arguments = self._form_fields.arguments(form) if self._form_fields is not None else {}
        return self._function(ctx, **arguments)

    def json_schema(self) -> dict[str, Any] | None:
        """The schema of what a client may send, or None when nothing is taken."""
        if self.form == "stream":
            return {"type": "string", "format": "binary"}
        return self.adapter.json_schema(mode="validation") if self.adapter else None

    def _decode(self, raw: bytes) -> Any:
        try:
            if (b"NaN" in raw or b"Infinity" in raw) and type(raw) is not LooseJson:
                orjson.loads(raw)  # pydantic's parser takes these words; JSON does not know them.
            return self._validate_json(raw)
        except ValidationError as error:
            raise invalid_input(error) from None
        except orjson.JSONDecodeError as error:
            raise TrpcError("BAD_REQUEST", f"Invalid JSON: {error}") from None

    def _validate(self, form: InputForm, adapter: TypeAdapter[Any]) -> None:
        self.form, self.adapter = form, adapter
        self._validate_json = adapter.validator.validate_json
        self._validate_python = adapter.validator.validate_python

    def _read_parameters(self) -> None:
        name = self._function.__qualname__
        parameters = list(inspect.signature(self._function).parameters.values())
        positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        keywords = [p for p in parameters if p.kind is p.KEYWORD_ONLY]
        if any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters):
            raise SignatureError(f"Procedure {name} has *args or **kwargs; name every parameter of its input.")
        if not positional or len(positional) > 2 or (len(positional) == 2 and keywords):
            raise SignatureError(
                f"Procedure {name} must take (ctx), (ctx, input) or (ctx, *, field, ...), not {len(positional)} "
                f"positional and {len(keywords)} keyword-only parameters."
            )
        hints = _hints(self._function)
        for parameter in (*positional[1:], *keywords):
            if parameter.name not in hints:
                raise SignatureError(f"Parameter {parameter.name!r} of procedure {name} has no annotation.")
        if any(is_file(hints[parameter.name]) for parameter in keywords):
            self._take_form(keywords, hints)
        elif keywords:
            self._take_fields(keywords, hints)
        elif len(positional) == 2:
            self._take_whole(positional[1], hints)

    def _take_whole(self, parameter: inspect.Parameter, hints: Mapping[str, Any]) -> None:
        self.parameter = parameter.name
        annotation = without_missing(hints[parameter.name])
        if annotation is ByteStream:
            self.form, self.is_optional = "stream", False
            return
        self._validate("whole", adapter_of(annotation))
        has_required, names = self._object(annotation) if _is_object(annotation) else (False, None)
        self.takes_last_event_id = names is None or LAST_EVENT_ID in names
        if parameter.default is not parameter.empty:
            default = parameter.default
            self._absent = lambda: default
        elif _is_object(annotation):
            self.is_optional = not has_required
            self._absent = lambda: self._decode(b"{}")
        else:
            self.is_optional = False
            self._absent = _require_input

    def _object(self, annotation: Any) -> tuple[bool, Collection[str] | None]:
        """Return whether an object must have some field, and the names of all; None where it takes any others, too."""
        fields = plain_fields(annotation)
        if fields is not None:
            closed = annotation.model_config.get("extra") == "forbid"
            return any(field.is_required() for field in fields.values()), fields if closed else None
        schema = self.json_schema() or {}
        closed = schema.get("additionalProperties") is False
        return bool(schema.get("required")), schema.get("properties", {}) if closed else None

    def _take_fields(self, keywords: list[inspect.Parameter], hints: Mapping[str, Any]) -> None:
        self._validate("fields", _adapter_of_fields(self._function, keywords, hints))
        self.takes_last_event_id = any(parameter.name == "last_event_id" for parameter in keywords)
        self.keywords = frozenset(parameter.name for parameter in keywords) - {"last_event_id"}
        self.is_optional = all(parameter.default is not parameter.empty for parameter in keywords)
        if not self.is_optional:
            self._absent = lambda: self._decode(b"{}")

    def _take_form(self, keywords: list[inspect.Parameter], hints: Mapping[str, Any]) -> None:
        """Validate texts as JSON, as everywhere; the adapter of all describes and serves callers in this process."""
        self._take_fields(keywords, hints)
        self.form, self.is_optional = "form", False
        texts = [parameter for parameter in keywords if not is_file(hints[parameter.name])]
        files = {
            parameter.name: (parameter.default is parameter.empty, takes_many(hints[parameter.name]))
            for parameter in keywords
            if is_file(hints[parameter.name])
        }
        self._form_fields = FormFields(_adapter_of_fields(self._function, texts, hints), files)


class OutputType:
    """How a procedure's results become JSON.

    Attributes:
        adapter: Of the result; of one event for subscriptions and streaming queries.
        is_iterator: The annotation is an async iterator.
        is_tracked: Events carry ids.
        members: The union members of the result or event as annotated, ``Tracked``, ``Encoded`` and ``Missing`` too.
    """

    __slots__ = ("_to_json", "adapter", "is_iterator", "is_tracked", "members")

    def __init__(self, function: Function) -> None:
        hints = _hints(function)
        if "return" not in hints:
            raise SignatureError(
                f"Procedure {function.__qualname__} has no return annotation; clients are typed by it."
            )
        annotation = hints["return"]
        origin = get_origin(annotation)
        if origin in (Awaitable, types.CoroutineType):  # A plain function that returns another's coroutine.
            annotation = get_args(annotation)[-1]
            origin = get_origin(annotation)
        self.is_iterator = origin in _ITERATORS
        if self.is_iterator:
            annotation = get_args(annotation)[0]
        self.members = members_of(annotation)
        self.is_tracked = any(get_origin(member) is Tracked for member in self.members)
        plain = [unwrapped(member) for member in self.members if member is not Missing]
        self.adapter = adapter_of(Union[tuple(plain)] if plain else None)  # noqa: UP007 - built at run time
        self._to_json = self.adapter.serializer.to_json

    @property
    def is_nothing(self) -> bool:
        """Whether there never is a result to speak of: it is annotated as None or ``Missing``."""
        return set(self.members) <= {None, type(None), Missing}

    def encode(self, value: Any) -> bytes | None:
        """Return a result as JSON, or None for ``MISSING``, which has no JSON.

        Raises:
            OutputError: The value is not of the annotated type.
        """
        if type(value) is Encoded:
            return value.json
        if value is MISSING:
            return None
        try:
            return self._to_json(value, by_alias=True, warnings="error")
        except (PydanticSerializationError, ValueError, TypeError) as error:
            raise OutputError(str(error)) from None

    def encode_event(self, value: Any) -> tuple[str | None, str | None]:
        """Return the id (None when not tracked) and the JSON text of one event."""
        event_id = None
        if type(value) is Tracked:
            event_id, value = value.id, value.data
        if type(value) is Encoded:
            return event_id, value.text
        encoded = self.encode(value)
        return event_id, None if encoded is None else encoded.decode()

    def json_schema(self) -> dict[str, Any]:
        """The schema of one result or event."""
        return self.adapter.json_schema(mode="serialization")


def adapter_of(annotation: Any) -> TypeAdapter[Any]:
    """Return the adapter of any annotation; bytes are base64 unless a model's own configuration says otherwise."""
    try:
        return TypeAdapter(annotation, config=_CONFIG)
    except PydanticUserError as error:
        if error.code != "type-adapter-config-unused":
            raise
        return TypeAdapter(annotation)


def _adapter_of_fields(
    function: Function, keywords: list[inspect.Parameter], hints: Mapping[str, Any]
) -> TypeAdapter[Any]:
    """Return the adapter of the object whose keys are a function's keyword-only parameters."""
    fields: dict[str, Any] = {}
    for parameter in keywords:
        annotation = without_missing(hints[parameter.name])
        if parameter.name == "last_event_id":
            annotation = Annotated[annotation, Field(alias=LAST_EVENT_ID)]
        if parameter.default is not parameter.empty:
            annotation = NotRequired[_with_default(annotation, parameter.default)]
        fields[parameter.name] = annotation
    title = "".join(word.title() for word in function.__name__.split("_")) + "Input"
    make: Any = TypedDict  # Type checkers know only the class form.
    shape = make(title, fields)
    shape.__pydantic_config__ = ConfigDict(extra="forbid", **_CONFIG)
    return TypeAdapter(shape)


def without_missing(annotation: Any) -> Any:
    """Return a union without ``Missing``, which marks a default and is never a value on the wire."""
    members = members_of(annotation)
    if Missing not in members:
        return annotation
    return Union[tuple(member for member in members if member is not Missing)]  # noqa: UP007 - built at run time


def with_last_event_id(raw: bytes | Missing, last_event_id: str) -> bytes | Missing:
    """Merge the id from which to resume into an input, as tRPC does: into an object, or in place of nothing."""
    if raw is MISSING:
        return orjson.dumps({LAST_EVENT_ID: last_event_id})
    try:
        if type(raw) is LooseJson:
            parsed = json.loads(raw)
            is_object = isinstance(parsed, dict)
            return LooseJson(json.dumps({**parsed, LAST_EVENT_ID: last_event_id}).encode()) if is_object else raw
        parsed = orjson.loads(raw)
        if parsed is None:
            return orjson.dumps({LAST_EVENT_ID: last_event_id})
        if not isinstance(parsed, dict):
            return raw
        return orjson.dumps({**parsed, LAST_EVENT_ID: last_event_id})
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return raw  # Malformed or nested too deep: the decoder reports it.


def _hints(function: Function) -> dict[str, Any]:
    try:
        return get_type_hints(function, include_extras=True)
    except NameError as error:
        raise SignatureError(
            f"An annotation of procedure {function.__qualname__} cannot be read: {error}. Import its type at run time."
        ) from error


def unwrapped(annotation: Any) -> Any:
    """Return what ``Tracked[...]`` and ``Encoded[...]`` hold."""
    if annotation in (Tracked, Encoded):
        return Any
    if get_origin(annotation) in (Tracked, Encoded):
        return Union[tuple(unwrapped(m) for m in members_of(get_args(annotation)[0]))]  # noqa: UP007
    return annotation


def _is_object(annotation: Any) -> bool:
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    origin = get_origin(annotation) or annotation
    return isinstance(origin, type) and (issubclass(origin, BaseModel) or is_dataclass(origin) or is_typeddict(origin))


def _with_default(annotation: Any, default: Any) -> Any:
    """Show a parameter's default in the schema; Python itself applies it."""
    if default is MISSING:
        return annotation
    try:
        shown = to_jsonable_python(default)
    except PydanticSerializationError:
        return annotation
    return Annotated[annotation, Field(json_schema_extra={"default": shown})]


def _accept(value: Any) -> Any:
    return value


def _require_input() -> Any:
    raise issues_error([Issue(loc=[], msg="This procedure needs an input, none was sent", type="missing")])
