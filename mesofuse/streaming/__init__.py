"""Any model over a volume of any size: tiles, noise, plan, run."""
