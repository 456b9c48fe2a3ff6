"""The timer with a droop: every home's power also falls with the voltage at its own meter."""

from typing import Annotated

import jax.numpy as jnp
from pydantic import Field

from wattflock.core.errors import Problem, ScenarioError
from wattflock.learn.clock import Clock, Schedule, Timed, installed
from wattflock.learn.lagrangian import Average, Days, Halvings, Margin, MultiplierInit, Rate, Rounds


class TimerDroop(Timed):
    """A schedule, and a change of power in proportion to the voltage beyond a dead band, both fitted.

    Source: proportional (droop) control of active power, e.g. Tonkoski, Lopes & El-Fouly 2011, eq. 3; the schedule is
    that of `timer`.
    """

    days: Days = 4
    rate: Rate = 2e-2
    halvings: Halvings = 3.0
    multiplier_init: MultiplierInit = 544.0
    average: Average = 0.1
    margin_pu: Margin = 0.005
    total_rounds: Rounds = 200
    droop: Annotated[
        float, Field(ge=0, description="first change of power per 5 % of voltage [share of half a device's range]")
    ] = 0.5
    dead_pu: Annotated[float, Field(ge=0, lt=0.1, description="voltage this far from nominal changes nothing [pu]")] = (
        0.02
    )

    def schedule(self, world):
        if world.voltmeter is None:
            told = "true: timer_droop answers the voltage at each home's own meter"
            raise ScenarioError([Problem("scenario", "homes.voltmeter", "false", told)])
        droop = jnp.full((len(world.kinds), world.fleet.controls), self.droop, float)
        return Schedule(installed(world), droop)

    def acting(self, nets, kind):
        return Clock(Schedule(nets.targets[kind], nets.droop[kind]), self.dead_pu)
