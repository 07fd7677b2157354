"""A branch of the tree of settings; those that describe a thing of the domain stand with that thing."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A branch of the tree."""

    model_config = ConfigDict(frozen=True, extra="forbid")
