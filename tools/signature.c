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
		size_t length = strlen(signer);

		if (!key)
			continue;
		has_keys = true;
		key += strlen(" asymmetri ");
		found = !strncmp(key, signer, length) && key[length] == ':';
	}
	if (keys)
		fclose(keys);
	return found || !has_keys;
}
