"""What was found, for people: figures, tables and pages; each module is imported where it is needed.

- `run_data` reads a run folder; `run_charts` and `study_charts` are its figures, `run_page` and `study_page` its pages.
- `tables` and `words` say the same in rows and sentences; `html` and `theme` are how everything looks.
"""
