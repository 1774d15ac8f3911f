/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test.h: tests, checks, and the runner that is every program's main().
 *
 * Each test runs in a child process of its own. It ends at the first check that does not hold.
 * After it, the runner kills what it left, takes every device from the driver under test and
 * unloads the driver; a driver that cannot be unloaded then fails the test.
 */
#ifndef VMTEST_TEST_H
#define VMTEST_TEST_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum test_scope { TEST_BOTH, TEST_ONLY_OURS, TEST_ONLY_KERNEL };

struct test {
	const char *name;
	void (*run)(void);
	enum test_scope scope;
	bool (*applies)(void);
	struct test *next;
	/* For tests that a program makes of a table. */
	const void *data;
};

void test_register(struct test *test);
/* The data of the test that runs. */
const void *test_data(void);

#define TEST_IN_SCOPE(test_name, test_scope, condition)					\
	static void test_name(void);							\
	static struct test test_name##_test = {						\
		#test_name, test_name, test_scope, condition, NULL, NULL		\
	};										\
	static void __attribute__((constructor)) test_name##_register(void)		\
	{										\
		test_register(&test_name##_test);					\
	}										\
	static void test_name(void)

/* TEST(promise) { body }: runs for every driver in the program's vm-drivers line. */
#define TEST(name) TEST_IN_SCOPE(name, TEST_BOTH, NULL)
/* A promise that only our driver makes; not part of the plan for the kernel's. */
#define TEST_OURS(name) TEST_IN_SCOPE(name, TEST_ONLY_OURS, NULL)
/* A trait of the kernel's driver that shows that the machine or the method is right. */
#define TEST_KERNEL(name) TEST_IN_SCOPE(name, TEST_ONLY_KERNEL, NULL)

/*
 * A promise that is made where CONDITION, a function, holds: for some kernels, or for one of the
 * drivers on some of them. Elsewhere it is not part of the plan. The condition is asked on the
 * host as well and may look at driver_is_ours() and the functions kernel_*(), at nothing else.
 */
#define TEST_WHEN(condition, name) TEST_IN_SCOPE(name, TEST_BOTH, condition)

/* CLEAN_UP { body }: runs after each test of the program, before the runner's own clean-up. */
#define CLEAN_UP									\
	static void clean_up_body(void);						\
	static void __attribute__((constructor)) clean_up_register(void)		\
	{										\
		test_register_clean_up(clean_up_body);					\
	}										\
	static void clean_up_body(void)

void test_register_clean_up(void (*run)(void));

/* Whose driver is under test. */
bool driver_is_ours(void);
/* Whether the kernel is of this series: kernel_is("6.1"). */
bool kernel_is(const char *series);
/* Not one of tests/vm/debug-kernel. */
bool kernel_is_debians(void);
/* One with KASAN, which needs an eighth of what the kernel maps as memory of its own. */
bool kernel_has_kasan(void);

/* End the test: failed, or skipped, which is reported and never counted as passed. */
#define FAIL(...) test_fail(__FILE__, __LINE__, __VA_ARGS__)
#define SKIP(...) test_skip(__VA_ARGS__)

/* A line that is shown if the test fails. */
void test_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

void test_fail(const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 3, 4), noreturn));
void test_skip(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#define CHECK(condition)								\
	do {										\
		if (!(condition))							\
			FAIL("%s does not hold", #condition);				\
	} while (0)

#define CHECK_COMPARE(a, op, b)								\
	do {										\
		long long check_a = (long long)(a), check_b = (long long)(b);		\
											\
		if (!(check_a op check_b))						\
			FAIL("%s " #op " %s does not hold: %lld (%#llx), %lld (%#llx)",	\
			     #a, #b, check_a, check_a, check_b, check_b);		\
	} while (0)

#define CHECK_EQ(a, b) CHECK_COMPARE(a, ==, b)
#define CHECK_NE(a, b) CHECK_COMPARE(a, !=, b)
#define CHECK_LT(a, b) CHECK_COMPARE(a, <, b)
#define CHECK_LE(a, b) CHECK_COMPARE(a, <=, b)
#define CHECK_GT(a, b) CHECK_COMPARE(a, >, b)
#define CHECK_GE(a, b) CHECK_COMPARE(a, >=, b)

#define CHECK_STR(a, b)									\
	do {										\
		const char *check_a = (a), *check_b = (b);				\
											\
		if (strcmp(check_a, check_b))						\
			FAIL("%s is \"%s\", not \"%s\"", #a, check_a, check_b);		\
	} while (0)

#define CHECK_MEM(a, b, size)								\
	do {										\
		if (memcmp(a, b, size))							\
			FAIL("%s and %s differ in their first %zu bytes", #a, #b,	\
			     (size_t)(size));						\
	} while (0)

/* A system call (or anything that returns -1 and sets errno) must succeed. */
#define CHECK_OK(call)									\
	({										\
		long long check_ret;							\
											\
		errno = 0;								\
		check_ret = (long long)(call);						\
		if (check_ret < 0)							\
			FAIL("%s gives %lld, errno %s", #call, check_ret,		\
			     strerrorname_np(errno) ?: "0");				\
		check_ret;								\
	})

/* A system call must fail with this errno. */
#define CHECK_ERRNO(expected, call)							\
	do {										\
		long long check_ret;							\
											\
		errno = 0;								\
		check_ret = (long long)(call);						\
		if (check_ret != -1 || errno != (expected))				\
			FAIL("%s gives %lld, errno %s, not -1 and %s", #call, check_ret,\
			     strerrorname_np(errno) ?: "0", #expected);			\
	} while (0)

/* A library function that returns a negative errno must return exactly this. */
#define CHECK_ERR(expected, call)							\
	do {										\
		long long check_ret = (long long)(call);				\
											\
		if (check_ret != -(expected))						\
			FAIL("%s gives %lld (%s), not -%s", #call, check_ret,		\
			     check_ret < 0 ? strerrorname_np((int)-check_ret) ?: "?" : "no error",\
			     #expected);						\
	} while (0)

#endif
