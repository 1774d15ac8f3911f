// SPDX-License-Identifier: GPL-2.0-only
/* guard(mutex)(): unlocked at the end of the scope */
#include <linux/mutex.h>

void probe(struct mutex *lock)
{
	guard(mutex)(lock);
}
