// SPDX-License-Identifier: GPL-2.0-only
/*
 * A write to sysfs that binds or unbinds returns when the driver returns, and no signal ends it. So
 * a child process makes the write, and is left behind when the time is over.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "system/bounded.h"
#include "system/signals.h"

/* In seconds; 0: not set. */
static unsigned int limit;

/* All waits together, and when they end, in milliseconds; 0: not set. */
static unsigned int whole;
static int64_t deadline;

/* How long was waited since bounded_set_whole(), in milliseconds. */
static int64_t waited;

/* For each wait of what had begun before that. */
#define GRACE_MS 10000

static bool has_begun;

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * INT64_C(1000) + time.tv_nsec / 1000000;
}

void bounded_set(unsigned int seconds)
{
	limit = seconds;
}

/* Returns what bounded_set() has set, or @otherwise. */
unsigned int bounded_seconds(unsigned int otherwise)
{
	return limit ? limit : otherwise;
}

/* From now on, all waits of this process together have @seconds. */
void bounded_set_whole(unsigned int seconds)
{
	whole = seconds;
	deadline = now() + seconds * INT64_C(1000);
	waited = 0;
}

/* Until now, only the waits count: on a slow host other work has taken time, too. */
void bounded_count_waits_only(void)
{
	deadline = now() + whole * INT64_C(1000) - waited;
}

/* Whether all waits of this process together are bounded: at boot, and in udev's calls. */
bool bounded_as_a_whole(void)
{
	return deadline;
}

static int64_t milliseconds_of_call(void)
{
	return deadline ? deadline - now() : INT64_MAX;
}

static int milliseconds_left(void)
{
	int64_t left = milliseconds_of_call(), one = bounded_seconds(BOUNDED_SECONDS) * INT64_C(1000);

	if (has_begun && left < GRACE_MS)
		left = GRACE_MS;
	if (left > one)
		left = one;
	return left < 0 ? 0 : left;
}

/*
 * What has begun comes to its end: its waits may end a little later than the others, and a signal
 * waits for it.
 */
void bounded_begin(void)
{
	if (!has_begun)
		signals_hold();
	has_begun = true;
}

void bounded_end(void)
{
	if (has_begun)
		signals_release();
	has_begun = false;
}

/* Whether no time is left for a wait. */
bool bounded_is_over(void)
{
	return !milliseconds_left();
}

/* Whether half the time of all waits together is over. */
bool bounded_is_half_over(void)
{
	return deadline && milliseconds_of_call() < whole * INT64_C(500);
}

/* The length of a wait, for messages: "within ...". */
const char *bounded_text(void)
{
	static char text[64];

	if (milliseconds_of_call() > 0)
		snprintf(text, sizeof(text), "%u seconds", bounded_seconds(BOUNDED_SECONDS));
	else
		snprintf(text, sizeof(text), "the %u seconds of this call", whole);
	return text;
}

/* Closes what the child must not hold: our output, whose reader would wait, and locks but @kept. */
static void let_go(int kept)
{
	int null = open("/dev/null", O_RDWR), fd;

	for (fd = 0; fd < 3; fd++)
		dup2(null, fd);
	if (kept < 3) {
		syscall(SYS_close_range, 3, ~0U, 0);
		return;
	}
	if (kept > 3)
		syscall(SYS_close_range, 3, kept - 1, 0);
	syscall(SYS_close_range, kept + 1, ~0U, 0);
}

/* Drivers also return numbers that are for the kernel alone and do not fit into a byte. */
static int exit_status(int ret)
{
	return ret < -255 ? EOPNOTSUPP : -ret;
}

static int wait_for(pid_t child)
{
	struct pollfd event = { .fd = syscall(SYS_pidfd_open, child, 0), .events = POLLIN };
	int64_t begun = now();
	int ready, status;

	if (event.fd < 0)
		return -errno;
	do
		ready = poll(&event, 1, milliseconds_left());
	while (ready < 0 && errno == EINTR);
	/* Rounded up: who has waited for all the time that there was has none left. */
	waited += now() - begun + 1;
	close(event.fd);
	if (!ready)
		return -ETIMEDOUT;
	if (waitpid(child, &status, 0) < 0 || !WIFEXITED(status))
		return -EINTR;
	return -WEXITSTATUS(status);
}

/*
 * Returns the result of @action, 0 or a negative errno, or -ETIMEDOUT: then @action goes on. @kept,
 * a lock or 0, is held until @action ends. If no time is left, nothing begins.
 */
int bounded(int (*action)(const void *arg), const void *arg, int kept)
{
	pid_t child;

	if (bounded_is_over())
		return -ETIMEDOUT;
	child = fork();
	if (child < 0)
		return -errno;
	if (!child) {
		setsid();
		signals_as_before();
		let_go(kept);
		_exit(exit_status(action(arg)));
	}
	return wait_for(child);
}

/* An action with an answer, in memory that this process and the child share. */
struct question {
	int (*action)(const void *arg, char *answer);
	const void *arg;
	char *answer;
};

static int ask(const void *arg)
{
	const struct question *question = arg;

	return question->action(question->arg, question->answer);
}

/*
 * Likewise for an @action that writes a text of up to ANSWER_SIZE bytes. @answer gets it, or is
 * empty after a timeout.
 */
int bounded_answer(int (*action)(const void *arg, char *answer), const void *arg, int kept,
		   char answer[ANSWER_SIZE])
{
	struct question question = { .action = action, .arg = arg };
	int ret;

	answer[0] = '\0';
	question.answer = mmap(NULL, ANSWER_SIZE, PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (question.answer == MAP_FAILED)
		return -errno;
	ret = bounded(ask, &question, kept);
	if (ret != -ETIMEDOUT)
		snprintf(answer, ANSWER_SIZE, "%.*s", ANSWER_SIZE - 1, question.answer);
	munmap(question.answer, ANSWER_SIZE);
	return ret;
}
