"""What is tried on the program, one module for each kind; each has `attempts() -> list[Attempt]`."""
