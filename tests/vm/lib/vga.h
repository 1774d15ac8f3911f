/* SPDX-License-Identifier: GPL-2.0-only */
/* vga.h: what the VGA arbiter knows about a function of class VGA. */
#ifndef VMTEST_VGA_H
#define VMTEST_VGA_H

/* The arbiter's line for the function, to be freed; NULL when it does not know it. */
char *vga_arbiter(const char *bdf);
/* The legacy resources that it decodes: "none", "io", "mem" or "io+mem"; to be freed. */
char *vga_decodes(const char *bdf);

#endif
