# ruff: noqa: E501 (a case is a line)
"""What is thrown at the readers: whole files that were damaged, tables and trees of values that nobody meant."""

import copy
import datetime
import io
import json
from typing import Any

import numpy as np
import polars as pl
from hypothesis import strategies as st

from wattflock.core.files import pack

TOKENS = [
    b"", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b'"', b"'", b",", b";", b"\t", b"|", b"\n", b"\r\n", b"\r", b"\n\n\n", b"-", b"1e999",
    b"-1e308", b"NaN", b"inf", b"9" * 60, b"0x1F", b"1,234.5", b"1.234,5", b"=1+1", b"2025-02-30", b"31/12/99", b"24:00", b"25:61",
    b"1970-01-01", b"9999-12-31 23:59", b"0001-01-01", b"+99:99", b"Z", b" CET", b"[", b"]", b"{", b"}", b"[[[[", b"]]]]", b"null", b"true",
    b"<", b"</", b"&#0;", b"<!DOCTYPE a [<!ENTITY b 'c'>]>&b;", b"kWh", b"\xc3\xa9", b"\xe9", b"#", b"\\", b"= ", b"\x1a", b"PK\x03\x04",
]  # fmt: skip
VALUES: list[Any] = [
    None, True, False, 0, -1, 1, 10**30, -(10**30), 1e308, -1e-308, float("nan"), float("inf"), "", "x", "1", "1e999", "nan", "é" * 300, "\x00",
    "../a", "/etc/passwd", "2025-02-30", [], [[]], [None], ["a", "a"], [1, "a"], {}, {"a": 1}, {"": {}}, [[1, 2], [3]], 2**31, 2**63, -0.0,
]  # fmt: skip
PLAIN = [each for each in VALUES if not isinstance(each, float) or np.isfinite(each)]
HEADERS = [
    "time", "timestamp", "date", "hour", "Datum", "unix", "home", "id", "LCLid", "load_kwh", "load_w", "kWh", "net_kw", "import", "export", "pv_kw", "solar",
    "grid", "T1", "T2", "price (p/kWh)", "ct/kWh", "unit", "register", "value", "kwp", "temperature", "°F", "gas", "00:00", "00:30", "H01", "", " ",
    "time (UTC)", "interval_end", "user_id", "plugin_time", "plugout_time", "energy_session", "limit_kw", "import_per_kwh", "export_per_kwh", "net_kwh",
    "import_kwh", "export_kwh", "bid_per_kwh", "community", "share", "import_price_per_kwh", "kind", "terminal", "battery.size_kwh", "homes_per_agent",
]  # fmt: skip
FORMS = ["%Y-%m-%d %H:%M", "%d/%m/%Y %H:%M", "%m/%d/%y %I:%M %p", "%Y-%m-%dT%H:%M:%SZ", "%Y%m%d", "%Y-%m-%dT%H:%M:%S+05:45", "%d.%m.%Y", "%H:%M",
         "%a, %d %b %Y %H:%M:%S GMT", "%Y-%m-%d %H:%M:%S.%f"]  # fmt: skip


@st.composite
def damaged(draw, samples: list[bytes]) -> bytes:
    """One of the samples with some bytes replaced, doubled, left out or put in; or bytes of no sample."""
    if draw(st.integers(0, 11)) == 0:
        return draw(st.binary(max_size=300))
    data = draw(st.sampled_from(samples))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        size = draw(st.sampled_from([0, 0, 1, 1, 2, 5, 20, 200]))
        more = draw(st.sampled_from(TOKENS)) if draw(st.booleans()) else draw(st.binary(max_size=6))
        copied = data[at : at + size] * draw(st.sampled_from([0, 0, 1, 2]))
        data = data[:at] + more + copied + data[at + size :]
    return data[: draw(st.integers(0, len(data)))] if draw(st.integers(0, 9)) == 0 else data


