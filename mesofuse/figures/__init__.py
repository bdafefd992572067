"""Pictures: slices, curves, solids, and the style that they share."""
