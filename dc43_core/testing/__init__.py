"""The kit for plugin authors: conformance classes, a fake engine, a file store that crashes."""
