// SPDX-License-Identifier: GPL-2.0-only
/*
 * The streams that all drivers have saved on all kernels (saves.c), and which of them this one
 * loads here.
 *
 * vm-machine: matrix
 * vm-drivers: ours kernel
 * vm-modules: mlx5_core virtio_pci 9pnet_virtio 9p
 */
#include <dirent.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "vmtest.h"
#include "connectx.h"
#include "host_dir.h"
#include "kinds.h"
#include "migration.h"

CLEAN_UP
{
	umount(SHARE);
	connectx_clean_up();
}

static struct migration_image read_file(const char *path)
{
	struct migration_image file = {};
	int fd = CHECK_OK(open(path, O_RDONLY | O_CLOEXEC));

	for (;;) {
		ssize_t got;

		file.bytes = realloc(file.bytes, file.size + (1 << 20));
		got = CHECK_OK(read(fd, file.bytes + file.size, 1 << 20));
		if (!got)
			break;
		file.size += got;
	}
	close(fd);
	return file;
}

/* Returns what is wrong, or NULL. */
static const char *load(struct vfio_device *vf, const char *saver, const struct kind *kind)
{
	struct migration_image image = read_file(kind_path(saver, kind->name, ""));
	struct migration_image digest = read_file(kind_path(saver, kind->name, ".digest"));
	int error;

	CHECK_EQ(digest.size, sizeof(uint64_t));
	error = migration_load_try(vf, &image);
	if (error)
		return strerrorname_np(-error);
	if (window_state_size(vf) != kind->size)
		return "the state has another size";
	if (window_digest(vf) != *(uint64_t *)digest.bytes)
		return "another state";
	migration_set(vf, VFIO_DEVICE_STATE_RUNNING);
	return window_suspended(vf) & 3 ? "the VF does not run" : NULL;
}

static bool check_loads(struct vfio_device *vf, const char *saver, const struct kind *kind)
{
	const char *wrong = load(vf, saver, kind);

	if (wrong)
		printf("|refused %s %s %s\n", saver, kind->name, wrong);
	else
		printf("|loaded %s %s\n", saver, kind->name);
	/* Whatever state it is in: the next one comes to an empty VF. */
	vfio_reset(vf);
	CHECK_EQ(window_state_size(vf), 0);
	return !wrong;
}

static void load_all(const struct firmware *firmware)
{
	unsigned int refused = 0, savers = 0;
	struct vfio_device *vf;
	struct dirent *entry;
	DIR *directory;

	host_dir_mount("share", SHARE, 0);
	/* Both hosts of a migration have the same firmware. */
	if (firmware->property)
		connectx_configure(firmware->property, firmware->value);
	vf = connectx_open_one();
	directory = opendir(SHARE);
	CHECK(directory);
	while ((entry = readdir(directory))) {
		if (entry->d_name[0] == '.')
			continue;
		savers++;
		for (const struct kind *kind = firmware->kinds; kind->name; kind++)
			refused += !check_loads(vf, entry->d_name, kind);
	}
	closedir(directory);
	CHECK_LT(0, savers);
	CHECK_EQ(refused, 0);
}

TEST(all_streams_of_one_chunk_are_loaded)
{
	load_all(&one_chunk);
}

TEST(all_streams_of_many_chunks_are_loaded)
{
	load_all(&many_chunks);
}

TEST(all_streams_without_chunks_are_loaded)
{
	load_all(&no_chunks);
}
