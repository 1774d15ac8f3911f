// SPDX-License-Identifier: GPL-2.0-only
/*
 * The latch: a device keeps the tunables with which it was bound, and sysfs shows them.
 *
 * vm-machine: default
 * vm-drivers: ours kernel
 */
#include "vmtest.h"

/* edu's interrupt registers */
#define EDU_IRQ_RAISE	0x60
#define EDU_IRQ_ACK	0x64

#define EDU_ID		"1234:11e8"
#define EDU_SUBSYSTEM	"1234:11e8:1af4:1100"

static const char * const tunables[] = { "disable_idle_d3", "disable_vga", "nointxmask" };

#define NR_TUNABLES (sizeof(tunables) / sizeof(tunables[0]))

/* What sysfs says of a bound device. */
static bool latched(const char *bdf, const char *tunable)
{
	char name[64], *text;

	snprintf(name, sizeof(name), "vfio_pci/%s", tunable);
	text = pci_attr(bdf, name);
	if (strcmp(text, "0") && strcmp(text, "1"))
		FAIL("%s of %s is \"%s\"", name, bdf, text);
	return *text == '1';
}

static char *source(const char *bdf, const char *tunable)
{
	char *text = pci_attr(bdf, "vfio_pci/policy_source"), *line;
	size_t length = strlen(tunable);

	while ((line = strsep(&text, "\n")))
		if (!strncmp(line, tunable, length) && line[length] == ' ')
			return line + length + 1;
	FAIL("policy_source of %s has no line for %s", bdf, tunable);
}

#define CHECK_LATCHED(bdf, tunable, value, from)					\
	do {										\
		CHECK_EQ(latched(bdf, tunable), value);					\
		CHECK_STR(source(bdf, tunable), from);					\
	} while (0)

/* Format into memory that lives until the test ends. */
static char *format(const char *text, ...) __attribute__((format(printf, 1, 2)));
static char *format(const char *text, ...)
{
	char *result;
	va_list args;

	va_start(args, text);
	if (vasprintf(&result, text, args) < 0)
		abort();
	va_end(args);
	return result;
}

static void rebind(const char *bdf)
{
	pci_bind(bdf, VFIO_PCI);
}

static void set(const char *parameter, const char *value)
{
	module_parameter_set("vfio_pci", parameter, value);
}

/*
 * Whether an interrupt of edu was masked with the function's own INTx disable bit, which a
 * device under nointxmask does not use.
 */
