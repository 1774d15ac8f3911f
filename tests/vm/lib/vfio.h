/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vfio.h: a VFIO client, as thin as a test needs it.
 *
 * Functions that end in _try, and those that say so, return a negative errno on failure; all others
 * fail the test.
 */
#ifndef VMTEST_VFIO_H
#define VMTEST_VFIO_H

#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct vfio_device {
	char bdf[16];
	/* Or the iommufd in its place. */
	int container;
	/* -1 for a device that was opened by its node. */
	int group;
	int fd;
	/* Its id in the iommufd that it is bound to (cdev.h). */
	uint32_t devid;
	/* And the address space in it, 0 for a container's. */
	uint32_t ioas;
	bool owns_container;
	bool owns_group;
	struct vfio_device_info info;
};

/* vfio_open.c: container, group, device, DMA */

/* Open a bound function in a type 1 container of its own, or what --access has in its place. */
struct vfio_device *vfio_open(const char *bdf);
/* In the container of OTHER; in its group too, when both are in the same group. */
struct vfio_device *vfio_open_with(struct vfio_device *other, const char *bdf);
/*
 * The device name is passed on as it is, with a token for instance: "0000:02:00.1 vf_token=UUID".
 * Returns 0 or a negative errno of the step that failed.
 */
int vfio_open_try(const char *bdf, const char *name, struct vfio_device **device);
/* By its address and WORDS behind it: " vf_token=UUID". */
int vfio_open_words_try(const char *bdf, const char *words, struct vfio_device **device);
/* Close device, group and container. */
void vfio_close(struct vfio_device *device);
/* Bind to the driver under test, which must be loaded, and open. */
struct vfio_device *vfio_bind_and_open(const char *bdf);
/* Load the driver with PARAMETERS, bind and open this device of the machine; it decodes memory. */
struct vfio_device *vfio_open_with_memory(const char *id, const char *parameters);

/* Memory for DMA: page aligned, zeroed, mapped at IOVA until the container closes. */
void *vfio_dma_alloc(struct vfio_device *device, uint64_t iova, size_t size);
void vfio_dma_map(struct vfio_device *device, void *memory, uint64_t iova, size_t size);
void vfio_dma_unmap(struct vfio_device *device, uint64_t iova, size_t size);

/* vfio_region.c: regions and config space */

struct vfio_region_info *vfio_region(struct vfio_device *device, unsigned int index); /* to free */
uint64_t vfio_region_size(struct vfio_device *device, unsigned int index);
int vfio_region_try(struct vfio_device *device, unsigned int index,
		    struct vfio_region_info **info);
/* A capability in the chain of a region's or the device's info; NULL when it is not there. */
struct vfio_info_cap_header *vfio_info_cap(void *info, uint32_t first, uint16_t id);

/* pread and pwrite in a region: the number of bytes, or a negative errno. */
ssize_t vfio_read_try(struct vfio_device *device, unsigned int index, uint64_t offset,
		      void *data, size_t size);
ssize_t vfio_write_try(struct vfio_device *device, unsigned int index, uint64_t offset,
		       const void *data, size_t size);
/* A value of SIZE 1, 2, 4 or 8 bytes. */
uint64_t vfio_read(struct vfio_device *device, unsigned int index, uint64_t offset, size_t size);
void vfio_write(struct vfio_device *device, unsigned int index, uint64_t offset, uint64_t value,
		size_t size);
/* Map a part of a region; MAP_FAILED with errno set when it is refused. */
void *vfio_mmap(struct vfio_device *device, unsigned int index, uint64_t offset, size_t size,
		int protection);

