// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver reads its rules when it binds a device, and never again. So a device's rule is in the
 * parameter "policy" only during the bind: the parameter holds 4095 bytes, and a host may have more
 * VFs than rules fit there. The lock keeps other instances' rules out meanwhile.
 *
 * The lock's file is a journal, in case the holder is killed: it has the text to restore, and the
 * text with our rule. If the parameter has another text, an administrator has written it, and only
 * our rule is removed from that.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "binding/policy.h"
#include "system/driver.h"
#include "system/lock.h"
#include "system/report.h"

/* Of rules, as the driver reads them (src/core/rules.c). */
#define SEPARATORS "; \t\n\v\f\r"

#define TEXT_SIZE 4096

/* Returns the rule's length, 0 if no tunable is set. */
int policy_rule(char *rule, int size, const char *address, const enum wish tunable[NR_TUNABLES])
{
	int length = 0, n;

	rule[0] = '\0';
	for (n = 0; n < NR_TUNABLES; n++) {
		if (tunable[n] == UNSAID)
			continue;
		length += snprintf(rule + length, size - length, "%s%c%s=%d",
				   length ? "" : address, length ? ',' : '/', tunable_names[n],
				   tunable[n]);
	}
	return length;
}

/* Both texts are one line each: add_rule() makes newlines blanks, which separate rules, too. */
static int journal_write(int journal, const char *before, const char *during)
{
	char text[2 * TEXT_SIZE + 2];
	int length = snprintf(text, sizeof(text), "%s\n%s\n", before, during);

	if (pwrite(journal, text, length, 0) != length)
		return errno ? -errno : -EIO;
	return 0;
}

static int journal_clear(int journal)
{
	return ftruncate(journal, 0) ? -errno : 0;
}

/* Counts the rules @rule in @text. @last becomes the place of the last one. */
static unsigned int count_rules(const char *text, const char *rule, const char **last)
{
	size_t length = strlen(rule), item;
	unsigned int count = 0;

	for (;; text += item + 1) {
		text += strspn(text, SEPARATORS);
		item = strcspn(text, SEPARATORS);
		if (item == length && !strncmp(text, rule, length)) {
			*last = text;
			count++;
		}
		if (!text[item])
			return count;
	}
}

/* Removes the rule that @during has beyond @before from the parameter's present text. */
static int take_out(const char *parameter, const char *before, const char *during)
{
	const char *rule = during + strlen(before) + (*before != '\0'), *last = NULL;
	char now[TEXT_SIZE], *start, *end;
	int ret;

	ret = attr_read(now, sizeof(now), "%s", parameter);
	if (ret < 0)
		return ret;
	if (!strcmp(now, during))
		return attr_write(before, "%s", parameter);
	/* An administrator may have written the same rule. */
	if (count_rules(before, rule, &last) >= count_rules(now, rule, &last))
		return 0;
	start = now + (last - now);
	end = start + strlen(rule);
	/* Also removes the separator after it, or those before it. */
	if (*end)
		end++;
	else
		while (start > now && strchr(SEPARATORS, start[-1]))
			start--;
	memmove(start, end, strlen(end) + 1);
	return attr_write(now, "%s", parameter);
}

/* Finishes the work of a holder that was killed. */
static void journal_replay(const struct policy_lease *lease)
{
	char text[2 * TEXT_SIZE + 2], *rest = text;
	const char *before, *during;
	ssize_t length;

	length = pread(lease->lock, text, sizeof(text) - 1, 0);
	if (length <= 0)
		return;
	text[length] = '\0';
	before = strsep(&rest, "\n");
	during = strsep(&rest, "\n");
	/* Without the last newline, the holder was killed before it changed anything. */
	if (rest && strlen(during) > strlen(before))
		take_out(lease->parameter, before, during);
	journal_clear(lease->lock);
}

static void one_line(char *text)
{
	for (; *text; text++)
		if (*text == '\n')
			*text = ' ';
}

static int add_rule(struct policy_lease *lease, const char *rule)
{
	char before[TEXT_SIZE], during[2 * TEXT_SIZE];
	int ret;

	ret = attr_read(before, sizeof(before), "%s", lease->parameter);
	if (ret < 0)
		return ret;
	one_line(before);
	/* The last rule wins over other rules for the same address. */
	if (snprintf(during, sizeof(during), "%s%s%s", before, *before ? ";" : "", rule) >=
	    TEXT_SIZE)
		return -E2BIG;
	lease->before = strdup(before);
	lease->during = strdup(during);
	if (!lease->before || !lease->during)
		abort();
	ret = journal_write(lease->lock, before, during);
	if (!ret)
		ret = attr_write(during, "%s", lease->parameter);
	if (ret) {
		journal_clear(lease->lock);
		free(lease->before);
		free(lease->during);
	}
	return ret;
}

/*
 * Adds @rule to those of @driver, until policy_remove(). Returns -ENOENT if the driver takes no
 * rules: then it is the kernel's own.
 */
int policy_add(struct policy_lease *lease, const char *driver, const char *rule)
{
	char module[NAME_SIZE], lock[NAME_SIZE + 8];
	int ret;

	module_name(module, driver);
	snprintf(lease->parameter, sizeof(lease->parameter), "/sys/module/%s/parameters/policy",
		 module);
	if (!exists("%s", lease->parameter))
		return -ENOENT;
	snprintf(lock, sizeof(lock), "policy-%s", module);
	lease->lock = lock_take_bounded(lock);
	if (lease->lock < 0)
		return lease->lock;
	journal_replay(lease);
	ret = add_rule(lease, rule);
	if (ret)
		lock_release(lease->lock);
	return ret;
}

void policy_remove(struct policy_lease *lease)
{
	int ret = take_out(lease->parameter, lease->before, lease->during);

	if (!ret)
		ret = journal_clear(lease->lock);
	if (ret)
		error("%s: cannot be put back: %s", lease->parameter, strerror(-ret));
	free(lease->before);
	free(lease->during);
	lock_release(lease->lock);
}
