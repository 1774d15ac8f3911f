/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's command line: the way out for a machine that does not boot otherwise. */
#ifndef COMMAND_LINE_H
#define COMMAND_LINE_H

#include <stdbool.h>

/* Nothing is claimed in the initramfs; nothing is claimed or bound by the boot or by udev at all. */
#define INITRAMFS_SWITCHED_OFF "rd.vfio-latch=0"
#define SWITCHED_OFF "vfio-latch=0"

/* command_line.c APIs: */
bool command_line_has(const char *word);

#endif
