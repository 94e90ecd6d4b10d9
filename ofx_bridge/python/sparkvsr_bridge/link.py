"""The backend link as the plugin uses it: for benchmarks, and for tests that misbehave on the other end."""

from sparkvsr_bridge import _core

Link = _core.link.Link
LinkError = _core.link.LinkError
fingerprint = _core.link.fingerprint
process_link = _core.link.process_link
shutdown_all = _core.link.shutdown_all

__all__ = ["Link", "LinkError", "fingerprint", "process_link", "shutdown_all"]
