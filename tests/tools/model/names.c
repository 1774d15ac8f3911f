// SPDX-License-Identifier: GPL-2.0-only
/*
 * A directory server beside the system's own users: it never answers for the user "away", and is not
 * there for "gone".
 */
#include <dlfcn.h>
#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

struct passwd *getpwnam(const char *name)
{
	struct passwd *(*system_getpwnam)(const char *name);

	if (!strcmp(name, "away"))
		pause();
	if (!strcmp(name, "gone")) {
		errno = ECONNREFUSED;
		return NULL;
	}
	*(void **)&system_getpwnam = dlsym(RTLD_NEXT, "getpwnam");
	return system_getpwnam(name);
}
