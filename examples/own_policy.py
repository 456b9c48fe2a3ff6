"""A controller of your own, judged beside the uncontrolled homes and an installer's rules on the same test days."""

# %% The controller: batteries charge while energy is cheaper than in the next hours, and discharge else.
import jax.numpy as jnp

import wattflock as wf


class Bargain(wf.Policy):
    """All homes look at the price alone."""

    def __call__(self, memory, seen, key):
        cheap = seen.now.import_price_per_kwh < seen.now.price_ahead_per_kwh
        homes = seen.features.shape[0]
        return memory, jnp.full((homes, seen.fleet.controls), jnp.where(cheap, 1.0, -1.0))


# %% The homes: twenty with a battery on the small IEEE 13 feeder; seventy of a hundred have a panel too.
scenario = wf.load(
    changes={
        "homes.count": 20,
        "homes.homes_per_agent": 30,
        "homes.kinds": [{"name": "battery and panel", "share": 1.0, "devices": ["battery", "panel"]}],
        "feeder.part": "ieee13",
        "judge.test_days": 7,
    }
)

# %% The judge.
found = wf.evaluate(scenario, {"rules": "rules", "bargain": Bargain()})
print(found.methods.select("method", "cost_per_home_day", "violation_pu_h", "peak_kw"))
found.figures["tradeoff"].save("tradeoff.png")
print("cost against violation: tradeoff.png")
