// SPDX-License-Identifier: GPL-2.0-only
/* Parsing and matching of policy rules; see rules.h for the grammar. */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../compat/hex.h"
#include "rules.h"

const char *const vfio_latch_tunable_names[VFIO_LATCH_NR_TUNABLES] = {
	[VFIO_LATCH_DISABLE_IDLE_D3] = "disable_idle_d3",
	[VFIO_LATCH_DISABLE_VGA] = "disable_vga",
	[VFIO_LATCH_NOINTXMASK] = "nointxmask",
};

#define RULE_SEPARATORS "; \t\n\v\f\r"

/* Reads exactly @digits hexadecimal digits and moves @s behind them. */
static bool take_hex(const char **s, unsigned int digits, unsigned int *value)
{
	unsigned int n;

	*value = 0;
	for (n = 0; n < digits; n++) {
		int digit = hex_to_bin((*s)[n]);

		if (digit < 0)
			return false;
		*value = *value << 4 | digit;
	}
	*s += digits;
	return true;
}

static bool take_char(const char **s, char c)
{
	if (**s != c)
		return false;
	(*s)++;
	return true;
}

/* Domains beyond 16 bits exist (VMD, Hyper-V) and are written with more digits. */
static bool take_domain(const char **s, unsigned int *domain)
{
	size_t digits = strcspn(*s, ":");

	return digits >= 4 && digits <= 8 && take_hex(s, digits, domain);
}

static bool parse_address(const char *s, struct vfio_latch_identity *want)
{
	unsigned int domain, bus, slot, function;

	if (!take_domain(&s, &domain) || !take_char(&s, ':') ||
	    !take_hex(&s, 2, &bus) || !take_char(&s, ':') ||
	    !take_hex(&s, 2, &slot) || !take_char(&s, '.') ||
	    !take_hex(&s, 1, &function) || *s || slot > 0x1f || function > 7)
		return false;

	want->domain = domain;
	want->bus = bus;
	want->devfn = PCI_DEVFN(slot, function);
	return true;
}

static bool parse_id(const char *s, struct vfio_latch_identity *want,
		     enum vfio_latch_match *kind)
{
	unsigned int vendor, device, subvendor, subdevice;

	if (!take_hex(&s, 4, &vendor) || !take_char(&s, ':') || !take_hex(&s, 4, &device))
		return false;
	want->vendor = vendor;
	want->device = device;
	*kind = VFIO_LATCH_MATCH_ID;
	if (!*s)
		return true;

	if (!take_char(&s, ':') || !take_hex(&s, 4, &subvendor) ||
	    !take_char(&s, ':') || !take_hex(&s, 4, &subdevice) || *s)
		return false;
	want->subvendor = subvendor;
	want->subdevice = subdevice;
	*kind = VFIO_LATCH_MATCH_SUBSYSTEM;
	return true;
}

static bool parse_match(const char *s, struct vfio_latch_rule *rule)
{
	if (strchr(s, '.')) {
		rule->kind = VFIO_LATCH_MATCH_ADDRESS;
		return parse_address(s, &rule->want);
	}
	return parse_id(s, &rule->want, &rule->kind);
}

static const char *parse_setting(char *setting, struct vfio_latch_rule *rule)
{
	char *value = strchr(setting, '=');
	int tunable;

	if (!value)
		return "KEY=VALUE expected";
	*value++ = '\0';
	tunable = match_string(vfio_latch_tunable_names, VFIO_LATCH_NR_TUNABLES, setting);
	if (tunable < 0)
		return "no such tunable";
	rule->tunable = tunable;
	if (kstrtobool(value, &rule->value))
		return "not a boolean value";
	value[-1] = '=';
	return NULL;
}

/*
 * Appends the settings of one rule to @rules. @rules has room for as many
 * entries as the whole text has settings. Returns what is wrong, or NULL.
 */
static const char *parse_rule(char *text, struct vfio_latch_rules *rules)
{
	char *settings = strchr(text, '/');
	struct vfio_latch_rule match = {};
	char *setting;

	if (!settings)
		return "MATCH/KEY=VALUE expected";
	*settings++ = '\0';
	if (!parse_match(text, &match))
		return "neither an address DDDD:BB:DD.F nor an id VVVV:DDDD[:SVVV:SDDD]";

	while ((setting = strsep(&settings, ","))) {
		struct vfio_latch_rule *rule = &rules->rule[rules->count];
		const char *fault;

		*rule = match;
		fault = parse_setting(setting, rule);
		if (fault)
			return fault;
		if (snprintf(rule->text, sizeof(rule->text), "%s/%s", text, setting) >=
		    (int)sizeof(rule->text))
			return "too long";
		rules->count++;
	}
	return NULL;
}

