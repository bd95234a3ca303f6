"""Readers: raw files of a task as samples, by the publisher's parts; ``registry`` names them."""
