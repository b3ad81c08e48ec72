"""The page Sweeps, without the server that shows it: what it tells, draws and does."""
