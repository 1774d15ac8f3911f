// SPDX-License-Identifier: GPL-2.0-only
/* Sections: reads them from files, and finds the one that a device gets. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "configuration/config.h"
#include "configuration/values.h"
#include "device/device.h"
#include "system/devlink.h"
#include "system/driver.h"

/* The file that is being read. */
struct source {
	struct config *config;
	const char *file;
};

static const char *key_name(unsigned int key)
{
	static const char *const names[] = {
		[KEY_DRIVER] = "driver", [KEY_ENABLED] = "enabled",
		[KEY_INITRAMFS] = "initramfs", [KEY_OWNER] = "owner", [KEY_GROUP] = "group",
		[KEY_MODE] = "mode", [KEY_NUM_VFS] = "num_vfs",
		[KEY_ESWITCH_MODE] = "eswitch_mode", [KEY_MIGRATABLE] = "migratable",
	};

	if (key < NR_MATCH_KEYS)
		return match_key_names[key];
	return key >= KEY_TUNABLE ? tunable_names[key - KEY_TUNABLE] : names[key];
}

/* Makes room for one more element in an array of @count elements of @size bytes. */
static void *grown(void *array, size_t count, size_t size)
{
	array = reallocarray(array, count + 1, size);
	if (!array)
		abort();
	memset((char *)array + count * size, 0, size);
	return array;
}

static char *copied(const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		abort();
	return copy;
}

__attribute__((format(printf, 4, 5)))
static void add_fault(struct config *config, const char *file, unsigned int line,
		      const char *format, ...)
{
	struct fault *fault;
	va_list args;

	config->fault = grown(config->fault, config->fault_count, sizeof(*config->fault));
	fault = &config->fault[config->fault_count++];
	fault->file = file;
	fault->line = line;
	va_start(args, format);
	if (vasprintf(&fault->text, format, args) < 0)
		abort();
	va_end(args);
}

static void syntax_fault(void *user, unsigned int line, const char *text)
{
	struct source *source = user;

	source->config->is_partial = true;
	add_fault(source->config, source->file, line, "%s", text);
}

/* Finds or adds a section. Sections of the same name are one section, over all files. */
static struct section *section_get(struct source *source, const struct ini_pair *pair)
{
	struct config *config = source->config;
	struct section *section;
	size_t n;

	for (n = 0; n < config->section_count; n++)
		if (!strcmp(config->section[n].name, pair->section))
			return &config->section[n];

	config->section = grown(config->section, config->section_count, sizeof(*section));
	section = &config->section[config->section_count++];
	snprintf(section->name, sizeof(section->name), "%s", pair->section);
	section->file = source->file;
	section->line = pair->section_line;
	section->enabled = true;
	for (n = 0; n < NR_TUNABLES; n++)
		section->tunable[n] = UNSAID;
	return section;
}

/* Takes "enabled", "initramfs", "migratable" or a tunable. */
static bool take_bool(struct source *source, struct section *section, unsigned int key,
		      const struct ini_pair *pair)
{
	bool value;

	if (!bool_parse(pair->value, &value)) {
		add_fault(source->config, source->file, pair->line,
			  "%s: \"%s\" is neither yes nor no", pair->key, pair->value);
		return false;
	}
	if (key == KEY_ENABLED)
		section->enabled = value;
	else if (key == KEY_INITRAMFS)
		section->in_initramfs = value;
	else if (key == KEY_MIGRATABLE)
		section->migratable = value;
	else
		section->tunable[key - KEY_TUNABLE] = value ? ON : OFF;
	return true;
}

static bool take_match(struct source *source, unsigned int key, const struct ini_pair *pair)
{
	const char *fault;
	char item[256];

	fault = match_fault(key, pair->value, item, sizeof(item));
	if (fault)
		add_fault(source->config, source->file, pair->line, "%s: \"%s\" is %s", pair->key,
			  item, fault);
	return !fault;
}

static bool take_driver(struct source *source, const struct ini_pair *pair)
{
	if (is_driver_name(pair->value))
		return true;
	add_fault(source->config, source->file, pair->line,
		  "driver: \"%s\" is not a driver's name", pair->value);
	return false;
}

static bool take_access(struct source *source, unsigned int key, const struct ini_pair *pair)
{
	const char *fault = key == KEY_MODE ? mode_fault(pair->value) : owner_fault(pair->value);

	if (fault)
		add_fault(source->config, source->file, pair->line, "%s: \"%s\" is %s", pair->key,
			  pair->value, fault);
	return !fault;
}

static bool take_num_vfs(struct source *source, struct section *section,
			 const struct ini_pair *pair)
{
	if (num_vfs_parse(pair->value, &section->num_vfs))
		return true;
	add_fault(source->config, source->file, pair->line,
		  "num_vfs: \"%s\" is not a number of VFs, 0 to 65535", pair->value);
	return false;
}

