/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of the model share. */
#ifndef MODEL_H
#define MODEL_H

/* kernel.c APIs: */
void model_log(const char *file, const char *text);
void model_hang(const char *where);

#endif
