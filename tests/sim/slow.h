/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SLOW_H
#define SLOW_H

/* slow.c APIs: */
void slow_register_type(void);

#endif