static bool take_eswitch_mode(struct source *source, const struct ini_pair *pair)
{
	if (eswitch_mode_parse(pair->value) >= 0)
		return true;
	add_fault(source->config, source->file, pair->line,
		  "eswitch_mode: \"%s\" is not legacy or switchdev", pair->value);
	return false;
}

/*
 * A list may go on in another line of its file. A faulty value leaves an empty one behind: the key
 * is wrong, but not missing.
 */
static void keep_value(struct source *source, struct section *section, unsigned int key,
		       const struct ini_pair *pair, bool is_good)
{
	const char *before = section->value_file[key] == source->file ? section->value[key] : NULL;
	const char *text = is_good ? pair->value : "";
	char *value;

	if (before && *before && asprintf(&value, "%s%s%s", before, *text ? "," : "", text) < 0)
		abort();
	if (!before || !*before)
		value = copied(text);
	free(section->value[key]);
	section->value[key] = value;
	section->value_file[key] = source->file;
	section->value_line[key] = pair->line;
	if (key < NR_MATCH_KEYS && !is_good)
		section->faulty |= 1 << key;
}

static void take_pair(void *user, const struct ini_pair *pair)
{
	struct source *source = user;
	struct section *section = section_get(source, pair);
	unsigned int key = 0;
	bool is_good;

	while (key < NR_KEYS && strcmp(pair->key, key_name(key)))
		key++;
	if (key == NR_KEYS) {
		/* "id 15b3:101e" lacks an equals sign: what it was to match is not known. */
		source->config->is_partial |= strpbrk(pair->key, " \t") != NULL;
		add_fault(source->config, source->file, pair->line, "unknown key \"%s\"",
			  pair->key);
		return;
	}
	if (key >= NR_MATCH_KEYS && section->value[key] &&
	    section->value_file[key] == source->file) {
		add_fault(source->config, source->file, pair->line,
			  "%s: already given in line %u", pair->key, section->value_line[key]);
		return;
	}

	if (key < NR_MATCH_KEYS)
		is_good = take_match(source, key, pair);
	else if (key == KEY_DRIVER)
		is_good = take_driver(source, pair);
	else if (key == KEY_OWNER || key == KEY_GROUP || key == KEY_MODE)
		is_good = take_access(source, key, pair);
	else if (key == KEY_NUM_VFS)
		is_good = take_num_vfs(source, section, pair);
	else if (key == KEY_ESWITCH_MODE)
		is_good = take_eswitch_mode(source, pair);
	else
		is_good = take_bool(source, section, key, pair);
	keep_value(source, section, key, pair, is_good);
}

/* Faults and sections point to the name until config_free(). */
static const char *add_file(struct config *config, const char *file)
{
	config->file = grown(config->file, config->file_count, sizeof(*config->file));
	config->file[config->file_count] = copied(file);
	return config->file[config->file_count++];
}

/* Adds the sections and faults of @stream. Their line numbers are of @file. */
void config_parse(struct config *config, const char *file, FILE *stream)
{
	struct source source = { .config = config, .file = add_file(config, file) };
	struct ini_user user = { .pair = take_pair, .fault = syntax_fault, .user = &source };

	ini_lines(stream, &user);
}

/* Adds a fault of the file as a whole, which has line 0. */
void config_unreadable(struct config *config, const char *file, const char *why)
{
	config->is_partial = true;
	add_fault(config, add_file(config, file), 0, "%s", why);
}

static bool has_match(const struct section *section)
{
	unsigned int key;

	for (key = 0; key < NR_MATCH_KEYS; key++)
		if (section->value[key])
			return true;
	return false;
}

/* The last fault concerns one section only: the others apply. */
static void refuse_section(struct config *config, struct section *section)
{
	config->fault[config->fault_count - 1].section = section->name;
	section->is_refused = true;
}

static void refuse_driver(struct config *config, struct section *section, const char *what)
{
	add_fault(config, section->value_file[KEY_DRIVER], section->value_line[KEY_DRIVER],
		  "driver: %s for a VFIO driver, not for \"%s\"", what, section->value[KEY_DRIVER]);
	refuse_section(config, section);
}

/* Whether it has a key that is for PFs. */
bool section_is_about_pfs(const struct section *section)
{
	return section->value[KEY_NUM_VFS] || section->value[KEY_ESWITCH_MODE] ||
	       section->value[KEY_MIGRATABLE];
}

