// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver reads its rules when it binds a device, and never again. So a device's rule is among the
 * driver's only during the bind: their text holds 4095 bytes, and a host may have more VFs than
 * rules fit there. The lock keeps other instances' rules out meanwhile.
 *
 * The driver adds and removes single rules: what an administrator writes at the same time stays. A
 * driver of an older package does not, and may still be loaded after an upgrade. There, the
 * parameter is read, and written whole.
 *
 * The lock's file is a journal, in case the holder is killed: a line of rules before, and that line
 * with ours at its end. How many of the first read like ours is what counts: if there are not more
 * now, somebody has written all rules anew, without ours. So only those are written down. Older
 * packages wrote all rules, and read these lines as well.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "binding/policy.h"
#include "system/driver.h"
#include "system/lock.h"
#include "system/report.h"
#include "system/state.h"

/* Of rules, as the driver reads them (src/core/rules.c). */
#define SEPARATORS "; \t\n\v\f\r"

#define TEXT_SIZE 4096

/* Two texts, the second with one rule more. */
#define JOURNAL_SIZE (2 * TEXT_SIZE + RULE_SIZE + 4)

#define LOCK_SIZE (NAME_SIZE + 8)

#define NEW_RULE "/sys/bus/pci/drivers/%s/new_rule"
#define REMOVE_RULE "/sys/bus/pci/drivers/%s/remove_rule"

