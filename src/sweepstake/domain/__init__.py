"""The domain: records of sweeps and trials, and the rules that rank and promote them."""
