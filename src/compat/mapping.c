// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device's own address space, to find all mappings of its BARs.
 *
 * A newer vfio gives every device an inode and points its files there. An
 * older one opens device files on the one anonymous inode of the system; there
 * we make an inode, on a file system of our own, and point a file to it at its
 * first mmap, before any mapping exists.
 */
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/pseudo_fs.h>

#include "../core/core.h"

#ifdef HAVE_VFIO_DEVICE_INODE

struct address_space *compat_mapping_get(struct vfio_device *vdev)
{
	return vdev->inode->i_mapping;
}

void compat_mapping_put(struct address_space *mapping)
{
}

void compat_mapping_attach(struct address_space *mapping, struct vm_area_struct *vma)
{
}

#else

#define LATCH_FS_MAGIC	0x6c617463

static struct vfsmount *mount;
static int mount_users;

static int init_fs_context(struct fs_context *context)
{
	return init_pseudo(context, LATCH_FS_MAGIC) ? 0 : -ENOMEM;
}

static struct file_system_type latch_fs = {
	.name = "vfio-latch",
	.owner = THIS_MODULE,
	.init_fs_context = init_fs_context,
	.kill_sb = kill_anon_super,
};

/**
 * compat_mapping_get - make a device's address space
 * @vdev: the device
 *
 * Return: the address space, for compat_mapping_put(), or an ERR_PTR().
 */
struct address_space *compat_mapping_get(struct vfio_device *vdev)
{
	struct inode *inode;
	int ret;

	ret = simple_pin_fs(&latch_fs, &mount, &mount_users);
	if (ret)
		return ERR_PTR(ret);
	inode = alloc_anon_inode(mount->mnt_sb);
	if (IS_ERR(inode)) {
		simple_release_fs(&mount, &mount_users);
		return ERR_CAST(inode);
	}
	/* Far from 0, below which mmap is refused: see compat_mapping_attach(). */
	atomic_set(&inode->i_mapping->i_mmap_writable, INT_MAX / 2);
	return inode->i_mapping;
}

/**
 * compat_mapping_put - undo compat_mapping_get()
 * @mapping: what it returned
 */
void compat_mapping_put(struct address_space *mapping)
{
	iput(mapping->host);
	simple_release_fs(&mount, &mount_users);
}

/**
 * compat_mapping_attach - put a new mapping into the device's address space
 * @mapping: the address space
 * @vma: the mapping, being made
 *
 * mmap counts a shared mapping in f_mapping before this, and removes the count
 * from f_mapping after it: so the count moves along when f_mapping changes.
 * Another process that maps the same file for the first time at the same moment
 * may have counted in the old one. The count stays there, which does no harm.
 *
 * Context: mmap; the kernel looks up f_mapping afterwards.
 */
void compat_mapping_attach(struct address_space *mapping, struct vm_area_struct *vma)
{
	struct address_space *old = xchg(&vma->vm_file->f_mapping, mapping);

	if (old == mapping || !(vma->vm_flags & VM_SHARED))
		return;
	mapping_allow_writable(mapping);
	mapping_unmap_writable(old);
}

#endif
