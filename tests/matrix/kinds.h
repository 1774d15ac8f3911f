/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kinds.h: the kinds of streams that there are, and where they lie between two boots: each is
 * SHARE/SAVER/KIND, and SHARE/SAVER/KIND.digest has the digest of its state.
 */
#ifndef MATRIX_KINDS_H
#define MATRIX_KINDS_H

#include "vmtest.h"

#define SHARE "/tmp/share"

struct kind {
	const char *name;
	uint64_t size;	/* of the state */
	bool precopy;
};

/* What the firmware makes of a state, and the property of the model for that. */
struct firmware {
	const char *property, *value;
	struct kind kinds[4];
};

#define SIZE 3000000

static const struct firmware one_chunk = { NULL, NULL, {
	{ "empty", 0, false },
	{ "one-chunk", SIZE, false },
	{ "one-chunk-precopy", SIZE, true },
} };

static const struct firmware many_chunks = { "chunk-size", "262144", {
	{ "many-chunks", SIZE, false },
	{ "many-chunks-precopy", SIZE, true },
} };

static const struct firmware no_chunks = { "chunks", "false", {
	{ "no-chunks", SIZE, false },
	{ "no-chunks-precopy", SIZE, true },
} };

static inline const char *kind_path(const char *saver, const char *kind, const char *suffix)
{
	char *path;

	CHECK_LE(0, asprintf(&path, SHARE "/%s/%s%s", saver, kind, suffix));
	return path;
}

#endif
