"""A Mosquitto broker for trials: TLS, a user for each home, and topics that are each home's own; on 127.0.0.1."""

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path

from wattflock.core.errors import WattflockError
from wattflock.edge.mqtt import Door

MASTER = "trial"  # the user that plays all meters
READ, WRITTEN = ("meter", "envelope", "override/+", "automatic", "availability"), ("setpoint", "shadow", "availability")
PLACES = ("/usr/sbin", "/usr/local/sbin")
PATIENCE_S = 20.0


def missing() -> str:
    """The program that a broker needs and this machine lacks; empty where all are there."""
    return next((name for name in ("mosquitto", "mosquitto_passwd", "openssl") if not program(name)), "")


def program(name: str) -> str | None:
    """Where a program is; Debian keeps servers out of a user's path."""
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), *PLACES]))


class Broker:
    """A broker in a folder; nothing that it keeps outlives its process."""

    def __init__(self, folder: Path, homes: list[str]):
        """Makes certificate, passwords and rights.

        Raises:
            WattflockError: Mosquitto or OpenSSL is not installed.
        """
        if lacking := missing():
            raise WattflockError(f"{lacking} is not installed; allowed: apt-get install mosquitto openssl")
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.port = folder, free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.passwords = {name: secrets.token_urlsafe(12) for name in (MASTER, *homes)}
        self.authority = folder / "broker.crt"
        self._certify()
        self._write()

    def door(self, user: str) -> Door:
        """How a user gets in."""
        return Door("127.0.0.1", self.port, True, user, self.passwords[user], self.authority)

    def start(self) -> None:
        """Begin, with nothing of an earlier time; returns when it answers."""
        command = [str(program("mosquitto")), "-c", str(self.folder / "mosquitto.conf")]
        with (self.folder / "mosquitto.log").open("ab") as log:
            process = self.process = subprocess.Popen(command, stdout=log, stderr=log)
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until and process.poll() is None:
            with socket.socket() as door:
                if door.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise WattflockError(f"{self.folder / 'mosquitto.log'}: Mosquitto did not start")

    def kill(self) -> None:
        """End it at once, as a power cut does."""
        if self.process:
            self.process.kill()
            self.process.wait()

    def _certify(self) -> None:
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "broker.key"]
        name = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "30"]
        command = [str(program("openssl")), "req", "-x509", *key, "-out", self.authority.name, *name]
        subprocess.run(command, cwd=self.folder, check=True, capture_output=True)

    def _write(self) -> None:
        kept = self.folder / "passwords"
        kept.write_text("".join(f"{user}:{password}\n" for user, password in self.passwords.items()))
        kept.chmod(0o600)
        subprocess.run([str(program("mosquitto_passwd")), "-U", str(kept)], check=True, capture_output=True)
        rights = [f"user {MASTER}", "topic readwrite wattflock/#", "topic readwrite homeassistant/#", ""]
        for home in self.passwords.keys() - {MASTER}:
            rights += [f"user {home}", "topic read homeassistant/status", ""]
        rights += [f"pattern read wattflock/%u/{each}" for each in READ]
        rights += [f"pattern write wattflock/%u/{each}" for each in WRITTEN]
        rights += ["pattern write homeassistant/+/%u/+/config"]
        (self.folder / "rights").write_text("\n".join(rights) + "\n")
        (self.folder / "rights").chmod(0o600)
        lines = [
            f"listener {self.port} 127.0.0.1", "persistence false", "allow_anonymous false", "set_tcp_nodelay true",
            "max_queued_messages 0",
            "max_inflight_messages 0", "message_size_limit 1000000", f"password_file {kept}",
            f"acl_file {self.folder / 'rights'}", f"certfile {self.authority}", f"keyfile {self.folder / 'broker.key'}",
            *["user root"] * (os.getuid() == 0),
        ]  # fmt: skip
        (self.folder / "mosquitto.conf").write_text("\n".join(lines) + "\n")


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return door.getsockname()[1]


class Cable:
    """A connection to a broker of this machine, on a port of its own, that can be cut and joined."""

    def __init__(self, port: int):
        self.broker, self.port = port, free_port()
        self.links: list[socket.socket] = []
        self.join()

    def join(self) -> None:
        """Let a client through."""
        self.server = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._serve, args=(self.server,), daemon=True).start()

    def cut(self) -> None:
        """Break what is connected; whoever tries again is refused."""
        for each in (self.server, *self.links):
            _end(each)
        self.links.clear()

    def _serve(self, server: socket.socket) -> None:
        while True:
            try:
                inner, outer = server.accept()[0], socket.create_connection(("127.0.0.1", self.broker))
            except OSError:
                return
            self.links += [inner, outer]
            for pair in ((inner, outer), (outer, inner)):
                threading.Thread(target=_relay, args=pair, daemon=True).start()


def _relay(inner: socket.socket, outer: socket.socket) -> None:
    """Pass bytes on until one side is closed; then close the other."""
    with contextlib.suppress(OSError):
        while some := inner.recv(65536):
            outer.sendall(some)
    _end(outer)


def _end(link: socket.socket) -> None:
    with contextlib.suppress(OSError):
        link.shutdown(socket.SHUT_RDWR)  # wakes a thread that waits on it
    link.close()
