"""Two cores are shared by many tests: torch and BLAS get one thread each, before anything imports them."""

import os

for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"
for name in ("MESOFUSE_PLUGINS", "MESOFUSE_STRICT"):
    os.environ.pop(name, None)
