"""Chats that are stored: finding, reading and writing them."""
