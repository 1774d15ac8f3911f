// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names and numbers of users and groups. A directory server may take any time to answer, so a child
 * asks for each once, with a time limit.
 */
#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "access/access.h"
#include "system/bounded.h"
#include "system/text.h"

/* A child's question and answer, in shared memory. @name is empty if the number is known. */
struct question {
	bool is_group;
	char name[ACCESS_NAME_SIZE];
	unsigned int id;
};

/* @ret: 0, -ENOENT if the system does not know the name or number, or another negative errno. */
struct answer {
	char *name;
	bool is_group, is_of_number;
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

static int not_found(void)
{
	/* glibc's words for a database that does not have it. */
	return !errno || errno == ESRCH ? -ENOENT : -errno;
}

static int ask_for_user(struct question *question, bool is_of_number)
{
	const struct passwd *user = is_of_number ? getpwuid(question->id) :
						   getpwnam(question->name);

	if (!user)
		return not_found();
	question->id = user->pw_uid;
	snprintf(question->name, sizeof(question->name), "%s", user->pw_name);
	return 0;
}

static int ask_for_group(struct question *question, bool is_of_number)
{
	const struct group *group = is_of_number ? getgrgid(question->id) :
						   getgrnam(question->name);

	if (!group)
		return not_found();
	question->id = group->gr_gid;
	snprintf(question->name, sizeof(question->name), "%s", group->gr_name);
	return 0;
}

/* An action for bounded(). */
static int ask(const void *arg)
{
	struct question *question = *(struct question *const *)arg;
	bool is_of_number = !*question->name;

	errno = 0;
	return question->is_group ? ask_for_group(question, is_of_number) :
				    ask_for_user(question, is_of_number);
}

/* @name: NULL to ask for the name of @id */
static struct answer ask_bounded(const char *name, unsigned int id, bool is_group)
{
	struct answer answer = { .is_group = is_group, .is_of_number = !name };
	struct question *question = mmap(NULL, sizeof(*question), PROT_READ | PROT_WRITE,
					 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (question == MAP_FAILED)
		abort();
	question->is_group = is_group;
	question->id = id;
	snprintf(question->name, sizeof(question->name), "%s", name ? name : "");
	answer.ret = bounded(ask, &question, 0);
	answer.id = answer.ret ? id : question->id;
	answer.name = strdup(name ? name : answer.ret ? "" : question->name);
	if (!answer.name)
		abort();
	munmap(question, sizeof(*question));
	return answer;
}

static bool answers_that(const struct answer *answer, const char *name, unsigned int id,
			 bool is_group)
{
	if (answer->is_group != is_group || answer->is_of_number != !name)
		return false;
	return name ? !strcmp(answer->name, name) : answer->id == id;
}

static const struct answer *answer_to(const char *name, unsigned int id, bool is_group)
{
	size_t n;

	for (n = 0; n < answer_count; n++)
		if (answers_that(&answers[n], name, id, is_group))
			return &answers[n];
	answers = reallocarray(answers, answer_count + 1, sizeof(*answers));
	if (!answers)
		abort();
	answers[answer_count] = ask_bounded(name, id, is_group);
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
	answer = answer_to(name, 0, is_group);
	*id = answer->id;
	return answer->ret;
}

/* Sets @text to the name of a user or group, or to its number if no name can be had. */
void name_of(char text[ACCESS_NAME_SIZE], unsigned int id, bool is_group)
{
	const struct answer *answer = answer_to(NULL, id, is_group);

	if (!answer->ret)
		snprintf(text, ACCESS_NAME_SIZE, "%s", answer->name);
	else
		snprintf(text, ACCESS_NAME_SIZE, "%u", id);
	text_clean(text);
}
