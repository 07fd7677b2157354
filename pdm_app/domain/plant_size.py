"""How much of the demo plant is run."""

from enum import StrEnum


class PlantSize(StrEnum):
    """Each holds the machines of the one before, which say the same in all of them."""

    SMALL = "small"
    """The machines of the story, one or more for each protocol: for a weak computer, and for trying something out."""
    WHOLE = "whole"
    """Northfield with all its machines, some 400 signals."""
    STRESS = "stress"
    """With a field of test rigs, some 10,000 samples a second: to see what a computer can take."""
