"""A model as one file: a ZIP of `card.json` and `graph.onnx`, nothing that could be executed on reading."""

import zipfile
from pathlib import Path

from pydantic import ValidationError

from pdm_app.domain.errors import InvalidInputError
from pdm_app.domain.models import GRAPH_BYTES_MAX, ModelCard
from pdm_app.inference.sessions import load
from pdm_app.inference.training import Model

CARD, GRAPH = "card.json", "graph.onnx"
CARD_BYTES_MAX = 1024 * 1024


def write_model(model: Model, path: Path) -> None:
    """Write a model's file; one that is there is replaced only when the new one is whole.

    Raises:
        InvalidInputError: The file cannot be written; says why.
    """
    beside = path.with_name(f".{path.name}.new")
    try:
        with zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr(CARD, model.card.model_dump_json(indent=2))
            file.writestr(GRAPH, model.graph)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise InvalidInputError(f"The model was not written to '{path}': {error.strerror or error}.") from error


def read_model(path: Path) -> Model:
    """Read a model's file, and load its graph once, so that what is returned is known to run.

    Raises:
        InvalidInputError: No such file, no model, too large, a card with faults, or a graph unlike its card.
    """
    try:
        with zipfile.ZipFile(path) as file:
            card_text = _entry(file, CARD, CARD_BYTES_MAX)
            graph = _entry(file, GRAPH, GRAPH_BYTES_MAX)
    except OSError as error:
        raise InvalidInputError(f"'{path}' cannot be read: {error.strerror or error}.") from error
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise InvalidInputError(f"'{path.name}' is no model file: {error}.") from error
    try:
        card = ModelCard.model_validate_json(card_text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InvalidInputError(f"'{path.name}': its card is not in order: {where}: {first['msg']}.") from error
    if len(card.centre) != len(card.signals) or len(card.spread) != len(card.signals) or min(card.spread) <= 0:
        raise InvalidInputError(f"'{path.name}': its card needs a centre and a spread above 0 for each signal.")
    load(card, graph)
    return Model(card, graph)


def _entry(file: zipfile.ZipFile, name: str, bytes_max: int) -> bytes:
    """Read one entry, without believing what the ZIP says of its size."""
    try:
        with file.open(name) as entry:
            content = entry.read(bytes_max + 1)
    except KeyError as error:
        raise zipfile.BadZipFile(f"it holds no {name}") from error
    if len(content) > bytes_max:
        raise zipfile.BadZipFile(f"its {name} has more than {bytes_max:,} bytes")
    return content
