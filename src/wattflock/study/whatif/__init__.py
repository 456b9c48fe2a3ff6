"""What a feeder takes: sweeps over the shares of homes with heat pumps, cars, panels and batteries."""
