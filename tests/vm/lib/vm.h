/* SPDX-License-Identifier: GPL-2.0-only */
/* vm.h: ask the host, that is QEMU, for something. Each waits for the host's answer. */
#ifndef VMTEST_VM_H
#define VMTEST_VM_H

/* The address of the device with this id in the machine's description; lives until the end. */
const char *vm_bdf(const char *id);

/* Plug a device in: "edu,id=edu9,bus=rp9". It may take the kernel a while to notice. */
void vm_device_add(const char *options);
/* Ask the guest to release a device, as a button press does; does not wait until it has. */
void vm_device_del(const char *id);
/* Wait until a device that was asked for is gone. */
void vm_wait_deleted(const char *id);

/*
 * Inject a PCIe error into a device with an AER capability; the error as in QEMU's monitor:
 * "COMP_TIME".
 */
void vm_aer(const char *id, const char *error);

/* Wait until the kernel says, after START of its log, that it has recovered from one. */
void vm_wait_recovered(int start, int ms);

/* Wake the guest as soon as it has gone to sleep (write "mem" to /sys/power/state after it). */
void vm_wakeup_when_suspended(void);

/* The SHA-256, in hex, of a part of the file behind a disk of the machine; to be freed. */
char *vm_disk_digest(const char *disk, long long offset, long long size);

/* A line of QEMU's human monitor, or a JSON command of its machine protocol; to be freed. */
char *vm_hmp(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *vm_qmp(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Any request of harness/guest.py: returns 0, or -1 when the host refuses; *ANSWER to be freed. */
int vm_request_try(char **answer, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
