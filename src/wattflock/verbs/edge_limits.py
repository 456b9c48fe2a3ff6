"""Operating envelopes in a trial: a schedule is published, and the powers at the simulated meters are held to it."""

import dataclasses
import json
import time

import numpy as np

from wattflock.edge.audit import records
from wattflock.edge.broker import Cable
from wattflock.study.exported import LOAD
from wattflock.verbs.edge_script import AWAY_S, CANCEL_S, END_S, NOTHING, Kept, beyond, in_force, loosest, message
from wattflock.verbs.edge_trial import ANSWER_S, START_S, Trial
from wattflock.verbs.edge_world import obeyed, values_of

PACE_S, LEAST_KW, SLACK_S = 2.5, 0.5, 1.0  # a step of the world; least of a home's largest powers; of a change


@dataclasses.dataclass(frozen=True)
class Measured:
    """A home's step at its meter; powers as for `beyond` [kW]."""

    home: str
    seconds: float  # of the schedule
    power_kw: float
    early_kw: float  # before the meter was read again
    limits_kw: tuple[float, float]
    possible_kw: tuple[float, float]

    @property
    def outside_kw(self) -> float:
        """Beyond the limit, where set-points could have kept it."""
        return beyond(self.power_kw, self.limits_kw, self.possible_kw)[0]


