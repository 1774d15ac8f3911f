// SPDX-License-Identifier: GPL-2.0-only
/* The command line. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "commands/command.h"
#include "configuration/values.h"
#include "system/bounded.h"
#include "system/signals.h"

#define ANY_NUMBER ((size_t)-1)

enum option_letter {
	OPTION_HELP = 'h',
	OPTION_VERSION = 'V',
	OPTION_DRIVER = 'd',
	OPTION_FORCE = 'f',
	OPTION_GROUP = 'g',
	OPTION_DRY_RUN = 'n',
	OPTION_JSON = 256,
	OPTION_FORMAT,
	OPTION_NO_LEGEND,
	OPTION_COLUMNS,
	OPTION_NEW,
	OPTION_OFF,
	OPTION_LAST_GOOD,
	OPTION_HOTPLUG,
	OPTION_NODE,
	OPTION_INITRAMFS,
	OPTION_COMPARE,
	OPTION_TIMEOUT,
	OPTION_DEADLINE,
	/* and one for each tunable */
	OPTION_TUNABLE,
};

static const struct option long_options[] = {
	{ "help", no_argument, NULL, OPTION_HELP },
	{ "version", no_argument, NULL, OPTION_VERSION },
	{ "driver", required_argument, NULL, OPTION_DRIVER },
	{ "force", no_argument, NULL, OPTION_FORCE },
	{ "dry-run", no_argument, NULL, OPTION_DRY_RUN },
	{ "json", no_argument, NULL, OPTION_JSON },
	{ "format", required_argument, NULL, OPTION_FORMAT },
	{ "no-legend", no_argument, NULL, OPTION_NO_LEGEND },
	{ "columns", required_argument, NULL, OPTION_COLUMNS },
	{ "new", no_argument, NULL, OPTION_NEW },
	{ "off", no_argument, NULL, OPTION_OFF },
	{ "last-good", no_argument, NULL, OPTION_LAST_GOOD },
	{ "hotplug", no_argument, NULL, OPTION_HOTPLUG },
	{ "node", no_argument, NULL, OPTION_NODE },
	{ "initramfs", no_argument, NULL, OPTION_INITRAMFS },
	{ "compare", required_argument, NULL, OPTION_COMPARE },
	{ "group", no_argument, NULL, OPTION_GROUP },
	{ "timeout", required_argument, NULL, OPTION_TIMEOUT },
	{ "deadline", required_argument, NULL, OPTION_DEADLINE },
	{ "disable-idle-d3", required_argument, NULL, OPTION_TUNABLE + DISABLE_IDLE_D3 },
	{ "disable-vga", required_argument, NULL, OPTION_TUNABLE + DISABLE_VGA },
	{ "nointxmask", required_argument, NULL, OPTION_TUNABLE + NOINTXMASK },
	{}
};

/* Each command, how many devices or files it takes, and which options. */
static const struct command {
	const char *name;
	enum exit_code (*run)(const struct options *options);
	size_t least, most;
	const char *options;
} commands[] = {
	{ "list", cmd_list, 0, 0, "json format no-legend columns" },
	{ "show", cmd_show, 1, 1, "json" },
	{ "bind", cmd_bind, 1, ANY_NUMBER,
	  "driver force group dry-run timeout disable-idle-d3 disable-vga nointxmask" },
	{ "unbind", cmd_unbind, 1, ANY_NUMBER, "force group dry-run timeout" },
	{ "apply", cmd_apply, 0, ANY_NUMBER, "force dry-run timeout deadline new hotplug node off last-good" },
	{ "claim", cmd_claim, 0, 0, "dry-run deadline initramfs" },
	{ "check", cmd_check, 0, ANY_NUMBER, "" },
	{ "doctor", cmd_doctor, 0, ANY_NUMBER, "json" },
	{ "migration", cmd_migration, 0, ANY_NUMBER, "json compare" },
};

