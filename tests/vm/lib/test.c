// SPDX-License-Identifier: GPL-2.0-only
/* The runner: one child per test, TAP on stdout, marks in the kernel log. */
#include "test.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "file.h"
#include "kmsg.h"
#include "module.h"
#include "pci.h"
#include "witness.h"

#define EXIT_FAILED 1
#define EXIT_SKIPPED 77
/* Seconds of guest time for one test, or for the clean-up after it, unless the harness says. */
#define TEST_SECONDS 120

static struct test *first_test;
static struct test **last_test = &first_test;

void test_register(struct test *test)
{
	*last_test = test;
	last_test = &test->next;
}

static const void *running_data;

const void *test_data(void)
{
	return running_data;
}

static void (*program_clean_up)(void);

void test_register_clean_up(void (*run)(void))
{
	program_clean_up = run;
}

bool driver_is_ours(void)
{
	const char *driver = getenv("VFIO_DRIVER");

	return !driver || strcmp(driver, "kernel");
}

/* On the host the harness says which kernel the guest will have. */
static const char *kernel_release(void)
{
	static struct utsname name;
	const char *release = getenv("VFIO_KERNEL");

	if (release)
		return release;
	uname(&name);
	return name.release;
}

bool kernel_is(const char *series)
{
	const char *release = kernel_release();
	size_t length = strlen(series);

	return !strncmp(release, series, length) && release[length] == '.';
}

bool kernel_is_debians(void)
{
	return !strstr(kernel_release(), "-latch-");
}

bool kernel_has_kasan(void)
{
	return strstr(kernel_release(), "-latch-debug");
}

static void print_lines(const char *format, va_list args)
{
	char *text = NULL, *line, *rest;

	if (vasprintf(&text, format, args) < 0)
		abort();
	rest = text;
	while ((line = strsep(&rest, "\n")))
		printf("# %s\n", line);
	fflush(stdout);
	free(text);
}

void test_note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_lines(format, args);
	va_end(args);
}

void test_fail(const char *file, int line, const char *format, ...)
{
	const char *base = strrchr(file, '/');
	va_list args;

	printf("# %s:%d:\n", base ? base + 1 : file, line);
	va_start(args, format);
	print_lines(format, args);
	va_end(args);
	_exit(EXIT_FAILED);
}

void test_skip(const char *format, ...)
{
	va_list args;

	/* The runner takes the first line without a mark as the reason. */
	va_start(args, format);
	printf("skip: ");
	vprintf(format, args);
	putchar('\n');
	fflush(stdout);
	va_end(args);
	_exit(EXIT_SKIPPED);
}

static bool chosen(const char *group, const struct test *test, int count, char **patterns)
{
	enum test_scope other = driver_is_ours() ? TEST_ONLY_KERNEL : TEST_ONLY_OURS;
	bool is_wanted = true;
	char name[256];

	if (test->scope == other || (test->applies && !test->applies()))
		return false;
	snprintf(name, sizeof(name), "%s.%s", group, test->name);
	/* Patterns that leave tests out come first. */
	for (; count && patterns[0][0] == '!'; count--, patterns++)
		if (!fnmatch(patterns[0] + 1, name, 0))
			return false;
	for (int i = 0; i < count; i++) {
		is_wanted = !fnmatch(patterns[i], group, 0) || !fnmatch(patterns[i], name, 0);
		if (is_wanted)
			break;
	}
	return is_wanted;
}

/* Adds to the report what a stuck process waits for. */
static void dump_stack(pid_t pid)
{
	char path[64], *stack;

	snprintf(path, sizeof(path), "/proc/%d/stack", pid);
	stack = file_read_try(path);
	if (stack)
		test_note("it waits in:\n%s", stack);
	free(stack);
	file_write_try("/proc/sysrq-trigger", "w");
}

static void kill_group(pid_t group)
{
	kill(-group, SIGKILL);
	while (waitpid(-group, NULL, 0) > 0 || errno == EINTR)
		;
}

/* Run a function in a child; returns its wait status, or -1 when it had to be left behind. */
static int run_in_child(void (*run)(void), int seconds)
{
	struct pollfd wait = { .events = POLLIN };
	int status = -1;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		abort();
	if (!pid) {
		setpgid(0, 0);
		run();
		fflush(stdout);
		_exit(0);
	}
	setpgid(pid, pid);
	wait.fd = syscall(SYS_pidfd_open, pid, 0);
	if (poll(&wait, 1, seconds * 1000) <= 0) {
		test_note("not finished after %d s", seconds);
		dump_stack(pid);
		kill(-pid, SIGKILL);
		if (poll(&wait, 1, 30000) <= 0) {
			test_note("and cannot be killed");
			close(wait.fd);
			return -1;
		}
	}
	close(wait.fd);
	waitpid(pid, &status, 0);
	kill_group(pid);
	return status;
}

static int test_seconds(void)
{
	const char *seconds = getenv("TEST_SECONDS");

	return seconds ? atoi(seconds) : TEST_SECONDS;
}

static void clean_up(void)
{
	if (program_clean_up)
		program_clean_up();
	pci_release_all();
	driver_unload_all();
}

/* Returns false when the guest is no longer fit for another test. */
static bool run_test(const struct test *test, int number, bool has_witness)
{
	int status, cleanup, offences = 0;
	const char *outcome = "ok", *skip = "";

	printf("# begin %s\n", test->name);
	kmsg_write("vm-test: begin %s", test->name);
	if (has_witness)
		offences = run_in_child(witness_forget, test_seconds());
	running_data = test->data;
	status = run_in_child(test->run, test_seconds());
	if (status >= 0 && WIFSIGNALED(status))
		test_note("ended by signal %s", sigabbrev_np(WTERMSIG(status)));
	cleanup = status < 0 ? -1 : run_in_child(clean_up, test_seconds());
	if (cleanup)
		test_note("the clean-up after the test failed");
	if (has_witness && !cleanup && !offences)
		offences = run_in_child(witness_check, test_seconds());
	if (!cleanup && !offences && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIPPED)
		skip = " # SKIP see above";
	else if (status || cleanup || offences)
		outcome = "not ok";
	kmsg_write("vm-test: end %s", test->name);
	printf("%s %d - %s%s\n", outcome, number, test->name, skip);
	fflush(stdout);
	/* The guest is switched off right after the last one: it must have left the serial port. */
	tcdrain(STDOUT_FILENO);
	return !cleanup;
}

int main(int argc, char **argv)
{
	const char *group = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
	bool list = argc > 1 && !strcmp(argv[1], "--list");
	int first = list ? 2 : 1, plan = 0, number = 0;
	bool has_witness;

	for (struct test *test = first_test; test; test = test->next) {
		if (!chosen(group, test, argc - first, argv + first))
			continue;
		plan++;
		if (list)
			puts(test->name);
	}
	if (list)
		return 0;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	has_witness = witness_exists();
	if (has_witness)
		witness_tell_clock();
	pci_report_errors();
	printf("1..%d\n", plan);
	for (struct test *test = first_test; test; test = test->next) {
		if (!chosen(group, test, argc - first, argv + first))
			continue;
		if (!run_test(test, ++number, has_witness)) {
			printf("Bail out! the guest is not fit for another test\n");
			return 1;
		}
	}
	return 0;
}
