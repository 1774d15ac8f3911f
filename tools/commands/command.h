/* SPDX-License-Identifier: GPL-2.0-only */
/* The subcommands. */
#ifndef COMMAND_H
#define COMMAND_H

#include "configuration/config.h"
#include "output/table.h"
#include "system/report.h"

enum format { FORMAT_TABLE, FORMAT_JSON, FORMAT_PROMETHEUS };

/**
 * struct options - the command line
 * @hotplug: the kernel has just found the new devices
 * @node: the arguments are nodes that udev has handled
 * @initramfs: this is the initramfs
 * @deadline: seconds for all waits together, or 0
 * @group: with all functions of the devices' IOMMU groups
 * @compare: the file of --compare, or NULL
 * @driver: the name of --driver, or NULL
 * @tunable: the values of --disable-idle-d3 and so on
 * @columns: those of --columns, or none
 * @argument, @count: the other arguments
 */
struct options {
	enum format format;
	bool no_legend;
	bool force;
	bool dry_run;
	bool is_new;
	bool off;
	bool last_good;
	unsigned int deadline;
	bool group;
	bool hotplug;
	bool node;
	bool initramfs;
	const char *driver;
	const char *compare;
	struct columns columns;
	enum wish tunable[NR_TUNABLES];
	char **argument;
	size_t count;
};

/* Each cmd_NAME() is in NAME.c. */
enum exit_code cmd_list(const struct options *options);
enum exit_code cmd_show(const struct options *options);
enum exit_code cmd_bind(const struct options *options);
enum exit_code cmd_unbind(const struct options *options);
enum exit_code cmd_apply(const struct options *options);
enum exit_code cmd_claim(const struct options *options);
enum exit_code cmd_check(const struct options *options);
enum exit_code cmd_doctor(const struct options *options);
enum exit_code cmd_migration(const struct options *options);

/* arguments.c APIs: */
enum exit_code read_config(struct config *config);
enum exit_code read_device(struct device *dev, const char *argument);
enum exit_code read_devices(struct devices *devices, const struct options *options);
enum exit_code read_groups(struct devices *devices, const struct options *options);
void print_faults(const struct config *config);

#endif
