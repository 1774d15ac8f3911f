// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where src/mlx5/state.c goes from each state, against the arcs and the rules that linux/vfio.h
 * lists in its comments: they stand here once more, and are compared with the headers there are.
 */
#include <errno.h>
#include <linux/kernel.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka_test.h"
#include "state.h"

enum { ERROR, STOP, RUNNING, STOP_COPY, RESUMING, RUNNING_P2P, PRE_COPY, PRE_COPY_P2P, NR };

struct arc {
	unsigned int from, to;
};

static const struct arc arcs[] = {
	{ RUNNING_P2P, STOP },
	{ STOP_COPY, STOP },
	{ RESUMING, STOP },
	{ PRE_COPY, RUNNING },
	{ RUNNING_P2P, RUNNING },
	{ PRE_COPY_P2P, RUNNING_P2P },
	{ RUNNING, RUNNING_P2P },
	{ STOP, RUNNING_P2P },
	{ RUNNING, PRE_COPY },
	{ RUNNING_P2P, PRE_COPY_P2P },
	{ STOP, STOP_COPY },
	{ PRE_COPY, PRE_COPY_P2P },
	{ PRE_COPY_P2P, PRE_COPY },
	{ PRE_COPY_P2P, STOP_COPY },
	{ STOP, RESUMING },
};

/* "These arcs are not permitted and return error if requested." */
static const struct arc forbidden[] = {
	{ STOP_COPY, PRE_COPY },
	{ STOP_COPY, PRE_COPY_P2P },
};

static const char *const names[NR] = {
	"error", "stop", "running", "stop-copy", "resuming", "running-p2p", "pre-copy",
	"pre-copy-p2p",
};

static bool is_in(const struct arc *list, size_t n, unsigned int from, unsigned int to)
{
	while (n--)
		if (list[n].from == from && list[n].to == to)
			return true;
	return false;
}

static bool is_arc(unsigned int from, unsigned int to)
{
	return is_in(arcs, ARRAY_SIZE(arcs), from, to);
}

static bool is_forbidden(unsigned int from, unsigned int to)
{
	return is_in(forbidden, ARRAY_SIZE(forbidden), from, to);
}

/* The "saving group". */
static bool saves(unsigned int state)
{
	return state == PRE_COPY || state == PRE_COPY_P2P || state == STOP_COPY;
}

static bool exists(unsigned int state, bool has_precopy)
{
	return state < (has_precopy ? NR : PRE_COPY);
}

struct way {
	unsigned int from, to;
	bool has_precopy;
};

/*
 * "The path cannot have saving group states as interior arcs, only starting/end states." Between
 * two of the group it stays in it: they share a session, which their arcs do not terminate.
 */
static bool may_be_inside(const struct way *way, unsigned int state)
{
	return !saves(state) || (saves(way->from) && saves(way->to));
}

/* How many paths of so many arcs lead there from HERE; FIRST is where the last one found goes. */
static unsigned int count_paths(const struct way *way, unsigned int here, unsigned int length,
				unsigned int *first)
{
	unsigned int next, further, found, count = 0;

	for (next = 0; next < NR; next++) {
		if (!is_arc(here, next) || !exists(next, way->has_precopy))
			continue;
		if (length == 1)
			found = next == way->to;
		else
			found = may_be_inside(way, next) ?
				count_paths(way, next, length - 1, &further) : 0;
		if (found)
			*first = next;
		count += found;
	}
	return count;
}

/* "Select the shortest path." Its first state, and its length; 0 if there is none. */
static unsigned int find_path(const struct way *way, unsigned int *first)
{
	unsigned int length, count;

	if (is_forbidden(way->from, way->to) || way->from == way->to)
		return 0;
	for (length = 1; length < NR; length++) {
		count = count_paths(way, way->from, length, first);
		if (!count)
			continue;
		/* Else the rules would not say which. */
		assert_int_equal(count, 1);
		return length;
	}
	return 0;
}

/* Of all that a device can be in and be asked for. */
static void for_each_way(void (*check)(const struct way *way))
{
	struct way way;
	int has_precopy;

	for (has_precopy = 0; has_precopy < 2; has_precopy++) {
		way.has_precopy = has_precopy;
		for (way.from = 0; exists(way.from, has_precopy); way.from++)
			for (way.to = 0; exists(way.to, has_precopy); way.to++)
				check(&way);
	}
}

