// SPDX-License-Identifier: GPL-2.0-only
#include "vga.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "test.h"

char *vga_arbiter(const char *bdf)
{
	char line[1024], target[64];
	ssize_t size;
	int fd;

	fd = CHECK_OK(open("/dev/vga_arbiter", O_RDWR | O_CLOEXEC));
	snprintf(target, sizeof(target), "target PCI:%s", bdf);
	if (write(fd, target, strlen(target)) < 0) {
		close(fd);
		return NULL;
	}
	/* The file has no end: one read is one answer. */
	size = CHECK_OK(read(fd, line, sizeof(line) - 1));
	close(fd);
	line[size] = 0;
	line[strcspn(line, "\n")] = 0;
	return strdup(line);
}

char *vga_decodes(const char *bdf)
{
	char *line = vga_arbiter(bdf), *found;

	if (!line)
		FAIL("the VGA arbiter does not know %s", bdf);
	found = strstr(line, "decodes=");
	if (!found)
		FAIL("the VGA arbiter says \"%s\"", line);
	found = strdup(found + strlen("decodes="));
	found[strcspn(found, ",")] = 0;
	free(line);
	return found;
}
