// SPDX-License-Identifier: GPL-2.0-only
/*
 * A stream of each kind, for the boots that load them (loads.c).
 *
 * vm-machine: matrix
 * vm-drivers: ours kernel
 * vm-modules: mlx5_core virtio_pci 9pnet_virtio 9p
 * vm-sources: ../mlx5/lib/changing.c
 */
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "../mlx5/lib/changing.h"
#include "vmtest.h"
#include "connectx.h"
#include "host_dir.h"
#include "kinds.h"
#include "stream.h"

CLEAN_UP
{
	umount(SHARE);
	connectx_clean_up();
}

/* This driver on this kernel: "ours-6.1". */
static const char *saver(void)
{
	struct utsname kernel;
	unsigned int major, minor;
	char *name;

	CHECK_OK(uname(&kernel));
	CHECK_EQ(sscanf(kernel.release, "%u.%u", &major, &minor), 2);
	CHECK_LE(0, asprintf(&name, "%s-%u.%u", driver_is_ours() ? "ours" : "kernel", major,
			     minor));
	return name;
}

/* Another state for each stream, so that none can be taken for another. */
static uint64_t seed(const char *path)
{
	uint64_t hash = 0;

	for (; *path; path++)
		hash = hash * 31 + *path;
	return hash;
}

static void keep(const char *path, const void *bytes, size_t size)
{
	int fd = CHECK_OK(open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644));

	CHECK_EQ(migration_write_try(fd, bytes, size), 0);
	CHECK_OK(close(fd));
}

static void save(struct vfio_device *vf, const struct kind *kind)
{
	const char *path = kind_path(saver(), kind->name, "");
	struct migration_image image;
	uint64_t digest;

	CHECK_EQ(window_fill(vf, kind->size, seed(path)), WINDOW_DONE);
	image = kind->precopy ? save_while_it_changes(vf, 0) : migration_save(vf);
	digest = window_digest(vf);
	keep(path, image.bytes, image.size);
	keep(kind_path(saver(), kind->name, ".digest"), &digest, sizeof(digest));
	printf("|saved %s in %u\n", kind->name, stream_count(&image, STREAM_TAG_FIRMWARE));
	vfio_reset(vf);
}

static void save_all(const struct firmware *firmware)
{
	struct vfio_device *vf;

	host_dir_mount("share", SHARE, 0);
	mkdir(kind_path(saver(), "", ""), 0755);
	if (firmware->property)
		connectx_configure(firmware->property, firmware->value);
	vf = connectx_open_one();
	for (const struct kind *kind = firmware->kinds; kind->name; kind++)
		save(vf, kind);
}

TEST(states_are_saved_in_one_chunk)
{
	save_all(&one_chunk);
}

TEST(states_are_saved_in_many_chunks)
{
	save_all(&many_chunks);
}

TEST(states_are_saved_without_chunks)
{
	save_all(&no_chunks);
}
