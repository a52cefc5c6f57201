"""The only room that changes clusters: plans are checked, stored, approved, carried out once, followed and judged.

It knows the domain, the ports, the diagnosis and the policy; it imports no adapter, no vendor, no verb and no Slack.
Everything it decides is decided in one transaction, under the operation's row lock, with the database's clock; reads of
the cluster and of people happen before it.
"""
