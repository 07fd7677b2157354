"""Things that end at a known time and stop something when they do: certificates first of all."""

from pydantic import Field

from pdm_app.domain.certificates import DAY
from pdm_app.domain.record import Instant, Name, Record

STEPS = (30, 14, 7, 1, 0)
"""Days before the end at which it is said again, louder each time; 0 is the end itself."""

SOUND_DAYS = 14  # With more left it is worth a plan, not a warning.
RENEWED_BY = 0.2  # What renews itself should have done so before this part of its life is left.


class Expiry(Record):
    """One thing that ends."""

    kind: str = Field(max_length=40, description="What it is, such as certificate.")
    id: str = Field(max_length=120, description="Tells it from others of its kind.")
    name: Name = Field(description="What it is called.")
    begins_at: Instant
    ends_at: Instant
    renews_itself: bool = Field(default=False, description="Somebody has to act only when that fails.")
    href: str = Field(default="", max_length=200, description="The page where it is replaced.")
    site_id: str | None = Field(default=None, description="None for what belongs to no site.")

    def days_left(self, now: int) -> int:
        """Return whole days until its end; negative from then on."""
        return (self.ends_at - now) // DAY

    def step(self, now: int) -> int | None:
        """Return which of `STEPS` is reached, None while nobody need think of it."""
        left = self.ends_at - now
        if self.renews_itself and left > (self.ends_at - self.begins_at) * RENEWED_BY:
            return None
        return min((step for step in STEPS if left <= step * DAY), default=None)

    def is_sound(self, now: int) -> bool:
        """Whether it lasts long enough to leave people in peace."""
        step = self.step(now)
        return step is None or step > SOUND_DAYS