static void check_first(const struct way *way)
{
	unsigned int expected = NR, next = NR, length = find_path(way, &expected);
	int ret = latch_next_state(way->from, way->to, way->has_precopy, &next);

	if (ret != (length ? 0 : -EINVAL) || (length && next != expected))
		fail_msg("%s to %s%s: %d, %s instead of %s", names[way->from], names[way->to],
			 way->has_precopy ? "" : " without pre-copy", ret,
			 next < NR ? names[next] : "nowhere",
			 length ? names[expected] : "an error");
}

static void every_request_takes_the_first_arc_of_the_shortest_path(void **state)
{
	(void)state;
	for_each_way(check_first);
}

static void check_arrival(const struct way *way)
{
	unsigned int here = way->from, next, ignored;
	unsigned int length = find_path(way, &ignored);

	for (; length; length--) {
		assert_int_equal(latch_next_state(here, way->to, way->has_precopy, &next), 0);
		assert_true(is_arc(here, next));
		here = next;
		/* No sooner than the path's length. */
		assert_int_equal(here == way->to, length == 1);
	}
}

static void arc_by_arc_every_request_gets_there_in_as_few_as_there_can_be(void **state)
{
	(void)state;
	for_each_way(check_arrival);
}

static void assert_refused(unsigned int from, unsigned int to, bool has_precopy)
{
	unsigned int next = NR;

	if (latch_next_state(from, to, has_precopy, &next) != -EINVAL)
		fail_msg("%u to %u: leads to %u", from, to, next);
}

static void error_is_neither_left_nor_asked_for(void **state)
{
	unsigned int other;

	(void)state;
	for (other = 0; other < NR; other++) {
		assert_refused(ERROR, other, true);
		assert_refused(other, ERROR, true);
	}
}

static void a_saving_session_does_not_go_back_to_pre_copy(void **state)
{
	(void)state;
	assert_refused(STOP_COPY, PRE_COPY, true);
	assert_refused(STOP_COPY, PRE_COPY_P2P, true);
}

static void there_is_no_arc_to_where_a_device_is(void **state)
{
	unsigned int n;

	(void)state;
	for (n = 0; n < NR; n++)
		assert_refused(n, n, true);
}

static void a_number_that_is_no_state_is_refused(void **state)
{
	static const unsigned int numbers[] = {
		8, 9, 15, 16, 31, 32, 255, 256, 257, 0x10001, 0x7fffffff, 0x80000000, 0x80000001,
		0xfffffffe, 0xffffffff,
	};
	unsigned int n, other;

	(void)state;
	for (n = 0; n < ARRAY_SIZE(numbers); n++) {
		for (other = 0; other < NR; other++) {
			assert_refused(other, numbers[n], true);
			assert_refused(numbers[n], other, true);
		}
		assert_refused(numbers[n], numbers[n], true);
	}
}

static void without_pre_copy_its_states_cannot_be_asked_for(void **state)
{
	unsigned int from;

	(void)state;
	for (from = 0; exists(from, false); from++) {
		assert_refused(from, PRE_COPY, false);
		assert_refused(from, PRE_COPY_P2P, false);
	}
}

/* What a state is */

static void what_is_suspended_follows_from_the_state(void **state)
{
	static const enum latch_quiesce expected[NR] = {
		[ERROR] = LATCH_STOPPED,
		[STOP] = LATCH_STOPPED,
		[RUNNING] = LATCH_RUNS,
		[STOP_COPY] = LATCH_STOPPED,
		[RESUMING] = LATCH_STOPPED,
		[RUNNING_P2P] = LATCH_INITIATES_NOTHING,
		[PRE_COPY] = LATCH_RUNS,
		[PRE_COPY_P2P] = LATCH_INITIATES_NOTHING,
	};
	unsigned int n;

	(void)state;
	for (n = 0; n < NR; n++)
		assert_int_equal(latch_state_quiesce(n), expected[n]);
}

static void the_saving_group_saves(void **state)
{
	unsigned int n;

	(void)state;
	for (n = 0; n < NR; n++)
		assert_int_equal(latch_state_saves(n), saves(n));
}

static void a_state_is_called_what_sysfs_promises(void **state)
{
	unsigned int n;

	(void)state;
	for (n = 0; n < NR; n++)
		assert_string_equal(latch_state_name(n), names[n]);
}

