"""What bodies are made of, by Content-Type and Content-Encoding: bytes to values, and back.

Nothing here knows of run(), or of a protocol.
"""
