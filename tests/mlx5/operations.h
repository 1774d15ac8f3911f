/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * operations.h: operations of a client, for tests in which they fail. Each returns the
 * first error, and 0 when there is none.
 */
#include "connectx.h"
#include "migration.h"

#define PAGE	4096
#define IOVA	0x40000000ULL
#define STATE(name) VFIO_DEVICE_STATE_##name

static struct vfio_device *vf;
static const struct dma_range range __attribute__((unused)) = { IOVA, 64 * PAGE };

static inline void open_vf(void)
{
	vf = connectx_open_one();
	vfio_dma_alloc(vf, IOVA, 64 * PAGE);
}

static inline int set_state(unsigned int state)
{
	int data, error = migration_set_try(vf, state, &data);

	if (data >= 0)
		close(data);
	return error;
}

static inline int suspend(void)
{
	return set_state(STATE(STOP));
}

static inline int suspend_and_resume(void)
{
	return suspend() ?: set_state(STATE(RUNNING));
}

static inline int save(void)
{
	struct migration_image image = {};
	int data, error = migration_set_try(vf, STATE(STOP_COPY), &data);

	if (!error)
		error = migration_read_try(data, &image);
	free(image.bytes);
	if (data >= 0)
		close(data);
	return error;
}

/* Pre-copy until the stream runs dry. */
static inline int precopy(void)
{
	struct migration_image image = {};
	int data, error = migration_set_try(vf, STATE(PRE_COPY), &data);

	if (!error)
		error = migration_read_try(data, &image);
	free(image.bytes);
	if (data >= 0)
		close(data);
	return error == -ENOMSG ? 0 : error;
}

static struct migration_image image;

static inline int load(void)
{
	return migration_load_try(vf, &image);
}

static inline int track(void)
{
	uint64_t bitmap = 0;

	return dma_logging_start_try(vf, &range, 1, PAGE) ?:
	       dma_logging_report_try(vf, IOVA, 64 * PAGE, PAGE, &bitmap) ?:
	       dma_logging_stop_try(vf);
}

/* After a reset the VF works: a state moves. */
static inline void check_usable(void)
{
	uint64_t digest;

	vfio_reset(vf);
	CHECK_EQ(migration_state(vf), STATE(RUNNING));
	CHECK_EQ(window_fill(vf, 100000, 12), WINDOW_DONE);
	digest = window_digest(vf);
	free(image.bytes);
	image = migration_save(vf);
	vfio_reset(vf);
	CHECK_EQ(load(), 0);
	CHECK_EQ(window_digest(vf), digest);
	migration_set(vf, STATE(RUNNING));
}