static bool masks_in_the_function(struct vfio_device *edu)
{
	int event = event_new();
	bool masked;

	cfg_command(edu, PCI_COMMAND_MEMORY, 0);
	vfio_irq_eventfd(edu, VFIO_PCI_INTX_IRQ_INDEX, 0, event);
	vfio_write(edu, 0, EDU_IRQ_RAISE, 1, 4);
	CHECK_EQ(event_wait(event, 10000), 1);
	masked = real_cfg(edu->bdf, PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE;
	vfio_write(edu, 0, EDU_IRQ_ACK, 1, 4);
	vfio_irq_disable(edu, VFIO_PCI_INTX_IRQ_INDEX);
	close(event);
	return masked;
}

static bool offers_vga(struct vfio_device *device)
{
	struct vfio_region_info *info;

	return !vfio_region_try(device, VFIO_PCI_VGA_REGION_INDEX, &info) && info->size;
}

/* disable_idle_d3 */

TEST(idle_d3_written_while_bound_changes_nothing_until_rebind)
{
	const char *bdf = vm_bdf("nvme0");

	driver_load("disable_idle_d3=0");
	rebind(bdf);
	pci_wait_power_state(bdf, "D3hot");
	set("disable_idle_d3", "1");
	vfio_close(vfio_open(bdf));
	pci_wait_power_state(bdf, "D3hot");
	rebind(bdf);
	pci_wait_power_state(bdf, "D0");
	vfio_close(vfio_open(bdf));
	pci_wait_power_state(bdf, "D0");
}

TEST(idle_d3_written_while_open_keeps_runtime_pm_balanced)
{
	static const char * const values[] = { "0", "1" };

	for (int first = 0; first < 2; first++) {
		const char *bdf = vm_bdf("nvme0");
		struct vfio_device *nvme;
		int unbound = pm_usage(bdf), closed, open;

		driver_load(first ? "disable_idle_d3=1" : "disable_idle_d3=0");
		rebind(bdf);
		closed = pm_usage(bdf);
		nvme = vfio_open(bdf);
		open = pm_usage(bdf);
		set("disable_idle_d3", values[!first]);
		CHECK_EQ(pm_usage(bdf), open);
		vfio_close(nvme);
		CHECK_EQ(pm_usage(bdf), closed);
		vfio_close(vfio_open(bdf));
		CHECK_EQ(pm_usage(bdf), closed);
		pci_unbind(bdf);
		CHECK_EQ(pm_usage(bdf), unbound);
		driver_unload();
	}
}

/*
 * A fixed pseudo-random walk over parameter writes, opens, closes, binds and unbinds. Usage counts
 * are compared with those of the same state when it was first seen under the latched value.
 */
TEST(runtime_pm_is_balanced_over_any_sequence)
{
	const char *bdf = vm_bdf("nvme1");
	int unbound = pm_usage(bdf), closed[2] = { -1, -1 }, open[2] = { -1, -1 };
	bool parameter = false, latch = false, bound = false;
	struct vfio_device *nvme = NULL;
	unsigned int seed = 1;
	int *expected;

	driver_load("disable_idle_d3=0");
	for (int step = 0; step < 100; step++) {
		seed = seed * 1103515245 + 12345;
		switch (seed >> 16 & 3) {
		case 0:
			parameter = seed >> 20 & 1;
			set("disable_idle_d3", parameter ? "1" : "0");
			break;
		case 1:
		case 2:
			if (!bound)
				break;
			if (nvme) {
				vfio_close(nvme);
				nvme = NULL;
			} else {
				nvme = vfio_open(bdf);
			}
			break;
		default:
			if (nvme)
				break;
			if (bound) {
				pci_unbind(bdf);
			} else {
				rebind(bdf);
				latch = parameter;
			}
			bound = !bound;
		}
		if (!bound) {
			CHECK_EQ(pm_usage(bdf), unbound);
			continue;
		}
		expected = nvme ? &open[latch] : &closed[latch];
		if (*expected < 0)
			*expected = pm_usage(bdf);
		CHECK_EQ(pm_usage(bdf), *expected);
	}
	CHECK(closed[0] >= 0 && closed[1] >= 0 && open[0] >= 0 && open[1] >= 0);
}

/* nointxmask */

TEST_OURS(nointxmask_written_while_open_changes_nothing_until_rebind)
{
	const char *bdf = vm_bdf("edu0");
	struct vfio_device *edu;

	driver_load("nointxmask=0");
	edu = vfio_bind_and_open(bdf);
	set("nointxmask", "1");
	CHECK(masks_in_the_function(edu));
	vfio_close(edu);
	edu = vfio_open(bdf);
	CHECK(masks_in_the_function(edu));
	vfio_close(edu);
	edu = vfio_bind_and_open(bdf);
	CHECK(!masks_in_the_function(edu));
	set("nointxmask", "0");
	CHECK(!masks_in_the_function(edu));
	vfio_close(edu);
	edu = vfio_bind_and_open(bdf);
	CHECK(masks_in_the_function(edu));
}

TEST(nointxmask_at_load_masks_at_the_interrupt_controller)
{
	driver_load("nointxmask=1");
	CHECK(!masks_in_the_function(vfio_bind_and_open(vm_bdf("edu0"))));
}

/* disable_vga */

TEST(disable_vga_hides_the_vga_region_and_gives_up_legacy_decoding)
{
	const char *bdf = vm_bdf("vga0");

	driver_load("disable_vga=1");
	rebind(bdf);
	CHECK_STR(vga_decodes(bdf), "none");
	CHECK(!offers_vga(vfio_open(bdf)));
}

TEST(vga_region_is_offered_by_default)
{
	const char *bdf = vm_bdf("vga0");

	driver_load(NULL);
	CHECK(offers_vga(vfio_bind_and_open(bdf)));
}

TEST(unbind_gives_vga_decoding_back)
{
	const char *bdf = vm_bdf("vga0"), *before = vga_arbiter(bdf);

	driver_load("disable_vga=1");
	rebind(bdf);
	pci_unbind(bdf);
	CHECK_STR(vga_arbiter(bdf), before);
}

/* A client left behind would be called, in an unloaded module, when the other VGA device goes. */
TEST(unbind_leaves_no_vga_arbiter_client)
{
	static const char * const parameters[] = { "disable_vga=0", "disable_vga=1" };
	const char *first = vm_bdf("vga0"), *second = vm_bdf("vga1");
	char *decodes = vga_decodes(first);

	for (size_t i = 0; i < 2; i++) {
		driver_load(parameters[i]);
		rebind(first);
		vfio_close(vfio_open(first));
		pci_unbind(first);
		driver_unload();
		pci_attr_set(second, "remove", "1");
		file_write("/sys/bus/pci/rescan", "1");
		CHECK(WAIT_UNTIL(pci_attr_exists(second, "vendor"), 10000));
		CHECK_STR(vga_decodes(first), decodes);
	}
}

TEST(disable_vga_cannot_be_written)
{
	driver_load(NULL);
	CHECK_EQ(module_parameter_mode("vfio_pci", "disable_vga"), 0444);
}

TEST(idle_d3_and_nointxmask_can_be_written)
{
	driver_load(NULL);
	CHECK_EQ(module_parameter_mode("vfio_pci", "disable_idle_d3"), 0644);
	CHECK_EQ(module_parameter_mode("vfio_pci", "nointxmask"), 0644);
}

TEST_OURS(policy_can_be_written)
{
	driver_load(NULL);
	CHECK_EQ(module_parameter_mode("vfio_pci", "policy"), 0644);
}

TEST_OURS(two_vga_devices_live_under_their_own_rules)
{
	const char *off = vm_bdf("vga0"), *on = vm_bdf("vga1");

	driver_load(format("policy=%s/disable_vga=1", off));
	rebind(off);
	rebind(on);
	CHECK_STR(vga_decodes(off), "none");
	CHECK_STR(vga_decodes(on), "io+mem");
	CHECK(!offers_vga(vfio_open(off)));
	CHECK(offers_vga(vfio_open(on)));
}

/* sysfs */

TEST_OURS(sysfs_shows_the_tunables_read_only)
{
	const char *bdf = vm_bdf("edu0");
	char name[64];

	driver_load(NULL);
	rebind(bdf);
	for (size_t i = 0; i < NR_TUNABLES; i++) {
		snprintf(name, sizeof(name), "vfio_pci/%s", tunables[i]);
		CHECK_EQ(pci_attr_mode(bdf, name), 0444);
		CHECK_LATCHED(bdf, tunables[i], 0, "default");
	}
	CHECK_EQ(pci_attr_mode(bdf, "vfio_pci/policy_source"), 0444);
}

TEST_OURS(policy_source_has_one_line_per_tunable_and_no_other)
{
	const char *bdf = vm_bdf("edu0");

	driver_load(format("nointxmask=1 policy=%s/disable_vga=yes", EDU_ID));
	rebind(bdf);
	CHECK_STR(pci_attr(bdf, "vfio_pci/policy_source"),
		  "disable_idle_d3 default\n"
		  "disable_vga " EDU_ID "/disable_vga=yes\n"
		  "nointxmask parameter");
}

TEST_OURS(sysfs_group_is_gone_after_unbind)
{
	const char *bdf = vm_bdf("edu0");

	driver_load(NULL);
	rebind(bdf);
	CHECK(pci_attr_exists(bdf, "vfio_pci"));
	pci_unbind(bdf);
	CHECK(!pci_attr_exists(bdf, "vfio_pci"));
	rebind(bdf);
	CHECK(pci_attr_exists(bdf, "vfio_pci/policy_source"));
}

TEST_OURS(sysfs_shows_the_latched_value_after_the_parameter_changed)
{
	const char *old = vm_bdf("edu0"), *new = vm_bdf("edu1");
	struct vfio_device *edu;

	driver_load(NULL);
	edu = vfio_bind_and_open(old);
	set("disable_idle_d3", "1");
	set("nointxmask", "Y");
	CHECK_LATCHED(old, "disable_idle_d3", 0, "default");
	CHECK_LATCHED(old, "nointxmask", 0, "default");
	rebind(new);
	CHECK_LATCHED(new, "disable_idle_d3", 1, "parameter");
	CHECK_LATCHED(new, "nointxmask", 1, "parameter");
	vfio_close(edu);
	rebind(old);
	CHECK_LATCHED(old, "disable_idle_d3", 1, "parameter");
}

TEST_OURS(a_parameter_set_to_its_default_counts_as_set)
{
	const char *bdf = vm_bdf("edu0");

	driver_load("disable_idle_d3=0");
	rebind(bdf);
	CHECK_LATCHED(bdf, "disable_idle_d3", 0, "parameter");
	CHECK_LATCHED(bdf, "nointxmask", 0, "default");
}

/* Rules */

TEST_OURS(most_specific_rule_wins_whatever_the_order)
{
	const char *edu0 = vm_bdf("edu0"), *edu1 = vm_bdf("edu1"), *nvme = vm_bdf("nvme1");
	char *address = format("%s/nointxmask=0", edu0);

	driver_load(format("nointxmask=1 policy=%s;%s/nointxmask=1;%s/nointxmask=0", address,
			   EDU_SUBSYSTEM, EDU_ID));
	rebind(edu0);
	rebind(edu1);
	rebind(nvme);
	CHECK_LATCHED(edu0, "nointxmask", 0, address);
	CHECK_LATCHED(edu1, "nointxmask", 1, EDU_SUBSYSTEM "/nointxmask=1");
	CHECK_LATCHED(nvme, "nointxmask", 1, "parameter");
}

TEST_OURS(id_rule_beats_the_parameter)
{
	const char *bdf = vm_bdf("edu0");

	driver_load("nointxmask=1 policy=" EDU_ID "/nointxmask=off");
	rebind(bdf);
	CHECK_LATCHED(bdf, "nointxmask", 0, EDU_ID "/nointxmask=off");
}

TEST_OURS(rule_for_another_subsystem_does_not_match)
{
	const char *bdf = vm_bdf("edu0");

	driver_load("policy=1234:11e8:1af4:1101/nointxmask=1");
	rebind(bdf);
	CHECK_LATCHED(bdf, "nointxmask", 0, "default");
}

TEST_OURS(precedence_is_per_key)
{
	const char *bdf = vm_bdf("edu0");
	char *address = format("%s/nointxmask=1", bdf);

	driver_load(format("disable_vga=1 policy=%s;%s/disable_idle_d3=1,nointxmask=0", address,
			   EDU_ID));
	rebind(bdf);
	CHECK_LATCHED(bdf, "nointxmask", 1, address);
	CHECK_LATCHED(bdf, "disable_idle_d3", 1, EDU_ID "/disable_idle_d3=1");
	CHECK_LATCHED(bdf, "disable_vga", 1, "parameter");
}

TEST_OURS(last_of_equal_rules_wins)
{
	const char *bdf = vm_bdf("edu0");

	driver_load(NULL);
	set("policy", EDU_ID "/nointxmask=0 " EDU_ID "/nointxmask=1");
	rebind(bdf);
	CHECK_LATCHED(bdf, "nointxmask", 1, EDU_ID "/nointxmask=1");
	set("policy", EDU_ID "/nointxmask=1;" EDU_ID "/nointxmask=0");
	rebind(bdf);
	CHECK_LATCHED(bdf, "nointxmask", 0, EDU_ID "/nointxmask=0");
}

TEST_OURS(rules_written_later_change_devices_probed_later_only)
{
	const char *old = vm_bdf("edu0"), *new = vm_bdf("edu1");

	driver_load(NULL);
	rebind(old);
	set("policy", EDU_ID "/nointxmask=1");
	rebind(new);
	CHECK_LATCHED(old, "nointxmask", 0, "default");
	CHECK_LATCHED(new, "nointxmask", 1, EDU_ID "/nointxmask=1");
	set("policy", "\n");
	CHECK_LATCHED(new, "nointxmask", 1, EDU_ID "/nointxmask=1");
	rebind(new);
	CHECK_LATCHED(new, "nointxmask", 0, "default");
}

TEST_OURS(malformed_rule_is_refused_whole_and_rules_in_force_stay)
{
	static const char * const malformed[] = {
		EDU_ID,
		EDU_ID "/",
		EDU_ID "/nointxmask",
		EDU_ID "/nointxmask=",
		EDU_ID "/nointxmask=2",
		EDU_ID "/nointxmask=1,",
		EDU_ID "/nosuchkey=1",
		EDU_ID "/enable_sriov=1",
		"/nointxmask=1",
		"1234/nointxmask=1",
		"1234:11e/nointxmask=1",
		"1234:11e8:1af4/nointxmask=1",
		"12345:11e8/nointxmask=1",
		"00:01.0/nointxmask=1",
		"0000:01:00/nointxmask=1",
		"0000:01:20.0/nointxmask=1",
		"0000:01:00.8/nointxmask=1",
		"0000:01:00.0:/nointxmask=1",
		"0000:gg:00.0/nointxmask=1",
	};
	const char *good = EDU_ID "/nointxmask=1", *bdf = vm_bdf("edu0");

	driver_load(NULL);
	set("policy", good);
	for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
		char *text = format("%s/nointxmask=0;%s", EDU_ID, malformed[i]);
		int mark = kmsg_mark(), error;
		char *line;

		error = module_parameter_set_try("vfio_pci", "policy", text);
		if (error != -EINVAL)
			FAIL("\"%s\" gives %d", malformed[i], error);
		CHECK_EQ(kmsg_count(mark, "."), 1);
		line = kmsg_find(mark, ".");
		if (!strstr(line, malformed[i]))
			FAIL("\"%s\" is not named in \"%s\"", malformed[i], line);
		CHECK_STR(module_parameter("vfio_pci", "policy"), good);
	}
	rebind(bdf);
	CHECK_LATCHED(bdf, "nointxmask", 1, good);
}

