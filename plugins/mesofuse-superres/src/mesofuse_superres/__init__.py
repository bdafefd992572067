"""The SuperRes networks and recipe of Dahari, Kench, Squires and Cooper (2023) for mesofuse."""
