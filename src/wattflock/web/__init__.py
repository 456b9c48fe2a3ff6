"""The pages of a folder of runs, served to a browser: every picture and table in them is one of `report`."""
