// SPDX-License-Identifier: GPL-2.0
/*
 * Live migration of a machine with a VF by its real user: QEMU of Debian 13, twice. The machine
 * inside (guest/guest.c) keeps its VF writing to its memory and changing its own state, and looks
 * itself whether both are right; what has arrived is compared from outside, too.
 *
 * vm-machine: migration
 * vm-drivers: ours kernel
 * vm-cmdline: iomem=relaxed
 * vm-modules: mlx5_core virtio_pci 9pnet_virtio 9p
 * vm-files: build/live-migration/guest
 * vm-seconds: 400
 * vm-timeout: 420
 */
#include "connectx.h"
#include "vmtest.h"

/* Milliseconds for anything that an emulated machine in an emulated machine does. */
#define NESTED_MS 120000
#define MEMORY (16 << 20)
/* After so many rounds of the guest the VF has written all its memory again. */
#define LAP 16

struct machine {
	const char *name, *vf;
	struct client *qemu;
};

/* Newer drivers send a state ahead, and load each image as soon as it has come. */
static bool driver_has_precopy(void)
{
	return driver_is_ours() || !kernel_is("6.1");
}

/* The kernel's driver asks it of the firmware then. */
static bool driver_can_do_without_precopy(void)
{
	return driver_is_ours() || !driver_has_precopy();
}

/* Later vfio cannot report without iommufd, which Debian's kernels do not have. */
static bool kernel_has_dma_logging(void)
{
	return kernel_is("6.1");
}

/* The INDEXth VF, bound to the driver under test. */
static const char *vf(int index)
{
	const char *vf = pci_vf(connectx_pf_with_vfs(2), index);

	module_load("base", "vfio_iommu_type1", NULL);
	module_load(driver_is_ours() ? "ours" : "kernel", "mlx5_vfio_pci", NULL);
	if (strcmp(pci_driver(vf), "mlx5_vfio_pci"))
		pci_bind(vf, "mlx5_vfio_pci");
	return vf;
}

/* --- QEMU --- */

/* A command of its machine protocol, whose answer may come after events that it leads to. */
static void qmp_send(struct machine *machine, const char *command, const char *arguments)
{
	char *line;

	CHECK_LE(0, asprintf(&line, "{\"execute\":\"%s\",\"arguments\":{%s}}\n", command,
			     arguments));
	client_say(machine->qemu, line);
	free(line);
}

static void qmp(struct machine *machine, const char *command, const char *arguments)
{
	char *answer;

	qmp_send(machine, command, arguments);
	answer = client_expect(machine->qemu, "\"(return|error)\": .*", NESTED_MS);
	if (strncmp(answer, "\"return\"", 8))
		FAIL("%s of the %s: %s", command, machine->name, answer);
	free(answer);
}

/*
 * When not the VF but the IOMMU's driver tracks its writes, QEMU 10 asks for those to the rest of
 * a BAR beside the MSI-X table, which begins within a page, and gives up when that is refused. And
 * the kernel's driver has to be told: it offers DMA logging even where it cannot be reported.
 */
static const char *vf_options(bool tracker)
{
	if (tracker)
		return "";
	if (driver_is_ours())
		return ",x-msix-relocation=bar2";
	return ",x-msix-relocation=bar2,x-device-dirty-page-tracking=off";
}

static struct machine start(const char *name, const char *vf, bool tracker, const char *options)
{
	struct machine machine = { .name = name, .vf = vf };

	CHECK_EQ(system("cp /files/guest /tmp"), 0);
	machine.qemu = client_start("exec qemu-system-x86_64 -accel tcg -M q35 -m %dM"
		" -nodefaults -no-user-config -display none -kernel guest"
		" -device vfio-pci,host=%s,enable-migration=on,migration-events=on%s"
		" -serial file:%s.serial -qmp stdio %s", MEMORY >> 20, vf, vf_options(tracker),
		name, options);
	return machine;
}

static void wait_start(struct machine *machine)
{
	free(client_expect(machine->qemu, "\"QMP\": .*", NESTED_MS));
	qmp(machine, "qmp_capabilities", "");
	qmp(machine, "migrate-set-capabilities", "\"capabilities\":["
	    "{\"capability\":\"events\",\"state\":true},"
	    "{\"capability\":\"return-path\",\"state\":true}]");
}

