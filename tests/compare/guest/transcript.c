// SPDX-License-Identifier: GPL-2.0-only
/* The transcript as memory that the host can read: a serial port takes each byte by itself. */
#include <string.h>

#include "compare.h"
#include "vmtest.h"

#define MEMORY_BAR	2
#define MEMORY_SIZE	(256 << 20)	/* as the machine has it */

static char *memory;
static size_t used;

static ssize_t append(__attribute__((unused)) void *cookie, const char *data, size_t size)
{
	/* A zero stays behind the text. */
	CHECK(size < MEMORY_SIZE - used);
	memcpy(memory + used, data, size);
	used += size;
	return size;
}

FILE *transcript_open(const char *window)
{
	const cookie_io_functions_t functions = { .write = append };
	FILE *file = fopencookie(NULL, "w", functions);

	memory = (char *)pci_map_bar(vm_bdf(window), MEMORY_BAR, 0, MEMORY_SIZE);
	/* Behind those of the tests before. */
	used = strnlen(memory, MEMORY_SIZE);
	CHECK(file);
	/* Whatever becomes of this guest, its calls can be read up to the last. */
	setvbuf(file, NULL, _IOLBF, 1 << 16);
	return file;
}
