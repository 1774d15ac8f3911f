// SPDX-License-Identifier: GPL-2.0-only
#include "file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "test.h"

char *file_read_try(const char *path)
{
	size_t size = 0, room = 4096;
	char *text = malloc(room + 1);
	ssize_t got;
	int fd, error;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		free(text);
		return NULL;
	}
	while ((got = read(fd, text + size, room - size)) > 0) {
		size += got;
		if (size == room) {
			room *= 2;
			text = realloc(text, room + 1);
		}
	}
	error = errno;
	close(fd);
	if (got < 0) {
		free(text);
		errno = error;
		return NULL;
	}
	if (size && text[size - 1] == '\n')
		size--;
	text[size] = 0;
	return text;
}

char *file_read(const char *path)
{
	char *text = file_read_try(path);

	if (!text)
		FAIL("cannot read %s: %m", path);
	return text;
}

long long file_read_number(const char *path)
{
	char *text = file_read(path), *end;
	long long number = strtoll(text, &end, 0);

	if (end == text)
		FAIL("%s holds \"%s\", not a number", path, text);
	free(text);
	return number;
}

int file_write_try(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int error = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		error = -errno;
	close(fd);
	return error;
}

void file_write(const char *path, const char *text)
{
	int error = file_write_try(path, text);

	if (error)
		FAIL("cannot write \"%s\" to %s: %s", text, path, strerror(-error));
}

bool file_exists(const char *path)
{
	return !access(path, F_OK);
}

unsigned int file_mode(const char *path)
{
	struct stat status;

	if (stat(path, &status))
		FAIL("no %s: %m", path);
	return status.st_mode & 07777;
}

long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

void pause_ms(int ms)
{
	struct timespec pause = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };

	nanosleep(&pause, NULL);
}
