// SPDX-License-Identifier: GPL-2.0-only
/*
 * The same calls for whoever's driver it is; what they give is printed, and compared by
 * tests/compare/run. A test here fails only when the guest does.
 *
 * vm-machine: compare
 * vm-drivers: ours kernel
 * vm-modules: nvme
 * vm-sources: guest/random.c guest/subject.c guest/session.c guest/config.c guest/region.c guest/mapping.c guest/irq.c guest/info.c
 * vm-seconds: 3000
 */
#include "guest/compare.h"
#include "vmtest.h"

#define CALLS_PER_EPISODE 100

/* A number of the kernel's command line: compare.NAME=NUMBER. */
static uint64_t option(const char *name, uint64_t otherwise)
{
	char *line = file_read("/proc/cmdline"), *found;
	char word[64];

	snprintf(word, sizeof(word), " compare.%s=", name);
	found = strstr(line, word);
	return found ? strtoull(found + strlen(word), NULL, 0) : otherwise;
}

static bool option_slower;

static const struct {
	void (*call)(void);
	unsigned int weight;
	unsigned int group;
} kinds[] = {
	{ call_info, 4, 0 }, { call_region_info, 6, 0 }, { call_irq_info, 4, 0 },
	{ call_hot_reset_info, 2, 0 }, { call_unknown_ioctl, 2, 0 }, { call_feature, 6, 0 },
	{ call_dma_buf, 3, 0 },
	{ call_config_read, 20, 1 }, { call_config_write, 16, 1 },
	{ call_host_view, 4, 1 },
	{ call_region_read, 14, 2 }, { call_region_write, 5, 2 }, { call_device_register, 8, 2 },
	{ call_map, 5, 2 }, { call_touch_mapping, 12, 2 }, { call_unmap, 2, 2 },
	{ call_set_irqs, 16, 3 }, { call_event_write, 4, 3 }, { call_ioeventfd, 5, 3 },
	{ call_device_register, 6, 3 },
	{ call_power_state, 3, 4 }, { call_command, 4, 4 }, { call_low_power, 3, 4 },
	{ call_reset, 1, 4 }, { call_hot_reset, 1, 4 },
};

/* Each episode has a group of calls that it makes more of. */
static void call_any(unsigned int group)
{
	unsigned int total = 0, at;

	for (unsigned int n = 0; n < sizeof(kinds) / sizeof(kinds[0]); n++)
		total += kinds[n].weight * (kinds[n].group == group ? 4 : 1);
	at = random_below(total);
	for (unsigned int n = 0;; n++) {
		unsigned int weight = kinds[n].weight * (kinds[n].group == group ? 4 : 1);

		if (at < weight) {
			kinds[n].call();
			return;
		}
		at -= weight;
	}
}

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
	group = random_below(6);
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
		call_any(group);
	}
	session_close();
}

/* In a longer run a device has the same episodes, and more of them. */
static void run_episodes(const char *name, const char *bdf)
{
	uint64_t first = option("episode", 0);
	uint64_t calls = option("calls", 1000);
	struct subject subject;
	unsigned int ports = 0;

	option_slower = option("slower", 0);
	setvbuf(stdout, NULL, _IOFBF, option("flush", 0) ? 256 : 1 << 16);
	subject_read(&subject, bdf);
	for (int bar = 0; bar < 6; bar++)
		ports |= subject.bar_is_port[bar] << bar;
	printf("|layout pm=%#x msi=%#x msix=%#x exp=%#x config=%#x ports=%#x vf=%d", subject.pm,
	       subject.msi, subject.msix, subject.exp, subject.config_size, ports,
	       pci_attr_exists(bdf, "physfn"));
	pci_bind(bdf, VFIO_PCI);
	session.seed = option("seed", 1);
	for (const char *letter = name; *letter; letter++)
		session.seed = session.seed * 31 + *letter;
	if (first) {
		run_episode(&subject, first);
	} else {
		for (uint64_t n = 1; n <= (calls + CALLS_PER_EPISODE - 1) / CALLS_PER_EPISODE; n++)
			run_episode(&subject, n);
	}
	printf("\n|done\n");
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

/* Its PF is the host's, so that no token is wanted. */
TEST(nvme_vf)
{
	const char *pf = vm_bdf("nvme0");

	module_load("base", "nvme", NULL);
	pci_bind(pf, "nvme");
	pci_attr_set(pf, "sriov_drivers_autoprobe", "0");
	pci_set_vfs(pf, 1);
	driver_load(NULL);
	run_episodes(__func__, pci_vf(pf, 0));
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

/*
 * 7.3's own driver can be unloaded while RCU still has to call back into it, and the guest is lost.
 * What was closed with the test's end is called back in this time, which passes at once.
 */
CLEAN_UP {
	pause_ms(1000);
}
