"""Homes and their devices. The interface of a device is `device.Device`; the parts stand in `devices`.

`home` the devices behind one meter · `program` what a device adds to the linear program of the bound.
"""
