/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compare.h: what the files of this program see of each other.
 *
 * A call draws its arguments, prints what it is going to do, does it, and prints all that came
 * back. What it draws depends on the device and the numbers of random.h, never on an answer.
 */
#ifndef COMPARE_H
#define COMPARE_H

#include <linux/vfio.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "random.h"
#include "vmtest.h"

#define NR_REGIONS	9	/* those of VFIO's PCI devices */
#define NR_MAPPINGS	4
/* For interrupts, for unmasking, and for ioeventfds: one that is two of these would not rest. */
#define NR_TRIGGERS	6
#define NR_UNMASKS	2
#define NR_IOEVENTFDS	2
#define NR_EVENTS	(NR_TRIGGERS + NR_UNMASKS + NR_IOEVENTFDS)
#define PATTERN		0xa5	/* in buffers, where nothing has been written */

/* subject.c: the device, as the hardware shows it: the same whose driver it has */

/* Registers that may be written: the others start DMA, or threads of QEMU, or stop it. */
struct writable {
	uint8_t bar;
	uint32_t start;
	uint32_t length;
	uint32_t mask;
};

struct subject {
	const char *bdf;
	const char *words;		/* by which it is opened: its address, with a token if need be */
	uint8_t config[4096];
	unsigned int config_size;
	uint64_t bar_size[7];		/* 6: the ROM */
	bool bar_is_port[6];
	unsigned int vectors[VFIO_PCI_NUM_IRQS];
	unsigned int pm, vpd, msi, msix, exp;	/* where the capabilities are, or 0 */
	unsigned int hidden, unknown;	/* one that no client is to see; one without a specification */
	unsigned int table_bar;
	uint64_t table_start, table_size;
	uint64_t entries_size;		/* the table, and what QEMU has behind it */
	unsigned int interesting[160];	/* offsets in configuration space */
	unsigned int nr_interesting;
	bool is_vga;
	const struct writable *writable;
	unsigned int nr_writable;
	bool splits_quads;		/* see region.c */
};

void subject_read(struct subject *subject, const char *bdf);
/* A VF of an NVMe PF that the host has, so that no token is wanted; the driver is loaded. */
const char *subject_nvme_vf(const char *pf);

/* A structure of VFIO_DEVICE_FEATURE for a dma-buf. */
struct dma_buf_feature {
	struct vfio_device_feature header;
	struct dma_buf_request request;
};

/* session.c: the open device, and what is printed */

struct mapping {
	uint8_t *memory;	/* NULL: none */
	unsigned int region;
	uint64_t offset;
	size_t size;
};

struct session {
	const struct subject *subject;
	bool is_quiet;		/* nothing is printed, and nothing waited for */
	FILE *transcript;	/* NULL: standard output */
	uint64_t seed;
	uint64_t episode;
	unsigned int call;
	int container, group, fd;
	uint64_t region_offset[NR_REGIONS];
	int events[NR_EVENTS];
	struct mapping mappings[NR_MAPPINGS];
	uint8_t *buffer;	/* two pages, and a third that is not there */
};

/* Threads that share a device have a copy each, with a buffer and mappings of their own. */
extern __thread struct session session;

/* Number of bytes before the hole of the buffer. */
#define BUFFER_SIZE	8192

/* transcript.c: a file that the host can read, behind what is in it; a window of the machine */
FILE *transcript_open(const char *window);

/* Open the device and print the answers. False when that cannot be done. */
bool session_open(const struct subject *subject);
void session_close(void);
/* Another thread's device as well as its own, and out again. */
void session_join(const struct session *other);
void session_leave(void);

/* Print the call, then its answer: a number, or the name of errno if it is negative. */
void call_is(const char *format, ...) __attribute__((format(printf, 1, 2)));
void call_gives(long result);
/* Add words to the call, or to its answer. */
void call_text(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Add bytes to the answer. */
void call_data(const void *data, size_t size);
/* Bytes of a buffer that held PATTERN before. */
void call_filled(const void *data, size_t size);
/* Let everything happen that is going to, and add the eventfds that were signalled. */
void call_events(void);
/* An ioctl with a structure of SIZE bytes, which may end in the hole of the buffer. */
void call_ioctl(unsigned long request, const void *data, size_t size);
/* Do something with memory; false, and the signal is printed, when there is none. */
bool call_touch(void (*touch)(void *context), void *context);

/* The name and number of one of the events, or of something that is none. */
int pick_event(int first, int count, char name[16]);
/* argsz: the right one, mostly. */
uint32_t pick_argsz(uint32_t right);

/* choice.c: which call comes next */

/* An episode makes more calls of one of these groups. One of them has none. */
#define NR_GROUPS	6

/* Of those that wait for the device, resets above all, a share of SLOW percent is made. */
void call_any(unsigned int group, unsigned int slow);
/* The seed of the device that has this NAME in the tests. */
uint64_t seed_of(const char *name, uint64_t seed);
/* A number of the kernel's command line: NAME=NUMBER. */
uint64_t option(const char *name, uint64_t otherwise);

/* The kinds of calls */
void call_info(void);
void call_region_info(void);
void call_irq_info(void);
void call_unknown_ioctl(void);
void call_config_read(void);
void call_config_write(void);
void call_power_state(void);
void call_command(void);
void call_region_read(void);
void call_region_write(void);
void call_device_register(void);
void call_map(void);
void call_unmap(void);
void call_touch_mapping(void);
void call_set_irqs(void);
void call_event_write(void);
void call_ioeventfd(void);
void call_feature(void);
void call_dma_buf(void);
void call_low_power(void);
void call_reset(void);
void call_hot_reset_info(void);
void call_hot_reset(void);
void call_host_view(void);

#endif