uint8_t cfg8(struct vfio_device *device, unsigned int offset);
uint16_t cfg16(struct vfio_device *device, unsigned int offset);
uint32_t cfg32(struct vfio_device *device, unsigned int offset);
void cfg_set8(struct vfio_device *device, unsigned int offset, uint8_t value);
void cfg_set16(struct vfio_device *device, unsigned int offset, uint16_t value);
void cfg_set32(struct vfio_device *device, unsigned int offset, uint32_t value);
/* The offset of a capability as the client sees it, 0 when there is none. */
unsigned int cfg_cap(struct vfio_device *device, uint8_t id);
unsigned int cfg_ext_cap(struct vfio_device *device, uint16_t id);
/* The same in the real config space, through sysfs. */
uint32_t real_cfg(const char *bdf, unsigned int offset, size_t size);
void real_cfg_set(const char *bdf, unsigned int offset, uint32_t value, size_t size);
unsigned int real_cfg_cap(const char *bdf, uint8_t id);
/* Set or clear bits of COMMAND, as a client does. */
void cfg_command(struct vfio_device *device, uint16_t set, uint16_t clear);

/* vfio_irq.c: interrupts and eventfds */

int event_new(void);
void event_signal(int fd);
/* Wait for an eventfd: its count, or 0 when nothing came in time. */
uint64_t event_wait(int fd, int ms);
/* Take what is there without waiting. */
uint64_t event_take(int fd);

int vfio_irq_info_try(struct vfio_device *device, unsigned int index, struct vfio_irq_info *info);
struct vfio_irq_info vfio_irq_info(struct vfio_device *device, unsigned int index);
/* SET_IRQS with any flags; DATA of SIZE bytes follows the header. 0 or a negative errno. */
int vfio_irqs_try(struct vfio_device *device, unsigned int index, uint32_t flags,
		  unsigned int start, unsigned int count, const void *data, size_t size);
/* Give eventfds to COUNT vectors. */
int vfio_irq_eventfds_try(struct vfio_device *device, unsigned int index, unsigned int start,
			  unsigned int count, const int *fds);
void vfio_irq_eventfds(struct vfio_device *device, unsigned int index, unsigned int start,
		       unsigned int count, const int *fds);
/* Give an eventfd to a single vector. */
void vfio_irq_eventfd(struct vfio_device *device, unsigned int index, unsigned int vector, int fd);
/* Have vector 0 signal a new eventfd, and return that. */
int vfio_irq_event(struct vfio_device *device, unsigned int index);
/* Turn all vectors of an index off. */
void vfio_irq_disable(struct vfio_device *device, unsigned int index);
/* Signal a vector from user space. */
void vfio_irq_loopback(struct vfio_device *device, unsigned int index, unsigned int vector);
void vfio_irq_mask(struct vfio_device *device, unsigned int index);
/* Interrupts on the lines of /proc/interrupts with NAME in them, all processors together. */
unsigned long long interrupts(const char *name);
/* Have the eventfd FD write DATA, of 4 bytes. */
void vfio_write_by_event(struct vfio_device *device, unsigned int region, uint64_t offset,
			 uint32_t data, int fd);
void vfio_irq_unmask(struct vfio_device *device, unsigned int index);

/* vfio_feature.c: device features, resets */

/* Newer headers have both. */
#ifndef VFIO_DEVICE_FEATURE_DMA_BUF
#define VFIO_DEVICE_FEATURE_DMA_BUF 11
#endif

struct dma_buf_request {
	uint32_t region, open_flags, flags, nr_ranges;
	struct dma_buf_range {
		uint64_t offset, length;
	} ranges[8];
};

/* DEVICE_FEATURE with FLAGS (an id and VFIO_DEVICE_FEATURE_GET, _SET or _PROBE). */
int vfio_feature_try(struct vfio_device *device, uint32_t flags, void *data, size_t size);
/* VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY or _EXIT; skips the test if the kernel's driver has neither. */
void vfio_low_power(struct vfio_device *device, uint32_t feature);
/* Set the token that users of the PF's VFs must name. */
int vfio_set_vf_token_try(struct vfio_device *pf, const uint8_t uuid[16]);

int vfio_reset_try(struct vfio_device *device);
void vfio_reset(struct vfio_device *device);
/* The functions that a hot reset affects, to be freed. */
int vfio_hot_reset_info_try(struct vfio_device *device, struct vfio_pci_hot_reset_info **info);
int vfio_hot_reset_try(struct vfio_device *device, const int *groups, unsigned int count);

#endif
