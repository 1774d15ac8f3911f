// SPDX-License-Identifier: GPL-2.0-only
/* kstrtobool() is declared in <linux/kstrtox.h> */
#include <linux/kstrtox.h>

int probe(const char *s, bool *value)
{
	return kstrtobool(s, value);
}
