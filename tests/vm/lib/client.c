// SPDX-License-Identifier: GPL-2.0-only
#include "client.h"

#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <regex.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "file.h"
#include "host_dir.h"
#include "test.h"

#define ROOT "/debian"
/* Milliseconds for a client that just runs to its end. */
#define RUN_MS 120000

struct client {
	char *command;
	pid_t pid;
	int in, out;
	char *text;
	size_t size;
	size_t seen;	/* where the next client_expect() begins */
};

static void mount_root(void)
{
	static const char * const shared[] = { "/proc", "/sys", "/dev", "/tmp", "/run" };
	char path[32];

	if (file_exists(ROOT "/bin/sh"))
		return;
	host_dir_mount("root", ROOT, MS_RDONLY);
	for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++) {
		snprintf(path, sizeof(path), ROOT "%s", shared[i]);
		CHECK_OK(mount(shared[i], path, NULL, MS_BIND, NULL));
	}
}

static void exec_client(const char *command, int in, int out)
{
	static char *const environment[] = {
		"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/tmp", "LC_ALL=C.UTF-8", NULL,
	};

	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	if (chroot(ROOT) || chdir("/tmp"))
		_exit(126);
	execle("/bin/sh", "sh", "-c", command, NULL, environment);
	_exit(127);
}

static struct client *start(char *command)
{
	struct client *client = calloc(1, sizeof(*client));
	int in[2], out[2];

	mount_root();
	CHECK_OK(pipe2(in, O_CLOEXEC));
	CHECK_OK(pipe2(out, O_CLOEXEC));
	test_note("$ %s", command);
	client->command = command;
	client->pid = CHECK_OK(fork());
	if (!client->pid)
		exec_client(command, in[0], out[1]);
	close(in[0]);
	close(out[1]);
	client->in = in[1];
	client->out = out[0];
	client->text = calloc(1, 1);
	return client;
}

struct client *client_start(const char *format, ...)
{
	char *command;
	va_list args;

	va_start(args, format);
	if (vasprintf(&command, format, args) < 0)
		abort();
	va_end(args);
	return start(command);
}

void client_say(struct client *client, const char *text)
{
	test_note("> %s", text);
	if (write(client->in, text, strlen(text)) != (ssize_t)strlen(text))
		FAIL("%s takes no input: %m", client->command);
}

/* More output, waiting for it until END; false when none came, or the client closed it. */
static bool read_more(struct client *client, long long end)
{
	struct pollfd wait = { .fd = client->out, .events = POLLIN };
	long long left = end - now_ms();
	char part[4096];
	ssize_t got;

	if (left <= 0 || poll(&wait, 1, (int)left) <= 0)
		return false;
	got = read(client->out, part, sizeof(part));
	if (got <= 0)
		return false;
	client->text = realloc(client->text, client->size + got + 1);
	memcpy(client->text + client->size, part, got);
	client->size += got;
	client->text[client->size] = 0;
	return true;
}

/* What the threads of a client that says nothing wait for in the kernel: "name function". */
static void note_threads(const struct client *client)
{
	char pattern[64];
	glob_t tasks;

	snprintf(pattern, sizeof(pattern), "/proc/%d/task/*", client->pid);
	if (glob(pattern, 0, NULL, &tasks))
		return;
	for (size_t n = 0; n < tasks.gl_pathc; n++) {
		char path[128], *name, *function;

		snprintf(path, sizeof(path), "%s/comm", tasks.gl_pathv[n]);
		name = file_read_try(path);
		snprintf(path, sizeof(path), "%s/wchan", tasks.gl_pathv[n]);
		function = file_read_try(path);
		test_note("%s %s", name ?: "?", function ?: "?");
		free(name);
		free(function);
	}
	globfree(&tasks);
}

char *client_expect(struct client *client, const char *pattern, int ms)
{
	long long end = now_ms() + ms;
	regmatch_t match;
	regex_t regex;
	char *found;

	if (regcomp(&regex, pattern, REG_EXTENDED | REG_NEWLINE))
		FAIL("\"%s\" is no regular expression", pattern);
	while (regexec(&regex, client->text + client->seen, 1, &match, 0))
		if (!read_more(client, end)) {
			note_threads(client);
			FAIL("no \"%s\" from %s within %d ms, but:\n%s", pattern, client->command,
			     ms, client->text + client->seen);
		}
	regfree(&regex);
	found = strndup(client->text + client->seen + match.rm_so, match.rm_eo - match.rm_so);
	client->seen += match.rm_eo;
	return found;
}

int client_wait(struct client *client, int ms)
{
	long long end = now_ms() + ms;
	int status;

	if (client->in >= 0)
		close(client->in);
	client->in = -1;
	while (read_more(client, end))
		;
	if (!WAIT_UNTIL(waitpid(client->pid, &status, WNOHANG) == client->pid, end - now_ms() + 1000))
		FAIL("%s does not end, but says:\n%s", client->command, client->text);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void client_signal(struct client *client, int number)
{
	CHECK_OK(kill(client->pid, number));
}

const char *client_output(struct client *client)
{
	return client->text;
}

char *client_run(const char *format, ...)
{
	struct client *client;
	char *command;
	va_list args;
	int status;

	va_start(args, format);
	if (vasprintf(&command, format, args) < 0)
		abort();
	va_end(args);
	client = start(command);
	status = client_wait(client, RUN_MS);
	if (status)
		FAIL("%s ends with status %d:\n%s", command, status, client->text);
	test_note("%s", client->text);
	return client->text;
}
