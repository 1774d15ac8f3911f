/* SPDX-License-Identifier: GPL-2.0-only */
/* vmtest.h: all that a test program needs. */
#ifndef VMTEST_VMTEST_H
#define VMTEST_VMTEST_H

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cdev.h"
#include "cgroup.h"
#include "child.h"
#include "client.h"
#include "file.h"
#include "iommufd.h"
#include "kmsg.h"
#include "module.h"
#include "pci.h"
#include "test.h"
#include "testdev.h"
#include "vfio.h"
#include "vga.h"
#include "vm.h"
#include "witness.h"

#endif