#define NR_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_help(void)
{
	puts("usage: vfio-latch COMMAND [OPTION...] [ARGUMENT...]\n"
	     "\n"
	     "  list                devices that a VFIO driver has, or that the configuration names\n"
	     "  show DEVICE         all that is known of one\n"
	     "  bind DEVICE...      give them to the driver that the configuration names, or --driver\n"
	     "  unbind DEVICE...    give them back to their usual driver\n"
	     "  apply [DEVICE...]   do what the configuration says, for these devices or for all\n"
	     "  claim               keep other drivers from devices before udev finds them\n"
	     "  check [FILE...]     say what is wrong with the configuration\n"
	     "  doctor [DEVICE...]  say why devices are not bound or cannot be migrated\n"
	     "  migration [VF...]   say what decides whether these VFs can go to another host\n"
	     "\n"
	     "DEVICE is a PCI address, DDDD:BB:DD.F or BB:DD.F.\n"
	     "\n"
	     "  -d, --driver=NAME   bind: the driver\n"
	     "      --disable-idle-d3=BOOL, --disable-vga=BOOL, --nointxmask=BOOL\n"
	     "                      bind: the tunables\n"
	     "  -f, --force         bind, unbind, apply: even if the device is in use\n"
	     "  -g, --group         bind, unbind: with all functions of their IOMMU groups\n"
	     "  -n, --dry-run       bind, unbind, apply, claim: say what would be done\n"
	     "      --timeout=SECONDS\n"
	     "                      bind, unbind, apply: how long to wait for a driver, 60;\n"
	     "                      apply --new: how long all waits together may be, 120\n"
	     "      --deadline=SECONDS\n"
	     "                      apply, claim: how long all waits together may be\n"
	     "      --new           apply: the devices have just appeared (udev calls this)\n"
	     "      --hotplug       apply --new: take them from a driver that was faster, if idle\n"
	     "      --node          apply --new: set who may open these nodes again (udev calls this)\n"
	     "      --initramfs     claim: only the devices that are claimed in the initramfs\n"
	     "      --off           apply: as if the configuration were empty\n"
	     "      --last-good     apply: the last good configuration, if this one has a fault\n"
	     "      --json          list, show, doctor, migration: print JSON\n"
	     "      --compare=FILE  migration: whether they can go to the host of this JSON\n"
	     "      --format=FORMAT list: table, json or prometheus\n"
	     "      --no-legend     list: no headings\n"
	     "      --columns=NAME,...\n"
	     "                      list: these columns, in this order\n"
	     "  -h, --help          print this\n"
	     "  -V, --version       print the version\n"
	     "\n"
	     "The columns of list:\n");
	columns_print_help();
	puts("\nSee vfio-latch(8) and vfio-latch.conf(5).");
}

static enum exit_code usage(void)
{
	fputs("Try \"vfio-latch --help\".\n", stderr);
	return EXIT_USAGE;
}

static const struct command *find_command(const char *name)
{
	size_t n;

	for (n = 0; n < NR_COMMANDS; n++)
		if (!strcmp(commands[n].name, name))
			return &commands[n];
	return NULL;
}

static bool is_word_of(const char *word, const char *words)
{
	size_t length = strlen(word);

	for (; words; words = strchr(words, ' ')) {
		words += *words == ' ';
		if (!strncmp(words, word, length) && (!words[length] || words[length] == ' '))
			return true;
	}
	return false;
}

static bool take_format(struct options *options, const char *text)
{
	static const char *const formats[] = {
		[FORMAT_TABLE] = "table",
		[FORMAT_JSON] = "json",
		[FORMAT_PROMETHEUS] = "prometheus",
	};
	size_t n;

	for (n = 0; n < sizeof(formats) / sizeof(formats[0]); n++) {
		if (!strcmp(text, formats[n])) {
			options->format = n;
			return true;
		}
	}
	error("--format: \"%s\" is not table, json or prometheus", text);
	return false;
}

static bool take_tunable(struct options *options, int tunable, const char *text)
{
	bool value;

	if (!bool_parse(text, &value)) {
		error("%s: \"%s\" is neither yes nor no", tunable_names[tunable], text);
		return false;
	}
	options->tunable[tunable] = value ? ON : OFF;
	return true;
}

