// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random configurations: bytes, texts close to the grammar, and good ones whose
 * meaning, or whose one damaged line, is known beforehand.
 */
#include <stdlib.h>

#include "cmocka_test.h"
#include "configuration/values.h"
#include "fuzz.h"
#include "parse.h"

#define TEXT_SIZE 4096
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static unsigned int count_lines(const char *text, size_t size)
{
	unsigned int lines = 1;
	size_t n;

	for (n = 0; n < size; n++)
		lines += text[n] == '\n';
	return lines;
}

static struct device random_device(void)
{
	struct device dev = {
		.address = { 0, 0x41, fuzz_below(2), fuzz_below(8) },
		.ids = { 0x15b3, 0x101c + fuzz_below(3), 1, fuzz_below(2) },
		.iommu_group = fuzz_below(6) - 1,
		.vf_index = fuzz_below(6),
	};

	address_format(dev.bdf, &dev.address);
	if (fuzz_below(4))
		snprintf(dev.pf, sizeof(dev.pf), "0000:41:00.%u", fuzz_below(2));
	return dev;
}

/* What must hold whatever was read. */
static void check(const struct config *config, unsigned int lines)
{
	const struct device dev = random_device();
	const struct section *section;
	size_t n;

	for (n = 0; n < config->fault_count; n++) {
		assert_true(config->fault[n].line >= 1 && config->fault[n].line <= lines);
		assert_true(*config->fault[n].text);
	}
	if (config->fault_count)
		return;
	for (n = 0; n < config->section_count; n++)
		assert_true(is_driver_name(config->section[n].value[KEY_DRIVER]));
	section = config_find(config, &dev);
	if (section)
		assert_true(section->enabled);
}

static void parse_random(const char *text, size_t size)
{
	struct config config = {};

	parse_more(&config, "random", text, size);
	config_finish(&config);
	check(&config, count_lines(text, size));
	config_free(&config);
}

static void any_bytes_are_read_or_refused(void **state)
{
	unsigned long round;

	(void)state;
	for (round = 0; round < fuzz_rounds() / 10; round++) {
		static const char often[] = "[]=;#\n\r \t,:.-0\0";
		char text[300];
		size_t size, n;

		fuzz_seed(round);
		size = fuzz_below(sizeof(text));
		for (n = 0; n < size; n++)
			text[n] = fuzz_below(2) ? often[fuzz_below(sizeof(often))] : fuzz_below(256);
		parse_random(text, size);
	}
}

static void texts_close_to_the_grammar_are_read_or_refused(void **state)
{
	static const char *const pieces[] = {
		"[a]\n", "[b]\n", "[", "]", "\n", "\n", " ", "=", " = ", ",", ";", "#",
		"id = 15b3:101e\n", "driver = vfio-pci\n", "driver = usual\n", "enabled = no\n",
		"vf", "id", "address", "pf", "iommu_group", "disable_vga", "nointxmask",
		"0-3", "7", "15b3:101e", "0000:41:00.1", "yes", "999999999999", "-",
	};
	unsigned long round;

	(void)state;
	for (round = 0; round < fuzz_rounds() / 10; round++) {
		unsigned int count;
		char text[TEXT_SIZE] = "";

		fuzz_seed(round);
		for (count = fuzz_below(60); count; count--)
			strcat(text, pieces[fuzz_below(COUNT(pieces))]);
		parse_random(text, strlen(text));
	}
}

/* A section as it is meant; a negative number is a key that is not given. */
struct meant {
	int device, subdevice, function, pf, vf_first, vf_last, group;
	bool enabled;
};

static int maybe(int limit)
{
	return fuzz_below(3) ? -1 : (int)fuzz_below(limit);
}

static struct meant random_meant(void)
{
	struct meant meant = {
		.device = maybe(3), .subdevice = maybe(2), .function = maybe(8), .pf = maybe(2),
		.vf_first = maybe(6), .group = maybe(5), .enabled = fuzz_below(4),
	};

	/* One key at least. */
	if (meant.device < 0 && meant.function < 0 && meant.pf < 0 && meant.vf_first < 0 &&
	    meant.group < 0)
		meant.device = 2;
	meant.vf_last = meant.vf_first + fuzz_below(3);
	return meant;
}

