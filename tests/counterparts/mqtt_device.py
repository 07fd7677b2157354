"""An MQTT publisher to test with: ``python mqtt_device.py PORT``; reconnects by itself.

Every 100 ms it publishes, with QoS 1, ``{"Counter": n, "Level": 2.5, "Label": "pump one", "timestamp": …}`` on
``plant/pump``.
"""

import json
import sys
import time
from datetime import UTC, datetime

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion


def publish(port: int) -> None:
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    client.reconnect_delay_set(0.1, 0.2)  # type: ignore[arg-type]
    client.connect_async("127.0.0.1", port)
    client.loop_start()
    count = 0
    while True:
        payload = {"Counter": count, "Level": 2.5, "Label": "pump one", "timestamp": datetime.now(UTC).isoformat()}
        if client.is_connected():
            client.publish("plant/pump", json.dumps(payload), qos=1)
        count += 1
        time.sleep(0.1)


if __name__ == "__main__":
    publish(int(sys.argv[1]))
