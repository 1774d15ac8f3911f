// SPDX-License-Identifier: GPL-2.0-only
#include "machine.h"

/* To which each VF writes, from 8 MiB on */
#define WRITTEN (4 << 20)
#define MEMORY(vfs) ((12 << 20) + (vfs) * WRITTEN)
/*
 * What QEMU traces: all that channels bring of a VF's state is loaded. (It traces the end of the
 * last buffer only if it knows by then that this is the last one.)
 */
#define CHANNEL_END "vfio_load_bufs_thread_end"
/* A VF is bound to the iommufd. */
#define BOUND "iommufd_cdev_connect_and_bind"
/* The VFs shall track their writes. */
#define VFS_TRACK "vfio_device_dirty_tracking_start"
/* The IOMMU's driver shall track them, and has reported them, through the iommufd. */
#define IOMMU_TRACKS "iommufd_backend_set_dirty"
#define IOMMU_REPORTS "iommufd_backend_get_dirty_bitmap"
/* Somebody has reported them: so many pages, in one of its mappings. */
#define REPORT "vfio_get_dirty_bitmap"
#define PAGES "dirty_pages="
#define TRACED " -trace " CHANNEL_END " -trace " BOUND " -trace " VFS_TRACK \
	" -trace " IOMMU_TRACKS " -trace " IOMMU_REPORTS " -trace " REPORT
/* Bytes, more than any migration here sends through a socket */
#define NO_BOUND "1073741824"
/* After so many rounds of the guest the VFs have written all their memory again. */
#define LAP 16

bool driver_has_precopy(void)
{
	return driver_is_ours() || !kernel_is("6.1");
}

struct setup setup_one(void)
{
	return (struct setup){ .vfs = 1, .without_tracker = !dma_logging_can_report() };
}

struct run_options run_options(void)
{
	struct run_options run;

	CHECK_EQ(sscanf(file_read("/files/run-options"), "%u %u %u %u", &run.seed, &run.cancels,
			&run.moves, &run.iommufd), 4);
	return run;
}

/* The INDEXth VF, bound to the driver under test. */
static const char *bound_vf(unsigned int index)
{
	const char *vf = pci_vf(connectx_pf_with_vfs(2 * MAX_VFS), index);

	module_load("base", "vfio_iommu_type1", NULL);
	module_load(driver_is_ours() ? "ours" : "kernel", "mlx5_vfio_pci", NULL);
	if (strcmp(pci_driver(vf), "mlx5_vfio_pci"))
		pci_bind(vf, "mlx5_vfio_pci");
	return vf;
}

/* --- QEMU --- */

/* Returns the command's number, which the answer bears. */
static unsigned int send(struct machine *machine, const char *command, const char *arguments)
{
	static unsigned int count;
	char *line;

	CHECK_LE(0, asprintf(&line, "{\"execute\":\"%s\",\"arguments\":{%s},\"id\":%u}\n",
			     command, arguments, ++count));
	client_say(machine->qemu, line);
	free(line);
	return count;
}

void machine_tell(struct machine *machine, const char *command, const char *arguments)
{
	send(machine, command, arguments);
}

static char *answer_to(struct machine *machine, const char *command, const char *arguments)
{
	char pattern[32];

	snprintf(pattern, sizeof(pattern), ".*\"id\": %u[,}].*", send(machine, command, arguments));
	return client_expect(machine->qemu, pattern, NESTED_MS);
}

void machine_ask(struct machine *machine, const char *command, const char *arguments)
{
	char *answer = answer_to(machine, command, arguments);

	if (!strstr(answer, "\"return\""))
		FAIL("%s of the %s: %s", command, machine->name, answer);
	free(answer);
}

/*
 * When not the VF tracks its writes, QEMU 10 asks the type 1 driver of the IOMMU, for those to the
 * rest of a BAR beside the MSI-X table, too, which begins within a page, and gives up when that is
 * refused. And the kernel's driver has to be told: it offers DMA logging even where it cannot be
 * reported.
 */
static const char *tracker_options(const struct setup *setup)
{
	if (!setup->without_tracker || run_options().iommufd)
		return "";
	if (driver_is_ours())
		return ",x-msix-relocation=bar2";
	return ",x-msix-relocation=bar2,x-device-dirty-page-tracking=off";
}

/*
 * Through an iommufd whose IOMMU cannot track writes, either, which is so here, QEMU 10 asks nobody
 * and loses them, if it is told to migrate such a VF. It does not by itself.
 */
static const char *enable_migration(const struct setup *setup)
{
	return setup->without_tracker && run_options().iommufd ? "auto" : "on";
}

/* How often QEMU has traced EVENT. */
static unsigned int traced(struct machine *machine, const char *event)
{
	const char *text = client_output(machine->qemu);
	unsigned int count = 0;

	while ((text = strstr(text, event))) {
		text += strlen(event);
		count++;
	}
	return count;
}

