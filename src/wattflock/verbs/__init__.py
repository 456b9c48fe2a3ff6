"""What a person can ask for: the public API. Each function is a command of the terminal.

`VERBS` are `wattflock <verb>`; the verbs of a module in `GROUPS` are `wattflock <group> <verb>`.
"""

from wattflock.verbs import data, feeder, generate, settling, sharing, study, works

VERBS = (*study.VERBS, *works.VERBS, *generate.VERBS, *settling.VERBS, *sharing.VERBS)
GROUPS = {"data": data, "feeder": feeder}