TEST_OURS(malformed_rule_at_load_refuses_the_module)
{
	int mark = kmsg_mark();

	CHECK_ERR(EINVAL, driver_load_try("policy=" EDU_ID "/nointxmask=maybe"));
	CHECK(kmsg_count(mark, EDU_ID "/nointxmask=maybe") >= 1);
	driver_load("policy=" EDU_ID "/nointxmask=1");
}

TEST_OURS(value_is_what_the_kernel_takes_for_a_bool)
{
	static const char * const words[] = { "1", "y", "Y", "yes", "on", "ON", "0", "n", "N",
					      "no", "off", "Off" };
	const char *bdf = vm_bdf("edu0");

	driver_load(NULL);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		char *rule = format("%s/nointxmask=%s", EDU_ID, words[i]);

		set("policy", rule);
		rebind(bdf);
		CHECK_LATCHED(bdf, "nointxmask", i < 6, rule);
	}
}

TEST_OURS(policy_reads_back_what_is_in_force)
{
	char *text = format("%s/disable_idle_d3=1;%s/nointxmask=1,disable_vga=0", vm_bdf("edu0"),
			    EDU_ID);

	driver_load(format("policy=%s", text));
	CHECK_STR(module_parameter("vfio_pci", "policy"), text);
	set("policy", format("%s\n", EDU_ID "/nointxmask=0"));
	CHECK_STR(module_parameter("vfio_pci", "policy"), EDU_ID "/nointxmask=0");
}