/* "-device ..." for each of its VFs */
static char *device_options(const struct machine *machine)
{
	char *options = strdup(run_options().iommufd ? " -object iommufd,id=iommufd0" : "");

	for (unsigned int i = 0; i < machine->setup->vfs; i++) {
		char *before = options;

		CHECK_LE(0, asprintf(&options, "%s -device vfio-pci,host=%s,enable-migration=%s,"
				     "migration-events=on%s%s%s", before, machine->vfs[i],
				     enable_migration(machine->setup), run_options().iommufd ? ",iommufd=iommufd0" : "",
				     tracker_options(machine->setup), machine->setup->channels ?
				     ",x-migration-multifd-transfer=on" : ""));
		free(before);
	}
	return options;
}

static struct machine start(const char *name, const struct setup *setup, unsigned int first,
			    const char *options)
{
	struct machine machine = { .name = name, .setup = setup };

	for (unsigned int i = 0; i < setup->vfs; i++)
		machine.vfs[i] = bound_vf(first + i);
	CHECK_EQ(system("cp /files/guest /tmp"), 0);
	machine.qemu = client_start("exec qemu-system-x86_64 -accel tcg -M q35 -m %dM"
		" -nodefaults -no-user-config -display none -name %s,debug-threads=on"
		" -kernel guest%s -serial file:%s.serial -qmp stdio" TRACED " %s",
		MEMORY(setup->vfs) >> 20, name, device_options(&machine), name, options);
	return machine;
}

/*
 * QEMU 10 deadlocks when the sockets of all channels are full while it has the two ends meet: what
 * is in them then is read after that only, and whoever waits for a channel takes the turn of the
 * thread that has them meet. It does so with any driver.
 */
static void let_sockets_take_all(void)
{
	file_write("/proc/sys/net/core/wmem_default", NO_BOUND);
}

static void use_channels(struct machine *machine)
{
	char *parameters;

	let_sockets_take_all();
	CHECK_LE(0, asprintf(&parameters, "\"multifd-channels\":%u", machine->setup->channels));
	machine_ask(machine, "migrate-set-capabilities", "\"capabilities\":["
		    "{\"capability\":\"multifd\",\"state\":true},"
		    "{\"capability\":\"switchover-ack\",\"state\":true}]");
	machine_ask(machine, "migrate-set-parameters", parameters);
	free(parameters);
}

static void wait_start(struct machine *machine)
{
	free(client_expect(machine->qemu, "\"QMP\": .*", NESTED_MS));
	machine_ask(machine, "qmp_capabilities", "");
	CHECK_EQ(traced(machine, BOUND), run_options().iommufd ? machine->setup->vfs : 0);
	machine_ask(machine, "migrate-set-capabilities", "\"capabilities\":["
		    "{\"capability\":\"events\",\"state\":true},"
		    "{\"capability\":\"return-path\",\"state\":true}]");
	if (machine->setup->channels)
		use_channels(machine);
}

static struct machine begin_destination(const char *name, const struct setup *setup,
					unsigned int first)
{
	return start(name, setup, first, "-S -incoming defer");
}

static void wait_destination(struct machine *machine)
{
	wait_start(machine);
	machine_ask(machine, "migrate-incoming", "\"uri\":\"unix:migration\"");
}

struct machine machine_start_destination(const char *name, const struct setup *setup,
					 unsigned int first)
{
	struct machine machine = begin_destination(name, setup, first);

	wait_destination(&machine);
	return machine;
}

void machine_quit(struct machine *machine)
{
	machine_ask(machine, "quit", "");
	CHECK_EQ(client_wait(machine->qemu, NESTED_MS), 0);
}

/* --- the guest --- */

/* The round that it has done last, or -1; it must have found nothing wrong. */
static int guest_round(const struct machine *machine)
{
	char path[64], *text, *wrong;
	int round = -1;

	snprintf(path, sizeof(path), "/tmp/%s.serial", machine->name);
	text = file_read(path);
	wrong = strstr(text, "wrong: ");
	if (wrong && strchr(wrong, '\n'))
		FAIL("the guest of the %s says %s", machine->name, wrong);
	for (char *line = text; (line = strstr(line, "round ")) && strchr(line, '\n'); line++)
		round = atoi(line + strlen("round "));
	free(text);
	return round;
}

/* LAPS after the round FROM: after two of them the guest has looked at all memory and states. */
static void wait_laps(const struct machine *machine, int from, int laps)
{
	int round = from + laps * LAP;

	if (!WAIT_UNTIL(guest_round(machine) >= round, NESTED_MS))
		FAIL("the guest of the %s is in round %d, not in %d", machine->name,
		     guest_round(machine), round);
}

void machine_check_goes_on(const struct machine *machine)
{
	wait_laps(machine, guest_round(machine), 2);
}

struct machine machine_start(const char *name, const struct setup *setup, unsigned int first)
{
	struct machine machine = start(name, setup, first, "");

	wait_start(&machine);
	wait_laps(&machine, 0, 2);
	return machine;
}

/* Side by side, which takes less time. */
void machine_start_two(struct machine *source, struct machine *destination,
		       const struct setup *setup)
{
	*source = start("source", setup, 0, "");
	*destination = begin_destination("destination", setup, setup->vfs);
	wait_start(source);
	wait_destination(destination);
	wait_laps(source, 0, 2);
}

