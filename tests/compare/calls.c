// SPDX-License-Identifier: GPL-2.0-only
/*
 * The same calls for whoever's driver it is; what they give is printed, and compared by
 * tests/compare/run. A test here fails only when the guest does.
 *
 * vm-machine: compare
 * vm-drivers: ours kernel
 * vm-modules: nvme
 * vm-sources: guest/random.c guest/subject.c guest/session.c guest/transcript.c guest/config.c guest/region.c guest/mapping.c guest/irq.c guest/info.c guest/choice.c
 * vm-seconds: 3000
 */
#include "guest/compare.h"
#include "vmtest.h"

#define CALLS_PER_EPISODE 100

static bool option_slower;

/* Time that passes between calls, for those who want to know what depends on it. */
static void waste_time(void)
{
	static uint64_t count;

	if (option_slower)
		for (volatile uint64_t n = 0; n < (++count * 7919) % 50000; n++)
			;
}

static void run_episode(const struct subject *subject, uint64_t episode)
{
	unsigned int group;

	session.episode = episode;
	session.call = 0;
	random_start(session.seed, episode, 0);
	group = random_below(NR_GROUPS);
	if (!session_open(subject))
		return;
	/* Most calls have more to do when the device decodes. */
	if (random_chance(80)) {
		session.call++;
		call_command();
	}
	while (session.call < CALLS_PER_EPISODE) {
		session.call++;
		random_start(session.seed, episode, session.call);
		waste_time();
		call_any(group, 100);
	}
	session_close();
}

/* In a longer run a device has the same episodes, and more of them. */
static void run_episodes(const char *name, const char *bdf)
{
	uint64_t first = option("compare.episode", 0);
	uint64_t calls = option("compare.calls", 1000);
	struct subject subject;
	unsigned int ports = 0;

	option_slower = option("compare.slower", 0);
	session.transcript = transcript_open("transcript0");
	fprintf(session.transcript, "# begin %s\n", name);
	subject_read(&subject, bdf);
	for (int bar = 0; bar < 6; bar++)
		ports |= subject.bar_is_port[bar] << bar;
	fprintf(session.transcript, "|layout pm=%#x vpd=%#x msi=%#x msix=%#x exp=%#x hidden=%#x unknown=%#x",
	       subject.pm, subject.vpd, subject.msi, subject.msix, subject.exp, subject.hidden,
	       subject.unknown);
	fprintf(session.transcript, " config=%#x ports=%#x vf=%d class=%#llx", subject.config_size, ports,
	       pci_attr_exists(bdf, "physfn"), pci_attr_number(bdf, "class"));
	pci_bind(bdf, VFIO_PCI);
	session.seed = seed_of(name, option("compare.seed", 1));
	if (first) {
		run_episode(&subject, first);
	} else {
		for (uint64_t n = 1; n <= (calls + CALLS_PER_EPISODE - 1) / CALLS_PER_EPISODE; n++)
			run_episode(&subject, n);
	}
	fprintf(session.transcript, "\n|done\n");
	fclose(session.transcript);
}

TEST(edu)
{
	driver_load(NULL);
	run_episodes(__func__, vm_bdf("edu0"));
}

TEST(nvme_pf)
{
	driver_load(NULL);
	run_episodes(__func__, vm_bdf("nvme0"));
}

TEST(nvme_vf)
{
	run_episodes(__func__, subject_nvme_vf(vm_bdf("nvme0")));
}

TEST(e1000e)
{
	driver_load(NULL);
	run_episodes(__func__, vm_bdf("nic0"));
}

TEST(vga)
{
	driver_load(NULL);
	run_episodes(__func__, vm_bdf("vga0"));
}

TEST(virtio)
{
	driver_load(NULL);
	run_episodes(__func__, vm_bdf("rng0"));
}

/* What it counts is not compared: with ours the test fails, with the kernel's driver it is told. */
static void run_witness(const char *name, const char *bdf)
{
	char *text;

	run_episodes(name, bdf);
	if (driver_is_ours())
		return;
	text = witness_offences();
	test_note("%s", text);
	free(text);
}

TEST(witness)
{
	driver_load("enable_sriov=1");
	run_witness(__func__, vm_bdf("witness0"));
}

TEST(witness_without_flr)
{
	driver_load(NULL);
	run_witness(__func__, vm_bdf("witness1"));
}

/*
 * 7.3's own driver can be unloaded while RCU still has to call back into it, and the guest is lost.
 * What was closed with the test's end is called back in this time, which passes at once.
 */
CLEAN_UP
{
	pause_ms(1000);
	if (!driver_is_ours())
		witness_forget();
}
