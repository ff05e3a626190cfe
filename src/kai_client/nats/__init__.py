"""Kai beyond one machine: a service, a client and workers over NATS. Needs the extra `nats` (FastStream and protobuf)."""