/* Single rules */

#define NEW_RULE "/sys/bus/pci/drivers/vfio-pci/new_rule"
#define REMOVE_RULE "/sys/bus/pci/drivers/vfio-pci/remove_rule"

/* Checks that a write is refused with one line in the log, and that the rules are still these. */
static void check_refused(int error, const char *attribute, const char *rule, const char *stay)
{
	int mark = kmsg_mark(), ret = file_write_try(attribute, rule);

	if (ret != -error)
		FAIL("\"%s\" to %s gives %d", rule, attribute, ret);
	CHECK_EQ(kmsg_count(mark, "."), 1);
	CHECK(kmsg_count(mark, "rule refused: ") == 1);
	CHECK_STR(module_parameter("vfio_pci", "policy"), stay);
}

TEST_OURS(single_rules_are_added_and_removed_by_root_only)
{
	driver_load(NULL);
	CHECK_EQ(file_mode(NEW_RULE), 0200);
	CHECK_EQ(file_mode(REMOVE_RULE), 0200);
}

TEST_OURS(an_added_rule_is_the_last_and_changes_devices_probed_later_only)
{
	const char *old = vm_bdf("edu0"), *new = vm_bdf("edu1");

	driver_load("policy=" EDU_ID "/nointxmask=0");
	rebind(old);
	file_write(NEW_RULE, EDU_ID "/nointxmask=1\n");
	CHECK_STR(module_parameter("vfio_pci", "policy"),
		  EDU_ID "/nointxmask=0;" EDU_ID "/nointxmask=1");
	rebind(new);
	CHECK_LATCHED(old, "nointxmask", 0, EDU_ID "/nointxmask=0");
	CHECK_LATCHED(new, "nointxmask", 1, EDU_ID "/nointxmask=1");
	file_write(REMOVE_RULE, EDU_ID "/nointxmask=1\n");
	CHECK_STR(module_parameter("vfio_pci", "policy"), EDU_ID "/nointxmask=0");
	CHECK_LATCHED(new, "nointxmask", 1, EDU_ID "/nointxmask=1");
	rebind(new);
	CHECK_LATCHED(new, "nointxmask", 0, EDU_ID "/nointxmask=0");
}

