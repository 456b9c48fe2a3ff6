"""The models of household load that `wattflock data fit --model` can name: one file, one model; the file's name is its name."""
