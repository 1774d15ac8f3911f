/* SPDX-License-Identifier: GPL-2.0-only */
/* The configuration: see vfio-latch.conf(5). */
#ifndef CONFIG_H
#define CONFIG_H

#include <stdbool.h>
#include <stdio.h>

#include "configuration/ini_lines.h"
#include "configuration/match.h"
#include "device/device.h"
#include "device/tunable.h"

#define CONFIG_DIRECTORY "/etc/vfio-latch.conf.d"

/* Values of "driver" that are not a driver's name. */
#define DRIVER_NONE "none"
#define DRIVER_USUAL "usual"

/* All keys of a section. The first ones are the match keys, in their order. */
enum key {
	KEY_DRIVER = NR_MATCH_KEYS,
	KEY_ENABLED,
	KEY_INITRAMFS,
	KEY_OWNER,
	KEY_GROUP,
	KEY_MODE,
	KEY_NUM_VFS,
	KEY_ESWITCH_MODE,
	KEY_MIGRATABLE,
	KEY_TUNABLE,
	NR_KEYS = KEY_TUNABLE + NR_TUNABLES
};

/**
 * struct section - a section, merged from all files that have it
 * @name: its name
 * @file, @line: where it appears first
 * @value: each key's value in the last file that has it, or NULL
 * @value_file, @value_line: the place of that value
 * @faulty: bits (1 << enum match_key) of match keys that have a faulty value
 * @is_refused: it has a fault of its own: it decides about its devices, but binds none
 * @enabled: not switched off
 * @in_initramfs: its devices are claimed there, too
 * @num_vfs: how many VFs its PFs shall have; 0: that is left to others
 * @migratable: VFs of its PFs shall be declared migratable
 * @tunable: its values of the tunables
 */
struct section {
	char name[INI_SECTION_SIZE];
	const char *file;
	unsigned int line;
	char *value[NR_KEYS];
	const char *value_file[NR_KEYS];
	unsigned int value_line[NR_KEYS];
	unsigned int faulty;
	bool is_refused;
	bool enabled;
	bool in_initramfs;
	unsigned int num_vfs;
	bool migratable;
	enum wish tunable[NR_TUNABLES];
};

/**
 * struct fault - a fault of the configuration
 * @file, @line: its place; line 0 is the file as a whole
 * @section: the only section that is refused for it; NULL: the whole configuration is
 * @text: what is wrong
 */
struct fault {
	const char *file;
	unsigned int line;
	const char *section;
	char *text;
};

/**
 * struct config - the contents of all files
 * @section: in the order of their first appearance
 * @fault: in the order of files and lines, then those of sections as a whole
 * @is_partial: a part could not be read, and may be about any device
 * @file: their names
 */
struct config {
	struct section *section;
	size_t section_count;
	struct fault *fault;
	size_t fault_count;
	bool is_partial;
	char **file;
	size_t file_count;
};

/* config.c APIs: */
void config_parse(struct config *config, const char *file, FILE *stream);
void config_unreadable(struct config *config, const char *file, const char *why);
void config_finish(struct config *config);
const struct fault *config_refused(const struct config *config);
void fault_text(const struct fault *fault, char *text, size_t size);
void section_write(const struct section *section, FILE *stream);
bool access_is_said(const struct section *section);
bool section_is_about_pfs(const struct section *section);
bool section_claims(const struct section *section);
bool section_matches(const struct section *section, const struct device *dev);
bool section_misses_pf(const struct section *section, const struct device *dev);
const struct section *config_find(const struct config *config, const struct device *dev);
bool section_may_match_vfs(const struct section *section, const struct device *pf);
bool section_may_bind_vfs(const struct section *section, const struct device *pf);
bool config_may_bind_vfs(const struct config *config, const struct device *pf);
const struct section *config_find_migratable(const struct config *config,
					     const struct device *vf);
void config_free(struct config *config);

/* initramfs.c APIs: */
const struct section *config_for_initramfs(const struct config *config);
bool config_is_newer_than_initramfs(const struct config *config, char *image, size_t size);

/* files.c APIs: */
void config_load(struct config *config);
void config_load_files(struct config *config, char *const *file, size_t count);

#endif