TEST_OURS(of_rules_that_read_alike_the_last_one_is_removed)
{
	driver_load(NULL);
	set("policy", EDU_ID "/nointxmask=1 1af4:1000/disable_vga=1");
	file_write(NEW_RULE, EDU_ID "/nointxmask=1");
	file_write(REMOVE_RULE, EDU_ID "/nointxmask=1");
	CHECK_STR(module_parameter("vfio_pci", "policy"),
		  EDU_ID "/nointxmask=1 1af4:1000/disable_vga=1");
	file_write(REMOVE_RULE, EDU_ID "/nointxmask=1");
	CHECK_STR(module_parameter("vfio_pci", "policy"), "1af4:1000/disable_vga=1");
}

TEST_OURS(a_single_rule_that_is_refused_changes_nothing)
{
	static const char * const no_rules[] = {
		"\n", " ; ", EDU_ID, EDU_ID "/nointxmask=2", EDU_ID "/enable_sriov=1",
		"0000:01:20.0/nointxmask=1",
		EDU_ID "/disable_vga=1;" EDU_ID "/nointxmask=1",
		EDU_ID "/disable_vga=1\n" EDU_ID "/nointxmask=1",
	};
	const char *good = EDU_ID "/nointxmask=1,disable_vga=1";

	driver_load(format("policy=%s", good));
	for (size_t i = 0; i < sizeof(no_rules) / sizeof(no_rules[0]); i++)
		check_refused(EINVAL, NEW_RULE, no_rules[i], good);
	check_refused(EINVAL, REMOVE_RULE, "\n", good);
	check_refused(EINVAL, REMOVE_RULE, EDU_ID "/nointxmask=1 " EDU_ID "/disable_vga=1", good);
	/* What stands there as one rule is removed as one. */
	check_refused(ENOENT, REMOVE_RULE, EDU_ID "/nointxmask=1", good);
	file_write(REMOVE_RULE, good);
	check_refused(ENOENT, REMOVE_RULE, good, "");
}

