"""Checkpoints, feeders, regions and tables of runs that were damaged, edited or made by hand."""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy

from attempts.attempt import RIGHT, WRONG, Attempt, attempt
from tests.core.test_forged import CHECKPOINTS, FEEDERS, REGIONS
from wattflock.core import files
from wattflock.feeder.feeders.ieee13 import IEEE13
from wattflock.feeder.file import from_bytes, to_bytes
from wattflock.study.run import card_problems
from wattflock.synth import bundle

BY_HAND = {"checkpoint": CHECKPOINTS, "feeder file": FEEDERS, "region file": REGIONS}
CARD = {"rounds": 7, "method": "gradmap", "curve": [], "stopped": ""}
TREE = {"done": np.int32(7), "weights": np.ones((4, 3), np.float32)}


def attempts() -> list[Attempt]:
    """Each file of ours, with every kind of damage."""
    feeder = to_bytes(IEEE13().circuit())
    region = bundle.bundled()["california"].read_bytes()
    checkpoint = files.pack({name: np.asarray(x) for name, x in files.named_leaves(TREE)}, CARD)
    made: dict[str, tuple[bytes, Callable[[Path], Any]]] = {
        "checkpoint": (checkpoint, _read_checkpoint),
        "feeder file": (feeder, lambda path: from_bytes(path.read_bytes(), str(path))),
        "region file": (region, bundle.load),
    }
    rows = []
    for kind, (data, read) in made.items():
        rows += [_row(kind, "as it was written", data, read, right=True)]
        rows += [_row(kind, name, damage(data), read) for name, damage in DAMAGE.items()]
        arrays, card = files.unpack(data)
        rows += [_row(kind, name, forge(arrays, card), read) for name, forge in FORGED.items()]
        made_by_hand = ((name, forge[0](arrays, card)) for name, forge in BY_HAND[kind].items())
        rows += [_row(kind, f"forged: {name}", files.pack(*made), read) for name, made in made_by_hand]
        rows += [_row(kind, f"its card is {text[:20]}", _plain(arrays, text), read) for text in NO_CARDS]
    rows += [_card_row(name, card, done) for name, (card, done) in CARDS.items()]
    return rows


def _flip(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :]


def _edited(data: bytes, change: Callable[[dict], Any]) -> bytes:
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    card = json.loads(header["__metadata__"]["card"])
    change(card)
    header["__metadata__"]["card"] = json.dumps(card)
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data[8 + size :]


def _plain(arrays: dict, card: str) -> bytes:
    return safetensors.numpy.save(arrays, {"card": card})


def _other(arrays: dict[str, np.ndarray], change: Callable[[np.ndarray], np.ndarray]) -> dict[str, np.ndarray]:
    name = next(name for name, each in sorted(arrays.items()) if each.dtype.kind == "f" and each.size > 1)
    return arrays | {name: np.ascontiguousarray(change(arrays[name]))}


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "half of it": lambda data: data[: len(data) // 2],
    "one byte less": lambda data: data[:-1],
    "one byte more": lambda data: data + b"x",
    "text": lambda data: b"not a file of ours" * 100,
    "zeros": lambda data: bytes(len(data)),
    "a pickle": lambda data: b"\x80\x04\x95" + data,
    "a zip": lambda data: b"PK\x03\x04" + data,
    "a header of 2^60 bytes": lambda data: (1 << 60).to_bytes(8, "little") + data[8:],
    "a bit of the last number": lambda data: _flip(data, len(data) - 1),
    "a bit in the middle": lambda data: _flip(data, len(data) * 2 // 3),
    "a bit of the header": lambda data: _flip(data, 40),
    "an edited card": lambda data: _edited(data, lambda card: card.update(name="other", rounds=-5)),
    "a card with one more field": lambda data: _edited(data, lambda card: card.update(more=1)),
    "a card with another checksum": lambda data: _edited(data, lambda card: card.update(sha256="0" * 64)),
    "a card without its checksum": lambda data: _edited(data, lambda card: card.pop("card_sha256")),
}
FORGED: dict[str, Callable[[dict, dict], bytes]] = {
    "forged: no number": lambda arrays, card: files.pack(_other(arrays, lambda x: x * np.nan), card),
    "forged: an array less": lambda arrays, card: files.pack(dict(sorted(arrays.items())[1:]), card),
    "forged: another shape": lambda arrays, card: files.pack(_other(arrays, lambda x: x[None]), card),
    "forged: no arrays": lambda arrays, card: files.pack({}, card),
    "forged: an empty card": lambda arrays, card: files.pack(arrays, {}),
    "forged: a card of nulls": lambda arrays, card: files.pack(arrays, dict.fromkeys(card)),
    "forged: a card of lists": lambda arrays, card: files.pack(arrays, {name: [[]] for name in card}),
    "forged: a card of numbers": lambda arrays, card: files.pack(arrays, dict.fromkeys(card, 10**9)),
}
NO_CARDS = ("[]", "3", "null", "{", "[" * 50_000, '{"sha256": 1}', '{"card_sha256": []}')
CARDS = {
    "rounds of −5": (CARD | {"rounds": -5}, -5),
    "rounds of 10⁹": (CARD | {"rounds": 10**9}, 10**9),
    "rounds of 7.5": (CARD | {"rounds": 7.5}, 7),
    "rounds in words": (CARD | {"rounds": "7"}, 7),
    "rounds that the arrays have not seen": (CARD | {"rounds": 6}, 7),
    "another method": (CARD | {"method": "ppo"}, 7),
    "a curve of numbers": (CARD | {"curve": [1, 2]}, 7),
    "no curve": ({"rounds": 7, "method": "gradmap"}, 7),
}


def _read_checkpoint(path: Path) -> None:
    card = files.read_card(path)
    saved = files.load_tree(path, TREE)
    if problems := card_problems(card, "gradmap", int(saved["done"]), 20):
        raise files.RunError("; ".join(problems))


def _row(kind: str, tried: str, data: bytes, read: Callable[[Path], Any], right: bool = False) -> Attempt:
    def act() -> tuple[str, str]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "file.safetensors"
            path.write_bytes(data)
            read(path)
        return (RIGHT, "read") if right else (WRONG, "read without a word")

    return attempt(kind, tried, "read" if right else "refused", act)


def _card_row(name: str, card: dict, done: int) -> Attempt:
    def act() -> tuple[str, str]:
        if problems := card_problems(card, "gradmap", done, 20):
            raise files.RunError("; ".join(problems))
        return WRONG, "taken"

    return attempt("checkpoint", name, "refused", act)
