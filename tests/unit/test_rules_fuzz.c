// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rules parser against random texts, judged by the grammar written a second time, as a
 * regular expression.
 */
#include <linux/err.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>

#include "cmocka_test.h"
#include "fuzz.h"
#include "rules.h"

#define TEXT_SIZE 600
#define SEPARATORS "; \t\n\v\f\r"

#define X4 "[0-9a-fA-F]{4}"
#define SETTING "(disable_idle_d3|disable_vga|nointxmask)=([01yYnNtTfF]|[oO][nNfF])[^,]*"
#define GRAMMAR "^([0-9a-fA-F]{4,8}:[0-9a-fA-F]{2}:[01][0-9a-fA-F][.][0-7]|" \
		X4 ":" X4 "(:" X4 ":" X4 ")?)/" SETTING "(," SETTING ")*$"

static regex_t grammar;

/* Whether one rule is well-formed, and how many settings it has. */
static bool is_rule(const char *rule, unsigned int *settings)
{
	size_t match = strcspn(rule, "/");
	const char *setting = rule + match;

	if (regexec(&grammar, rule, 0, NULL, 0))
		return false;
	while (*setting) {
		size_t length = strcspn(setting + 1, ",");

		if (match + 1 + length >= VFIO_LATCH_RULE_TEXT_MAX)
			return false;
		setting += 1 + length;
		(*settings)++;
	}
	return true;
}

static bool is_text(const char *text, unsigned int *settings)
{
	char copy[TEXT_SIZE];
	char *rest = copy, *rule;

	*settings = 0;
	strcpy(copy, text);
	while ((rule = strsep(&rest, SEPARATORS)))
		if (*rule && !is_rule(rule, settings))
			return false;
	return true;
}

static void append(char *text, const char *piece)
{
	if (strlen(text) + strlen(piece) < TEXT_SIZE)
		strcat(text, piece);
}

static const char *pick(const char *const *pieces, unsigned int n)
{
	return pieces[fuzz_below(n)];
}

#define PICK(...) pick((const char *const[]){ __VA_ARGS__ }, \
		       sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

