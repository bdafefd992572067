"""Made-up material and simulated scans: jobs whose truth is known."""
