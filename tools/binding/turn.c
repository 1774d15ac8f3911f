// SPDX-License-Identifier: GPL-2.0-only
/*
 * udev calls for each new VF, and has a limited number of calls under way. All VFs of a PF wait for
 * the same drivers: if each call waited, those of a PF that is stuck would keep udev from the events
 * of all other devices. So one call at a time binds a PF's VFs, one after the other. The others
 * leave it a mark for their VF, and end.
 *
 * The mark is there before the turn is asked for, and who gives the turn up looks for marks again
 * afterwards: none is overlooked.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "binding/bind.h"
#include "system/lock.h"
#include "system/state.h"
#include "system/sysfs.h"

/* With the PF's address. */
#define LOCK_NAME "turn-%s"

/* With the PF's address, before that of a VF. What it says is for the one whose turn it is. */
#define MARK "new-%s-"
#define MARK_HOTPLUG "hotplug"

/*
 * Says that @vf waits for its turn. A mark for @hotplug, which an earlier call has left, stays one.
 * Returns 0 or a negative errno.
 */
int turn_wait(const struct device *vf, bool hotplug)
{
	char name[NAME_SIZE];
	ssize_t size = hotplug ? strlen(MARK_HOTPLUG) : 0;
	int fd, ret;

	snprintf(name, sizeof(name), MARK "%s", vf->pf, vf->bdf);
	fd = state_open(name, O_WRONLY, 0644);
	if (fd < 0)
		return fd;
	ret = write(fd, MARK_HOTPLUG, size) == size ? 0 : -EIO;
	close(fd);
	return ret;
}

/* The turn of @pf's VFs, a lock; or -EWOULDBLOCK while another call has it, or another errno. */
int turn_take(const char *pf)
{
	char name[NAME_SIZE];

	snprintf(name, sizeof(name), LOCK_NAME, pf);
	return lock_try(name);
}

/* Sets @vf to the address of one of @pf's VFs that wait. Returns whether there is one. */
static bool find(const char *pf, char vf[ADDRESS_SIZE])
{
	char mark[NAME_SIZE];
	struct names names;
	bool found = false;
	size_t n, length;

	vf[0] = '\0';
	length = snprintf(mark, sizeof(mark), MARK, pf);
	list_names(&names, STATE_DIRECTORY);
	for (n = 0; n < names.count && !found; n++) {
		found = !strncmp(names.name[n], mark, length);
		if (found)
			snprintf(vf, ADDRESS_SIZE, "%s", names.name[n] + length);
	}
	free_names(&names);
	return found;
}

/* Whether VFs of @pf wait for a turn. */
bool turn_is_wanted(const char *pf)
{
	char vf[ADDRESS_SIZE];

	return find(pf, vf);
}

/* Likewise, and takes the mark: @vf has its turn now. */
bool turn_next(const char *pf, char vf[ADDRESS_SIZE], bool *hotplug)
{
	char text[NAME_SIZE];

	if (!find(pf, vf))
		return false;
	*hotplug = attr_read(text, sizeof(text), STATE_DIRECTORY "/" MARK "%s", pf, vf) >= 0 &&
		   !strcmp(text, MARK_HOTPLUG);
	state_remove(MARK "%s", pf, vf);
	return true;
}

/* Has udev call again, for the VFs of @pf that wait. What has gone waits no more. */
void turn_hand_over(const char *pf)
{
	char vf[ADDRESS_SIZE];

	while (find(pf, vf)) {
		if (!attr_write("add", "/sys/bus/pci/devices/%s/uevent", vf))
			return;
		state_remove(MARK "%s", pf, vf);
	}
}
