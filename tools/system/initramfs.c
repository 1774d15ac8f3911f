// SPDX-License-Identifier: GPL-2.0-only
/* This is a file of its own because tests have no initramfs. */
#include <stdio.h>
#include <unistd.h>

#include "doctor/doctor.h"

/* Lists the files in the initramfs of @release, with the tool of its maker; or NULL. */
FILE *initramfs_open(const char *release)
{
	static const struct { const char *program, *file, *command; } makers[] = {
		{ "/usr/bin/lsinitramfs", "/boot/initrd.img-%s",
		  "lsinitramfs '/boot/initrd.img-%s' 2>/dev/null" },
		/* On Debian, dracut uses Debian's name for it. */
		{ "/usr/bin/lsinitrd", "/boot/initrd.img-%s",
		  "lsinitrd '/boot/initrd.img-%s' 2>/dev/null" },
		{ "/usr/bin/lsinitrd", "/boot/initramfs-%s.img",
		  "lsinitrd '/boot/initramfs-%s.img' 2>/dev/null" },
	};
	char file[256], command[512];
	size_t n;

	for (n = 0; n < sizeof(makers) / sizeof(makers[0]); n++) {
		snprintf(file, sizeof(file), makers[n].file, release);
		snprintf(command, sizeof(command), makers[n].command, release);
		if (!access(makers[n].program, X_OK) && !access(file, R_OK))
			return popen(command, "re");
	}
	return NULL;
}

void initramfs_close(FILE *list)
{
	pclose(list);
}
