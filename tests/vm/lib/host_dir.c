// SPDX-License-Identifier: GPL-2.0-only
#include "host_dir.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "module.h"
#include "test.h"

#define OPTIONS "trans=virtio,version=9p2000.L,msize=262144"

void host_dir_mount(const char *tag, const char *path, unsigned long flags)
{
	static const char * const modules[] = { "virtio_pci", "9pnet_virtio", "9p" };

	for (size_t i = 0; i < sizeof(modules) / sizeof(modules[0]); i++) {
		int error = 0;

		if (!module_loaded(modules[i]))
			error = module_load_try("base", modules[i], NULL);
		/* Without a file it is built in; if it is not, the mount says so. */
		if (error && error != -ENOENT)
			FAIL("cannot load %s: %s", modules[i], strerror(-error));
	}
	mkdir(path, 0755);
	if (mount(tag, path, "9p", flags, flags & MS_RDONLY ? OPTIONS ",cache=loose" : OPTIONS))
		FAIL("cannot mount the host's directory %s: %m", tag);
}
