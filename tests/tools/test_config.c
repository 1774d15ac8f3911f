// SPDX-License-Identifier: GPL-2.0-only
/* Which section a device gets. Faults are tested with the command, command/check.sh. */
#include "cmocka_test.h"
#include "parse.h"

static const struct device vf3 = {
	.address = { 0, 0x41, 0, 4 }, .bdf = "0000:41:00.4",
	.ids = { 0x15b3, 0x101e, 0x1590, 0x00a1 }, .iommu_group = 12,
	.pf = "0000:41:00.0", .vf_index = 3,
};

static const struct device disk = {
	.address = { 0, 0xc1, 0, 0 }, .bdf = "0000:c1:00.0",
	.ids = { 0x144d, 0xa80a, 0x144d, 0xa801 }, .iommu_group = -1,
};

/* The name of the section that @dev gets of @text, "" for none. */
static const char *section_of(const char *text, const struct device *dev)
{
	static char name[INI_SECTION_SIZE];
	const struct section *section;
	struct config config;

	parse(&config, text);
	assert_int_equal(config.fault_count, 0);
	section = config_find(&config, dev);
	snprintf(name, sizeof(name), "%s", section ? section->name : "");
	config_free(&config);
	return name;
}

static bool matches(const char *match, const struct device *dev)
{
	char text[256];

	snprintf(text, sizeof(text), "[x]\n%s\ndriver = vfio-pci\n", match);
	return *section_of(text, dev);
}

static void each_key_matches_what_it_names_and_nothing_else(void **state)
{
	static const struct { const char *match; bool vf3, disk; } cases[] = {
		{ "address = 0000:41:00.4", true, false },
		{ "address = 41:00.4", true, false },
		{ "address = 0001:41:00.4", false, false },
		{ "address = 0000:c1:00.0, 0000:41:00.4", true, true },
		{ "id = 15b3:101e", true, false },
		{ "id = 15b3:101e:1590:00A1", true, false },
		{ "id = 15b3:101e:1590:00a2", false, false },
		{ "id = 144d:a80a,15b3:101e", true, true },
		{ "pf = 0000:41:00.0", true, false },
		{ "pf = 0000:41:00.1", false, false },
		{ "vf = 3", true, false },
		{ "vf = 0", false, false },
		{ "vf = 0-2, 4-100", false, false },
		{ "vf = 0-2,3-3", true, false },
		{ "iommu_group = 12", true, false },
		{ "iommu_group = 0-11", false, false },
		{ "iommu_group = 0-999999999", true, false },
		{ "vf = 3\npf = 0000:41:00.0\nid = 15b3:101e", true, false },
		{ "vf = 3\npf = 0000:41:00.1", false, false },
	};
	size_t n;

	(void)state;
	for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
		assert_int_equal(matches(cases[n].match, &vf3), cases[n].vf3);
		assert_int_equal(matches(cases[n].match, &disk), cases[n].disk);
	}
}

static void the_last_section_that_matches_decides(void **state)
{
	(void)state;
	assert_string_equal(section_of("[a]\nid = 15b3:101e\ndriver = vfio-pci\n"
				       "[b]\nvf = 3\ndriver = usual\n"
				       "[c]\nvf = 4\ndriver = none\n", &vf3), "b");
	assert_string_equal(section_of("[b]\nvf = 3\ndriver = usual\n"
				       "[a]\nid = 15b3:101e\ndriver = vfio-pci\n", &vf3), "a");
}

static void a_section_that_is_off_decides_nothing(void **state)
{
	(void)state;
	assert_string_equal(section_of("[a]\nid = 15b3:101e\ndriver = vfio-pci\n"
				       "[b]\nvf = 3\ndriver = usual\nenabled = no\n", &vf3), "a");
}

