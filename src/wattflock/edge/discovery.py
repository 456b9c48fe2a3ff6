"""What Home Assistant is told of a home's controller: MQTT discovery.

Source: Home Assistant, integration MQTT: discovery topic <prefix>/<component>/<node>/<object>/config, retained.
"""

import json
from typing import NamedTuple

from wattflock.edge.card import Card

STATUS = "homeassistant/status"


class Message(NamedTuple):
    """What is published."""

    topic: str
    payload: str
    retain: bool = False


def discovery(card: Card, root: str, setpoints: str, expire_s: float) -> list[Message]:
    """Configurations of a sensor and a number for each control, of the reason, and of a button back to automatic.

    Args:
        root: of the home's topics.
        setpoints: topic of its set-points.
        expire_s: after which a set-point without a successor is shown as unavailable.
    """
    device = {"identifiers": [f"wattflock_{card.name}"], "name": f"Wattflock {card.name}", "manufacturer": "Wattflock"}
    common = {
        "device": device, "origin": {"name": "wattflock"}, "availability_topic": f"{root}/availability",
    }  # fmt: skip
    found = [_config(card, "sensor", "reason", common | {
        "name": "reason", "state_topic": setpoints, "value_template": "{{ value_json.reason[:250] }}",
        "expire_after": round(expire_s) or 1,
    })]  # fmt: skip
    for each in card.controls:
        shown = {"name": each.name, "state_topic": setpoints, "unit_of_measurement": each.unit}
        value = f"{{{{ value_json.setpoints['{each.name}'] }}}}"
        found.append(_config(card, "sensor", each.slug, common | shown | {
            "value_template": value, "expire_after": round(expire_s) or 1,
        }))  # fmt: skip
        if each.least < each.most:
            found.append(_config(card, "number", each.slug, common | shown | {
                "value_template": value, "command_topic": f"{root}/override/{each.slug}",
                "min": each.least, "max": each.most, "step": (each.most - each.least) / 100,
            }))  # fmt: skip
    press = {"name": "automatic", "command_topic": f"{root}/automatic", "payload_press": "ON"}
    return [*found, _config(card, "button", "automatic", common | press)]


def _config(card: Card, component: str, object_id: str, content: dict) -> Message:
    unique = f"wattflock_{card.name}_{component}_{object_id}"
    body = json.dumps(content | {"unique_id": unique})
    return Message(f"homeassistant/{component}/{card.name}/{object_id}/config", body, retain=True)
