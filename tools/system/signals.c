// SPDX-License-Identifier: GPL-2.0-only
#include <signal.h>
#include <stddef.h>

#include "system/signals.h"

/* How many have begun what is not to be left half-done, and the mask before the first of them. */
static unsigned int holders;
static sigset_t before;

static void do_nothing(int signal)
{
	(void)signal;
}

/*
 * A caller that ignores SIGCHLD hands that on, and then no child could be waited for. A reader of
 * our output that has gone makes writes fail, and ends nothing; programs that are started do not
 * inherit that.
 */
void signals_begin(void)
{
	const struct sigaction pipe = { .sa_handler = do_nothing, .sa_flags = SA_RESTART };

	signal(SIGCHLD, SIG_DFL);
	sigaction(SIGPIPE, &pipe, NULL);
}

/* Until signals_release(), a signal from a terminal, a lost session or kill waits. */
void signals_hold(void)
{
	static const int numbers[] = { SIGHUP, SIGINT, SIGTERM };
	sigset_t held;
	size_t n;

	if (holders++)
		return;
	sigemptyset(&held);
	for (n = 0; n < sizeof(numbers) / sizeof(numbers[0]); n++)
		sigaddset(&held, numbers[n]);
	sigprocmask(SIG_BLOCK, &held, &before);
}

/* A signal that has come meanwhile acts now. */
void signals_release(void)
{
	if (!--holders)
		sigprocmask(SIG_SETMASK, &before, NULL);
}

/* For a child, which may be left behind: who wants to end it can. */
void signals_as_before(void)
{
	if (holders)
		sigprocmask(SIG_SETMASK, &before, NULL);
}
