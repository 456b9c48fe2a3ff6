"""What a person can ask for: the public API. Each function is a command of the terminal.

`VERBS` are `wattflock <verb>`; the verbs of a module in `GROUPS` are `wattflock <group> <verb>`.
"""

from wattflock.verbs import (
    assistant,
    data,
    edge,
    feeder,
    generate,
    serving,
    settling,
    sharing,
    study,
    tariffs,
    whatif,
    works,
)

ALONE = (assistant.chat, edge.export, *serving.VERBS, *tariffs.VERBS)
VERBS = (*study.VERBS, *works.VERBS, *generate.VERBS, *settling.VERBS, *sharing.VERBS, *whatif.VERBS, *ALONE)
GROUPS = {"assistant": assistant, "data": data, "edge": edge, "feeder": feeder}
