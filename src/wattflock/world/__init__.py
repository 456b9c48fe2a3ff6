"""Homes, feeder and market together: `world` one step and the verdict, `rollout` the only loop over time.

`sensors` what homes measure of the network · `sharding` homes and days on several devices.
"""
