// SPDX-License-Identifier: GPL-2.0-only
/*
 * A mark records to whom a node was given. It is made before the node is changed, and replaced as a
 * whole: an interruption at any point leaves a mark by which the node can be taken back.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "access/access.h"
#include "system/state.h"
#include "system/sysfs.h"

static void mark_path(char path[PATH_SIZE], const struct node *node, const char *suffix)
{
	system_path(path, STATE_DIRECTORY "/access-%s%s", strrchr(node->name, '/') + 1, suffix);
}

static int write_file(const char *path, const struct mark *mark)
{
	FILE *file = fopen(path, "we");
	int ret;

	if (!file)
		return -errno;
	errno = EIO;
	ret = fprintf(file, "%u %u %o", mark->given.uid, mark->given.gid, mark->given.mode) < 0;
	if (mark->is_changing)
		ret |= fprintf(file, " %u %u %o", mark->before.uid, mark->before.gid,
			       mark->before.mode) < 0;
	ret |= fputc('\n', file) == EOF;
	ret |= fclose(file) != 0;
	return ret ? -errno : 0;
}

/* Replaces the mark of @node, or leaves it as it was. Returns 0 or a negative errno. */
int mark_write(const struct node *node, const struct mark *mark)
{
	char path[PATH_SIZE], new[PATH_SIZE];
	int ret;

	mark_path(path, node, "");
	mark_path(new, node, ".new");
	ret = write_file(new, mark);
	if (!ret && rename(new, path))
		ret = -errno;
	if (ret)
		unlink(new);
	return ret;
}

/* Returns 0, -ENOENT if @node has no mark, or another negative errno if it cannot be read. */
int mark_read(const struct node *node, struct mark *mark)
{
	struct access *given = &mark->given, *before = &mark->before;
	char path[PATH_SIZE], text[128];
	int ret;

	mark_path(path, node, "");
	ret = attr_read(text, sizeof(text), "%s", path + strlen(system_root()));
	if (ret < 0)
		return ret;
	*mark = (struct mark){};
	ret = sscanf(text, "%u %u %o %u %u %o", &given->uid, &given->gid, &given->mode,
		     &before->uid, &before->gid, &before->mode);
	mark->is_changing = ret == 6;
	return ret == 3 || ret == 6 ? 0 : -EBADMSG;
}

void mark_remove(const struct node *node)
{
	char path[PATH_SIZE];

	mark_path(path, node, "");
	unlink(path);
}

/* Whether a node with @is is as its mark says, or as an interrupted node_give() left it. */
bool mark_fits(const struct mark *mark, const struct access *is)
{
	const struct access *given = &mark->given, *before = &mark->before;

	if (!mark->is_changing)
		return access_equal(is, given);
	return ((is->uid == given->uid && is->gid == given->gid) ||
		(is->uid == before->uid && is->gid == before->gid)) &&
	       (is->mode == given->mode || is->mode == before->mode ||
		is->mode == (given->mode & before->mode));
}