static unsigned int count_settings(const char *text)
{
	unsigned int n = 0;

	while ((text = strchr(text, '='))) {
		text++;
		n++;
	}
	return n;
}

/* Parses @text, and destroys it. */
static const char *parse_all(char *text, struct vfio_latch_rules *rules,
			     struct vfio_latch_rules_fault *fault)
{
	const char *reason = NULL;
	char *word;

	while (!reason && (word = strsep(&text, RULE_SEPARATORS))) {
		if (!*word)
			continue;
		strscpy(fault->rule, word, sizeof(fault->rule));
		reason = parse_rule(word, rules);
	}
	return reason;
}

/**
 * vfio_latch_rules_parse - parse a rule text
 * @text: the text, at most VFIO_LATCH_RULES_TEXT_MAX bytes with its end
 * @fault: filled when the text is refused
 *
 * An empty text is a list without rules.
 *
 * Context: may sleep.
 * Return: the parsed rules, for vfio_latch_rules_free(); ERR_PTR(-EINVAL) if
 * any rule is malformed, ERR_PTR(-E2BIG) if the text is too long, or
 * ERR_PTR(-ENOMEM).
 */
struct vfio_latch_rules *vfio_latch_rules_parse(const char *text,
						struct vfio_latch_rules_fault *fault)
{
	struct vfio_latch_rules *rules;
	char *copy;

	*fault = (struct vfio_latch_rules_fault){ .reason = "too long" };
	if (strlen(text) >= VFIO_LATCH_RULES_TEXT_MAX)
		return ERR_PTR(-E2BIG);

	fault->reason = "out of memory";
	copy = kstrdup(text, GFP_KERNEL);
	if (!copy)
		return ERR_PTR(-ENOMEM);
	/* One extra entry: a rule without '=' is tried before it is refused. */
	rules = kvzalloc(struct_size(rules, rule, count_settings(text) + 1), GFP_KERNEL);
	if (!rules)
		goto err_copy;
	rules->text = kstrdup(text, GFP_KERNEL);
	if (!rules->text)
		goto err_rules;
	strim(rules->text);

	fault->reason = parse_all(copy, rules, fault);
	kfree(copy);
	if (fault->reason) {
		vfio_latch_rules_free(rules);
		return ERR_PTR(-EINVAL);
	}
	return rules;

err_rules:
	kvfree(rules);
err_copy:
	kfree(copy);
	return ERR_PTR(-ENOMEM);
}

/**
 * vfio_latch_rules_free - free parsed rules
 * @rules: what vfio_latch_rules_parse() returned, or NULL
 */
void vfio_latch_rules_free(struct vfio_latch_rules *rules)
{
	if (!rules)
		return;
	kfree(rules->text);
	kvfree(rules);
}

/* Moves @text to the only rule in it. Returns its length, 0 if there is none, or more than one. */
static size_t only_rule(const char **text, struct vfio_latch_rules_fault *fault)
{
	size_t length;

	*text += strspn(*text, RULE_SEPARATORS);
	length = strcspn(*text, RULE_SEPARATORS);
	snprintf(fault->rule, sizeof(fault->rule), "%.*s",
		 (int)min(length, sizeof(fault->rule) - 1), *text);
	if ((*text)[length + strspn(*text + length, RULE_SEPARATORS)])
		length = 0;
	fault->reason = length ? NULL : "one rule expected";
	return length;
}

/* Parses @text, of a changed list, and frees it. NULL: there was no memory for it. */
static struct vfio_latch_rules *parse_changed(char *text, struct vfio_latch_rules_fault *fault)
{
	struct vfio_latch_rules *rules;

	if (!text) {
		fault->reason = "out of memory";
		return ERR_PTR(-ENOMEM);
	}
	rules = vfio_latch_rules_parse(text, fault);
	kfree(text);
	return rules;
}

/**
 * vfio_latch_rules_add - make a list with one rule more, the last one
 * @rules: the list, or NULL for none; it stays as it is
 * @rule: the rule; separators around it do not count
 * @fault: filled when the rule is refused
 *
 * Context: may sleep.
 * Return: the new list, for vfio_latch_rules_free(); ERR_PTR(-EINVAL) if @rule is malformed, or not
 * one rule, ERR_PTR(-E2BIG) if the text of all would be too long, or ERR_PTR(-ENOMEM).
 */