static void a_later_file_replaces_single_keys_and_keeps_the_order(void **state)
{
	static const char one[] = "[a]\nid = 15b3:101e\ndriver = vfio-pci\ndisable_vga = yes\n"
				  "[b]\nvf = 3\ndriver = none\n";
	static const char two[] = "[a]\nid = 144d:a80a\n[b]\nenabled = no\n";
	struct config config = {};
	const struct section *section;

	(void)state;
	parse_more(&config, "one", one, strlen(one));
	parse_more(&config, "two", two, strlen(two));
	config_finish(&config);
	assert_int_equal(config.fault_count, 0);
	assert_null(config_find(&config, &vf3));
	section = config_find(&config, &disk);
	assert_non_null(section);
	assert_string_equal(section->value[KEY_DRIVER], "vfio-pci");
	assert_int_equal(section->tunable[DISABLE_VGA], ON);
	assert_int_equal(section->tunable[NOINTXMASK], UNSAID);
	assert_string_equal(section->file, "one");
	assert_string_equal(section->value_file[MATCH_ID], "two");
	config_free(&config);
}

/* Many devices in one section, by lines or in one of them. */
static void lists_go_on_in_other_lines_and_may_be_long(void **state)
{
	char text[4096] = "[a]\naddress = 0000:41:00.4\n", *end;
	unsigned int n;

	(void)state;
	strcat(text, "driver = vfio-pci\naddress = 0000:00:00.0");
	end = text + strlen(text);
	for (n = 1; n < 200; n++)
		end += sprintf(end, ", 0000:%02x:00.0", n);
	assert_string_equal(section_of(text, &vf3), "a");
	/* c1 is one of these. */
	assert_string_equal(section_of(text, &disk), "a");
	strcpy(end, "\n[a]\nid = 15b3:101e\n");
	assert_string_equal(section_of(text, &vf3), "a");
	assert_string_equal(section_of(text, &disk), "");
}

static void a_list_of_a_later_file_replaces_all_lines_of_the_earlier(void **state)
{
	static const char one[] = "[a]\nvf = 1\nvf = 3\ndriver = vfio-pci\n";
	static const char two[] = "[a]\nvf = 4\nvf = 5\n";
	struct config config = {};

	(void)state;
	parse_more(&config, "one", one, strlen(one));
	parse_more(&config, "two", two, strlen(two));
	config_finish(&config);
	assert_int_equal(config.fault_count, 0);
	assert_string_equal(config.section[0].value[MATCH_VF], "4,5");
	config_free(&config);
}

/* As editors leave files behind. */
static void blanks_comments_and_line_ends_do_not_matter(void **state)
{
	(void)state;
	assert_string_equal(section_of("\xef\xbb\xbf; a comment\r\n\r\n  [a] # one\r\n"
				       "\tid=15b3:101e ; the VFs\r\n"
				       "      driver   =   vfio-pci \t# for guests\r\n"
				       "# [b]\r\n  ; [c]", &vf3), "a");
}

/* A long comment, and a long line's place in the count. */
static void long_comments_are_comments(void **state)
{
	char text[1000] = "#";

	(void)state;
	memset(text + 1, 'x', 500);
	strcpy(text + 501, "\n[a]\nid = 15b3:101e\ndriver = vfio-pci\n");
	assert_string_equal(section_of(text, &vf3), "a");
}

/* As files have it that were right for libinih. */
static void a_sections_name_may_have_a_comments_sign_and_a_colon_divides_too(void **state)
{
	(void)state;
	assert_string_equal(section_of("[gpu #1] ; a comment\nid: 15b3:101e\n"
				       "driver : vfio-pci\n", &vf3), "gpu #1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_key_matches_what_it_names_and_nothing_else),
		cmocka_unit_test(the_last_section_that_matches_decides),
		cmocka_unit_test(a_section_that_is_off_decides_nothing),
		cmocka_unit_test(a_later_file_replaces_single_keys_and_keeps_the_order),
		cmocka_unit_test(lists_go_on_in_other_lines_and_may_be_long),
		cmocka_unit_test(a_list_of_a_later_file_replaces_all_lines_of_the_earlier),
		cmocka_unit_test(blanks_comments_and_line_ends_do_not_matter),
		cmocka_unit_test(long_comments_are_comments),
		cmocka_unit_test(a_sections_name_may_have_a_comments_sign_and_a_colon_divides_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
