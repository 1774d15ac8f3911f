/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * firmware.h: the firmware as a group of situations meets it.
 */
#ifndef CONFORMANCE_FIRMWARE_H
#define CONFORMANCE_FIRMWARE_H

#include <stddef.h>
#include <stdint.h>

/*
 * What the model is set to before mlx5_core is loaded, a property and its value in JSON; and sizes
 * that go with it.
 */
struct firmware {
	const char *property, *value;
	/* Bytes of a state; one that chunks do not hold at once, and one that they do. */
	uint64_t large, small;
	/* Bytes of a stream that has come to its second image, if there is one. */
	size_t amid;
	/*
	 * Images of the large state, of a stopped VF: those that are saved before anything is read,
	 * the same when the first was saved and read while it ran, and all.
	 */
	unsigned int ahead, left, images;
};

/* Each group defines its own. */
extern const struct firmware firmware;

#endif
