"""The labels by which we know what is ours, in the engine and in a cluster."""

PREFIX = "io.deploy-harness."
#: On everything that we make; what does not carry it is never removed.
MANAGED = PREFIX + "managed"
#: The cluster that something belongs to, and what it is there for.
CLUSTER = PREFIX + "cluster"
ROLE = PREFIX + "role"
