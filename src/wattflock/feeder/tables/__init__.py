"""A feeder as CSV tables.

What they hold (`network`), how they are read (`read`), how they become a circuit (`admittance`).
"""