def _column(kind: str, rows: int, random: np.random.Generator) -> list[str]:
    """Cells of one kind; `kind` is a form of stamps or one of a few words."""
    if kind.startswith("%"):
        minutes = int(random.choice([15, 30, 60, 60, 60, 60, 60, 1440, 7]))
        first = datetime.datetime(2025, 1, 6) + datetime.timedelta(hours=int(random.integers(0, 4000)))
        return [(first + datetime.timedelta(minutes=minutes * k)).strftime(kind) for k in range(rows)]
    if kind == "rising":
        return [f"{each:.3f}" for each in np.cumsum(random.uniform(0, 2, rows))]
    if kind == "comma":
        return [f"{each:.3f}".replace(".", ",") for each in random.normal(1, 2, rows)]
    if kind == "names":
        return [f"H{each}" for each in random.integers(0, 3, rows)]
    if kind == "hours":
        return [str(k % 24) for k in range(rows)]
    if kind == "unix":
        return [str(1736121600 + 3600 * k) for k in range(rows)]
    return [f"{each:.3f}" for each in random.uniform(0, 3, rows)]


@st.composite
def tables(draw, headers: tuple[str, ...] = ()) -> bytes:
    """A table as CSV; `headers` are always there, others may be. Some of its cells are of another kind."""
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    rows = draw(st.sampled_from([0, 1, 2, 24, 200, 900, 900, 900]))
    kinds = [*FORMS, *["numbers"] * 30, "rising", "comma", "names", "hours", "unix"]
    names = [*headers, *draw(st.lists(st.sampled_from(HEADERS), min_size=0 if headers else 1, max_size=5))]
    stamped = {"time", "timestamp", "plugin_time", "plugout_time"}
    columns = [
        _column(draw(st.sampled_from(FORMS if name in stamped and draw(st.integers(0, 5)) else kinds)), rows, random)
        for name in names
    ]
    for _ in range(draw(st.sampled_from([0, 0, 1, 3, 20])) if rows else 0):
        columns[random.integers(len(columns))][random.integers(rows)] = draw(st.sampled_from(TOKENS)).decode("latin-1")
    sign = draw(st.sampled_from([",", ",", ";", "\t", "|"]))
    lines = [sign.join(names), *(sign.join(row) for row in zip(*columns, strict=True))]
    ahead = draw(st.sampled_from(["", "", "", "a title\n\n", "sep=;\n", "# note\n"]))
    return (ahead + "\n".join(lines) + "\n").encode(draw(st.sampled_from(["utf-8", "utf-8", "utf-16", "utf-8-sig"])))


@st.composite
def frames(draw) -> bytes:
    """A table as Parquet, of columns of any kind."""
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    rows = draw(st.sampled_from([0, 1, 24, 200]))
    first = datetime.datetime(2025, 1, 6)
    stamps = pl.Series([first + datetime.timedelta(hours=k) for k in range(rows)], dtype=pl.Datetime)
    kinds = {
        "stamps": stamps, "zoned": stamps.dt.replace_time_zone("UTC"), "days": stamps.dt.date(), "clock": stamps.dt.time(),
        "numbers": pl.Series(random.uniform(0, 3, rows)), "small": pl.Series(random.uniform(0, 3, rows), dtype=pl.Float32),
        "whole": pl.Series(random.integers(-5, 99, rows)), "bytes": pl.Series([b"\xff"] * rows, dtype=pl.Binary),
        "truth": pl.Series([True] * rows, dtype=pl.Boolean), "nothing": pl.Series([None] * rows), "text": pl.Series(["x"] * rows, dtype=pl.String),
        "lists": pl.Series([[1.0]] * rows, dtype=pl.List(pl.Float64)), "none": pl.Series([float("nan")] * rows, dtype=pl.Float64),
        "large": pl.Series([1e308] * rows, dtype=pl.Float64), "names": pl.Series([f"H{k % 2}" for k in range(rows)], dtype=pl.Categorical),
        "span": pl.Series([datetime.timedelta(hours=1)] * rows, dtype=pl.Duration), "odd": pl.Series(["1.5"] * rows, dtype=pl.Decimal(10, 2), strict=False),
    }  # fmt: skip
    names = draw(st.lists(st.sampled_from(HEADERS), min_size=1, max_size=5, unique=True))
    made = {
        name: kinds[draw(st.sampled_from(["stamps"] * 6 + list(kinds) if name == "time" else list(kinds)))]
        for name in names
    }
    content = io.BytesIO()
    pl.DataFrame(made).write_parquet(content)
    return content.getvalue()


