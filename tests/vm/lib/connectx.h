/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * connectx.h: the ConnectX model of tests/sim, its PF under mlx5_core, and the test window in a
 * VF's BAR. docs/simulator.md describes the window and the faults.
 */
#ifndef VMTEST_CONNECTX_H
#define VMTEST_CONNECTX_H

#include <stdbool.h>
#include <stdint.h>

#include "vfio.h"

/* mlx5_core's lines in the log that are warnings or errors: only those name a process. */
#define MLX5_COMPLAINT "mlx5_core .*\\(pid [0-9]+\\)"

/* The PF, probed by mlx5_core. */
const char *connectx_pf(void);
/* The same with COUNT VFs that no driver has probed. */
const char *connectx_pf_with_vfs(int count);
/*
 * Take the VFs' driver away, and faults. For CLEAN_UP. The PF's driver stays for the next test
 * with the VFs, because to take those away takes seconds; the clean-up fails if the firmware then
 * holds something that it did not hold before the first VF was opened.
 */
void connectx_clean_up(void);
/* After this test the PF's driver and its VFs shall go, too. */
void connectx_reload_afterwards(void);
bool connectx_is_reloaded_afterwards(void);
/*
 * The PF fails, and its driver resets it, which says so in the log. The driver does that by itself
 * once in 20 minutes, unless it is reloaded.
 */
#define CONNECTX_RECOVERED "mlx5_core .*health recovery (flow )?succe"
void connectx_reset_pf(void);
/*
 * Set a property of the PF for this test, to a value in JSON: ("chunk-size", "65536"). To be
 * called first: the PF's driver is loaded anew.
 */
void connectx_configure(const char *property, const char *value);
/* Load mlx5_core for this test as a module that was not built with the kernel. */
void connectx_load_foreign_pf_driver(void);

/* Load mlx5-vfio-pci, the kernel's or ours, and open the PF's INDEXth VF with it. */
struct vfio_device *connectx_open_vf(const char *pf, int index);

/* The same with the module of this SET, "kernel" or "ours", whichever driver is under test. */
struct vfio_device *connectx_open_vf_with(const char *set, const char *pf, int index);
/* The first VF of two, or both. */
struct vfio_device *connectx_open_one(void);
void connectx_open_two(struct vfio_device **source, struct vfio_device **target);

/* The model's count of a kind of the PF's objects, such as "mkeys". */
unsigned int connectx_objects(const char *kind);
/* Properties of the PF, at run time: connectx_set("fault", "SAVE_VHCA_STATE status=0x5"). */
void connectx_set(const char *property, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Whether all faults that were set have met their commands. */
bool connectx_faults_have_happened(void);

enum window_status { WINDOW_DONE, WINDOW_INVALID, WINDOW_SUSPENDED, WINDOW_DMA_FAILED };

/* Fill the VF's state; tell its digest. */
enum window_status window_fill(struct vfio_device *vf, uint64_t size, uint64_t seed);
enum window_status window_touch(struct vfio_device *vf, uint64_t offset, uint64_t length,
				uint64_t seed);
uint64_t window_digest(struct vfio_device *vf);
uint64_t window_state_size(struct vfio_device *vf);
/* COUNT times LENGTH bytes, STRIDE apart, from IOVA on. */
enum window_status window_write(struct vfio_device *vf, uint64_t iova, uint64_t length,
				uint64_t stride, uint64_t count, uint64_t seed);
/* Bits 0 and 1: suspended as initiator, as responder. */
uint64_t window_suspended(struct vfio_device *vf);
/* Whether the firmware notes changes. */
bool window_tracks(struct vfio_device *vf);
/* The pattern that is written, to compare with. */
void window_pattern(void *buffer, uint64_t length, uint64_t seed, uint64_t offset);

#endif
