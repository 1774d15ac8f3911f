// SPDX-License-Identifier: GPL-2.0-only
/* Addresses, ids, bools, texts. */
#include <stdio.h>
#include <string.h>

#include "cmocka_test.h"
#include "device/address.h"
#include "device/tunable.h"
#include "fuzz.h"
#include "system/text.h"

static void good_addresses_are_parsed(void **state)
{
	static const struct { const char *text, *formatted; } good[] = {
		{ "0000:41:00.2", "0000:41:00.2" },
		{ "41:00.2", "0000:41:00.2" },
		{ "10000:e1:1f.7", "10000:e1:1f.7" },
		{ "fFfFfFfF:Ab:00.0", "ffffffff:ab:00.0" },
	};
	struct address address;
	char text[ADDRESS_SIZE];
	size_t n;

	(void)state;
	for (n = 0; n < sizeof(good) / sizeof(good[0]); n++) {
		assert_true(address_parse(good[n].text, &address));
		address_format(text, &address);
		assert_string_equal(text, good[n].formatted);
	}
}

static void bad_addresses_are_refused(void **state)
{
	static const char *const bad[] = {
		"", ":", "41", "41:00", "41:00.", "41:00.8", "41:20.0", "41:00.00", "041:00:00.0",
		"000041:00.0", "000000000:41:00.0", "0000:41:00.0 ", " 0000:41:00.0", "0000:4g:00.0",
		"0000-41-00.0", "0000:41:00:0", "x",
	};
	struct address address;
	size_t n;

	(void)state;
	for (n = 0; n < sizeof(bad) / sizeof(bad[0]); n++)
		assert_false(address_parse(bad[n], &address));
}

static void every_address_is_parsed_as_it_is_formatted(void **state)
{
	unsigned long round;

	(void)state;
	for (round = 0; round < 10000; round++) {
		struct address address, parsed;
		char text[ADDRESS_SIZE];

		fuzz_seed(round);
		address = (struct address){ fuzz_below(2) ? fuzz_below(0x10000) :
					    fuzz_below(0xffffffff), fuzz_below(256),
					    fuzz_below(32), fuzz_below(8) };
		address_format(text, &address);
		assert_true(address_parse(text, &parsed));
		assert_true(address_equal(&address, &parsed));
	}
}

static void routing_ids_are_those_of_pci(void **state)
{
	const struct address address = { 0, 0x41, 0x1f, 7 };

	(void)state;
	assert_int_equal(address_routing_id(&address), 0x41ff);
}

static void ids_with_and_without_subsystem_are_parsed(void **state)
{
	bool has_subsystem;
	struct pci_ids ids;

	(void)state;
	assert_true(ids_parse("15b3:101E", &ids, &has_subsystem));
	assert_false(has_subsystem);
	assert_int_equal(ids.device, 0x101e);
	assert_true(ids_parse("15b3:101e:1590:00a1", &ids, &has_subsystem));
	assert_true(has_subsystem);
	assert_int_equal(ids.subdevice, 0xa1);
}

static void malformed_ids_are_refused(void **state)
{
	static const char *const bad[] = {
		"", "15b3", "15b3:", "15b3:101", "15b3:101ee", "15b3:101e:", "15b3:101e:1590",
		"15b3:101e:1590:00a1:", "15b3:101e ", "*:101e",
	};
	bool has_subsystem;
	struct pci_ids ids;
	size_t n;

	(void)state;
	for (n = 0; n < sizeof(bad) / sizeof(bad[0]); n++)
		assert_false(ids_parse(bad[n], &ids, &has_subsystem));
}

static void bools_are_words_of_either_kind(void **state)
{
	bool value;

	(void)state;
	assert_true(bool_parse("Yes", &value) && value);
	assert_true(bool_parse("on", &value) && value);
	assert_true(bool_parse("1", &value) && value);
	assert_true(bool_parse("NO", &value) && !value);
	assert_true(bool_parse("off", &value) && !value);
	assert_true(bool_parse("0", &value) && !value);
	assert_false(bool_parse("", &value));
	assert_false(bool_parse("2", &value));
	assert_false(bool_parse("yess", &value));
}

static void text_is_cleaned_byte_by_byte(void **state)
{
	static const struct { const char *text, *clean; } cases[] = {
		{ "plain", "plain" },
		{ "M\xc3\xbcller \xe2\x82\xac \xf0\x9f\x90\xa7", "M\xc3\xbcller \xe2\x82\xac \xf0\x9f\x90\xa7" },
		{ "M\xfcller", "M?ller" },
		{ "\x1b[31m", "?[31m" },
		{ "\xc2\x9b" "31m", "??31m" },
		{ "a\x7f", "a?" },
		{ "\xc3", "?" },
		{ "\xe2\x82", "??" },
		{ "\xc0\xaf", "??" },
		{ "\xe0\x80\xaf", "???" },
		{ "\xed\xa0\x80", "???" },
		{ "\xf4\x90\x80\x80", "????" },
		{ "\xff", "?" },
	};
	char text[64];
	size_t n;

	(void)state;
	for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
		strcpy(text, cases[n].text);
		assert_int_equal(text_is_clean(text), !strcmp(text, cases[n].clean));
		text_clean(text);
		assert_string_equal(text, cases[n].clean);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_addresses_are_parsed),
		cmocka_unit_test(bad_addresses_are_refused),
		cmocka_unit_test(every_address_is_parsed_as_it_is_formatted),
		cmocka_unit_test(routing_ids_are_those_of_pci),
		cmocka_unit_test(ids_with_and_without_subsystem_are_parsed),
		cmocka_unit_test(malformed_ids_are_refused),
		cmocka_unit_test(bools_are_words_of_either_kind),
		cmocka_unit_test(text_is_cleaned_byte_by_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
