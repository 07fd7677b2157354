"""What is asked of an OPC UA server: one subscription, and one monitored item per signal.

Source: OPC 10000-4, 5.12 (monitored items), 5.13 (subscriptions).
"""

import math
from collections.abc import Sequence

from asyncua import ua
from asyncua.client.ua_session import UaSession
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.status_codes import StatusCodes

from pdm_app.domain.signals import Signal

KEEP_ALIVE_S = 1.0  # An empty answer at least this often; the library's default is twenty minutes.
LIFETIME_S = 30.0  # The server forgets our subscription after this silence, so that crashes leave nothing behind.
NOTIFICATIONS_MAX = 5000
QUEUE_MIN = 10
QUEUE_MAX = 1000


def subscription(publishing_ms: float) -> ua.CreateSubscriptionParameters:
    """Ask for what is new every ``publishing_ms``."""
    interval_s = publishing_ms / 1000
    parameters = ua.CreateSubscriptionParameters()
    parameters.RequestedPublishingInterval = publishing_ms
    parameters.RequestedMaxKeepAliveCount = ua.UInt32(max(1, math.ceil(KEEP_ALIVE_S / interval_s)))
    parameters.RequestedLifetimeCount = ua.UInt32(max(10, math.ceil(LIFETIME_S / interval_s)))
    parameters.MaxNotificationsPerPublish = ua.UInt32(NOTIFICATIONS_MAX)
    parameters.PublishingEnabled = True
    return parameters


def monitored_item(signal: Signal, node: ua.NodeId, publishing_ms: float) -> ua.MonitoredItemCreateRequest:
    """Ask for the values of one node; its client handle is the signal's id."""
    request = ua.MonitoredItemCreateRequest()
    request.ItemToMonitor.NodeId = node
    request.ItemToMonitor.AttributeId = AttributeIds.Value
    request.MonitoringMode = ua.MonitoringMode.Reporting
    wanted = request.RequestedParameters
    wanted.ClientHandle = ua.IntegerId(signal.id)
    wanted.SamplingInterval = signal.poll_every_s * 1000
    per_publish = math.ceil(publishing_ms / 1000 / signal.poll_every_s)
    wanted.QueueSize = ua.Counter(min(QUEUE_MAX, max(QUEUE_MIN, 2 * per_publish)))
    wanted.DiscardOldest = True
    # A new source time with the same value is a new sample: without it a level signal looks stale.
    wanted.Filter = ua.DataChangeFilter(Trigger=ua.DataChangeTrigger.StatusValueTimestamp)
    return request


async def monitor(
    session: UaSession, subscription_id: int, requests: Sequence[ua.MonitoredItemCreateRequest]
) -> list[ua.MonitoredItemCreateResult]:
    """Create monitored items; a server that knows no filters is asked again without."""
    parameters = ua.CreateMonitoredItemsParameters()
    parameters.SubscriptionId = ua.IntegerId(subscription_id)
    parameters.TimestampsToReturn = ua.TimestampsToReturn.Both
    parameters.ItemsToCreate = list(requests)
    results = await session.create_monitored_items(parameters)
    no_filter = (StatusCodes.BadMonitoredItemFilterUnsupported, StatusCodes.BadFilterNotAllowed)
    unfiltered = [row for row, result in enumerate(results) if result.StatusCode.value in no_filter]
    if unfiltered:
        for row in unfiltered:
            requests[row].RequestedParameters.Filter = None
        parameters.ItemsToCreate = [requests[row] for row in unfiltered]
        again = await session.create_monitored_items(parameters)
        for row, result in zip(unfiltered, again, strict=True):
            results[row] = result
    return results
