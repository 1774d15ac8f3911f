/* SPDX-License-Identifier: GPL-2.0-only */
/* The configuration that applies while the files have a fault. */
#ifndef LAST_GOOD_H
#define LAST_GOOD_H

#include "configuration/config.h"

enum last_good { LAST_GOOD_USED, LAST_GOOD_MISSING, LAST_GOOD_DAMAGED };

/* last_good.c APIs: */
void last_good_save(const struct config *config);
enum last_good last_good_load(struct config *config);
void last_good_report(const struct config *faulty, enum last_good outcome);
void section_fault_report(const struct config *config);

#endif
