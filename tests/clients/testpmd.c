// SPDX-License-Identifier: GPL-2.0-only
/*
 * DPDK's testpmd from Debian's package, on two e1000e NICs that hear each other: its own driver
 * in user space sends, receives and takes interrupts through VFIO.
 *
 * vm-machine: clients
 * vm-drivers: ours kernel
 * vm-modules: virtio_pci 9pnet_virtio 9p
 * vm-seconds: 400
 * vm-timeout: 420
 */
#include "vmtest.h"

/* Milliseconds for one answer: the client's libraries come over 9p into an emulated machine. */
#define ANSWER_MS 120000
#define PROMPT "testpmd> "
/* Enough to have gone round the rings of 256 descriptors many times. */
#define MANY_PACKETS 5000
/* What testpmd sends at once. */
#define BURST 32

struct counters {
	long long rx, tx;
};

static const char *nic(int number)
{
	return vm_bdf(number ? "nic1" : "nic0");
}

static void bind_nics(const char *parameters)
{
	driver_load(parameters);
	pci_bind(nic(0), VFIO_PCI);
	pci_bind(nic(1), VFIO_PCI);
}

/* Started with both NICs, and links up; OPTIONS are those of DPDK's environment layer. */
static struct client *testpmd(const char *options)
{
	struct client *client;

	client = client_start("exec stdbuf -oL dpdk-testpmd -l 0-1 --no-huge -m 64 --no-telemetry"
			      " -a %s -a %s %s -- -i --total-num-mbufs=2048",
			      nic(0), nic(1), options);
	for (int i = 0; i < 2; i++)
		client_expect(client, "Probe PCI driver: net_e1000_em \\(8086:10d3\\)", ANSWER_MS);
	client_expect(client, "Checking link statuses", ANSWER_MS);
	client_expect(client, PROMPT, ANSWER_MS);
	return client;
}

static void command(struct client *client, const char *line)
{
	client_say(client, line);
	client_say(client, "\n");
}

/* The number after LABEL in what comes next. */
static long long number(struct client *client, const char *label)
{
	char pattern[64], *text;
	long long value;

	snprintf(pattern, sizeof(pattern), "%s: +[0-9]+", label);
	text = client_expect(client, pattern, ANSWER_MS);
	value = atoll(strchr(text, ':') + 1);
	free(text);
	return value;
}

/* What the NICs themselves have counted. */
static void hardware_counters(struct client *client, struct counters counters[2])
{
	char title[64];

	for (int i = 0; i < 2; i++) {
		snprintf(title, sizeof(title), "show port stats %d", i);
		command(client, title);
		snprintf(title, sizeof(title), "NIC statistics for port %d", i);
		client_expect(client, title, ANSWER_MS);
		counters[i].rx = number(client, "RX-packets");
		counters[i].tx = number(client, "TX-packets");
	}
}

static bool both_ways(struct client *client, long long packets)
{
	struct counters now[2];

	hardware_counters(client, now);
	test_note("port 0: %lld received, %lld sent; port 1: %lld received, %lld sent",
		  now[0].rx, now[0].tx, now[1].rx, now[1].tx);
	return now[0].rx >= packets && now[0].tx >= packets &&
	       now[1].rx >= packets && now[1].tx >= packets;
}

/* A first burst from each NIC goes round and round until told to stop. */
static void forward_packets(struct client *client)
{
	command(client, "clear port stats all");
	command(client, "start tx_first");
	client_expect(client, "io packet forwarding", ANSWER_MS);
	CHECK(WAIT_UNTIL(both_ways(client, MANY_PACKETS), ANSWER_MS));
}

/*
 * What testpmd itself says it has forwarded: all that came in at one port left by the other, where
 * it may count the first burst as well.
 */
static void stop_forwarding(struct client *client)
{
	struct counters total[2];
	char title[64];

	command(client, "stop");
	for (int i = 0; i < 2; i++) {
		snprintf(title, sizeof(title), "Forward statistics for port %d", i);
		client_expect(client, title, ANSWER_MS);
		total[i].rx = number(client, "RX-packets");
		total[i].tx = number(client, "TX-total");
	}
	CHECK_GE(total[0].rx, MANY_PACKETS);
	CHECK_GE(total[1].rx, MANY_PACKETS);
	for (int i = 0; i < 2; i++) {
		CHECK_GE(total[!i].tx, total[i].rx);
		CHECK_LE(total[!i].tx, total[i].rx + BURST);
	}
}

