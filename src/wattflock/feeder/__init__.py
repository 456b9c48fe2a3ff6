"""Three-phase networks: circuit, power flow with gradients, limits. Parts that a scenario can name stand in
`feeders`.

`source` the interface of a part · `circuit`, `file`, `tables`, `opendss` what a feeder is and where it comes from
· `reduce` a circuit becomes a `Feeder` that can be solved: `operator`, `partition`, `stiff`, `loads`,
`monitored`, `judged`, `floating` ·
`solve` the fixed point and its adjoint · `tap_control`, `volt_var` what acts by itself · `limits` what is a
violation · `snapshot` one solved feeder.
"""