/* The parameter can hold 4095 bytes, and be read. */
TEST_OURS(rules_can_be_added_as_long_as_all_can_be_read)
{
	char *first = EDU_ID "/nointxmask=1", *rule, *all, *whole;
	int room;

	driver_load(NULL);
	set("policy", first);
	for (int i = 0;; i++) {
		all = module_parameter("vfio_pci", "policy");
		rule = format("%04x:%04x/disable_vga=1", i, i);
		room = 4095 - strlen(all) - 1;
		if (room < (int)strlen(rule))
			break;
		file_write(NEW_RULE, rule);
		CHECK_STR(module_parameter("vfio_pci", "policy"), format("%s;%s", all, rule));
	}
	check_refused(E2BIG, NEW_RULE, rule, all);
	/* To the last byte: words that begin with y are true. */
	file_write(REMOVE_RULE, strrchr(all, ';') + 1);
	*strrchr(all, ';') = '\0';
	rule = format("1af4:1000/nointxmask=y%0*d", (int)(4095 - strlen(all) - 23), 0);
	whole = format("%s;%s", all, rule);
	CHECK_EQ(strlen(whole), 4095);
	check_refused(E2BIG, NEW_RULE, format("%s0", rule), all);
	file_write(NEW_RULE, rule);
	CHECK_STR(module_parameter("vfio_pci", "policy"), whole);
	file_write(REMOVE_RULE, rule);
	CHECK_STR(module_parameter("vfio_pci", "policy"), all);
}

