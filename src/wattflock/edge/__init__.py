"""The box in a hall that runs a home's policy: numpy, one folder and an MQTT broker; no JAX.

`card` reads the folder, `policy` decides, `shell` keeps limits, `envelope` plays limits of the network, `controller`
turns messages into messages, `mqtt` carries them, `audit` writes down what was set and why.
"""
