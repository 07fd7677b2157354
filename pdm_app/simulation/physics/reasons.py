"""What a machine of the plant does, and why it stands: the truth that its stop reason signal tells."""

from enum import IntEnum


class Reason(IntEnum):
    """Value of a stop reason signal; a larger one wins where two hold at once."""

    RUNNING = 0
    STARVED = 1
    BLOCKED = 2
    MINOR_STOP = 3
    TOOL_CHANGE = 4
    BREAKDOWN = 5
    SET_UP = 6
    BREAK = 7
    CLEANING = 8
    TRIP = 9
