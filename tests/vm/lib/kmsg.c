// SPDX-License-Identifier: GPL-2.0-only
#include "kmsg.h"

#include <fcntl.h>
#include <regex.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "test.h"

void kmsg_write(const char *format, ...)
{
	char text[900], line[910];
	va_list args;
	int fd, size;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	/* Without a newline the kernel waits for the rest of the line. */
	size = snprintf(line, sizeof(line), "<5>%s\n", text);
	fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, line, size) < 0)
		test_note("cannot write to /dev/kmsg: %m");
	close(fd);
}

void kmsg_expect(const char *pattern)
{
	kmsg_write("vm-test: expect %s", pattern);
}

/* A mark is a line of its own in the log, unique within the boot. */
static void mark_text(char *text, size_t size, int mark)
{
	snprintf(text, size, "vm-test: mark %d.", mark);
}

int kmsg_mark(void)
{
	static int count;
	int mark = getpid() * 1000 + count++;

	kmsg_write("vm-test: mark %d.", mark);
	return mark;
}

static int scan(int mark, const char *pattern, char **last)
{
	char record[8192], start[64], *text;
	bool after = false;
	int fd, count = 0;
	ssize_t size;
	regex_t regex;

	if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB))
		FAIL("not a regular expression: %s", pattern);
	mark_text(start, sizeof(start), mark);
	fd = CHECK_OK(open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC));
	for (;;) {
		size = read(fd, record, sizeof(record) - 1);
		if (size < 0 && errno == EPIPE)
			continue;
		if (size < 0)
			break;
		record[size] = 0;
		text = strchr(record, ';');
		if (!text)
			continue;
		text++;
		text[strcspn(text, "\n")] = 0;
		if (!after) {
			after = !strcmp(text, start);
			continue;
		}
		if (regexec(&regex, text, 0, NULL, 0))
			continue;
		count++;
		if (last) {
			free(*last);
			*last = strdup(text);
		}
	}
	if (errno != EAGAIN)
		FAIL("cannot read /dev/kmsg: %m");
	close(fd);
	regfree(&regex);
	if (!after)
		FAIL("mark %d is not in the kernel log", mark);
	return count;
}

int kmsg_count(int mark, const char *pattern)
{
	return scan(mark, pattern, NULL);
}

char *kmsg_find(int mark, const char *pattern)
{
	char *last = NULL;

	scan(mark, pattern, &last);
	return last;
}