class Schedule:
    """A schedule played with the boxes of a trial, from a step of a day on: `ignored`, then `kept`."""

    def __init__(self, trial: Trial, day: int, first: int, second_s: float = 1.0):
        """Args: `second_s`: how long a second of the schedule lasts, less than 1 in tests."""
        self.trial, self.day, self.first, self.second_s = trial, day, first, second_s
        power_kw = trial.play.library(day)[1]
        self.most_kw = np.maximum(np.stack([power_kw.max(0), -power_kw.min(0)], 1), LEAST_KW)  # (homes, 2)
        self.away = ""
        self.measured: list[Measured] = []
        self.times: list[tuple[float, float]] = []  # of each step: by the wall clock, and of the schedule

    def ignored(self) -> list[Kept]:
        """The same steps with boxes that are told of no limits: what the count finds then.

        The home that would need a limit the most, while the broker is away, is the one that loses it in `kept`.
        """
        self._begin(NOTHING)
        for count in range(int(END_S / PACE_S)):
            self._step(count, count * PACE_S)
        over_kw = dict.fromkeys(self.trial.homes, 0.0)
        for each in self.measured:
            over_kw[each.home] += each.outside_kw * (AWAY_S[0] <= each.seconds < AWAY_S[1])
        self.away = max(over_kw, key=lambda name: over_kw[name])
        return self._rows("ignored")

    def kept(self) -> list[Kept]:
        """With the limits published; one home loses the broker while a limit begins and ends."""
        cable = Cable(self.trial.broker.port)
        self._onto(cable)
        self._begin(NOTHING)
        self.begun_s, count = time.time(), 0
        self._publish(cancelled=False)
        due = [(CANCEL_S, lambda: self._publish(cancelled=True)), (AWAY_S[0], cable.cut), (AWAY_S[1], cable.join)]
        while (seconds := (time.time() - self.begun_s) / self.second_s) < END_S:
            while due and seconds >= due[0][0]:
                due.pop(0)[1]()
            self._step(count, None)
            count += 1
            time.sleep(max(0.0, self.begun_s + count * PACE_S * self.second_s - time.time()))
        rows = self._rows("kept")
        self._name_sources(rows)
        return rows

    def _rows(self, name: str) -> list[Kept]:
        """A row for all homes, and one for the home without the broker while it has none."""
        rows = [Kept(f"envelopes {name}"), Kept(f"envelopes {name}, home without the broker")]
        for each in self.measured:
            row = rows[self._apart(each.home, each.seconds)]
            row.add(each.power_kw, each.limits_kw, each.possible_kw)
            row.until_read += beyond(each.early_kw, each.limits_kw, each.possible_kw)[0] > 0
        return rows

    def _begin(self, told: dict) -> None:
        """The world at the first step, as the library comes there, and what homes are told of limits."""
        play, self.measured, self.times = self.trial.play, [], []
        play.begin(self.day)
        for step in range(self.first):
            play.act(self.day, step, play.look(self.day, step)[1])
        for name in self.trial.homes:
            self.trial.meters.send(name, json.dumps(told).encode(), "envelope", retain=True)

    def _publish(self, cancelled: bool) -> None:
        for name, box in self.trial.homes.items():
            import_kw, export_kw = self.most_kw[box.home].tolist()
            told = message(self.begun_s, import_kw, export_kw, self.second_s, cancelled)
            self.trial.meters.send(name, json.dumps(told).encode(), "envelope", retain=True)

    def _onto(self, cable: Cable) -> None:
        """Start the home's controller again on a connection that can be cut."""
        trial = self.trial
        trial.boxes.kill(self.away)
        trial.boxes.ports[self.away] = cable.port
        trial.meters.await_(lambda: self.away not in self.online, ANSWER_S)
        trial.boxes.start(self.away)
        trial.meters.await_(lambda: self.away in self.online, START_S)

    def _step(self, count: int, seconds: float | None) -> None:
        """One step of the world: the load changes, the meters are read again, and the powers are measured.

        `seconds`: of the schedule; None: by the wall clock, where the home has no broker while it is cut.
        """
        play, homes = self.trial.play, self.trial.homes
        at, cut = (self.day, (self.first + count) % play.steps), seconds is None and self.away not in self.online
        features, wanted, idle = play.look(*at)
        load_kw, (still_kw, change_kw) = play.load_kw(*at), play.curves(*at, idle)
        least_kw, most_kw = (still_kw + end(change_kw, 2).sum(1) for end in (np.min, np.max))
        values = {name: values_of(box, features) for name, box in homes.items()}
        self._read(values, cut)
        early_kw = play.would(*at, self._followed(wanted, idle, change_kw, cut))
        self._read({name: values[name] | {LOAD: float(load_kw[box.home])} for name, box in homes.items()}, cut)
        action, wall_s = self._followed(wanted, idle, change_kw, cut), time.time()
        power_kw = play.act(*at, action)
        seconds = (wall_s - self.begun_s) / self.second_s if seconds is None else seconds
        self.times.append((wall_s, seconds))
        for name, home in ((name, box.home) for name, box in homes.items()):
            import_kw, export_kw = (loosest(seconds) * self.most_kw[home]).tolist()
            powers = float(power_kw[home]), float(early_kw[home])
            possible_kw = float(least_kw[home]), float(most_kw[home])
            self.measured.append(Measured(name, seconds, *powers, (import_kw, export_kw), possible_kw))

    @property
    def online(self) -> set[str]:
        """Homes that the broker knows to be there."""
        return self.trial.meters.online

    def _read(self, values: dict[str, dict[str, float]], cut: bool) -> None:
        """Send readings, and wait for the answers of all homes that have a broker."""
        meters, stamp = self.trial.meters, time.time()
        for name, each in values.items():
            meters.send(name, json.dumps({"time_s": stamp, "values": each}).encode())
        awaited = [name for name in values if not (cut and name == self.away)]
        meters.await_(lambda: all((name, stamp) in meters.came for name in awaited), ANSWER_S * self.second_s)

    def _followed(self, wanted: np.ndarray, idle: np.ndarray, change_kw: np.ndarray, cut: bool) -> np.ndarray:
        """What devices do at the newest set-points; a home without a broker reaches them by wire, as its log tells."""
        action = np.array(wanted)
        for name, box in self.trial.homes.items():
            told = self.trial.meters.newest.get(name)
            if cut and name == self.away:
                told = [each for each in self._log(name) if "setpoints" in each][-1]
            stays = idle[box.home, box.controls]
            action[box.home, box.controls] = obeyed(box, told["setpoints"], idle, change_kw) if told else stays
        return action

    def _apart(self, name: str, seconds: float) -> int:
        """The row that a home's step counts in: 1 where it has no broker."""
        return int(name == self.away and AWAY_S[0] <= seconds < AWAY_S[1])

    def _log(self, name: str) -> list[dict]:
        return list(records(self.trial.folders[name] / "state" / "audit.jsonl"))

    def _name_sources(self, rows: list[Kept]) -> None:
        """Count the steps at which a home's log names another source of its limits than the schedule."""
        wrong = [0, 0]
        for name in self.trial.homes:
            log = [each for each in self._log(name) if "limits" in each]
            for wall_s, seconds in self.times:
                around = (seconds - SLACK_S / self.second_s, seconds)
                told = [each for each in log if each["time_s"] <= wall_s][-1]["limits"]
                said = {each.partition(": ")[2] for each in told.split(", ")}
                wrong[self._apart(name, seconds)] += not said <= {in_force(each)[1] for each in around}
        for row, count in zip(rows, wrong, strict=True):
            row.misnamed = count
