// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls of a device that nobody compares with anything: afterwards the device works, the log has no
 * bad line, and a witness has counted nothing. One processor counts instructions, so that a seed
 * gives the same run each time, and waiting costs nothing. From the kernel's command line:
 *
 *	fuzz.calls=N	calls of each device
 *	fuzz.seed=N
 *	fuzz.slow=N	percent of the resets and power states that would be drawn: they wait
 *	fuzz.episode=N	this episode alone, with each call and its answer, and the calls' numbers in
 *			the kernel's log; 0: all of them so
 *
 * vm-machine: fuzz
 * vm-drivers: ours kernel
 * vm-modules: nvme
 * vm-sources: guest/wild.c guest/held.c guest/host.c guest/works.c guest/whatever.c ../compare/guest/random.c ../compare/guest/subject.c ../compare/guest/session.c ../compare/guest/config.c ../compare/guest/region.c ../compare/guest/mapping.c ../compare/guest/irq.c ../compare/guest/info.c ../compare/guest/choice.c
 * vm-seconds: 3000
 * vm-timeout: 300
 */
#include "guest/fuzz.h"
#include "vmtest.h"

#define CALLS_PER_EPISODE	1000
#define EPISODES_PER_POLICY	4
/* So that a log of a guest that died says where. */
#define EPISODES_PER_LINE	50

static unsigned int slow;

static void run_episode(const struct subject *subject, uint64_t episode, bool is_alone)
{
	unsigned int group;

	session.subject = subject;
	session.episode = episode;
	session.call = 0;
	random_start(session.seed, episode, 0);
	group = random_below(NR_GROUPS);
	if (!(episode % EPISODES_PER_POLICY) || is_alone)
		host_change_policy();
	CHECK(session_open(subject));
	/* Most calls have more to do when the device decodes. */
	if (random_chance(80)) {
		session.call++;
		call_command();
	}
	while (session.call < CALLS_PER_EPISODE) {
		session.call++;
		random_start(session.seed, episode, session.call);
		if (!session.is_quiet)
			kmsg_write("fuzz: %llu.%u", (unsigned long long)episode, session.call);
		call_whatever(group, slow, true);
	}
	held_close();
	session_close();
}

/* VFs of an episode before may have gone, and a function may sleep through sysfs. */
static void fuzz(const char *name, const char *bdf, const char *words)
{
	uint64_t episodes = (option("fuzz.calls", 20000) + CALLS_PER_EPISODE - 1) / CALLS_PER_EPISODE;
	uint64_t only = option("fuzz.episode", ~0ULL);
	bool is_alone = only && ~only;
	struct subject subject;
	long long began = now_ms();

	expect_messages_to_nowhere();
	bdf = strdup(bdf);
	subject_read(&subject, bdf);
	if (words)
		subject.words = words;
	pci_bind(bdf, VFIO_PCI);
	slow = option("fuzz.slow", 10);
	session.is_quiet = !~only;
	session.seed = seed_of(name, option("fuzz.seed", 1));
	for (uint64_t n = is_alone ? only : 1; n <= (is_alone ? only : episodes); n++) {
		run_episode(&subject, n, is_alone);
		if (!(n % EPISODES_PER_LINE))
			printf("|episode %llu\n", (unsigned long long)n);
		fflush(stdout);
	}
	pci_attr_set_try(bdf, "power/control", "auto");
	check_works(&subject);
	printf("|fuzzed %s %llu calls %lld ms of guest time\n", name,
	       (unsigned long long)(is_alone ? 1 : episodes) * CALLS_PER_EPISODE, now_ms() - began);
}

TEST(edu)
{
	driver_load(NULL);
	fuzz(__func__, vm_bdf("edu0"), NULL);
}

TEST(nvme_pf)
{
	driver_load("enable_sriov=1");
	fuzz(__func__, vm_bdf("nvme0"), NULL);
}

TEST(nvme_vf)
{
	fuzz(__func__, subject_nvme_vf(vm_bdf("nvme0")), NULL);
}

TEST(e1000e)
{
	driver_load(NULL);
	fuzz(__func__, vm_bdf("nic0"), NULL);
}

TEST(vga)
{
	driver_load(NULL);
	pci_bind(vm_bdf("vga1"), VFIO_PCI);
	fuzz(__func__, vm_bdf("vga0"), NULL);
}

TEST(virtio)
{
	driver_load(NULL);
	fuzz(__func__, vm_bdf("rng0"), NULL);
}

TEST(witness)
{
	driver_load("enable_sriov=1");
	fuzz(__func__, vm_bdf("witness0"), NULL);
}

/* The PF has a user, whose token the user of the VF must know. */
TEST(witness_vf)
{
	struct vfio_device *pf;
	char words[80], *bdf;

	driver_load("enable_sriov=1");
	pf = vfio_bind_and_open(vm_bdf("witness0"));
	CHECK_EQ(vfio_set_vf_token_try(pf, fuzz_token), 0);
	pci_set_vfs(pf->bdf, 1);
	bdf = strdup(pci_vf(pf->bdf, 0));
	snprintf(words, sizeof(words), "%s vf_token=" TOKEN, bdf);
	fuzz(__func__, bdf, words);
}

/* D3hot loses its registers, it has no FLR, and a capability that no client sees. */
TEST(witness_without_flr)
{
	driver_load(NULL);
	fuzz(__func__, vm_bdf("witness1"), NULL);
}

/* A function that is reset together with another, which is another client's. */
TEST(slot)
{
	driver_load(NULL);
	pci_bind(vm_bdf("witness3"), VFIO_PCI);
	fuzz(__func__, vm_bdf("witness2"), NULL);
}

TEST(graphics)
{
	driver_load(NULL);
	fuzz(__func__, vm_bdf("igd0"), NULL);
}
