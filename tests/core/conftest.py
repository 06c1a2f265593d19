"""Settings of hypothesis for the core's tests."""

from hypothesis import settings

# Other tests share the machine: how long one example takes says nothing about the code.
settings.register_profile("core", deadline=None)
settings.load_profile("core")
