"""How long what was claimed is held."""

LEASE_S = 30.0
# What is done under a lease ends before the lease does, so that nobody else does it meanwhile.
WORK_S = LEASE_S - 5
