"""The data sources that a scenario can name as `data.part`: one file, one source; the file's name is its name.

`california`, `london`, `ausgrid`, `table`, `synthetic` have homes; `agile` (prices) and `norway_ev` (charging
sessions) are read by commands and borrowed from by other sources. The interface is
`wattflock.data.source.DataSource`.
"""
