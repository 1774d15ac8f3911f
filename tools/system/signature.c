// SPDX-License-Identifier: GPL-2.0-only
/* Whether the kernel requires signed modules, and whether it knows a signer. */
#include <stdio.h>
#include <string.h>

#include "system/module.h"

/* Returns what makes the kernel require signatures, or NULL. */
const char *signatures_wanted(void)
{
	char text[128];

	attr_read(text, sizeof(text), "/sys/kernel/security/lockdown");
	if (strstr(text, "[integrity]") || strstr(text, "[confidentiality]"))
		return "lockdown";
	attr_read(text, sizeof(text), "/sys/module/module/parameters/sig_enforce");
	return text[0] == 'Y' ? "module.sig_enforce" : NULL;
}

/* Whether @key is "SIGNER: hash" or "ORGANISATION: SIGNER: hash". */
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

/* Root sees certificates of kernel, firmware and mokutil as keys. Without any key it is true. */
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