/* Adds and removes a rule as fast as it can. */
static pid_t writer_of_rule(const char *rule)
{
	pid_t writer = CHECK_OK(fork());

	if (writer)
		return writer;
	for (;;) {
		file_write(NEW_RULE, rule);
		file_write(REMOVE_RULE, rule);
	}
}

TEST_OURS(writers_of_single_rules_lose_none_beside_probes)
{
	const char *bdf = vm_bdf("edu0"), *stays = "1af4:1000/disable_vga=1";
	char *mine = format("%s/nointxmask=1", bdf);
	pid_t writers[2];

	driver_load(format("policy=%s", stays));
	writers[0] = writer_of_rule(EDU_ID "/disable_idle_d3=1");
	writers[1] = writer_of_rule("1b36:0010/disable_idle_d3=1");
	for (int i = 0; i < 50; i++) {
		file_write(NEW_RULE, mine);
		rebind(bdf);
		CHECK_LATCHED(bdf, "nointxmask", 1, mine);
		file_write(REMOVE_RULE, mine);
		pci_unbind(bdf);
	}
	for (int i = 0; i < 2; i++) {
		kill(writers[i], SIGKILL);
		waitpid(writers[i], NULL, 0);
	}
	/* They were killed anywhere. */
	file_write_try(REMOVE_RULE, EDU_ID "/disable_idle_d3=1");
	file_write_try(REMOVE_RULE, "1b36:0010/disable_idle_d3=1");
	CHECK_STR(module_parameter("vfio_pci", "policy"), stays);
}

static bool write_rule(int attribute)
{
	const char *rule = EDU_ID "/nointxmask=1";
	ssize_t written = write(attribute, rule, strlen(rule));

	if (written < 0)
		CHECK_EQ(errno, ENODEV);
	return written > 0;
}

/* Somebody has the attributes open, and writes, while the module goes. */
TEST_OURS(a_module_goes_while_its_rules_are_written)
{
	for (int i = 0; i < 10; i++) {
		int new, removed, begun[2];
		pid_t writer;
		char byte;

		driver_load(NULL);
		new = CHECK_OK(open(NEW_RULE, O_WRONLY));
		removed = CHECK_OK(open(REMOVE_RULE, O_WRONLY));
		CHECK_OK(pipe(begun));
		writer = CHECK_OK(fork());
		if (!writer) {
			CHECK(write_rule(new));
			CHECK_EQ(write(begun[1], "", 1), 1);
			while (write_rule(removed) && write_rule(new))
				;
			_exit(0);
		}
		CHECK_EQ(read(begun[0], &byte, 1), 1);
		driver_unload();
		child_check_ends("the writer of rules", writer);
		CHECK(!write_rule(new));
		close(new);
		close(removed);
		close(begun[0]);
		close(begun[1]);
	}
}

TEST_OURS(rule_decides_idle_power_of_each_device)
{
	const char *stays = vm_bdf("nvme0"), *sleeps = vm_bdf("nvme1");

	driver_load(format("policy=%s/disable_idle_d3=1", stays));
	rebind(stays);
	rebind(sleeps);
	pci_wait_power_state(sleeps, "D3hot");
	pci_wait_power_state(stays, "D0");
	vfio_close(vfio_open(stays));
	vfio_close(vfio_open(sleeps));
	pci_wait_power_state(sleeps, "D3hot");
	pci_wait_power_state(stays, "D0");
}

/* Another process writes parameters and rules as fast as it can. */
TEST_OURS(concurrent_writes_leave_devices_whole)
{
	const char *bdf = vm_bdf("nvme1");
	int unbound = pm_usage(bdf);
	pid_t writer;

	driver_load(NULL);
	writer = CHECK_OK(fork());
	if (!writer)
		for (int i = 0;; i++) {
			set("disable_idle_d3", i & 1 ? "1" : "0");
			set("policy", i & 2 ? "1b36:0010/disable_idle_d3=1" : "");
		}
	for (int i = 0; i < 10; i++) {
		bool value;

		rebind(bdf);
		value = latched(bdf, "disable_idle_d3");
		vfio_close(vfio_open(bdf));
		CHECK_EQ(latched(bdf, "disable_idle_d3"), value);
		pci_wait_power_state(bdf, value ? "D0" : "D3hot");
		pci_unbind(bdf);
		CHECK_EQ(pm_usage(bdf), unbound);
	}
	kill(writer, SIGKILL);
	waitpid(writer, NULL, 0);
}
