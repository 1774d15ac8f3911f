// SPDX-License-Identifier: GPL-2.0-only
#include <glob.h>
#include <stdlib.h>

#include "hold.h"
#include "vmtest.h"

#define LIMIT_MS	30000
/* How long who must wait is given to show that he does not. */
#define QUIET_MS	400

#define HOLD		"/sys/module/hold/parameters/"

void hold_begin(void)
{
	glob_t irqs;

	module_load("kernel", "hold", NULL);
	/* Also those that are requested later. Some cannot be moved, or need not. */
	file_write("/proc/irq/default_smp_affinity", "1");
	CHECK_EQ(glob("/proc/irq/*/smp_affinity", 0, NULL, &irqs), 0);
	for (size_t n = 0; n < irqs.gl_pathc; n++)
		file_write_try(irqs.gl_pathv[n], "1");
	globfree(&irqs);
	use_processor(2);
}

void hold_end(void)
{
	if (module_loaded("hold"))
		module_unload("hold");
}

void hold_next(const char *function, const char *or_else)
{
	if (file_write_try(HOLD "function", function))
		file_write(HOLD "function", or_else ?: function);
}

static bool is_held(void)
{
	char *state = file_read(HOLD "state");
	bool held = !strcmp(state, "held");

	free(state);
	return held;
}

void hold_wait(void)
{
	if (!WAIT_UNTIL(is_held(), LIMIT_MS))
		FAIL("nobody came by");
}

void hold_let_go(void)
{
	file_write(HOLD "state", "go");
}

static void *side_work(void *data)
{
	struct side *side = data;

	use_processor(side->processor);
	side->has_begun = true;
	side->result = side->work(side->device);
	side->is_done = true;
	return NULL;
}

void side_start(struct side *side)
{
	CHECK_EQ(pthread_create(&side->thread, NULL, side_work, side), 0);
}

void side_end(struct side *side)
{
	CHECK_EQ(pthread_join(side->thread, NULL), 0);
	CHECK_EQ(side->result, 0);
}

void side_check_waits(struct side *side)
{
	side_start(side);
	CHECK(WAIT_UNTIL(side->has_begun, LIMIT_MS));
	if (WAIT_UNTIL(side->is_done, QUIET_MS))
		FAIL("it did not wait, and got %d", side->result);
	CHECK(is_held());
	hold_let_go();
	side_end(side);
}