/* --- migration --- */

/*
 * The VFs' state alone takes longer than a millisecond, so that this has no end. What comes before
 * the answer may be waited for, too.
 */
void migration_begin(struct machine *source)
{
	machine_ask(source, "migrate-set-parameters", "\"max-bandwidth\":16777216,"
		    "\"downtime-limit\":1,\"avail-switchover-bandwidth\":0");
	machine_tell(source, "migrate", "\"uri\":\"unix:migration\"");
}

/* In the largest report, whoever has made it */
static unsigned long pages_reported(struct machine *machine)
{
	const char *text = client_output(machine->qemu);
	unsigned long pages, most = 0;

	while ((text = strstr(text, PAGES))) {
		text += strlen(PAGES);
		pages = strtoul(text, NULL, 10);
		if (pages > most)
			most = pages;
	}
	return most;
}

/* The VFs do, and nobody else is asked; the type 1 driver of the IOMMU says that all is written. */
static void check_who_tracks(struct machine *source)
{
	const struct setup *setup = source->setup;

	CHECK_EQ(connectx_objects("trackers"), setup->without_tracker ? 0 : setup->vfs);
	CHECK_EQ(traced(source, VFS_TRACK) > 0, !setup->without_tracker);
	CHECK_EQ(traced(source, IOMMU_TRACKS) + traced(source, IOMMU_REPORTS), 0);
	CHECK_LT(0, pages_reported(source));
	CHECK_EQ(pages_reported(source) > setup->vfs * WRITTEN / 4096, setup->without_tracker);
}

void migration_begin_and_wait(struct machine *source)
{
	char *line;

	migration_begin(source);
	line = client_expect(source->qemu, "\"pass\": ([2-9]|[0-9][0-9])|\"status\": \"failed\"",
			     NESTED_MS);
	if (strstr(line, "failed"))
		FAIL("migration failed:\n%s", client_output(source->qemu));
	free(line);
	wait_laps(source, guest_round(source), 1);
	check_who_tracks(source);
}

/* Its answer is not waited for: a migration that fails may do so before. */
void migration_let_end(struct machine *source)
{
	machine_tell(source, "migrate-set-parameters", "\"max-bandwidth\":0,"
		     "\"downtime-limit\":60000,\"avail-switchover-bandwidth\":1099511627776");
}

void migration_check_refused(struct machine *source, const char *reason)
{
	char *answer = answer_to(source, "migrate", "\"uri\":\"unix:migration\"");

	if (!strstr(answer, "\"error\"") || !strstr(answer, reason))
		FAIL("not refused because of %s: %s", reason, answer);
	free(answer);
}

char *migration_wait(struct machine *machine)
{
	char *line = client_expect(machine->qemu, "\"event\": \"MIGRATION\".*"
				   "\"status\": \"(completed|failed|cancelled)\"", NESTED_MS);
	char *outcome = strstr(line, "\"status\": \"") + strlen("\"status\": \"");

	outcome = strndup(outcome, strcspn(outcome, "\""));
	free(line);
	return outcome;
}

void migration_check(struct machine *machine, const char *outcome)
{
	char *seen = migration_wait(machine);

	if (strcmp(seen, outcome))
		FAIL("migration is not %s, but %s:\n%s", outcome, seen,
		     client_output(machine->qemu));
	free(seen);
}

/* Of a VF's state, behind QEMU's and the driver's back. */
static uint64_t state_digest(const char *vf)
{
	enum { WINDOW = 0x80000, COMMAND = 0x40 / 4, DIGEST = 0x50 / 4, TAKE_DIGEST = 3 };
	volatile uint32_t *window = pci_map_bar(vf, 0, WINDOW, 4096);
	uint64_t digest;

	window[COMMAND] = TAKE_DIGEST;
	digest = window[DIGEST] | (uint64_t)window[DIGEST + 1] << 32;
	munmap((void *)window, 4096);
	return digest;
}

static void save_memory(struct machine *machine)
{
	char *arguments;

	CHECK_LE(0, asprintf(&arguments, "\"val\":0,\"size\":%d,\"filename\":\"%s.memory\"",
			     MEMORY(machine->setup->vfs), machine->name));
	machine_ask(machine, "pmemsave", arguments);
	free(arguments);
}

void migration_check_arrived(struct machine *source, struct machine *destination)
{
	migration_check(source, "completed");
	migration_check(destination, "completed");
	for (unsigned int i = 0; driver_has_precopy() && i < source->setup->vfs; i++)
		CHECK_EQ(state_digest(source->vfs[i]), state_digest(destination->vfs[i]));
	save_memory(source);
	save_memory(destination);
	client_run("cmp %s.memory %s.memory", source->name, destination->name);
	machine_ask(destination, "cont", "");
	wait_laps(destination, guest_round(source), 2);
}

unsigned int migration_states_by_channels(struct machine *destination)
{
	return traced(destination, CHANNEL_END);
}

void migration_do(struct machine *source, struct machine *destination)
{
	migration_begin_and_wait(source);
	migration_let_end(source);
	migration_check_arrived(source, destination);
}