/* Returns the rule's length, 0 if no tunable is set. */
int policy_rule(char rule[RULE_SIZE], const char *address, const enum wish tunable[NR_TUNABLES])
{
	int length = 0, n;

	rule[0] = '\0';
	for (n = 0; n < NR_TUNABLES; n++) {
		if (tunable[n] == UNSAID)
			continue;
		length += snprintf(rule + length, RULE_SIZE - length, "%s%c%s=%d",
				   length ? "" : address, length ? ',' : '/', tunable_names[n],
				   tunable[n]);
	}
	return length;
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

/* Appends the rule to the text of an older driver: the last one wins for the address. */
static int append(const struct policy_lease *lease, const char *before)
{
	char text[TEXT_SIZE];

	if (snprintf(text, sizeof(text), "%s%s%s", before, *before ? ";" : "", lease->rule) >=
	    TEXT_SIZE)
		return -E2BIG;
	return attr_write(text, "%s", lease->parameter);
}

/* Cuts the rule at @start out of the text of an older driver, with one separator. */
static int cut_out(const struct policy_lease *lease, char *text, char *start)
{
	char *end = start + strlen(lease->rule);

	if (*end)
		end++;
	else
		while (start > text && strchr(SEPARATORS, start[-1]))
			start--;
	memmove(start, end, strlen(end) + 1);
	return attr_write(text, "%s", lease->parameter);
}

static int take_out(const struct policy_lease *lease)
{
	const char *last = NULL;
	char now[TEXT_SIZE];
	int ret;

	ret = attr_read(now, sizeof(now), "%s", lease->parameter);
	if (ret < 0)
		return ret;
	if (count_rules(now, lease->rule, &last) <= lease->before)
		return 0;
	if (!exists(REMOVE_RULE, lease->driver))
		return cut_out(lease, now, now + (last - now));
	ret = attr_write(lease->rule, REMOVE_RULE, lease->driver);
	/* An administrator was faster. */
	return ret == -ENOENT ? 0 : ret;
}

static int journal_write(const struct policy_lease *lease)
{
	unsigned int most, n;
	char text[JOURNAL_SIZE];
	int length = 0;

	for (most = lease->before; most <= lease->before + 1; most++) {
		for (n = 0; n < most; n++)
			length += snprintf(text + length, sizeof(text) - length, "%s%s",
					   n ? ";" : "", lease->rule);
		text[length++] = '\n';
	}
	if (pwrite(lease->lock, text, length, 0) != length)
		return errno ? -errno : -EIO;
	return 0;
}

/* Whether a holder was killed. Without the last newline, it had not added its rule yet. */
static bool journal_read(struct policy_lease *lease, int journal)
{
	char text[JOURNAL_SIZE], *rest = text;
	ssize_t length = pread(journal, text, sizeof(text) - 1, 0);
	const char *before, *during, *last;

	text[length > 0 ? length : 0] = '\0';
	before = strsep(&rest, "\n");
	during = strsep(&rest, "\n");
	if (!rest || strlen(during) <= strlen(before))
		return false;
	during += strlen(before) + (*before != '\0');
	snprintf(lease->rule, sizeof(lease->rule), "%s", during);
	lease->before = count_rules(before, lease->rule, &last);
	return true;
}

static int journal_clear(const struct policy_lease *lease)
{
	return ftruncate(lease->lock, 0) ? -errno : 0;
}

/* If that fails, the journal stays, for the next. */
static int remove_rule(const struct policy_lease *lease)
{
	int ret = take_out(lease);

	if (!ret)
		ret = journal_clear(lease);
	if (ret)
		error("%s: rule \"%s\" cannot be removed: %s", lease->parameter, lease->rule,
		      strerror(-ret));
	return ret;
}

/* Finishes the work of a holder that was killed. */
static int journal_replay(const struct policy_lease *ours)
{
	struct policy_lease lease = *ours;

	return journal_read(&lease, lease.lock) ? remove_rule(&lease) : journal_clear(&lease);
}

static int add_rule(struct policy_lease *lease)
{
	char before[TEXT_SIZE];
	const char *last;
	int ret;

	ret = attr_read(before, sizeof(before), "%s", lease->parameter);
	if (ret < 0)
		return ret;
	lease->before = count_rules(before, lease->rule, &last);
	ret = journal_write(lease);
	if (!ret)
		ret = exists(NEW_RULE, lease->driver) ?
			attr_write(lease->rule, NEW_RULE, lease->driver) : append(lease, before);
	if (ret)
		journal_clear(lease);
	return ret;
}

/* The lock's name, and what else follows from the driver's. */
static void name_all(struct policy_lease *lease, const char *driver, char lock[LOCK_SIZE])
{
	char module[NAME_SIZE];

	module_name(module, driver);
	snprintf(lock, LOCK_SIZE, "policy-%s", module);
	snprintf(lease->driver, sizeof(lease->driver), "%s", driver);
	snprintf(lease->parameter, sizeof(lease->parameter), "/sys/module/%s/parameters/policy",
		 module);
}

/*
 * Adds @rule to those of @driver, until policy_remove(). Returns -ENOENT if the driver takes no
 * rules: then it is the kernel's own.
 */
int policy_add(struct policy_lease *lease, const char *driver, const char *rule)
{
	char lock[LOCK_SIZE];
	int ret;

	name_all(lease, driver, lock);
	snprintf(lease->rule, sizeof(lease->rule), "%s", rule);
	if (!exists("%s", lease->parameter))
		return -ENOENT;
	lease->lock = lock_take_bounded(lock);
	if (lease->lock < 0)
		return lease->lock;
	ret = journal_replay(lease);
	if (!ret)
		ret = add_rule(lease);
	if (ret)
		lock_release(lease->lock);
	return ret;
}

void policy_remove(struct policy_lease *lease)
{
	remove_rule(lease);
	lock_release(lease->lock);
}

/*
 * Removes what a killed holder has left for @address, which is to be bound without a rule. Waits
 * for nobody otherwise. The caller has the device's lock: nobody alive binds it.
 */
int policy_forget(const char *driver, const char *address)
{
	size_t length = strlen(address);
	struct policy_lease lease;
	char lock[LOCK_SIZE];
	int journal, ret;
	bool is_left;

	name_all(&lease, driver, lock);
	if (!exists(STATE_DIRECTORY "/%s", lock) || !exists("%s", lease.parameter))
		return 0;
	journal = state_open(lock, O_RDONLY, 0600);
	if (journal < 0)
		return 0;
	is_left = journal_read(&lease, journal) && !strncmp(lease.rule, address, length) &&
		  lease.rule[length] == '/';
	close(journal);
	if (!is_left)
		return 0;
	lease.lock = lock_take_bounded(lock);
	if (lease.lock < 0)
		return lease.lock;
	ret = journal_replay(&lease);
	lock_release(lease.lock);
	return ret;
}
