/* SPDX-License-Identifier: GPL-2.0-only */
/* host_dir.h: directories of the host, on machines with a `root` or a `share` line. */
#ifndef VMTEST_HOST_DIR_H
#define VMTEST_HOST_DIR_H

/* Mount the directory that is offered as TAG at PATH; with MS_RDONLY it must not change then. */
void host_dir_mount(const char *tag, const char *path, unsigned long flags);

#endif
