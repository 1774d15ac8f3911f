// SPDX-License-Identifier: GPL-2.0-only
/* The kernel's functions that the pure logic calls, in user space. */
#include <ctype.h>
#include <endian.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <stdlib.h>

#include "shim.h"

static int allocations_left = -1;
static bool byte_order_swapped;

void shim_swap_byte_order(bool swap)
{
	byte_order_swapped = swap;
}

u32 shim_le32(u32 value)
{
	return byte_order_swapped ? htobe32(value) : htole32(value);
}

u64 shim_le64(u64 value)
{
	return byte_order_swapped ? htobe64(value) : htole64(value);
}

void shim_fail_allocation(int nth)
{
	allocations_left = nth;
}

static bool allocation_fails(void)
{
	return allocations_left >= 0 && allocations_left-- == 0;
}

void *kcalloc(size_t n, size_t size, gfp_t flags)
{
	(void)flags;
	return allocation_fails() ? NULL : calloc(n, size);
}

void *kzalloc(size_t size, gfp_t flags)
{
	return kcalloc(1, size, flags);
}

void *kvzalloc(size_t size, gfp_t flags)
{
	return kcalloc(1, size, flags);
}

void kfree(const void *memory)
{
	free((void *)memory);
}

void kvfree(const void *memory)
{
	free((void *)memory);
}

char *kstrdup(const char *text, gfp_t flags)
{
	(void)flags;
	return allocation_fails() ? NULL : strdup(text);
}

int hex_to_bin(unsigned char digit)
{
	if (!isxdigit(digit))
		return -1;
	return isdigit(digit) ? digit - '0' : tolower(digit) - 'a' + 10;
}

int kstrtobool(const char *text, bool *value)
{
	switch (tolower((unsigned char)text[0])) {
	case 'y':
	case 't':
	case '1':
		*value = true;
		return 0;
	case 'n':
	case 'f':
	case '0':
		*value = false;
		return 0;
	case 'o':
		if (tolower((unsigned char)text[1]) != 'n' && tolower((unsigned char)text[1]) != 'f')
			return -EINVAL;
		*value = tolower((unsigned char)text[1]) == 'n';
		return 0;
	default:
		return -EINVAL;
	}
}

ssize_t strscpy(char *to, const char *from, size_t size)
{
	size_t length = strnlen(from, size);

	if (!size)
		return -E2BIG;
	if (length == size) {
		memcpy(to, from, size - 1);
		to[size - 1] = '\0';
		return -E2BIG;
	}
	memcpy(to, from, length + 1);
	return length;
}

char *strim(char *text)
{
	size_t length = strlen(text);

	while (length && isspace((unsigned char)text[length - 1]))
		length--;
	text[length] = '\0';
	while (isspace((unsigned char)*text))
		text++;
	return text;
}

int match_string(const char *const *array, size_t n, const char *text)
{
	size_t index;

	for (index = 0; index < n; index++)
		if (!strcmp(array[index], text))
			return index;
	return -EINVAL;
}
