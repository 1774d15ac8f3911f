# SPDX-License-Identifier: GPL-2.0-only
"""Write an initramfs: a cpio archive in the kernel's newc format, without being root."""

import stat


class Archive:
    """Collects files and directories; bytes() gives the archive."""

    def __init__(self):
        self._parts = []
        self._inode = 0
        self._directories = set()

    def _entry(self, name, mode, data=b"", device=(0, 0)):
        self._inode += 1
        name = name.encode() + b"\0"
        fields = (self._inode, mode, 0, 0, 1, 0, len(data), 0, 0) + device + (len(name), 0)
        header = b"070701" + b"".join(b"%08X" % field for field in fields) + name
        self._parts.append(header + b"\0" * (-len(header) % 4))
        self._parts.append(data + b"\0" * (-len(data) % 4))

    def directory(self, path):
        """PATH and its parents."""
        parts = path.strip("/").split("/")
        for count in range(1, len(parts) + 1):
            name = "/".join(parts[:count])
            if name and name not in self._directories:
                self._directories.add(name)
                self._entry(name, stat.S_IFDIR | 0o755)

    def file(self, path, data, mode=0o644):
        """A regular file with the bytes (or text) DATA."""
        if isinstance(data, str):
            data = data.encode()
        path = path.strip("/")
        if "/" in path:
            self.directory(path.rsplit("/", 1)[0])
        self._entry(path, stat.S_IFREG | mode, data)

    def symlink(self, path, target):
        """A symbolic link to TARGET."""
        path = path.strip("/")
        if "/" in path:
            self.directory(path.rsplit("/", 1)[0])
        self._entry(path, stat.S_IFLNK | 0o777, target.encode())

    def character_device(self, path, major, minor):
        """A character device node."""
        path = path.strip("/")
        self.directory(path.rsplit("/", 1)[0])
        self._entry(path, stat.S_IFCHR | 0o600, b"", (major, minor))

    def bytes(self):
        """The whole archive."""
        self._entry("TRAILER!!!", 0)
        return b"".join(self._parts)
