// SPDX-License-Identifier: GPL-2.0-only
/*
 * Numbers of users and groups. A directory server may take any time to answer, so a child asks, for
 * as long as a wait may take, and each name is asked for once.
 */
#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "access/access.h"
#include "system/bounded.h"

struct question {
	const char *name;
	bool is_group;
	/* Shared with the child. */
	unsigned int *id;
};

/* @ret: 0, -ENOENT if the system does not know the name, or another negative errno. */
struct answer {
	char *name;
	bool is_group;
	int ret;
	unsigned int id;
};

static struct answer *answers;
static size_t answer_count;

static bool is_number(const char *text, unsigned int *number)
{
	unsigned long value;
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	value = strtoul(text, &end, 10);
	*number = value;
	/* 0xffffffff means "no change" to the kernel. */
	return !*end && value < 0xffffffff;
}

/* An action for bounded(). */
static int ask(const void *arg)
{
	const struct question *question = arg;
	const struct passwd *user;
	const struct group *group;

	errno = 0;
	if (question->is_group) {
		group = getgrnam(question->name);
		if (group)
			*question->id = group->gr_gid;
		return group ? 0 : errno ? -errno : -ENOENT;
	}
	user = getpwnam(question->name);
	if (user)
		*question->id = user->pw_uid;
	return user ? 0 : errno ? -errno : -ENOENT;
}

static struct answer ask_bounded(const char *name, bool is_group)
{
	struct answer answer = { .name = strdup(name), .is_group = is_group };
	struct question question = { .name = name, .is_group = is_group };

	question.id = mmap(NULL, sizeof(*question.id), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!answer.name || question.id == MAP_FAILED)
		abort();
	answer.ret = bounded(ask, &question, 0);
	/* glibc's word for a database that does not have it. */
	if (answer.ret == -ESRCH)
		answer.ret = -ENOENT;
	answer.id = *question.id;
	munmap(question.id, sizeof(*question.id));
	return answer;
}

static const struct answer *answer_to(const char *name, bool is_group)
{
	size_t n;

	for (n = 0; n < answer_count; n++)
		if (answers[n].is_group == is_group && !strcmp(answers[n].name, name))
			return &answers[n];
	answers = reallocarray(answers, answer_count + 1, sizeof(*answers));
	if (!answers)
		abort();
	answers[answer_count] = ask_bounded(name, is_group);
	return &answers[answer_count++];
}

/*
 * Sets @id to the number of a user or group, which @name may be itself. Returns 0, -ENOENT if the
 * system does not know the name, or a negative errno if it could not be asked.
 */
int look_up(const char *name, bool is_group, unsigned int *id)
{
	const struct answer *answer;

	if (is_number(name, id))
		return 0;
	answer = answer_to(name, is_group);
	*id = answer->id;
	return answer->ret;
}
