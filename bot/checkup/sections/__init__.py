"""The sections of a check, a file for each: `SECTION` says how it is made of what was read. Pure.

Adding one is adding a file here that sets `SECTION`.
"""
