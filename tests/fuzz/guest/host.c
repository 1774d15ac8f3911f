// SPDX-License-Identifier: GPL-2.0-only
/* What the host does to a function: policies between clients, and disturbances of one. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz.h"
#include "vmtest.h"

static void add_rule(char *text, size_t size)
{
	static const char * const values[] = { "0", "1", "y", "N", "on", "off", "2", "", "x" };
	static const char * const keys[] = { "disable_idle_d3", "disable_vga", "nointxmask", "x" };
	const char *bdf = session.subject->bdf;
	size_t length = strlen(text);

	switch (random_below(6)) {
	case 0:
		length += snprintf(text + length, size - length, "%04x:%04x/",
				   (unsigned int)pci_attr_number(bdf, "vendor"),
				   (unsigned int)pci_attr_number(bdf, "device"));
		break;
	case 1:
		length += snprintf(text + length, size - length, "%04x:%04x:%04x:%04x/",
				   (unsigned int)pci_attr_number(bdf, "vendor"),
				   (unsigned int)pci_attr_number(bdf, "device"),
				   (unsigned int)pci_attr_number(bdf, "subsystem_vendor"),
				   (unsigned int)pci_attr_number(bdf, "subsystem_device"));
		break;
	case 2:
		length += snprintf(text + length, size - length, "%x:%x/",
				   (unsigned int)random_value(2), (unsigned int)random_value(4));
		break;
	default:
		length += snprintf(text + length, size - length, "%s/", bdf);
	}
	for (unsigned int n = 1 + random_below(3); n; n--)
		length += snprintf(text + length, size - length, "%s=%s%s",
				   keys[random_chance(97) ? random_below(3) : 3],
				   values[random_chance(95) ? random_below(6) : random_below(9)],
				   n > 1 ? "," : "");
}

/* Rules, mostly right ones. A character may be wrong. */
static void write_rules(void)
{
	char text[1024] = "";

	for (unsigned int n = random_below(4); n; n--) {
		add_rule(text, sizeof(text));
		strcat(text, RANDOM_OF(0, 1) ? ";" : " ");
	}
	if (*text && random_chance(15))
		text[random_below(strlen(text))] = 33 + random_below(94);
	call_is("policy \"%s\"", text);
	call_gives(module_parameter_set_try("vfio_pci", "policy", text));
}

/* The function is not open, and is bound anew. */
void host_change_policy(void)
{
	static const char * const latched[] = {
		"disable_idle_d3", "disable_vga", "nointxmask", "policy_source",
	};
	const char *bdf = session.subject->bdf;
	char path[64];

	pci_unbind(bdf);
	if (driver_is_ours()) {
		write_rules();
		module_parameter_set_try("vfio_pci", "disable_idle_d3", random_chance(50) ? "1" : "0");
		module_parameter_set_try("vfio_pci", "nointxmask", random_chance(30) ? "1" : "0");
		free(module_parameter("vfio_pci", "policy"));
		free(module_parameter("vfio_pci", "nointxmask"));
	}
	pci_bind(bdf, VFIO_PCI);
	for (unsigned int n = 0; driver_is_ours() && n < 4; n++) {
		snprintf(path, sizeof(path), "vfio_pci/%s", latched[n]);
		free(pci_attr(bdf, path));
	}
}

static void reset_through_sysfs(void)
{
	call_is("host reset");
	call_gives(pci_attr_set_try(session.subject->bdf, "reset", "1"));
}

static void change_vfs(void)
{
	unsigned int count = random_below(3);

	if (!pci_attr_exists(session.subject->bdf, "sriov_numvfs")) {
		reset_through_sysfs();
		return;
	}
	call_is("host makes %u VFs", count);
	call_gives(pci_set_vfs_try(session.subject->bdf, count));
}

static void change_power_control(void)
{
	const char *control = random_chance(50) ? "on" : "auto";

	call_is("host power %s", control);
	call_gives(pci_attr_set_try(session.subject->bdf, "power/control", control));
}

/* An unbind asks the client to close the device, again and again, and waits for it. */
static void unbind(void)
{
	const char *bdf = session.subject->bdf;
	struct vfio_irq_set *set = (void *)session.buffer;
	struct pollfd asked = { .fd = session.events[0], .events = POLLIN };
	pid_t child;

	*set = (struct vfio_irq_set) {
		.argsz = sizeof(*set) + 4,
		.flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
		.index = VFIO_PCI_REQ_IRQ_INDEX,
		.count = 1,
	};
	memcpy(set->data, &session.events[0], 4);
	call_is("unbind");
	event_take(session.events[0]);
	if (random_chance(70))
		ioctl(session.fd, VFIO_DEVICE_SET_IRQS, set);
	child = CHECK_OK(fork());
	if (!child) {
		/* Its copies of files would keep the device open. */
		session_close();
		pci_unbind(bdf);
		_exit(0);
	}
	poll(&asked, 1, 2000);
	session_close();
	CHECK_EQ(waitpid(child, NULL, 0), child);
	pci_bind(bdf, VFIO_PCI);
	CHECK(session_open(session.subject));
}

void call_host(void)
{
	switch (random_below(8)) {
	case 0 ... 2:
		reset_through_sysfs();
		break;
	case 3 ... 5:
		change_vfs();
		break;
	case 6:
		change_power_control();
		break;
	default:
		held_close();
		unbind();
	}
}

void host_disturb(void)
{
	switch (random_below(20)) {
	case 0:
		change_vfs();
		break;
	case 1:
		reset_through_sysfs();
		break;
	case 2:
		change_power_control();
		break;
	}
}
