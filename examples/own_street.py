"""Meter readings and a feeder of your own: from a CSV and an OpenDSS model to tables and figures.

Reading an OpenDSS model needs the extra: pip install 'wattflock[opendss]'
"""

# %% Readings: here six weeks of four homes are made up; a row for each home and hour.
import datetime
import math
from pathlib import Path

import wattflock as wf

start = datetime.datetime(2026, 1, 5)  # a Monday
rows = ["home,time,load_kw"]
for home in range(4):
    for hour in range(42 * 24):
        evening = math.exp(-(((hour + home) % 24 - 19) ** 2) / 8)
        load_kw = 0.4 + (1.0 + 0.3 * home) * evening + 0.1 * math.sin(hour + home) ** 2
        rows.append(f"home {home + 1},{start + datetime.timedelta(hours=hour):%Y-%m-%d %H:%M},{load_kw:.3f}")
Path("meters.csv").write_text("\n".join(rows))

# %% The feeder: a transformer, 200 m of cable, and a connection on each phase, one of them shared.
Path("street.dss").write_text("""
Clear
New Circuit.street basekv=11 bus1=source
New Transformer.main windings=2 buses=(source, head) conns=(delta, wye) kvs=(11, 0.4) kvas=(100, 100) xhl=4
New Linecode.cable nphases=3 r1=0.45 x1=0.08 r0=1.6 x0=0.2 c1=0 c0=0 units=km
New Line.near bus1=head bus2=near linecode=cable length=0.1 units=km
New Line.far bus1=near bus2=far linecode=cable length=0.1 units=km
New Load.home1 bus1=near.1 phases=1 kv=0.23 kw=2 pf=0.95
New Load.home2 bus1=near.2 phases=1 kv=0.23 kw=2 pf=0.95
New Load.home3 bus1=far.3 phases=1 kv=0.23 kw=2 pf=0.95
New Load.home4 bus1=far.1 phases=1 kv=0.23 kw=2 pf=0.95
Set voltagebases=(11, 0.4)
Calcvoltagebases
""")
feeder = wf.read_feeder("street.dss")
solved = wf.snapshot(feeder)
print(solved.nodes)
solved.figures["snapshot"].save("street.png")

# %% The study: every agent is one of the four homes, all have a battery, and an installer's rules steer them.
scenario = wf.load(
    changes={
        "name": "my-street",
        "data.part": "table",
        "data.settings": {"path": "meters.csv", "zone": "Europe/Oslo"},
        "feeder.part": "imported",
        "feeder.settings": {"file": wf.write_feeder(feeder, "street.feeder")},
        "homes.count": 4,
        "homes.homes_per_agent": 1,
        "homes.kinds": [{"name": "battery and panel", "share": 1.0, "devices": ["battery", "panel"]}],
        "judge.bound_days": 1,
    }
)
found = wf.compare(scenario, ["rules"])
print(found.methods.select("method", "cost_per_home_day", "saving_captured", "violation_pu_h"))
for name in ("voltage", "homes"):
    found.figures[name].save(f"{name}.png")
print("figures: street.png, voltage.png, homes.png")
