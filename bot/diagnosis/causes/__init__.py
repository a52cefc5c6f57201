"""The families of causes, one file each. A module here that defines `FAMILY` is found and used."""
