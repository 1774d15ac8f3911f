// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls of one device by several threads at once, while the host resets the function and makes
 * VFs. The same seed draws the same calls, but they meet otherwise each time.
 * See fuzz.c for the words of the kernel's command line.
 *
 * vm-machine: fuzz-threads
 * vm-drivers: ours kernel
 * vm-threads: multi
 * vm-modules: nvme
 * vm-sources: guest/wild.c guest/held.c guest/host.c guest/works.c guest/whatever.c ../compare/guest/random.c ../compare/guest/subject.c ../compare/guest/session.c ../compare/guest/config.c ../compare/guest/region.c ../compare/guest/mapping.c ../compare/guest/irq.c ../compare/guest/info.c ../compare/guest/choice.c
 * vm-seconds: 3000
 * vm-timeout: 300
 */
#include <pthread.h>
#include <stdatomic.h>

#include "guest/fuzz.h"
#include "vmtest.h"

#define NR_THREADS		4
#define CALLS_PER_EPISODE	1000
#define EPISODES_PER_LINE	10
#define HOST_MS			100

static struct session shared;
static unsigned int slow;
static atomic_uint working;

static void *work(void *context)
{
	uint64_t seed = shared.seed + (uintptr_t)context;
	unsigned int group;

	session_join(&shared);
	random_start(seed, session.episode, 0);
	group = random_below(NR_GROUPS);
	for (session.call = 1; session.call <= CALLS_PER_EPISODE; session.call++) {
		random_start(seed, session.episode, session.call);
		call_whatever(group, slow, false);
	}
	held_close();
	session_leave();
	working--;
	return NULL;
}

static void run_episode(const struct subject *subject, uint64_t episode)
{
	pthread_t threads[NR_THREADS];

	session.subject = subject;
	session.episode = episode;
	random_start(session.seed, episode, 0);
	host_change_policy();
	CHECK(session_open(subject));
	call_command();
	shared = session;
	working = NR_THREADS;
	for (uintptr_t n = 0; n < NR_THREADS; n++)
		CHECK_EQ(pthread_create(&threads[n], NULL, work, (void *)(n + 1)), 0);
	while (working) {
		host_disturb();
		pause_ms(HOST_MS);
	}
	for (unsigned int n = 0; n < NR_THREADS; n++)
		CHECK_EQ(pthread_join(threads[n], NULL), 0);
	session_close();
}

static void fuzz(const char *name, const char *id)
{
	uint64_t calls = option("fuzz.calls", 20000);
	uint64_t episodes = calls / (NR_THREADS * CALLS_PER_EPISODE) ?: 1;
	const char *bdf = strdup(vm_bdf(id));
	struct subject subject;
	long long began = now_ms();

	expect_messages_to_nowhere();
	subject_read(&subject, bdf);
	driver_load("enable_sriov=1");
	pci_bind(bdf, VFIO_PCI);
	slow = option("fuzz.slow", 10);
	session.is_quiet = true;
	session.seed = seed_of(name, option("fuzz.seed", 1));
	for (uint64_t n = 1; n <= episodes; n++) {
		run_episode(&subject, n);
		if (!(n % EPISODES_PER_LINE))
			printf("|episode %llu\n", (unsigned long long)n);
		fflush(stdout);
	}
	check_works(&subject);
	printf("|fuzzed %s %llu calls %lld ms\n", name,
	       (unsigned long long)episodes * NR_THREADS * CALLS_PER_EPISODE, now_ms() - began);
}

TEST(edu)
{
	fuzz(__func__, "edu0");
}

TEST(nvme)
{
	fuzz(__func__, "nvme0");
}

TEST(e1000e)
{
	fuzz(__func__, "nic0");
}

TEST(vga)
{
	fuzz(__func__, "vga0");
}

TEST(witness)
{
	fuzz(__func__, "witness1");
}

TEST(witness_without_flr)
{
	fuzz(__func__, "witness2");
}
