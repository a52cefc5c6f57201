"""Charts -> PNG pictures, drawn by matplotlib in a program of its own.

The bot's process never imports matplotlib: `Painter` runs `python -m bot.pictures`, hands it a chart as JSON and reads
the picture back, within bounds of time and memory. Knows the domain and `bot.redaction`; no adapter, no chat.
"""

from bot.pictures.painter import Painter, PictureFailed

__all__ = ["Painter", "PictureFailed"]