/* A text that is close to the grammar, so that both sides of each rule of it are tried. */
static void random_text(char *text)
{
	unsigned int rules = fuzz_below(5);

	text[0] = '\0';
	while (rules--) {
		unsigned int settings = 1 + fuzz_below(3);

		append(text, PICK("0000:41:00.0", "10000:ff:1f.7", "10de:2684", "8086:10d3:0000:fffF",
				  "10de:2684", "0000:41:00.0", "0000:00:20.0", "0:1"));
		append(text, "/");
		while (settings--) {
			append(text, PICK("disable_vga", "nointxmask", "disable_idle_d3",
					  "disable_vga", "nointxmask", "disable"));
			append(text, "=");
			append(text, PICK("1", "0", "on", "off", "y", "no", "true", "F", "o",
					  "1aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
			if (settings)
				append(text, ",");
		}
		append(text, PICK(";", " ", "\n", ";;", "\t \v"));
	}
}

static void mutate(char *text)
{
	static const char alphabet[] = "0123456789abcdefABCDEFxyn:./,=;_ \t\n\377\001";
	unsigned int times = fuzz_below(4);
	size_t length = strlen(text);

	while (times-- && length) {
		size_t at = fuzz_below(length);

		switch (fuzz_below(3)) {
		case 0:
			text[at] = alphabet[fuzz_below(sizeof(alphabet) - 1)];
			break;
		case 1:
			memmove(text + at, text + at + 1, length - at);
			length--;
			break;
		case 2:
			text[at] = '\0';
			length = at;
			break;
		}
	}
}

static void assert_sound(const struct vfio_latch_rules *rules, const char *text)
{
	unsigned int n;

	for (n = 0; n < rules->count; n++) {
		const struct vfio_latch_rule *rule = &rules->rule[n];
		const char *slash = memchr(rule->text, '/', sizeof(rule->text));
		const struct vfio_latch_rule *found;

		assert_non_null(memchr(rule->text, '\0', sizeof(rule->text)));
		assert_in_range(rule->tunable, 0, VFIO_LATCH_NR_TUNABLES - 1);
		assert_non_null(slash);
		/* Both halves stand in the text as they do in the rule. */
		assert_non_null(strstr(text, slash + 1));
		/* A function that is all that the rule wants lives under it, or a better one. */
		found = vfio_latch_rules_find(rules, &rule->want, rule->tunable);
		assert_non_null(found);
		assert_true(found->kind >= rule->kind);
		assert_int_equal(found->tunable, rule->tunable);
	}
}

static void a_text_is_accepted_exactly_when_it_follows_the_grammar(void **state)
{
	unsigned long accepted = 0, rounds = fuzz_rounds();
	unsigned long round;

	(void)state;
	assert_int_equal(regcomp(&grammar, GRAMMAR, REG_EXTENDED | REG_NOSUB), 0);
	for (round = 0; round < rounds; round++) {
		struct vfio_latch_rules_fault fault;
		struct vfio_latch_rules *rules;
		char text[TEXT_SIZE];
		unsigned int settings;
		bool expected;

		fuzz_seed(round);
		random_text(text);
		mutate(text);
		expected = is_text(text, &settings);
		rules = vfio_latch_rules_parse(text, &fault);
		if (IS_ERR(rules) == expected)
			fail_msg("round %lu: \"%s\" is %s", round, text,
				 expected ? "refused" : "accepted");
		if (IS_ERR(rules)) {
			assert_int_equal(PTR_ERR(rules), -EINVAL);
			assert_non_null(fault.reason);
			continue;
		}
		assert_int_equal(rules->count, settings);
		assert_null(fault.reason);
		assert_sound(rules, text);
		vfio_latch_rules_free(rules);
		accepted++;
	}
	regfree(&grammar);
	print_message("%lu of %lu texts accepted\n", accepted, rounds);
	/* Else the texts would try one side only. */
	assert_in_range(accepted, rounds / 20, rounds - rounds / 20);
}

/* A rule that was added and removed again leaves a list that decides as before, rule by rule. */
static void a_rule_comes_and_goes_without_a_trace(void **state)
{
	unsigned long round, rounds = fuzz_rounds() / 4, tried = 0;

	(void)state;
	for (round = 0; round < rounds; round++) {
		struct vfio_latch_rules *rules, *added, *rule, *removed;
		struct vfio_latch_rules_fault fault;
		char text[TEXT_SIZE], one[TEXT_SIZE];
		unsigned int n;

		fuzz_seed(round);
		random_text(text);
		random_text(one);
		one[strcspn(one, SEPARATORS)] = '\0';
		rules = vfio_latch_rules_parse(text, &fault);
		rule = vfio_latch_rules_parse(one, &fault);
		if (IS_ERR(rules) || IS_ERR(rule) || !rule->count) {
			if (!IS_ERR(rules)) {
				added = vfio_latch_rules_add(rules, one, &fault);
				assert_int_equal(PTR_ERR(added), -EINVAL);
				vfio_latch_rules_free(rules);
			}
			if (!IS_ERR(rule))
				vfio_latch_rules_free(rule);
			continue;
		}
		added = vfio_latch_rules_add(rules, one, &fault);
		assert_false(IS_ERR(added));
		assert_int_equal(added->count, rules->count + rule->count);
		for (n = 0; n < rule->count; n++)
			assert_memory_equal(&added->rule[rules->count + n], &rule->rule[n],
					    sizeof(rule->rule[n]));
		removed = vfio_latch_rules_remove(added, one, &fault);
		assert_false(IS_ERR(removed));
		assert_int_equal(removed->count, rules->count);
		assert_memory_equal(removed->rule, rules->rule,
				    rules->count * sizeof(rules->rule[0]));
		vfio_latch_rules_free(removed);
		vfio_latch_rules_free(added);
		vfio_latch_rules_free(rule);
		vfio_latch_rules_free(rules);
		tried++;
	}
	assert_in_range(tried, rounds / 50, rounds);
}

static void random_bytes_do_no_harm(void **state)
{
	unsigned long round, rounds = fuzz_rounds() / 10;
	static char text[VFIO_LATCH_RULES_TEXT_MAX + 64];

	(void)state;
	for (round = 0; round < rounds; round++) {
		struct vfio_latch_rules_fault fault;
		struct vfio_latch_rules *rules;
		size_t length, n;

		fuzz_seed(round);
		length = fuzz_below(fuzz_below(20) ? 100 : sizeof(text));
		for (n = 0; n < length; n++)
			text[n] = 1 + fuzz_below(fuzz_below(2) ? 255 : 127);
		text[length] = '\0';
		rules = vfio_latch_rules_parse(text, &fault);
		if (!IS_ERR(rules))
			vfio_latch_rules_free(rules);
		else
			assert_non_null(memchr(fault.rule, '\0', sizeof(fault.rule)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_is_accepted_exactly_when_it_follows_the_grammar),
		cmocka_unit_test(a_rule_comes_and_goes_without_a_trace),
		cmocka_unit_test(random_bytes_do_no_harm),
	};

	return cmocka_run_group_tests_name("rules_fuzz", tests, NULL, NULL);
}
