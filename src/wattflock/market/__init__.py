"""Who pays whom. The interface is `market.Market`; the parts stand in `markets`."""