static void quit(struct client *client)
{
	command(client, "quit");
	CHECK_EQ(client_wait(client, ANSWER_MS), 0);
	CHECK(strstr(client_output(client), "Bye..."));
}

TEST(packets_go_both_ways_between_two_nics)
{
	struct client *client;

	bind_nics(NULL);
	client = testpmd("");
	forward_packets(client);
	stop_forwarding(client);
	quit(client);
}

TEST(nics_work_again_after_the_client_quit_and_after_it_was_killed)
{
	struct client *client;

	bind_nics(NULL);
	client = testpmd("");
	quit(client);
	client = testpmd("");
	forward_packets(client);
	client_signal(client, SIGKILL);
	CHECK_EQ(client_wait(client, ANSWER_MS), 128 + SIGKILL);
	client = testpmd("");
	forward_packets(client);
	stop_forwarding(client);
	quit(client);
}

/* What the client believes of port 0, which is what interrupts have told it. */
static bool link_is(struct client *client, const char *state)
{
	char *text;
	bool is;

	command(client, "show port info 0");
	text = client_expect(client, "Link status: [a-z]+", ANSWER_MS);
	is = !strcmp(strchr(text, ':') + 2, state);
	free(text);
	return is;
}

/*
 * MSI-X is testpmd's own choice, and what the other tests use; but for this NIC its driver then
 * hears nothing of the link, whoever's vfio-pci it is, since it assigns that cause no vector.
 * The cable of port 0 is pulled out and put back: each time the NIC raises an interrupt.
 */
static void check_link_changes(const char *mode)
{
	struct client *client;
	char option[32];

	snprintf(option, sizeof(option), "--vfio-intr=%s", mode);
	client = testpmd(option);
	forward_packets(client);
	CHECK(WAIT_UNTIL(link_is(client, "up"), ANSWER_MS));
	for (int round = 0; round < 3; round++) {
		free(vm_hmp("set_link nic0 off"));
		client_expect(client, "Port 0: link state change event", ANSWER_MS);
		CHECK(link_is(client, "down"));
		free(vm_hmp("set_link nic0 on"));
		client_expect(client, "Port 0: link state change event", ANSWER_MS);
		CHECK(link_is(client, "up"));
	}
	stop_forwarding(client);
	quit(client);
}

TEST(client_hears_of_a_pulled_cable_by_intx)
{
	bind_nics(NULL);
	check_link_changes("legacy");
}

TEST(client_hears_of_a_pulled_cable_by_intx_without_the_functions_own_mask)
{
	bind_nics("nointxmask=1");
	check_link_changes("legacy");
}

TEST(client_hears_of_a_pulled_cable_by_msi)
{
	bind_nics(NULL);
	check_link_changes("msi");
}

TEST_OURS(nics_under_different_policies_work_together)
{
	struct client *client;
	char parameters[128];

	snprintf(parameters, sizeof(parameters),
		 "policy=\"%s/nointxmask=1,disable_idle_d3=1;8086:10d3/disable_vga=1\"", nic(0));
	bind_nics(parameters);
	CHECK_EQ(pci_attr_number(nic(0), "vfio_pci/nointxmask"), 1);
	CHECK_EQ(pci_attr_number(nic(1), "vfio_pci/nointxmask"), 0);
	CHECK_EQ(pci_attr_number(nic(0), "vfio_pci/disable_idle_d3"), 1);
	CHECK_EQ(pci_attr_number(nic(1), "vfio_pci/disable_idle_d3"), 0);
	client = testpmd("--vfio-intr=legacy");
	/* While it works: no device notices. */
	module_parameter_set("vfio_pci", "policy", "8086:10d3/nointxmask=0,disable_idle_d3=0");
	module_parameter_set("vfio_pci", "disable_idle_d3", "1");
	forward_packets(client);
	stop_forwarding(client);
	quit(client);
	CHECK_EQ(pci_attr_number(nic(0), "vfio_pci/nointxmask"), 1);
	CHECK_EQ(pci_attr_number(nic(1), "vfio_pci/disable_idle_d3"), 0);
}

CLEAN_UP {
	free(vm_hmp("set_link nic0 on"));
}
