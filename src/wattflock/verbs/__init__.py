"""What a person can ask for: the public API. Each function is a command of the terminal.

`VERBS` are `wattflock <verb>`; the verbs of a module in `GROUPS` are `wattflock <group> <verb>`.
"""

<<<<<<< HEAD
from wattflock.verbs import data, feeder, generate, sharing, study, works

VERBS = (*study.VERBS, *works.VERBS, *generate.VERBS, *sharing.VERBS)
=======
from wattflock.verbs import data, feeder, generate, settling, study, works

VERBS = (*study.VERBS, *works.VERBS, *generate.VERBS, *settling.VERBS)
>>>>>>> w-markets
GROUPS = {"data": data, "feeder": feeder}