/* So that an arc is one thing to do: a session, or one step of the firmware. */
static void an_arc_changes_either_the_session_or_what_is_suspended_by_one_step(void **state)
{
	unsigned int n;

	(void)state;
	for (n = 0; n < ARRAY_SIZE(arcs); n++) {
		unsigned int from = arcs[n].from, to = arcs[n].to;
		int step = (int)latch_state_quiesce(to) - (int)latch_state_quiesce(from);
		bool is_session = latch_state_saves(from) != latch_state_saves(to) ||
				  from == RESUMING || to == RESUMING;

		assert_int_equal(abs(step), !is_session);
	}
}

/* What linux/vfio.h says */

#define WORD "%31[A-Z0-9_]"

/* The number of a state by its name in a header's enum; NR if it is none. */
static unsigned int number_of(const char *text, const char *name)
{
	char key[64];
	const char *found;

	snprintf(key, sizeof(key), "\tVFIO_DEVICE_STATE_%s = ", name);
	found = strstr(text, key);
	return found ? strtoul(found + strlen(key), NULL, 10) : NR;
}

static char *read_text(const char *path)
{
	static char text[1 << 18];
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	assert_true(feof(file));
	fclose(file);
	return text;
}

/* Returns how many states the header knows. */
static unsigned int check_header(const char *path)
{
	bool is_listed[NR][NR] = {}, has_precopy;
	char *text = read_text(path), *copy = strdup(text), *lines = copy, *line;
	char from[32], to[32], end;
	unsigned int f, t;

	assert_int_equal(number_of(text, "ERROR"), ERROR);
	assert_int_equal(number_of(text, "STOP"), STOP);
	assert_int_equal(number_of(text, "RUNNING"), RUNNING);
	assert_int_equal(number_of(text, "STOP_COPY"), STOP_COPY);
	assert_int_equal(number_of(text, "RESUMING"), RESUMING);
	assert_int_equal(number_of(text, "RUNNING_P2P"), RUNNING_P2P);
	has_precopy = number_of(text, "PRE_COPY") != NR;
	if (has_precopy) {
		assert_int_equal(number_of(text, "PRE_COPY"), PRE_COPY);
		assert_int_equal(number_of(text, "PRE_COPY_P2P"), PRE_COPY_P2P);
	}

	while ((line = strsep(&lines, "\n"))) {
		if (sscanf(line, " * " WORD " -> " WORD "%c", from, to, &end) != 2)
			continue;
		f = number_of(text, from);
		t = number_of(text, to);
		if (f < NR && t < NR)
			is_listed[f][t] = true;
	}
	free(copy);
	for (f = 0; exists(f, has_precopy); f++)
		for (t = 0; exists(t, has_precopy); t++)
			if (is_listed[f][t] != (is_arc(f, t) || is_forbidden(f, t)))
				fail_msg("%s: %s to %s is %s there", path, names[f], names[t],
					 is_listed[f][t] ? "an arc" : "none");
	return has_precopy ? NR : PRE_COPY;
}

static void the_arcs_are_those_that_the_headers_list(void **state)
{
	char *copy = strdup(getenv("VFIO_HEADERS") ?: ""), *paths = copy, *path;

	(void)state;
	assert_string_not_equal(copy, "");
	while ((path = strsep(&paths, " ")))
		print_message("%s: %u states\n", path, check_header(path));
	free(copy);
	assert_int_equal(LATCH_NR_STATES, NR);
	assert_int_equal(LATCH_STATE_PRE_COPY, PRE_COPY);
	assert_int_equal(LATCH_STATE_PRE_COPY_P2P, PRE_COPY_P2P);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_request_takes_the_first_arc_of_the_shortest_path),
		cmocka_unit_test(arc_by_arc_every_request_gets_there_in_as_few_as_there_can_be),
		cmocka_unit_test(error_is_neither_left_nor_asked_for),
		cmocka_unit_test(a_saving_session_does_not_go_back_to_pre_copy),
		cmocka_unit_test(there_is_no_arc_to_where_a_device_is),
		cmocka_unit_test(a_number_that_is_no_state_is_refused),
		cmocka_unit_test(without_pre_copy_its_states_cannot_be_asked_for),
		cmocka_unit_test(what_is_suspended_follows_from_the_state),
		cmocka_unit_test(the_saving_group_saves),
		cmocka_unit_test(a_state_is_called_what_sysfs_promises),
		cmocka_unit_test(an_arc_changes_either_the_session_or_what_is_suspended_by_one_step),
		cmocka_unit_test(the_arcs_are_those_that_the_headers_list),
	};

	return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}
