"""Train, judge, compare, plan: what a scenario is put to.

`build` a scenario becomes objects · `train`, `fine_tune`, `curve` learning · `evaluate`, `compare`, `tables`,
`summary`, `quantities` judging · `bound`, `lp`, `mpc`, `forecast`, `plan_policy` planning · `stress` hard cases ·
`hosting` what a feeder can still take · `run`, `study_file`, `parallel`, `interrupt` runs on disk and side by
side.
"""
