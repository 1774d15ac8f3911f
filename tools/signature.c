// SPDX-License-Identifier: GPL-2.0-only
/* Whether the kernel wants modules to be signed, and by whom. */
#include <stdio.h>
#include <string.h>

#include "module.h"

/* How the kernel says that it wants signatures, or NULL. */
const char *signatures_wanted(void)
{
	char text[128];

	attr_read(text, sizeof(text), "/sys/kernel/security/lockdown");
	if (strstr(text, "[integrity]") || strstr(text, "[confidentiality]"))
		return "lockdown";
	attr_read(text, sizeof(text), "/sys/module/module/parameters/sig_enforce");
	return text[0] == 'Y' ? "module.sig_enforce" : NULL;
}

/* "NAME: hash", or "ORGANISATION: NAME: hash". */
static bool is_named(const char *key, const char *signer)
{
	size_t length = strlen(signer);
	const char *found = key;

	while ((found = strstr(found, signer))) {
		bool begins = found == key || (found - key > 1 && !strncmp(found - 2, ": ", 2));

		if (begins && found[length] == ':')
			return true;
		found++;
	}
	return false;
}

/* Certificates of the kernel, the firmware and mokutil are keys that root may see. */
bool signer_is_known(const char *signer)
{
	bool has_keys = false, found = false;
	char path[PATH_SIZE], line[1024];
	FILE *keys;

	system_path(path, "/proc/keys");
	keys = fopen(path, "re");
	while (keys && !found && fgets(line, sizeof(line), keys)) {
		const char *key = strstr(line, " asymmetri ");

		if (!key)
			continue;
		has_keys = true;
		found = is_named(key + strlen(" asymmetri "), signer);
	}
	if (keys)
		fclose(keys);
	return found || !has_keys;
}
