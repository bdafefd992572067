"""The Python front door: arrays or files in, arrays out; `import mesofuse as mf` has all of it."""
