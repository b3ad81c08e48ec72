"""Reports: what is drawn and written about sweeps and champions."""
