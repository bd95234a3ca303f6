"""From publishers' files to arrays.

A task's files, a pretrained encoder and a proxy dataset are all brought in the same way: an origin (``origins``) puts
files into a folder, and a manifest in that folder says what they are. Readers (``readers``, ``proxies``) open them by
the file formats (``formats``). Configuration names origins and readers as in ``registries``.
"""
