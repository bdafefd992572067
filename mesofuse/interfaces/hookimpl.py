"""The marker that a plugin puts on its hook implementations."""

import pluggy

hookimpl = pluggy.HookimplMarker("mesofuse")