/* A PF makes its VFs with its driver: the usual one, if nothing else is said. */
static void default_driver(struct section *section)
{
	if (section->value[KEY_DRIVER] || !section_is_about_pfs(section))
		return;
	section->value[KEY_DRIVER] = copied(DRIVER_USUAL);
	section->value_file[KEY_DRIVER] = section->file;
	section->value_line[KEY_DRIVER] = section->line;
}

/* The mode is set before VFs are made. */
static void check_eswitch_mode(struct config *config, struct section *section)
{
	if (!section->value[KEY_ESWITCH_MODE] || section->value[KEY_NUM_VFS])
		return;
	add_fault(config, section->value_file[KEY_ESWITCH_MODE],
		  section->value_line[KEY_ESWITCH_MODE],
		  "eswitch_mode: is set before VFs are made, but section [%s] has no num_vfs",
		  section->name);
	refuse_section(config, section);
}

/* VFs cannot be declared migratable in that mode. */
static void check_migratable(struct config *config, struct section *section)
{
	const char *mode = section->value[KEY_ESWITCH_MODE];

	if (!section->migratable || !mode || eswitch_mode_parse(mode) != ESWITCH_LEGACY)
		return;
	add_fault(config, section->value_file[KEY_MIGRATABLE], section->value_line[KEY_MIGRATABLE],
		  "migratable: needs eswitch_mode = switchdev, not %s", mode);
	refuse_section(config, section);
}

/* The name of a match key of @section that matches VFs only, or NULL. */
static const char *match_of_vfs(const struct section *section)
{
	static const enum match_key of_vfs[] = { MATCH_PF, MATCH_PF_NETDEV, MATCH_VF };
	size_t n;

	for (n = 0; n < sizeof(of_vfs) / sizeof(of_vfs[0]); n++)
		if (section->value[of_vfs[n]])
			return key_name(of_vfs[n]);
	return NULL;
}

/* Faults of a section that sets @key, which is for PFs. */
static void check_pf_key(struct config *config, struct section *section, unsigned int key)
{
	const char *file = section->value_file[key];
	unsigned int line = section->value_line[key];
	const char *of_vfs = match_of_vfs(section);

	if (!section->value[key])
		return;
	if (!strcmp(section->value[KEY_DRIVER], DRIVER_NONE)) {
		add_fault(config, file, line, "%s: a PF without a driver makes no VFs",
			  key_name(key));
		refuse_section(config, section);
	}
	if (!of_vfs)
		return;
	add_fault(config, file, line, "%s: is for PFs, but %s matches VFs only", key_name(key),
		  of_vfs);
	refuse_section(config, section);
}

/*
 * Whether functions get @section's driver for the sake of VFIO or of nobody: then no usual driver
 * must have them before.
 */
bool section_claims(const struct section *section)
{
	const char *driver = section->value[KEY_DRIVER];

	return !section->is_refused &&
	       (!strcmp(driver, DRIVER_NONE) || driver_is_for_user_space(driver));
}

/* VFs come later than the initramfs, and a usual driver needs no claim. */
static void check_initramfs(struct config *config, struct section *section)
{
	const char *file = section->value_file[KEY_INITRAMFS];
	unsigned int line = section->value_line[KEY_INITRAMFS];
	const char *driver = section->value[KEY_DRIVER], *of_vfs = match_of_vfs(section);

	if (!section->in_initramfs || section->is_refused || !driver || !*driver)
		return;
	if (!section_claims(section))
		add_fault(config, file, line, "initramfs: nothing is claimed there for \"%s\"",
			  driver);
	else if (of_vfs)
		add_fault(config, file, line, "initramfs: has no VFs, but %s matches VFs only",
			  of_vfs);
	else
		return;
	refuse_section(config, section);
}

static void check_section(struct config *config, struct section *section)
{
	const char *driver;
	unsigned int key;

	default_driver(section);
	driver = section->value[KEY_DRIVER];
	if (!driver)
		add_fault(config, section->file, section->line, "section [%s] names no driver",
			  section->name);
	else if (*driver && !driver_is_vfio(driver) && tunables_are_said(section->tunable))
		refuse_driver(config, section, "tunables are");
	else if (*driver && !driver_is_vfio(driver) && access_is_said(section))
		refuse_driver(config, section, "owner, group and mode are");
	check_eswitch_mode(config, section);
	check_migratable(config, section);
	for (key = KEY_NUM_VFS; key <= KEY_MIGRATABLE; key++)
		check_pf_key(config, section, key);
	check_initramfs(config, section);
	if (!has_match(section))
		add_fault(config, section->file, section->line,
			  "section [%s] does not say which devices it is for", section->name);
}

/* Call this after the last file: it adds the faults of sections as a whole. */
void config_finish(struct config *config)
{
	size_t n;

	for (n = 0; n < config->section_count; n++)
		check_section(config, &config->section[n]);
}

