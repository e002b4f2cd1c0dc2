"""Signed publications: keys, signing and verification by The Update Framework (https://theupdateframework.io)."""