def _paths(tree: Any, above: tuple = ()) -> list[tuple]:
    inner = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [above, *(path for key, each in inner for path in _paths(each, (*above, key)))]


@st.composite
def trees(draw, samples: list[Any], floats: bool = True) -> Any:
    """One of the JSON values with some of its parts replaced, left out or doubled; NaN among them, or none."""
    tree = json.loads(json.dumps(draw(st.sampled_from(samples))))
    for _ in range(draw(st.integers(1, 3))):
        *above, last = draw(st.sampled_from(_paths(tree)[1:] or [("x",)]))
        place = tree
        for key in above:
            place = place[key]
        act = draw(st.integers(0, 4))
        if act == 0:
            del place[last]
        elif act == 1 and isinstance(place, dict):
            place[draw(st.sampled_from(["", "more", "a b"]))] = place.pop(last)
        elif act == 1:
            place.insert(last, place[last])
        else:
            place[last] = copy.deepcopy(draw(st.sampled_from(VALUES if floats else PLAIN)))
        if not isinstance(tree, dict | list) or not tree:
            break
    return tree


def text_of(tree: Any) -> bytes:
    """JSON, with NaN as Python writes it."""
    return json.dumps(tree).encode("utf-8", "surrogatepass")


NUMBERS = [np.nan, np.inf, -np.inf, 0.0, -1.0, 1.0, 1e30, -1e30, 1e-30, 0.5, 2.0, 132.0, -5.0, 2**31, 41]


@st.composite
def arrays_of(draw, sample: tuple[dict[str, np.ndarray], dict]) -> bytes:
    """A file of arrays with a card whose checksums are right and whose arrays or card are not what was written."""
    arrays, card = dict(sample[0]), sample[1]
    for _ in range(draw(st.integers(0, 3))):
        name = draw(st.sampled_from(sorted(arrays) or ["x"]))
        values = arrays.get(name, np.zeros(3))
        act = draw(st.sampled_from(list(ACTS)))
        if act == "gone":
            arrays.pop(name, None)
        elif act == "number" and values.size:
            values = values.copy()
            with np.errstate(all="ignore"):
                values.reshape(-1)[draw(st.integers(0, values.size - 1))] = np.array(
                    draw(st.sampled_from(NUMBERS))
                ).astype(values.dtype)
            arrays[name] = values
        elif act != "number":
            arrays[name] = np.ascontiguousarray(ACTS[act](values))
    return pack(arrays, draw(trees([card], floats=False)) if draw(st.booleans()) else card)


ACTS: dict[str, Any] = {
    "gone": None,
    "number": None,
    "shorter": lambda x: x[:-1] if x.ndim else x,
    "longer": lambda x: np.concatenate([x, x[:1]]) if x.ndim else x,
    "deeper": lambda x: x[None],
    "flat": np.ravel,
    "turned": np.transpose,
    "empty": lambda x: x.reshape(-1)[:0],
    "double": lambda x: x.astype(np.float64),
    "whole": lambda x: np.clip(np.nan_to_num(x), -(2**62), 2**62).astype(np.int64),
    "truth": lambda x: x.astype(bool),
    "same": lambda x: np.full_like(x, x.reshape(-1)[0]) if x.size else x,
    "back": lambda x: x[::-1] if x.ndim else x,
    "none": lambda x: np.full(x.shape, np.nan),
}
