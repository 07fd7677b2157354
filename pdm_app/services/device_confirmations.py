"""Somebody at a device has the last word on its update, where the campaign says so."""

from pdm_app.domain.access import EVERY_SITE, Actor
from pdm_app.domain.errors import ConflictError, NotFoundError
from pdm_app.domain.firmware_actions import CLOSED_FOR_DEVICE, Action, ActionState, Happening
from pdm_app.domain.firmware_twins import FirmwareTwin
from pdm_app.services.device_assignments import Assigned, DeviceAssignments, GoneError
from pdm_app.services.firmware_stories import move, one_at_a_time

S, H = ActionState, Happening


class DeviceConfirmationService(DeviceAssignments):
    """Confirmations, as the device hands them on."""

    async def state(self, actor: Actor) -> tuple[FirmwareTwin, Action | None]:
        """Return how a device confirms, and what waits for a word; None for nothing."""
        async with self._work(actor.scope) as work:
            device, twin = await self._known(work, actor)
            action = await work.firmware_actions.active_of(device.id)
        return twin, action if action is not None and action.state is S.WAITING_CONFIRMATION else None

    async def confirm(self, actor: Actor, number: int, *, agreed: bool, details: str) -> Action:
        """Take the word of somebody at the device: the update may begin, or may not.

        Raises:
            NotFoundError: The action is not this device's, or nobody was asked.
            GoneError: It has ended.
        """
        async with self._work(EVERY_SITE) as work:
            await one_at_a_time(work, self._clock)
            device, _ = await self._known(work, actor)
            action = await self._own(work, device, number)
            if action.state in CLOSED_FOR_DEVICE:
                raise GoneError(f"The action {number} has ended.")
            revocable = {S.PENDING, S.RETRIEVED, S.DOWNLOADING}
            if action.state is not S.WAITING_CONFIRMATION and (agreed or action.state not in revocable):
                raise NotFoundError(f"The action {number} does not wait to be confirmed.")
            word = H.CONFIRMED if agreed else H.DENIED
            action = await move(work, action, word, self._clock.now(), device.code, details, heard_at=self._clock.now())
            await work.commit()
        return action

    async def confirmation(self, actor: Actor, number: int) -> Assigned:
        """Return what somebody at the device is asked to confirm.

        Raises:
            NotFoundError: Nobody is asked about it.
        """
        async with self._work(actor.scope) as work:
            device, _ = await self._known(work, actor)
            action = await self._own(work, device, number)
            if action.state is not S.WAITING_CONFIRMATION:
                raise NotFoundError(f"The action {number} does not wait to be confirmed.")
            return await self._assigned(work, device, action)

    async def set_auto_confirm(self, actor: Actor, *, active: bool, by: str = "") -> FirmwareTwin:
        """Have updates of this device begin without anybody's word, or ask again.

        Raises:
            ConflictError: It is so already.
        """
        now = int(self._clock.now())
        async with self._work(EVERY_SITE) as work:
            await one_at_a_time(work, self._clock)
            device, twin = await self._known(work, actor)
            if active and twin.auto_confirm:
                raise ConflictError("Updates are confirmed by themselves already.")
            who = (by or device.code)[:120] if active else ""
            at = now if active else None
            changes = {"auto_confirm": active, "auto_confirm_by": who, "auto_confirm_at": at}
            twin = twin.model_copy(update={**changes, "revision": twin.revision + 1})
            await work.twins.put([twin])
            action = await work.firmware_actions.active_of(device.id)
            if active and action is not None and action.state is S.WAITING_CONFIRMATION:
                await move(work, action, H.CONFIRMED, now, device.code, "Confirmed by itself.")
            await work.commit()
        return twin
