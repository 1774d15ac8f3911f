// SPDX-License-Identifier: GPL-2.0-only
/* MODULE_IMPORT_NS() takes a string literal, and does not turn its argument into one */
#include <linux/module.h>

#undef MODULE_INFO
#define MODULE_INFO(tag, info)	static_assert(sizeof(info) == sizeof("NAMESPACE"))

MODULE_IMPORT_NS("NAMESPACE");
