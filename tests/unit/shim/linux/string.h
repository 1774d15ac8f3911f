/* SPDX-License-Identifier: GPL-2.0-only */
/* Strings, with the kernel's documented meaning. */
#ifndef SHIM_LINUX_STRING_H
#define SHIM_LINUX_STRING_H

#include <linux/slab.h>
#include <linux/types.h>
#include <string.h>
#include <sys/types.h>

/* Copies as much as fits with its end; returns the length, or -E2BIG when it was cut. */
ssize_t strscpy(char *to, const char *from, size_t size);

/* Ends the text after its last character that is no space; returns its first that is none. */
char *strim(char *text);

/* The index of the string that equals, or -EINVAL. */
int match_string(const char *const *array, size_t n, const char *text);

char *kstrdup(const char *text, gfp_t flags);

#endif