static bool take_seconds(unsigned int *seconds, const char *name, const char *text)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	if (*text < '1' || *text > '9' || *end || number > 86400) {
		error("--%s: \"%s\" is not a number of seconds, 1 to 86400", name, text);
		return false;
	}
	*seconds = number;
	return true;
}

static bool take_option(struct options *options, int letter)
{
	unsigned int seconds;

	switch (letter) {
	case OPTION_DRIVER:
		options->driver = optarg;
		if (is_driver_name(optarg))
			return true;
		error("--driver: \"%s\" is not a driver's name", optarg);
		return false;
	case OPTION_FORCE:
		options->force = true;
		return true;
	case OPTION_DRY_RUN:
		options->dry_run = true;
		return true;
	case OPTION_JSON:
		options->format = FORMAT_JSON;
		return true;
	case OPTION_FORMAT:
		return take_format(options, optarg);
	case OPTION_NO_LEGEND:
		options->no_legend = true;
		return true;
	case OPTION_COLUMNS:
		return columns_parse(&options->columns, optarg);
	case OPTION_NEW:
		options->is_new = true;
		return true;
	case OPTION_OFF:
		options->off = true;
		return true;
	case OPTION_LAST_GOOD:
		options->last_good = true;
		return true;
	case OPTION_HOTPLUG:
		options->hotplug = true;
		return true;
	case OPTION_NODE:
		options->node = true;
		return true;
	case OPTION_INITRAMFS:
		options->initramfs = true;
		return true;
	case OPTION_COMPARE:
		options->compare = optarg;
		return true;
	case OPTION_GROUP:
		options->group = true;
		return true;
	case OPTION_TIMEOUT:
		if (!take_seconds(&seconds, "timeout", optarg))
			return false;
		bounded_set(seconds);
		return true;
	case OPTION_DEADLINE:
		return take_seconds(&options->deadline, "deadline", optarg);
	default:
		return take_tunable(options, letter - OPTION_TUNABLE, optarg);
	}
}

static const char *option_name(int letter)
{
	const struct option *option = long_options;

	while (option->val != letter)
		option++;
	return option->name;
}

static bool check_count(const struct command *command, size_t count)
{
	if (count < command->least)
		error("%s: which device?", command->name);
	else if (count > command->most)
		error("%s: too many arguments", command->name);
	else
		return true;
	return false;
}

/* Options may come before and after the command: they are checked against it at the end. */
static enum exit_code run(struct options *options, const bool *given)
{
	const struct command *command;
	int letter;

	if (!options->count)
		return error("which command?"), usage();
	command = find_command(options->argument[0]);
	if (!command)
		return error("\"%s\" is not a command", options->argument[0]), usage();
	for (letter = 0; letter < OPTION_TUNABLE + NR_TUNABLES; letter++) {
		if (given[letter] && !is_word_of(option_name(letter), command->options)) {
			error("%s: takes no --%s", command->name, option_name(letter));
			return usage();
		}
	}
	options->argument++;
	options->count--;
	if (!check_count(command, options->count))
		return usage();
	return command->run(options);
}

int main(int argc, char **argv)
{
	struct options options = { .tunable = { UNSAID, UNSAID, UNSAID } };
	bool given[OPTION_TUNABLE + NR_TUNABLES] = {};
	enum exit_code code;
	int letter;

	/* What root leaves behind is nobody else's to write, whatever mask root's shell has. */
	umask(umask(0) | 022);
	signals_begin();
	while ((letter = getopt_long(argc, argv, "hVd:fgn", long_options, NULL)) != -1) {
		if (letter == OPTION_HELP)
			return print_help(), EXIT_DONE;
		if (letter == OPTION_VERSION)
			return puts("vfio-latch " VERSION), EXIT_DONE;
		if (letter == '?' || !take_option(&options, letter))
			return usage();
		given[letter] = true;
	}
	options.argument = argv + optind;
	options.count = argc - optind;
	code = run(&options, given);
	/* Output that could not be written is a failure. */
	if (fflush(stdout) || ferror(stdout)) {
		error("standard output cannot be written");
		return graver(code, EXIT_FAILED);
	}
	return code;
}
