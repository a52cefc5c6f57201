"""The PostgreSQL adapter: the one place that keeps state.

It knows tables, leases, slots, the audit chain, which rights the running bot needs, and how to run a PostgreSQL of its
own when none is given. Every statement is in `queries.sql`, every change of the tables in `migrations/`. It decides
nothing about people or clusters. May import `bot.ports`, `bot.domain`, `bot.errors`, `bot.redaction` and psycopg;
nothing else of this program, and nobody else imports psycopg.
"""
