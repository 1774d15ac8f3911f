// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "system/kernel_log.h"
#include "system/sysfs.h"

/* The longest record of /dev/kmsg: a shorter read fails. */
#define RECORD_SIZE 8192

/* What is still there of the log. Empty for who may not read it. */
static char *read_log(void)
{
	char path[PATH_SIZE], *text = NULL;
	size_t size = 0;
	ssize_t length;
	FILE *stream;
	int fd;

	stream = open_memstream(&text, &size);
	if (!stream)
		abort();
	system_path(path, "/dev/kmsg");
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	while (fd >= 0) {
		char record[RECORD_SIZE];

		length = read(fd, record, sizeof(record));
		if (length > 0)
			fwrite(record, 1, length, stream);
		/* The oldest records were overwritten: the next read begins behind them. */
		else if (!length || (errno != EPIPE && errno != EINTR))
			break;
	}
	if (fd >= 0)
		close(fd);
	fclose(stream);
	return text;
}

static bool has_one_of(const char *message, const char *const *texts, unsigned int count)
{
	unsigned int n;

	for (n = 0; n < count; n++)
		if (strstr(message, texts[n]))
			return true;
	return false;
}

/*
 * The last message about the PCI function @address that has one of @count @texts, without the
 * driver and the address before it; or NULL. The log is read once.
 */
const char *kernel_log_last(const char *address, const char *const *texts, unsigned int count)
{
	static char *log, found[256];
	char about[NAME_SIZE], *next, *line;
	bool is_found = false;

	if (!log)
		log = read_log();
	snprintf(about, sizeof(about), " %s: ", address);
	/* "PRIORITY,NUMBER,TIME,FLAGS;MESSAGE", and lines that begin with a blank. */
	for (line = log; line; line = next) {
		size_t length = strcspn(line, "\n");
		char record[1024], *message;

		next = line[length] ? line + length + 1 : NULL;
		snprintf(record, sizeof(record), "%.*s", (int)length, line);
		message = *record == ' ' ? NULL : strstr(record, about);
		if (!message || !has_one_of(message, texts, count))
			continue;
		snprintf(found, sizeof(found), "%s", message + strlen(about));
		is_found = true;
	}
	return is_found ? found : NULL;
}
