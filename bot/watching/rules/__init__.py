"""The conditions that are worth an alert, one file each. A module here that defines `RULE` is found. Pure.

A key is the rule's name and the object's. What could not be looked at is `unknown`, never "all is well"; a figure
between its threshold and a tenth below it is unknown, too: then what fires stays, and nothing new begins.
"""