/* The first fault that keeps the whole configuration from being applied, or NULL. */
const struct fault *config_refused(const struct config *config)
{
	size_t n;

	for (n = 0; n < config->fault_count; n++)
		if (!config->fault[n].section)
			return &config->fault[n];
	return NULL;
}

/* Writes the fault with its file, and with its line if it has one. */
void fault_text(const struct fault *fault, char *text, size_t size)
{
	if (fault->line)
		snprintf(text, size, "%s:%u: %s", fault->file, fault->line, fault->text);
	else
		snprintf(text, size, "%s: %s", fault->file, fault->text);
}

/* Writes @section as a file would have it. */
void section_write(const struct section *section, FILE *stream)
{
	unsigned int key;

	fprintf(stream, "[%s]\n", section->name);
	for (key = 0; key < NR_KEYS; key++)
		if (section->value[key])
			fprintf(stream, "%s = %s\n", key_name(key), section->value[key]);
}

bool access_is_said(const struct section *section)
{
	return section->value[KEY_OWNER] || section->value[KEY_GROUP] || section->value[KEY_MODE];
}

/*
 * In a VM, the VFs that it has look like functions of their own: their PF is the host's. One of them
 * may be the VM's only network. A driver for VFs can do nothing for it, so a section with such a
 * driver must name it by its address.
 */
static bool is_without_its_pf(const struct section *section, const struct device *dev)
{
	const char *driver = section->value[KEY_DRIVER];

	return !device_is_vf(dev) && !section->value[MATCH_ADDRESS] && driver &&
	       driver_is_for_vfs(driver);
}

/* Whether @dev has the values of the match keys of @section. A faulty value matches any device. */
static bool keys_match(const struct section *section, const struct device *dev)
{
	unsigned int key;

	for (key = 0; key < NR_MATCH_KEYS; key++)
		if (section->value[key] && !(section->faulty & 1 << key) &&
		    !match_device(key, section->value[key], dev))
			return false;
	return true;
}

/* Whether @section is switched on and matches @dev. */
bool section_matches(const struct section *section, const struct device *dev)
{
	return section->enabled && keys_match(section, dev) && !is_without_its_pf(section, dev);
}

/* Whether @section would match @dev if the PF of @dev were a function of this machine. */
bool section_misses_pf(const struct section *section, const struct device *dev)
{
	return section->enabled && keys_match(section, dev) && is_without_its_pf(section, dev);
}

/* The section that decides about @dev, or NULL: the last one that matches. */
const struct section *config_find(const struct config *config, const struct device *dev)
{
	size_t n;

	for (n = config->section_count; n--;)
		if (section_matches(&config->section[n], dev))
			return &config->section[n];
	return NULL;
}

/* Whether @section matches VFs of @pf that are there or to come. When in doubt, yes. */
bool section_may_match_vfs(const struct section *section, const struct device *pf)
{
	struct device vf;
	unsigned int n;

	for (n = 0; n < pf->total_vfs; n++)
		if (vf_to_come(&vf, pf, n) && section_matches(section, &vf))
			return true;
	return false;
}

/* Whether VFs of @pf, there or to come, may get @section's driver, not the kernel's choice. */
bool section_may_bind_vfs(const struct section *section, const struct device *pf)
{
	const char *driver = section->value[KEY_DRIVER];

	return (!driver || strcmp(driver, DRIVER_USUAL)) && section_may_match_vfs(section, pf);
}

/* Likewise for all sections, also for those that could not be read. */
bool config_may_bind_vfs(const struct config *config, const struct device *pf)
{
	size_t n;

	if (config->is_partial && pf->total_vfs)
		return true;
	for (n = 0; n < config->section_count; n++)
		if (section_may_bind_vfs(&config->section[n], pf))
			return true;
	return false;
}

/* The section of @vf's PF if it wants @vf to be declared migratable, or NULL. */
const struct section *config_find_migratable(const struct config *config, const struct device *vf)
{
	const struct section *section;
	struct address address;
	struct device pf;

	if (!device_is_vf(vf) || !address_parse(vf->pf, &address) ||
	    !device_identify(&pf, &address))
		return NULL;
	section = config_find(config, &pf);
	return section && !section->is_refused && section->migratable ? section : NULL;
}

void config_free(struct config *config)
{
	unsigned int key;
	size_t n;

	for (n = 0; n < config->section_count; n++)
		for (key = 0; key < NR_KEYS; key++)
			free(config->section[n].value[key]);
	for (n = 0; n < config->fault_count; n++)
		free(config->fault[n].text);
	for (n = 0; n < config->file_count; n++)
		free(config->file[n]);
	free(config->section);
	free(config->fault);
	free(config->file);
	*config = (struct config){};
}
