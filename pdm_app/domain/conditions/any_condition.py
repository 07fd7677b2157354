"""The explicit list of alarm conditions; a new kind is one file and one line here."""

from typing import Annotated

from pydantic import Field

from pdm_app.domain.conditions.limits import HighLimit, LowLimit

AnyCondition = Annotated[HighLimit | LowLimit, Field(discriminator="kind")]