struct vfio_latch_rules *vfio_latch_rules_add(const struct vfio_latch_rules *rules,
					      const char *rule,
					      struct vfio_latch_rules_fault *fault)
{
	const char *old = rules ? rules->text : "", *separator = *old ? ";" : "";
	size_t length, size;
	char *text;

	*fault = (struct vfio_latch_rules_fault){};
	length = only_rule(&rule, fault);
	if (!length)
		return ERR_PTR(-EINVAL);
	size = strlen(old) + strlen(separator) + length + 1;
	if (size > VFIO_LATCH_RULES_TEXT_MAX) {
		fault->reason = "no room for it";
		return ERR_PTR(-E2BIG);
	}
	text = kzalloc(size, GFP_KERNEL);
	if (text)
		snprintf(text, size, "%s%s%.*s", old, separator, (int)length, rule);
	return parse_changed(text, fault);
}

/* Finds the last rule of @text that reads like the @length bytes at @rule. */
static const char *last_like(const char *text, const char *rule, size_t length)
{
	const char *last = NULL;
	size_t item;

	for (;; text += item) {
		text += strspn(text, RULE_SEPARATORS);
		item = strcspn(text, RULE_SEPARATORS);
		if (!item)
			return last;
		if (item == length && !memcmp(text, rule, length))
			last = text;
	}
}

/* Cuts @length bytes at @rule out of @text, with the separator behind them, or those before. */
static void cut_out(char *text, char *rule, size_t length)
{
	char *end = rule + length;

	if (*end)
		end++;
	else
		while (rule > text && strchr(RULE_SEPARATORS, rule[-1]))
			rule--;
	memmove(rule, end, strlen(end) + 1);
}

/**
 * vfio_latch_rules_remove - make a list with one rule less
 * @rules: the list, or NULL for none; it stays as it is
 * @rule: the rule as it stands there; separators around it do not count
 * @fault: filled when the rule is refused
 *
 * If the list has the rule more than once, only the last one is removed.
 *
 * Context: may sleep.
 * Return: the new list, for vfio_latch_rules_free(); ERR_PTR(-EINVAL) if @rule is not one rule,
 * ERR_PTR(-ENOENT) if the list does not have it, or ERR_PTR(-ENOMEM).
 */
struct vfio_latch_rules *vfio_latch_rules_remove(const struct vfio_latch_rules *rules,
						 const char *rule,
						 struct vfio_latch_rules_fault *fault)
{
	const char *old = rules ? rules->text : "";
	const char *last;
	size_t length;
	char *text;

	*fault = (struct vfio_latch_rules_fault){};
	length = only_rule(&rule, fault);
	if (!length)
		return ERR_PTR(-EINVAL);
	last = last_like(old, rule, length);
	if (!last) {
		fault->reason = "no such rule";
		return ERR_PTR(-ENOENT);
	}
	text = kstrdup(old, GFP_KERNEL);
	if (text)
		cut_out(text, text + (last - old), length);
	return parse_changed(text, fault);
}

static bool rule_matches(const struct vfio_latch_rule *rule, const struct vfio_latch_identity *id)
{
	const struct vfio_latch_identity *want = &rule->want;

	if (rule->kind == VFIO_LATCH_MATCH_ADDRESS)
		return want->domain == id->domain && want->bus == id->bus &&
		       want->devfn == id->devfn;
	if (want->vendor != id->vendor || want->device != id->device)
		return false;
	return rule->kind == VFIO_LATCH_MATCH_ID ||
	       (want->subvendor == id->subvendor && want->subdevice == id->subdevice);
}

/**
 * vfio_latch_rules_find - find the rule that decides a tunable for a device
 * @rules: parsed rules, or NULL for none
 * @id: the device
 * @tunable: the tunable
 *
 * The most specific match wins; of equals the last one.
 *
 * Return: the rule, or NULL if none matches.
 */
const struct vfio_latch_rule *
vfio_latch_rules_find(const struct vfio_latch_rules *rules,
		      const struct vfio_latch_identity *id,
		      enum vfio_latch_tunable tunable)
{
	const struct vfio_latch_rule *best = NULL;
	unsigned int n;

	for (n = 0; rules && n < rules->count; n++) {
		const struct vfio_latch_rule *rule = &rules->rule[n];

		if (rule->tunable == tunable && rule_matches(rule, id) &&
		    (!best || rule->kind >= best->kind))
			best = rule;
	}
	return best;
}
