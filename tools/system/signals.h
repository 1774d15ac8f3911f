/* SPDX-License-Identifier: GPL-2.0-only */
/* Signals, which must not end the command amid a device. */
#ifndef SIGNALS_H
#define SIGNALS_H

/* signals.c APIs: */
void signals_begin(void);
void signals_hold(void);
void signals_release(void);
void signals_as_before(void);

#endif
