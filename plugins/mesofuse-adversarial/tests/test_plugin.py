import importlib
import subprocess
import sys

from mesofuse_adversarial import plugin


def test_every_component_exists_with_its_options() -> None:
    for spec in plugin.mesofuse_components():
        for target in (spec.target, spec.options):
            module, name = target.split(":")
            assert hasattr(importlib.import_module(module), name), target


def test_listing_imports_no_torch() -> None:
    code = "import sys, mesofuse_adversarial.plugin as p, mesofuse_adversarial.options; p.mesofuse_components()"
    subprocess.run([sys.executable, "-c", code + "; assert 'torch' not in sys.modules"], check=True)
