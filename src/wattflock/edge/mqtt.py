"""A controller on an MQTT broker (paho-mqtt): one thread, one loop."""

import dataclasses
import random
import signal
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

from wattflock.core.errors import Problem, ScenarioError, WattflockError
from wattflock.edge.audit import Audit
from wattflock.edge.card import read
from wattflock.edge.controller import Controller, Moment, Settings
from wattflock.edge.discovery import Message
from wattflock.edge.envelope import Envelope
from wattflock.edge.policy import Policy
from wattflock.edge.shell import rating_kw

WHERE = "wattflock edge run"
PORTS = {"mqtt": 1883, "mqtts": 8883}
WAIT_S, RETRY_S, KEEP_S = 0.2, 0.5, 30


@dataclasses.dataclass(frozen=True)
class Door:
    """A broker, and how to get in."""

    host: str
    port: int
    tls: bool
    user: str = ""
    password: str = ""
    authority: Path | None = None  # certificate of who signs; None: those that the system trusts


def door(url: str, user: str, password: str, authority: Path | None) -> Door:
    """A broker by its address, such as mqtts://broker.example:8883.

    Raises:
        ScenarioError: it is no such address, or a password would go over the network in the clear.
    """
    parts = urlsplit(url)
    try:
        port = parts.port or PORTS.get(parts.scheme, 0)
    except ValueError:
        port = 0
    if not port or not parts.hostname:
        raise ScenarioError([Problem(WHERE, "--broker", url, "mqtt://host[:port] or mqtts://host[:port]")])
    local = parts.hostname in ("127.0.0.1", "::1", "localhost")
    if password and parts.scheme == "mqtt" and not local:
        raise ScenarioError([Problem(WHERE, "--broker", url, "mqtts://, where a password is sent to another machine")])
    return Door(parts.hostname, port, parts.scheme == "mqtts", user, password, authority)


def client_of(door: Door, name: str):
    """A client that is not connected yet.

    Raises:
        WattflockError: paho-mqtt is not installed.
    """
    try:
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion
    except ImportError:
        raise WattflockError("paho-mqtt is not installed; allowed: pip install 'wattflock[edge]'") from None
    client = Client(CallbackAPIVersion.VERSION2, client_id=name)
    client.on_socket_open = _at_once
    if door.user:
        client.username_pw_set(door.user, door.password or None)
    if door.tls:
        client.tls_set(ca_certs=str(door.authority) if door.authority else None)
    return client


def _at_once(client, userdata, link) -> None:
    """Small messages do not wait for one another."""
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def controller_of(folder: Path, state: Path | None, settings: Settings) -> Controller:
    """The controller of a folder; `state` keeps audit.jsonl and envelope.json, by default FOLDER/state."""
    card, arrays = read(folder)
    kept = state or folder / "state"
    envelope = Envelope(rating_kw(card), kept / "envelope.json", random.random)
    settings = dataclasses.replace(settings, stale_s=settings.stale_s or 1.5 * card.step_s)
    return Controller(card, Policy(card, arrays), envelope, Audit(kept / "audit.jsonl"), settings)


def run(controller: Controller, door: Door) -> None:
    """Serve until SIGTERM or SIGINT; a broker that is away is tried again every half second, for ever."""
    client, going = client_of(door, f"wattflock-{controller.card.name}"), [True]
    client.will_set(controller.will.topic, controller.will.payload, 1, retain=True)

    def send(messages: list[Message]) -> None:
        """A set-point that cannot be sent now is not kept: on connection the newest is sent."""
        for each in messages if client.is_connected() else ():
            client.publish(each.topic, each.payload, 1, each.retain)

    def on_connect(client, userdata, flags, code, properties) -> None:
        if not code.is_failure:
            client.subscribe([(topic, 1) for topic in controller.topics])
            send(controller.connected(now()))

    def on_message(client, userdata, message) -> None:
        send(controller.receive(now(), message.topic, message.payload))

    client.on_connect, client.on_message = on_connect, on_message
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: going.clear())
    connected = False
    while going:
        if not connected:
            connected = _connected(client, door)
        elif client.loop(WAIT_S) != 0:
            connected = False
            time.sleep(RETRY_S * random.random())  # many homes do not come back at the same moment
        send(controller.tick(now()))
    client.publish(controller.will.topic, controller.will.payload, 1, retain=True)
    client.loop(WAIT_S)
    client.disconnect()


def _connected(client, door: Door) -> bool:
    try:
        client.connect(door.host, door.port, KEEP_S)
    except (OSError, ValueError):
        time.sleep(RETRY_S)
        return False
    return True


def now() -> Moment:
    """This machine's two clocks."""
    return Moment(time.time(), time.monotonic())
