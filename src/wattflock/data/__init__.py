"""A file of readings becomes arrays: read, checked, cleaned, completed, sampled. Sources stand in
`wattflock/sources`.

`raw` what files say · `files`, `columns` how they are read · `time_grid`, `calendar` steps and days · `finding`,
`check` what is wrong with them · `clean`, `complete` whole days of homes · `home_days`, `sessions` the arrays ·
`source` the interface of a data source and `Readings` · `sample` days to train and to judge on.
"""