static size_t write_meant(char *text, const struct meant *meant, unsigned int n)
{
	char *end = text;

	end += sprintf(end, "[section %u]\n", n);
	if (meant->device >= 0)
		end += sprintf(end, "id = 1234:5678, 15b3:%04x%s\n", 0x101c + meant->device,
			       meant->subdevice < 0 ? "" :
			       meant->subdevice ? ":0001:0001" : ":0001:0000");
	if (meant->function >= 0)
		end += sprintf(end, "  address=41:00.%d ,0000:41:01.%d\n", meant->function,
			       meant->function);
	if (meant->pf >= 0)
		end += sprintf(end, "pf = 41:00.%d\n", meant->pf);
	if (meant->vf_first >= 0)
		end += sprintf(end, "vf = %d-%d ; some\n", meant->vf_first, meant->vf_last);
	if (meant->group >= 0)
		end += sprintf(end, "iommu_group = %d\n", meant->group);
	end += sprintf(end, "driver = vfio-pci\n# and\n\nenabled = %s\n",
		       meant->enabled ? "on" : "off");
	return end - text;
}

static bool is_meant(const struct meant *meant, const struct device *dev)
{
	if (!meant->enabled)
		return false;
	if (meant->device >= 0 && (dev->ids.device != 0x101c + meant->device ||
				   (meant->subdevice >= 0 && dev->ids.subdevice != meant->subdevice)))
		return false;
	if (meant->function >= 0 && dev->address.function != meant->function)
		return false;
	if (meant->pf >= 0 && (!dev->pf[0] || dev->pf[11] != '0' + meant->pf))
		return false;
	if (meant->vf_first >= 0 && (!dev->pf[0] || (int)dev->vf_index < meant->vf_first ||
				     (int)dev->vf_index > meant->vf_last))
		return false;
	return meant->group < 0 || dev->iommu_group == meant->group;
}

static void the_section_found_is_the_last_one_that_is_meant(void **state)
{
	unsigned long round;

	(void)state;
	for (round = 0; round < fuzz_rounds() / 20; round++) {
		struct meant meant[6];
		unsigned int count, n, tries;
		char text[TEXT_SIZE], *end = text;
		struct config config;

		fuzz_seed(round);
		count = 1 + fuzz_below(COUNT(meant));
		for (n = 0; n < count; n++) {
			meant[n] = random_meant();
			end += write_meant(end, &meant[n], n);
		}
		parse(&config, text);
		assert_int_equal(config.fault_count, 0);
		assert_int_equal(config.section_count, count);
		for (tries = 0; tries < 10; tries++) {
			const struct device dev = random_device();
			const struct section *expected = NULL;

			for (n = 0; n < count; n++)
				if (is_meant(&meant[n], &dev))
					expected = &config.section[n];
			assert_ptr_equal(config_find(&config, &dev), expected);
		}
		config_free(&config);
	}
}

/* Replaces line @line of @text, which has at least as many. */
static void replace_line(char *text, unsigned int line, const char *with)
{
	char rest[TEXT_SIZE], *start = text;

	while (--line)
		start = strchr(start, '\n') + 1;
	strcpy(rest, strchr(start, '\n'));
	strcpy(start, with);
	strcat(start, rest);
}

static void one_damaged_line_is_named(void **state)
{
	static const char *const damage[] = {
		"nonsense", "drvier = vfio-pci", "vf = x", "vf = 3-2", "address = 41:00.9",
		"id = 15b3", "nointxmask = maybe", "driver = a b", "pf = eth0", "vf = ,",
	};
	unsigned long round;

	(void)state;
	for (round = 0; round < fuzz_rounds() / 20; round++) {
		unsigned int line, n, lines;
		char text[TEXT_SIZE], *end = text;
		struct meant meant;
		struct config config;
		bool found = false;

		fuzz_seed(round);
		for (n = 0; n < 3; n++) {
			meant = random_meant();
			end += write_meant(end, &meant, n);
		}
		lines = count_lines(text, strlen(text)) - 1;
		/* Not in the place of the first section. */
		line = 2 + fuzz_below(lines - 1);
		replace_line(text, line, damage[fuzz_below(COUNT(damage))]);
		parse(&config, text);
		for (n = 0; n < config.fault_count; n++)
			found |= config.fault[n].line == line;
		/* A key twice is told at the second, which may be below. */
		for (n = 0; n < config.fault_count && !found; n++)
			found = strstr(config.fault[n].text, "already given") != NULL;
		assert_true(found);
		config_free(&config);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_bytes_are_read_or_refused),
		cmocka_unit_test(texts_close_to_the_grammar_are_read_or_refused),
		cmocka_unit_test(the_section_found_is_the_last_one_that_is_meant),
		cmocka_unit_test(one_damaged_line_is_named),
	};

	/* No sysfs: there are no network interfaces. */
	setenv("VFIO_LATCH_ROOT", "/nonexistent", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
