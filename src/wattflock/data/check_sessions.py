"""Charging sessions: those that cannot be believed are told by the rules that leave them out."""

from wattflock.data.finding import Finding, at_rows
from wattflock.data.raw import Raw
from wattflock.synth import trips

PLACES = {
    "session-order": "plug_out",
    "session-time": "connected_h",
    "session-energy": "energy_kwh",
    "session-power": "energy_kwh",
    "session-overlap": "plug_in",
    "session-joined": "plug_in",
}


def check_sessions(raw: Raw) -> list[Finding]:
    """Findings about the table of sessions."""
    table = raw.sessions
    assert table is not None
    file, left_out = raw.files[int(table["file"][0])], trips.clean(table)[1]
    found: list[Finding] = []
    for code, column in PLACES.items():
        rows = left_out.filter(code=code)
        energy = rows["energy_kwh"]
        value = f"{energy.min():.4g} to {energy.max():.4g} kWh" if rows.height and column == "energy_kwh" else ""
        found += at_rows(code, (file, column), rows, value, table.height)
    return found
