"""The models of household load that `wattflock data fit --model` can name.

One file, one model; the file's name is its name.
"""
