"""The whole job in steps: open and check the inputs, fit, generate, measure, draw."""
