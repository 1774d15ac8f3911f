#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# For dracut, which sources it before it starts udev. The command says in the kernel's log what it
# could not do.

vfio-latch claim --initramfs || :