static void quit(struct machine *machine)
{
	qmp(machine, "quit", "");
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

static void check_goes_on(const struct machine *machine)
{
	wait_laps(machine, guest_round(machine), 2);
}

/* --- migration --- */

/* One that runs when it is told to, so that what has arrived can be compared before. */
static struct machine start_destination(const char *name, const char *vf, bool tracker)
{
	return start(name, vf, tracker, "-S -incoming unix:migration");
}

/* Two machines, the guest of the first one at work. */
static void start_two(struct machine *source, struct machine *destination, bool tracker)
{
	*source = start("source", vf(0), tracker, "");
	*destination = start_destination("destination", vf(1), tracker);
	wait_start(source);
	wait_start(destination);
	wait_laps(source, 0, 2);
}

/*
 * The VF's state alone takes longer than a millisecond, so that this has no end; waits until the
 * VF has written all its memory again after it was sent.
 */
static void begin_migration(struct machine *source)
{
	char *line;

	qmp(source, "migrate-set-parameters", "\"max-bandwidth\":16777216,\"downtime-limit\":1,"
	    "\"avail-switchover-bandwidth\":0");
	qmp(source, "migrate", "\"uri\":\"unix:migration\"");
	line = client_expect(source->qemu, "\"pass\": 2|\"status\": \"failed\"", NESTED_MS);
	if (strstr(line, "failed"))
		FAIL("migration failed:\n%s", client_output(source->qemu));
	free(line);
	wait_laps(source, guest_round(source), 1);
}

/*
 * Whatever is left may now be sent while the machine stands still. A migration that fails may say
 * so before this is answered, so the answer is not waited for.
 */
static void end_migration(struct machine *source)
{
	qmp_send(source, "migrate-set-parameters", "\"max-bandwidth\":0,\"downtime-limit\":60000,"
		 "\"avail-switchover-bandwidth\":1099511627776");
}

static void wait_outcome(struct machine *machine, const char *outcome)
{
	char *line = client_expect(machine->qemu, "\"event\": \"MIGRATION\".*"
				   "\"status\": \"(completed|failed|cancelled)\"", NESTED_MS);

	if (!strstr(line, outcome))
		FAIL("migration is not %s:\n%s", outcome, client_output(machine->qemu));
	free(line);
}

/* Of the VF's state, behind QEMU's and the driver's back. */
static uint64_t state_digest(const struct machine *machine)
{
	enum { WINDOW = 0x80000, COMMAND = 0x40 / 4, DIGEST = 0x50 / 4, TAKE_DIGEST = 3 };
	volatile uint32_t *window = pci_map_bar(machine->vf, 0, WINDOW, 4096);
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
			     MEMORY, machine->name));
	qmp(machine, "pmemsave", arguments);
	free(arguments);
}

/* Both stand still and are the same, bit by bit; then the destination's guest goes on. */
static void check_arrived(struct machine *source, struct machine *destination)
{
	wait_outcome(source, "completed");
	wait_outcome(destination, "completed");
	if (driver_has_precopy())
		CHECK_EQ(state_digest(source), state_digest(destination));
	save_memory(source);
	save_memory(destination);
	client_run("cmp %s.memory %s.memory", source->name, destination->name);
	qmp(destination, "cont", "");
	wait_laps(destination, guest_round(source), 2);
}

static void move(struct machine *source, struct machine *destination)
{
	begin_migration(source);
	end_migration(source);
	check_arrived(source, destination);
}

static bool was_in_precopy(struct machine *source)
{
	return strstr(client_output(source->qemu), "\"device-state\": \"pre-copy\"");
}

TEST(state_and_memory_arrive_although_the_vf_goes_on_writing)
{
	struct machine source, destination;

	start_two(&source, &destination, kernel_has_dma_logging());
	begin_migration(&source);
	CHECK_EQ(was_in_precopy(&source), driver_has_precopy());
	CHECK_EQ(connectx_objects("trackers"), kernel_has_dma_logging());
	end_migration(&source);
	check_arrived(&source, &destination);
}

TEST_WHEN(driver_can_do_without_precopy,
	  state_and_memory_arrive_of_a_vf_that_cannot_send_its_state_ahead)
{
	struct machine source, destination;

	connectx_configure("precopy", "false");
	start_two(&source, &destination, kernel_has_dma_logging());
	move(&source, &destination);
	CHECK(!was_in_precopy(&source));
}

TEST(state_and_memory_arrive_of_a_vf_that_cannot_track_its_writes)
{
	struct machine source, destination;

	connectx_configure("tracker", "false");
	start_two(&source, &destination, false);
	move(&source, &destination);
}

TEST(a_machine_moves_there_and_back_again)
{
	struct machine here, there, back;
	bool tracker = kernel_has_dma_logging();

	start_two(&here, &there, tracker);
	move(&here, &there);
	quit(&here);
	back = start_destination("back", vf(0), tracker);
	wait_start(&back);
	move(&there, &back);
}

TEST(the_source_goes_on_when_migration_is_cancelled)
{
	struct machine source, destination;

	start_two(&source, &destination, kernel_has_dma_logging());
	begin_migration(&source);
	qmp_send(&source, "migrate_cancel", "");
	wait_outcome(&source, "cancelled");
	CHECK(WAIT_UNTIL(!connectx_objects("trackers"), NESTED_MS));
	check_goes_on(&source);
	CHECK_NE(client_wait(destination.qemu, NESTED_MS), 0);
}

TEST_WHEN(driver_has_precopy, the_source_goes_on_when_the_state_does_not_load)
{
	struct machine source, destination;

	start_two(&source, &destination, kernel_has_dma_logging());
	begin_migration(&source);
	connectx_set("fault", "LOAD_VHCA_STATE status=0x3");
	end_migration(&source);
	wait_outcome(&source, "failed");
	check_goes_on(&source);
	CHECK_NE(client_wait(destination.qemu, NESTED_MS), 0);
}

CLEAN_UP
{
	connectx_clean_up();
}
